//! Looking for all fields of a name, once, before they are replaced.

use super::Fields;
use super::line::Line;
use crate::message::known::Known;

/// The fields of one name in a head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Out of bounds if there is none.
    pub(super) first: usize,
    pub(super) replaced: Replaced,
}

impl Found {
    #[inline]
    fn add(&mut self, at: usize, line: &Line) {
        self.first = self.first.min(at);
        self.replaced.lines += 1;
        self.replaced.values += line.value_len as usize;
    }
}

/// What a field takes the place of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replaced {
    pub lines: usize,
    /// Bytes of their values.
    pub values: usize,
}

impl Fields {
    /// Looks for all fields of a name.
    #[inline]
    pub(super) fn find(&self, known: Known, name: &[u8]) -> Found {
        let mut found = Found {
            first: usize::MAX,
            replaced: Replaced::default(),
        };
        if self.lacks(known) {
            return found;
        }
        let lines = self.lines.iter().enumerate();
        if known == Known::Other {
            lines.for_each(|(at, line)| {
                if self.is(line, name) {
                    found.add(at, line);
                }
            });
        } else {
            lines.for_each(|(at, line)| {
                if line.known == known {
                    found.add(at, line);
                }
            });
        }
        found
    }
}

//! What a search for all fields of a name finds, before they are replaced.

use super::line::Line;

/// The fields of one name in a head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Out of bounds if there is none.
    pub(super) first: usize,
    pub(super) replaced: Replaced,
}

impl Found {
    pub(super) fn nothing() -> Self {
        Self {
            first: usize::MAX,
            replaced: Replaced::default(),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, at: usize, line: &Line) {
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

//! Where the fields are in the bytes of a head.

use std::ops::Range;

use crate::message::known::Known;

/// One field: a whole line with its end, and where name and value are in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) value: u32,
    pub(super) value_len: u32,
    pub(super) name_len: u16,
    pub(super) known: Known,
}

/// Where the fields of a head are that is being read.
#[derive(Debug, Default)]
pub struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) present: u64,
}

impl Line {
    /// From where to where the whole line is, its end included; the length of its name; from where to where its value is.
    /// Heads are bounded far below 4 GiB, and names below 64 KiB, by whoever reads or adds them.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    pub(super) fn new(
        (start, end): (usize, usize),
        name_len: usize,
        (value, value_end): (usize, usize),
        known: Known,
    ) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
            value: value as u32,
            value_len: (value_end - value) as u32,
            name_len: name_len as u16,
            known,
        }
    }

    pub(super) fn value_range(&self) -> Range<usize> {
        self.value as usize..(self.value + self.value_len) as usize
    }
}

impl Lines {
    pub fn new() -> Self {
        Self {
            lines: Vec::with_capacity(16),
            present: 0,
        }
    }

    /// Adds a line: from where to where, with its end; the length of its name, which `known` tells; where its value is.
    pub fn push(
        &mut self,
        whole: (usize, usize),
        name_len: usize,
        value: (usize, usize),
        known: Known,
    ) {
        self.lines.push(Line::new(whole, name_len, value, known));
        self.present |= known.bit();
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

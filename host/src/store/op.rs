//! What can be asked of every backend in one go: read, decide, write.

use std::time::Duration;

use bytes::Bytes;

/// One change of one key.
#[derive(Debug, Clone)]
pub enum Op<'a> {
    Set {
        value: Bytes,
        ttl: Option<Duration>,
    },
    Delete,
    Increment {
        by: i64,
        /// Only for a key that the increment creates.
        ttl: Option<Duration>,
    },
    Swap {
        /// None: the key must be absent.
        expected: Option<&'a [u8]>,
        /// None: the key is deleted.
        new: Option<Bytes>,
        ttl: Option<Duration>,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// Whether the key was there, or whether the swap was done.
    Flag(bool),
    Number(i64),
}

/// How much a bucket holds, what has expired and is not yet removed included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub entries: u64,
    /// Lengths of keys and values together.
    pub bytes: u64,
}

/// A value as a number, if it is written as Redis writes numbers: no plus sign, no zeros in front, no spaces.
pub(super) fn number(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

//! Where a tape is and how much of it is kept.

use std::path::PathBuf;
use std::time::Duration;

/// A tape to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeConfig {
    pub path: PathBuf,
    /// Bytes of one file; the record that would make it longer begins the next one.
    pub max_bytes: u64,
    /// How old a file's beginning may be when something is appended.
    pub max_age: Duration,
    /// How many older files are kept: `FILE.1` to `FILE.N`.
    pub files: usize,
}

impl TapeConfig {
    pub const MAX_BYTES: u64 = 256 << 20;
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
    pub const FILES: usize = 5;

    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_bytes: Self::MAX_BYTES,
            max_age: Self::MAX_AGE,
            files: Self::FILES,
        }
    }
}

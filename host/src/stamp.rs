//! Whether two looks at a path have seen the same file with the same content, as far as metadata tells.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Which file, however it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    pub dev: u64,
    pub ino: u64,
}

/// What every write changes, and nothing else does: not a rename, nor another owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub len: u64,
    /// Seconds and nanoseconds.
    pub mtime: (i64, i64),
}

/// Which file in which state. What a write changes would miss `cp -p` of an older file of the same size; the time of change
/// (ctime) can't be set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub file: FileId,
    pub written: Written,
    /// Seconds and nanoseconds.
    pub ctime: (i64, i64),
}

impl Written {
    /// When the last write was, if that was after 1970.
    pub fn time(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = self.mtime;
        let seconds = Duration::from_secs(seconds.try_into().ok()?);
        Some(UNIX_EPOCH + seconds + Duration::from_nanos(nanoseconds.try_into().ok()?))
    }
}

impl Stamp {
    /// Of what is no regular file: the times of a directory or a device say nothing about what it stands for.
    pub fn of_no_file(metadata: &Metadata) -> Self {
        Self {
            file: metadata.into(),
            written: Written::default(),
            ctime: (0, 0),
        }
    }
}

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
        }
    }
}

impl From<&Metadata> for Written {
    fn from(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            file: metadata.into(),
            written: metadata.into(),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

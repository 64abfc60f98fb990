//! When two looks at a path have seen the same file with the same content.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Which file, however it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    pub dev: u64,
    pub ino: u64,
}

/// Which file in which state. The size and the time of modification alone would miss `cp -p` of an older file of the
/// same size; the time of change (ctime) can't be set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub file: FileId,
    pub len: u64,
    /// Seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// Seconds and nanoseconds.
    pub ctime: (i64, i64),
}

impl Identity {
    /// Of what is no regular file: the times of a directory or a device say nothing about a plugin.
    pub(super) fn of_no_file(metadata: &Metadata) -> Identity {
        Identity {
            file: metadata.into(),
            len: 0,
            mtime: (0, 0),
            ctime: (0, 0),
        }
    }
}

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> FileId {
        FileId {
            dev: metadata.dev(),
            ino: metadata.ino(),
        }
    }
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Identity {
        Identity {
            file: metadata.into(),
            len: metadata.len(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

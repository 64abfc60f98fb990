//! What can go wrong, in words for the author of a plugin and for whoever runs the host.

use std::path::PathBuf;
use std::time::Duration;

/// Why an operation was not done, or why a store can't be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was changed.
    #[error("the {what} is {size} bytes long, and at most {limit} are allowed")]
    TooLarge {
        /// `key` or `value`.
        what: &'static str,
        size: usize,
        limit: usize,
    },

    /// Nothing was changed. What has expired was removed first.
    #[error(
        "the bucket {bucket:?} is full: it may hold {limit} {what}; delete something, let keys expire, or raise the limit"
    )]
    Full {
        bucket: String,
        /// `entries`, or `bytes` of keys and values.
        what: &'static str,
        limit: u64,
    },

    /// Nothing was changed.
    #[error("the value of {key:?} can't be incremented: it is not a whole number of 64 bits")]
    NotANumber { key: String },

    /// Nothing was changed.
    #[error("{key:?} can't be incremented by {by}: the number would not fit into 64 bits")]
    Overflow { key: String, by: i64 },

    /// A write may have been done, or be done later.
    #[error(
        "the store did not answer within {limit:?}; if this was a write, it may have been done"
    )]
    TimedOut { limit: Duration },

    /// A write may have been done if the connection broke, or if making it durable failed.
    #[error("the store can't be used at the moment: {0}")]
    Unavailable(String),

    /// At opening. The files are as they were.
    #[error(
        "{} was written by a newer tollgate: it has format {found}, and this one knows {known}; use the newer one, or \
         another file", path.display()
    )]
    Newer {
        path: PathBuf,
        found: String,
        known: u32,
    },

    /// At opening.
    #[error(
        "{} is damaged or no database of tollgate ({why}); put back a copy, or move it and its .log0 and .log1 away to \
         begin with an empty store", path.display()
    )]
    Damaged { path: PathBuf, why: String },

    /// At opening.
    #[error(
        "{} is in use by another process; hosts that share their state need Redis, others a file each", path.display()
    )]
    InUse { path: PathBuf },

    /// At opening: the directory is missing, or may not be written, or the disk is full.
    #[error("{} can't be opened: {why}", path.display())]
    CannotOpen { path: PathBuf, why: String },

    /// At opening.
    #[error("the address of the Redis server is wrong: {0}; write redis://HOST:PORT")]
    BadAddress(String),
}

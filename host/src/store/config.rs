//! What a store is made from: plain data, which whoever reads the configuration fills in.

use std::path::PathBuf;
use std::time::Duration;

/// One store: where it keeps its data, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    pub kind: Kind,
    pub quotas: Quotas,
}

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// In this process; gone when it ends.
    Memory,
    /// In a file of this machine, which one process has at a time.
    Embedded {
        /// The database. Beside it are its logs, `PATH.log0` and `PATH.log1`.
        path: PathBuf,
        durability: Durability,
        /// Whether its directory is made if it is not there. Where somebody names the path it is not: a disk that is not mounted must
        /// not become an empty store.
        make_directory: bool,
    },
    /// In a Redis server, which several hosts share.
    Redis {
        /// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` or `unix:///PATH`.
        url: String,
        /// What each key begins with there: hosts that share data have the same.
        prefix: String,
        /// How long one call may take, connecting included.
        timeout: Duration,
    },
}

/// What an acknowledged write of the embedded store survives; `store.rs` says it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The death of the process.
    #[default]
    Eventual,
    /// A power failure too: a write is acknowledged after `fdatasync`.
    Immediate,
}

/// How much may be kept, in each bucket for itself. A key and its value count with their lengths, and nothing else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// The longest key, in bytes.
    pub key_bytes: usize,
    /// The largest value, in bytes.
    pub value_bytes: usize,
    /// Keys and values of one bucket together, in bytes.
    pub bucket_bytes: u64,
    /// Entries of one bucket.
    pub bucket_entries: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            key_bytes: 1024,
            value_bytes: 1024 * 1024,
            bucket_bytes: 64 * 1024 * 1024,
            bucket_entries: 1_000_000,
        }
    }
}

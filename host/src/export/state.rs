//! What is known elsewhere and asked for when somebody reads.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The host at one moment.
#[derive(Debug, Clone, Default)]
pub struct HostState {
    /// Seconds since 1970.
    pub started: f64,
    pub ready: bool,
    pub exchanges_in_progress: usize,
    pub connections: usize,
    pub connections_accepted: u64,
    /// Labels of the routes, and names of the backends, that the configuration has now.
    pub routes: HashSet<Arc<str>>,
    pub backend_names: HashSet<String>,
    pub listeners: Vec<ConnectionsOf>,
    pub backends: Vec<ConnectionsTo>,
    pub versions: Vec<ServingVersion>,
    pub log_lines_dropped: u64,
    /// None without an access log: lines written, and lines dropped.
    pub access_log_lines: Option<(u64, u64)>,
    /// None without tracing: spans that were exported, and those that were dropped.
    pub spans: Option<(u64, u64)>,
    /// None without recording: exchanges kept in the ring, their bytes, and those that could not be kept.
    pub recording: Option<(u64, u64, u64)>,
}

/// Connections of clients to one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionsOf {
    pub listener: String,
    pub open: usize,
    pub accepted: u64,
}

/// Connections to one address of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionsTo {
    pub backend: String,
    pub address: String,
    /// Those that are being opened among them.
    pub open: usize,
    pub idle: usize,
}

/// A plugin, and the version of it that serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServingVersion {
    pub plugin: String,
    /// The beginning of the content's hash, as in logs, and the tier of its code; none if no version serves.
    pub serving: Option<(String, String)>,
}

/// What came of looks at the configuration's file.
#[derive(Debug, Default)]
pub struct ConfigReloads {
    accepted: AtomicU64,
    unchanged: AtomicU64,
    refused: AtomicU64,
}

impl ConfigReloads {
    pub fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub fn unchanged(&self) {
        self.unchanged.fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How often each was, by its name.
    pub fn counts(&self) -> [(&'static str, u64); 3] {
        [
            ("accepted", &self.accepted),
            ("unchanged", &self.unchanged),
            ("refused", &self.refused),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}

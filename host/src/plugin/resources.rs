//! What the plugins of one proxy share.

use std::sync::Arc;

use super::idle::AllIdle;
use super::seats::Seats;

/// Shared by all plugins; clones are the same.
#[derive(Debug, Clone)]
pub struct Resources {
    /// How many call plugins.
    pub threads: usize,
    pub seats: Arc<Seats>,
    pub idle: Arc<AllIdle>,
}

impl Resources {
    /// For plugins that so many threads call, as if `of` threads could be held by them.
    pub fn new(threads: usize, of: usize) -> Self {
        Self {
            threads,
            seats: Arc::new(Seats::new(of)),
            idle: Arc::default(),
        }
    }
}

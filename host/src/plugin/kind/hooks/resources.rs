//! What the plugins of one proxy share.

use std::sync::Arc;

use super::idle::AllIdle;
use super::permits::Permits;

/// Shared by all plugins; clones are the same.
#[derive(Debug, Clone)]
pub struct Resources {
    /// How many call plugins.
    pub threads: usize,
    pub permits: Arc<Permits>,
    pub idle: Arc<AllIdle>,
}

impl Resources {
    /// For plugins that so many threads call, as if `of` threads could be held by them.
    pub fn new(threads: usize, of: usize) -> Self {
        Self {
            threads,
            permits: Arc::new(Permits::new(of)),
            idle: Arc::default(),
        }
    }
}

//! What the plugins of one proxy share.

use std::sync::Arc;

use super::idle::AllIdle;
use super::permits::Permits;
use crate::counted::Counter;
use crate::plugin::wasm::Services;

/// Shared by all plugins; clones are the same.
#[derive(Debug, Clone)]
pub struct Resources {
    /// How many call plugins.
    pub threads: usize,
    pub permits: Arc<Permits>,
    pub idle: Arc<AllIdle>,
    pub services: Services,
    /// Instances that belong to WebSockets.
    pub websockets: Counter,
}

impl Resources {
    /// For plugins that so many threads call, as if `of` threads could be held by them, and that reach these services.
    pub fn new(threads: usize, of: usize, services: Services) -> Self {
        Self {
            threads,
            permits: Arc::new(Permits::new(of)),
            idle: Arc::default(),
            services,
            websockets: Counter::default(),
        }
    }
}

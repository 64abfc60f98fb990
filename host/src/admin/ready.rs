//! Whether the proxy may be sent traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether new traffic is welcome. False before the first plugins are loaded and from the signal to stop on.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

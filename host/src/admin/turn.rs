//! One what-if at a time: each may keep a core busy.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Whose turn it is.
#[derive(Debug)]
pub struct WhatIfTurn(Arc<Semaphore>);

impl Default for WhatIfTurn {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl WhatIfTurn {
    /// The turn, until what is given is dropped. None if others have it for so long.
    pub async fn take(&self, longest: Duration) -> Option<OwnedSemaphorePermit> {
        let taken = tokio::time::timeout(longest, self.0.clone().acquire_owned()).await;
        // It is never closed.
        taken.ok()?.ok()
    }
}

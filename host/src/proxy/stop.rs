//! The signal to stop, as connections hear it: nearly free to look at on each wake-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// Told once. Polling a [`CancellationToken`] takes a lock that all connections would share; the flag beside it does not.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    told: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Stop {
    pub fn stop(&self) {
        self.told.store(true, Ordering::Release);
        self.token.cancel();
    }

    pub fn is_stopped(&self) -> bool {
        self.told.load(Ordering::Acquire)
    }

    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }
}

//! What was read of a body on its way.

use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by who reads the body and who takes it down.
#[derive(Debug, Default)]
pub struct Tapped {
    length: AtomicU64,
}

impl Tapped {
    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
    }

    pub fn add(&self, data: &[u8]) {
        self.length.fetch_add(data.len() as u64, Ordering::Relaxed);
    }
}

//! How much is under way, with a bound: what comes above it is turned away at once and not queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A count of things under way.
#[derive(Debug, Clone, Default)]
pub struct Slots(Arc<AtomicUsize>);

/// One of them; counted until it is dropped.
#[derive(Debug)]
pub struct Slot {
    counted: Arc<AtomicUsize>,
    /// How many there were with this one.
    number: usize,
}

impl Slots {
    /// Counts one more.
    pub fn take(&self) -> Slot {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Slot {
            counted: self.0.clone(),
            number,
        }
    }
}

impl Slot {
    /// Whether there were more than this when it was taken.
    pub fn is_above(&self, most: usize) -> bool {
        self.number > most
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.counted.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_once_it_is_dropped() {
        let slots = Slots::default();
        let first = slots.take();
        let second = slots.take();
        assert!(!first.is_above(1) && second.is_above(1));
        drop(first);
        drop(second);
        assert!(!slots.take().is_above(1));
    }
}

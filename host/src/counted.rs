//! How much is under way, with a bound: what comes above it is turned away at once and not queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A count of things under way.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

/// One of them; counted until it is dropped.
#[derive(Debug)]
pub struct Counted {
    counted: Arc<AtomicUsize>,
    /// How many there were with this one.
    number: usize,
}

impl Counter {
    /// How many there are now.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there is any now.
    pub fn is_any(&self) -> bool {
        self.count() > 0
    }

    /// Counts one more.
    pub fn take(&self) -> Counted {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Counted {
            counted: self.0.clone(),
            number,
        }
    }
}

impl Counted {
    /// Whether there were more than this when it was taken.
    pub fn is_above(&self, most: usize) -> bool {
        self.number > most
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counted.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_counts_no_more() {
        let counter = Counter::default();
        let first = counter.take();
        let second = counter.take();
        assert_eq!(counter.count(), 2);
        assert!(!first.is_above(1) && second.is_above(1));
        drop(first);
        drop(second);
        assert!(!counter.is_any());
        assert!(!counter.take().is_above(1));
    }
}

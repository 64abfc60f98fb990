//! How long things took: a histogram that many threads add to without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in nanoseconds: from a hook's microsecond to the minute that a slow backend takes.
const BOUNDS_NS: [u64; 24] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
];

/// Counts durations by size.
#[derive(Debug, Default)]
pub struct Durations {
    /// For each bound, and for what is above the last.
    counts: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

/// What was counted up to one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedDurations {
    pub sum_seconds: f64,
    pub count: u64,
    /// Upper bounds in seconds, ascending, each with the durations in its own bucket alone. The last is infinite.
    pub buckets: Vec<(f64, u64)>,
}

impl Durations {
    pub fn observe(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_NS.partition_point(|bound| *bound < ns);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // Wraps after 584 years of waiting.
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub fn counted(&self) -> CountedDurations {
        let counts = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let bounds = BOUNDS_NS.iter().map(|ns| *ns as f64 / 1e9);
        let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        CountedDurations {
            sum_seconds: self.sum_ns.load(Ordering::Relaxed) as f64 / 1e9,
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let durations = Durations::default();
        for ns in [0, 1_000, 1_001, 60_000_000_000, 60_000_000_001] {
            durations.observe(Duration::from_nanos(ns));
        }
        let counted = durations.counted();
        let filled: Vec<_> = counted
            .buckets
            .iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(
            filled,
            [&(1e-6, 2), &(2.5e-6, 1), &(60.0, 1), &(f64::INFINITY, 1)]
        );
        assert_eq!(counted.count, 5);
        assert!((counted.sum_seconds - 120.000_002_002).abs() < 1e-9);
        assert!(BOUNDS_NS.is_sorted_by(|a, b| a < b));
    }
}

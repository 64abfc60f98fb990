//! What the host counts of one plugin, whatever version of it serves. Whoever counts has a handle; nothing is looked up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::durations::{CountedDurations, Durations};

/// Why calls of a plugin fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    /// It returned an error of its own.
    Returned,
    /// A body could not be had.
    Body,
    Trapped,
    /// It took more CPU time than it may.
    Deadline,
    /// It waited for too long.
    Stalled,
    /// It wanted more memory than it may have.
    Memory,
    /// It got no response from what comes next.
    Next,
    /// `lifecycle.start` returned an error.
    NotStarted,
    /// There was no room for another instance.
    Unavailable,
}

/// What came of files that were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadResult {
    /// A version serves, by new code or another configuration.
    Served,
    /// They hold what serves already.
    Unchanged,
    Refused,
}

/// Which compiler made code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompiledBy {
    Baseline,
    Optimizing,
}

/// Of one plugin. Shared by everybody who counts.
#[derive(Debug, Default)]
pub struct PluginCounters {
    failures: [AtomicU64; FailureCause::ALL.len()],
    loads: [AtomicU64; LoadResult::ALL.len()],
    made: AtomicU64,
    ended: AtomicU64,
    replaced: AtomicU64,
    memory: AtomicU64,
    compiled: [Durations; CompiledBy::ALL.len()],
}

impl FailureCause {
    pub const ALL: [Self; 9] = [
        Self::Returned,
        Self::Body,
        Self::Trapped,
        Self::Deadline,
        Self::Stalled,
        Self::Memory,
        Self::Next,
        Self::NotStarted,
        Self::Unavailable,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Returned => "returned-error",
            Self::Body => "body",
            Self::Trapped => "trapped",
            Self::Deadline => "deadline",
            Self::Stalled => "stalled",
            Self::Memory => "memory",
            Self::Next => "next",
            Self::NotStarted => "not-started",
            Self::Unavailable => "unavailable",
        }
    }
}

impl LoadResult {
    pub const ALL: [Self; 3] = [Self::Served, Self::Unchanged, Self::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

impl CompiledBy {
    pub const ALL: [Self; 2] = [Self::Baseline, Self::Optimizing];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Optimizing => "optimizing",
        }
    }
}

impl PluginCounters {
    pub fn failed(&self, cause: FailureCause) {
        count(&self.failures[cause as usize]);
    }

    pub fn loaded(&self, result: LoadResult) {
        count(&self.loads[result as usize]);
    }

    pub fn compiled(&self, by: CompiledBy, took: Duration) {
        self.compiled[by as usize].observe(took);
    }

    pub fn instance_made(&self) {
        count(&self.made);
    }

    /// An instance is gone, which had this much linear memory.
    pub fn instance_ended(&self, memory: u64) {
        count(&self.ended);
        self.memory.fetch_sub(memory, Ordering::Relaxed);
    }

    /// An instance was not kept after a call, and another one has to be made.
    pub fn instance_replaced(&self) {
        count(&self.replaced);
    }

    /// An instance has so many bytes more.
    pub fn memory_grew(&self, by: u64) {
        self.memory.fetch_add(by, Ordering::Relaxed);
    }

    pub fn failures(&self, cause: FailureCause) -> u64 {
        self.failures[cause as usize].load(Ordering::Relaxed)
    }

    pub fn loads(&self, result: LoadResult) -> u64 {
        self.loads[result as usize].load(Ordering::Relaxed)
    }

    pub fn compiles(&self, by: CompiledBy) -> CountedDurations {
        self.compiled[by as usize].counted()
    }

    /// Instances that were made, those in trials among them.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// Instances that there are now.
    pub fn instances(&self) -> u64 {
        // Ended first: one that is made and gone between the two is no negative number.
        let ended = self.ended.load(Ordering::Relaxed);
        self.made().saturating_sub(ended)
    }

    /// Bytes of linear memory that they have now.
    pub fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place_and_its_name() {
        let counters = PluginCounters::default();
        for (at, cause) in FailureCause::ALL.into_iter().enumerate() {
            (0..=at).for_each(|_| counters.failed(cause));
        }
        let counted = FailureCause::ALL.map(|cause| counters.failures(cause));
        assert_eq!(counted, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let names: std::collections::BTreeSet<_> =
            FailureCause::ALL.map(FailureCause::as_str).into();
        assert_eq!(names.len(), FailureCause::ALL.len());
        for (at, result) in LoadResult::ALL.into_iter().enumerate() {
            (0..=at).for_each(|_| counters.loaded(result));
        }
        assert_eq!(
            LoadResult::ALL.map(|result| counters.loads(result)),
            [1, 2, 3]
        );
        counters.compiled(CompiledBy::Optimizing, Duration::from_millis(2));
        assert_eq!(
            CompiledBy::ALL.map(|by| counters.compiles(by).count),
            [0, 1]
        );
    }

    #[test]
    fn instances_come_and_go_with_their_memory() {
        let counters = PluginCounters::default();
        counters.instance_made();
        counters.instance_made();
        counters.memory_grew(100);
        counters.instance_ended(60);
        assert_eq!(
            (counters.made(), counters.instances(), counters.memory()),
            (2, 1, 40)
        );
    }
}

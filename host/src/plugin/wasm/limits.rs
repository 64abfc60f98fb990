//! How much memory an instance may take, and how much CPU time a call.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::metrics::PluginCounters;

/// Entries of all tables of an instance together; CPython has some 10,000.
const TABLE_ELEMENTS: usize = 100_000;

/// Counts what an instance's memories take together and refuses more than its limit.
#[derive(Debug)]
pub struct MemoryLimiter {
    limit: u64,
    used: u64,
    table_elements: usize,
    refused: bool,
    counters: Option<Arc<PluginCounters>>,
}

impl MemoryLimiter {
    /// A limiter for one instance, which is counted there until it is dropped; `limit` in bytes.
    pub fn new(limit: u64, counters: Option<Arc<PluginCounters>>) -> Self {
        if let Some(counters) = &counters {
            counters.instance_made();
        }
        Self {
            counters,
            limit,
            used: 0,
            table_elements: 0,
            refused: false,
        }
    }

    /// Bytes of linear memory that the instance has now.
    pub fn used(&self) -> u64 {
        self.used
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether the instance was refused memory since it was made. It may have coped, or trapped for that very reason.
    pub fn refused(&self) -> bool {
        self.refused
    }
}

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.instance_ended(self.used);
        }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used + (desired as u64).saturating_sub(current as u64);
        let fits = used <= self.limit && maximum.is_none_or(|maximum| desired <= maximum);
        if fits {
            if let Some(counters) = &self.counters {
                counters.memory_grew(used - self.used);
            }
            self.used = used;
        } else {
            self.refused = true;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self.table_elements + desired.saturating_sub(current);
        let fits = elements <= TABLE_ELEMENTS;
        if fits {
            self.table_elements = elements;
        }
        Ok(fits)
    }
}

/// The CPU time of one call, counted in ticks of the engine's clock.
///
/// Only ticks that interrupt the guest count: while it waits for a body it is not billed.
#[derive(Debug, Clone, Copy)]
pub struct CpuBudget {
    limit: u64,
    spent: u64,
}

impl CpuBudget {
    /// `limit` in ticks; at least one.
    pub fn new(limit: u64) -> Self {
        Self {
            limit: limit.max(1),
            spent: 0,
        }
    }

    /// A new call begins.
    pub fn restart(&mut self) {
        self.spent = 0;
    }

    /// A tick passed in the guest; false when the budget is spent.
    pub fn spend(&mut self) -> bool {
        self.spent += 1;
        self.spent <= self.limit
    }

    /// Ticks that passed in the guest since the call began.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    pub fn exhausted(&self) -> bool {
        self.spent > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_counted_together() {
        let mut limiter = MemoryLimiter::new(100, None);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert_eq!((limiter.used(), limiter.refused()), (100, false));
        assert!(!limiter.memory_growing(40, 41, None).unwrap());
        assert_eq!((limiter.used(), limiter.refused()), (100, true));
    }

    #[test]
    fn a_budget_lasts_its_ticks_and_starts_again() {
        let mut budget = CpuBudget::new(2);
        assert_eq!(
            [budget.spend(), budget.spend(), budget.spend()],
            [true, true, false]
        );
        assert!(budget.exhausted());
        budget.restart();
        assert!(budget.spend() && !budget.exhausted());
    }
}

//! How many calls there may be: in one exchange, at once of one plugin, at once in the process.
//!
//! What comes above a bound is refused at once. Nothing waits in a queue.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::{Bound, CallError};
use crate::counted::{Counted, Counter};

/// The calls of one exchange, or of one piece of background work. The caller keeps it as long as that lasts.
#[derive(Debug, Default)]
pub struct CallBudget {
    made: AtomicUsize,
    depth: u32,
}

impl CallBudget {
    /// `depth` is how many calls deep the exchange is itself: what [`depth_of`](super::depth_of) says of its request, 0 for
    /// one that comes from a client and for background work.
    pub fn new(depth: u32) -> Self {
        Self {
            made: AtomicUsize::new(0),
            depth,
        }
    }

    /// How many calls were made or refused by now.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// How many calls deep the exchange is itself.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Counts one more; calls that are refused later count as well.
    pub(super) fn take(&self, limit: usize) -> Result<(), CallError> {
        if self.made.fetch_add(1, Ordering::Relaxed) < limit {
            return Ok(());
        }
        let bound = Bound::PerExchange;
        Err(CallError::TooMany { bound, limit })
    }
}

/// A call under way; it counts until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    _of_plugin: Counted,
    _of_all: Counted,
}

impl UnderWay {
    pub(super) fn new(
        of_plugin: (&Counter, usize),
        of_all: (&Counter, usize),
    ) -> Result<Self, CallError> {
        let counted = |(counter, limit): (&Counter, usize), bound| {
            let counted = counter.take();
            if counted.is_above(limit) {
                return Err(CallError::TooMany { bound, limit });
            }
            Ok(counted)
        };
        Ok(Self {
            _of_plugin: counted(of_plugin, Bound::AtOnceOfPlugin)?,
            _of_all: counted(of_all, Bound::AtOnce)?,
        })
    }
}

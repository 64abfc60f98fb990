//! Who gets finished exchanges.

use std::fmt::Debug;
use std::sync::Arc;

use super::times::Times;

/// How much of each exchange is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Who did what when, and what came of it: for metrics, access logs, tracing.
    Times,
}

/// Gets exchanges when they are finished.
pub trait Observer: Debug + Send + Sync {
    /// The least that it needs. What it gets may be more, if another observer wants that. Asked once, at the start.
    fn wants(&self) -> Level;

    /// An exchange is finished. Called once for each, in whatever task let go of it last: it must be quick, and must neither wait
    /// nor panic.
    fn finished(&self, exchange: &Arc<Finished>);
}

/// An exchange on which nobody works any more.
#[derive(Debug)]
pub struct Finished {
    pub times: Times,
}

/// Everybody who observes.
#[derive(Debug, Default)]
pub struct Observers {
    all: Vec<Arc<dyn Observer>>,
    level: Option<Level>,
}

impl Observers {
    pub fn new(all: Vec<Arc<dyn Observer>>) -> Self {
        let level = all.iter().map(|one| one.wants()).max();
        Self { all, level }
    }

    /// The most that any of them wants; none if there are none.
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    pub(super) fn finished(&self, exchange: &Arc<Finished>) {
        for observer in &self.all {
            observer.finished(exchange);
        }
    }
}

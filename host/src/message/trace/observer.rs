//! Who gets finished exchanges.

use std::fmt::Debug;
use std::sync::Arc;

use super::full::Full;
use super::times::Times;

/// How much of each exchange is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Who did what when, and what came of it: for metrics, access logs, tracing.
    Times,
    /// The messages, too: as they came, and as each step left them.
    Full,
}

/// Gets exchanges when they are finished.
pub trait Observer: Debug + Send + Sync {
    /// The least that it needs. What it gets may be more, if another observer wants that. Asked once, at the start.
    fn wants(&self) -> Level;

    /// How many bytes of each body it wants, on the level [`Full`](Level::Full).
    fn body_limit(&self) -> usize {
        0
    }

    /// An exchange is finished. Called once for each, in whatever task let go of it last: it must be quick, and must neither wait
    /// nor panic.
    fn finished(&self, exchange: &Arc<Finished>);
}

/// An exchange on which nobody works any more.
#[derive(Debug)]
pub struct Finished {
    pub times: Times,
    /// None if nobody wants that much.
    pub full: Option<Box<Full>>,
}

/// Everybody who observes.
#[derive(Debug, Default)]
pub struct Observers {
    all: Vec<Arc<dyn Observer>>,
    level: Option<Level>,
    body_limit: usize,
}

impl Observers {
    pub fn new(all: Vec<Arc<dyn Observer>>) -> Self {
        let level = all.iter().map(|one| one.wants()).max();
        let body_limit = all.iter().map(|one| one.body_limit()).max();
        Self {
            all,
            level,
            body_limit: body_limit.unwrap_or(0),
        }
    }

    /// The most that any of them wants; none if there are none.
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    pub(super) fn body_limit(&self) -> usize {
        self.body_limit
    }

    pub(super) fn finished(&self, exchange: &Arc<Finished>) {
        for observer in &self.all {
            observer.finished(exchange);
        }
    }
}

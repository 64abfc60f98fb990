//! Who gets finished exchanges.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use super::full::Full;
use super::times::Times;

/// Bytes of a small part beside its text, roughly.
const SMALL: usize = 256;

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

    /// Names of header fields of the request, in lower case, whose values it needs as they came. Asked once, at the start.
    fn request_fields(&self) -> &[Box<str>] {
        &[]
    }

    /// The same of the response that the client gets.
    fn response_fields(&self) -> &[Box<str>] {
        &[]
    }

    /// Whether exchanges are to have their place in a trace, and the share of traces to sample of those that begin here, 0 to 1.
    fn sample(&self) -> Option<f64> {
        None
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

impl Finished {
    /// Bytes of memory that it holds, roughly.
    pub fn weight(&self) -> usize {
        let outbound = self.times.steps.iter().flat_map(|step| &step.outbound);
        let outbound: usize = outbound.map(|call| call.url.len() + SMALL).sum();
        size_of::<Times>() + SMALL + outbound + self.full.as_deref().map_or(0, Full::weight)
    }
}

/// Everybody who observes.
#[derive(Debug, Default)]
pub struct Observers {
    all: Vec<Arc<dyn Observer>>,
    level: Option<Level>,
    body_limit: usize,
    /// Names of fields that any of them needs, each once.
    request_fields: Box<[Box<str>]>,
    response_fields: Box<[Box<str>]>,
    sample: Option<f64>,
}

impl Observers {
    pub fn new(all: Vec<Arc<dyn Observer>>) -> Self {
        let level = all.iter().map(|one| one.wants()).max();
        let body_limit = all.iter().map(|one| one.body_limit()).max();
        let request_fields = each_once(all.iter().flat_map(|one| one.request_fields()));
        let response_fields = each_once(all.iter().flat_map(|one| one.response_fields()));
        let sample = all.iter().filter_map(|one| one.sample()).reduce(f64::max);
        Self {
            body_limit: body_limit.unwrap_or(0),
            sample,
            all,
            level,
            request_fields,
            response_fields,
        }
    }

    pub(super) fn sample(&self) -> Option<f64> {
        self.sample
    }

    pub(super) fn request_fields(&self) -> &[Box<str>] {
        &self.request_fields
    }

    pub(super) fn response_fields(&self) -> &[Box<str>] {
        &self.response_fields
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

fn each_once<'a>(names: impl Iterator<Item = &'a Box<str>>) -> Box<[Box<str>]> {
    let names: BTreeSet<_> = names.cloned().collect();
    names.into_iter().collect()
}

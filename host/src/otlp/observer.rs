//! Gives the spans of finished exchanges to who sends them.

use std::sync::{Arc, LazyLock};

use super::exporter::SpanSender;
use super::spans;
use crate::message::trace::{Finished, Level, Observer};

/// The fields of requests that spans tell.
static FIELDS: LazyLock<[Box<str>; 1]> = LazyLock::new(|| [spans::USER_AGENT.into()]);

/// See the module's text.
#[derive(Debug)]
pub struct SpanObserver {
    pub sender: SpanSender,
    /// The share of traces that are exported if they begin here.
    pub sample: f64,
}

impl Observer for SpanObserver {
    fn wants(&self) -> Level {
        Level::Times
    }

    fn request_fields(&self) -> &[Box<str>] {
        &*FIELDS
    }

    fn sample(&self) -> Option<f64> {
        Some(self.sample)
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        let times = &exchange.times;
        if let Some(context) = times.context.filter(|context| context.sampled) {
            self.sender.send(spans::of(times, &context));
        }
    }
}

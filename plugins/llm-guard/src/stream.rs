//! An answer that streams: events in and out, with the time to its first token and what it pays.

use std::rc::Rc;

use tollgate_plugin::{Fate, Result, Rewriter, Sink, clocks, info};

use crate::api::Api;
use crate::budget::{Budget, Meter, Streams};
use crate::report;
use crate::rewrite::{self, Answer, Halt};
use crate::settings::Models;

/// An answer that streams.
#[derive(Debug)]
pub struct Stream {
    answer: Answer,
    meter: Option<(Rc<Budget>, Meter)>,
    api: Api,
    models: Rc<Models>,
    /// When its request came, in milliseconds since 1970.
    start: Option<u64>,
    /// How long its first text took, in milliseconds.
    first: Option<u64>,
}

impl Stream {
    pub fn new(
        api: Api,
        answer: Answer,
        meter: Option<(Rc<Budget>, Meter)>,
        start: Option<u64>,
        models: &Rc<Models>,
    ) -> Self {
        Self {
            answer,
            meter,
            api,
            models: Rc::clone(models),
            start,
            first: None,
        }
    }

    /// What is known of it, for the log and for metrics.
    fn tell(&self, halt: Option<&Halt>) {
        let first = self.first.map_or(String::new(), |first| {
            format!("; first token after {first} ms")
        });
        info!("{}{first}", self.answer.summary("streamed", halt));
        let model = self.models.label(self.answer.model());
        report::answered(self.api, model, &self.answer, halt);
    }

    /// Pays for what has come. True if the answer must end for that.
    fn pay_on(&mut self) -> Result<bool> {
        let Some((budget, meter)) = &mut self.meter else {
            return Ok(false);
        };
        if self.answer.is_over() {
            return Ok(false);
        }
        let (input, output) = self.answer.used();
        let is_used_up = meter.pay_on(budget, input, output)?;
        Ok(is_used_up && budget.streams == Streams::Halt)
    }

    fn settle(&mut self) -> Result<()> {
        let Some((budget, meter)) = &mut self.meter else {
            return Ok(());
        };
        let (input, output) = self.answer.used();
        meter.settle(budget, input, output)
    }
}

impl Rewriter for Stream {
    fn piece(&mut self, event: &[u8], sink: &mut Sink) -> Result<Fate> {
        let mut out = Vec::new();
        let (mut fate, mut halt) = self.answer.event(event, &mut out);
        if self.first.is_none()
            && self.answer.has_begun()
            && let Some(start) = self.start
        {
            let first = clocks::unix_ms().saturating_sub(start);
            self.first = Some(first);
            report::first_token(self.api, self.models.label(self.answer.model()), first);
        }
        if halt.is_none() && self.pay_on()? {
            let over = Halt::Budget;
            self.answer.end_with(&over, &mut out);
            (fate, halt) = (rewrite::Fate::Stop, Some(over));
        }
        if !out.is_empty() {
            sink.emit(out);
        }
        if halt.is_some() {
            self.settle()?;
            self.tell(halt.as_ref());
        }
        Ok(match fate {
            rewrite::Fate::Keep => Fate::Keep,
            rewrite::Fate::Replace => Fate::Replace,
            rewrite::Fate::Stop => Fate::Stop,
        })
    }

    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        let mut out = Vec::new();
        let halt = self.answer.end(&mut out);
        if !out.is_empty() {
            sink.emit(out);
        }
        self.settle()?;
        self.tell(halt.as_ref());
        Ok(())
    }
}

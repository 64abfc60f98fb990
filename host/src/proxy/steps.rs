//! What the one file that drives a chain tells observers: who works on an exchange, and what came of it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::error::ExchangeError;
use crate::interceptor::{Hook, InterceptError, Interceptor, OnFailure, Outcome};
use crate::message::Exchange;
use crate::message::trace::{Outcome as StepOutcome, Performer};

/// A call of an interceptor that begins. Says nothing and reads no clock where nobody observes.
pub struct Watch {
    since: Option<Instant>,
}

impl Watch {
    /// The call of this hook begins now.
    pub fn begin(exchange: &mut Exchange, interceptor: &impl Interceptor, hook: Hook) -> Self {
        let since = exchange.trace.is_on().then(|| {
            exchange.trace.begin_step(|| Performer::Plugin {
                plugin: interceptor.identity(),
                hook: hook.as_str(),
            });
            Instant::now()
        });
        Self { since }
    }

    /// Measures the time in which the call computes: from here to its first end or wait, and in each poll after that.
    pub fn over<F, T>(self, mut call: Pin<&mut F>) -> impl Future<Output = Outcome<T>>
    where
        F: Future<Output = Outcome<T>>,
    {
        let is_on = self.since.is_some();
        let (mut first, mut computing) = (self.since, Duration::ZERO);
        poll_fn(move |cx| {
            if !is_on {
                return call.as_mut().poll(cx);
            }
            let began = first.take().unwrap_or_else(Instant::now);
            let polled = call.as_mut().poll(cx);
            computing += began.elapsed();
            if let Poll::Ready((exchange, _)) = &polled {
                exchange.trace.computed(computing);
            }
            polled
        })
    }
}

/// A call of an interceptor is over.
pub fn end<T>(exchange: &mut Exchange, result: &Result<T, InterceptError>, policy: OnFailure) {
    if exchange.trace.is_on() {
        exchange.trace.end_step(match (result, policy) {
            (Ok(_), _) => StepOutcome::Done,
            (Err(error), OnFailure::Open) => StepOutcome::Undone(error.to_string()),
            (Err(error), OnFailure::Closed) => StepOutcome::Failed(error.to_string()),
        });
    }
}

/// The interceptor whose call is over has answered.
pub fn responded(exchange: &mut Exchange) {
    if exchange.trace.is_on() {
        exchange.trace.settle_step(StepOutcome::Responded);
    }
}

/// The request goes to what comes last.
pub fn send(exchange: &mut Exchange) {
    if exchange.trace.is_on() {
        let name = exchange.backend.name();
        exchange.trace.begin_step(|| Performer::Backend {
            name: name.to_owned(),
            address: None,
        });
    }
}

/// What came of that.
pub fn received<T>(exchange: &mut Exchange, result: &Result<T, ExchangeError>) {
    if exchange.trace.is_on() {
        exchange.trace.end_step(match result {
            Ok(_) => StepOutcome::Done,
            Err(error) => StepOutcome::Failed(error.to_string()),
        });
    }
}

//! What the one file that drives a chain tells observers: who works on an exchange, and what came of it.
//!
//! Where nobody observes each of these is one branch in the place of the caller.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::error::ExchangeError;
use crate::interceptor::{Hook, InterceptError, Interceptor, OnFailure, Outcome};
use crate::message::trace::{Outcome as StepOutcome, Performer};
use crate::message::{Exchange, ReplacedBodies, Side};

/// A call of an interceptor that begins. Says nothing and reads no clock where nobody observes.
pub struct Watch {
    since: Option<Instant>,
}

impl Watch {
    /// The call of this hook begins now.
    #[inline]
    pub fn begin(exchange: &mut Exchange, interceptor: &impl Interceptor, hook: Hook) -> Self {
        let is_on = exchange.trace.is_on();
        Self {
            since: is_on.then(|| begin_call(exchange, interceptor, hook)),
        }
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

#[inline(never)]
fn begin_call(exchange: &mut Exchange, interceptor: &impl Interceptor, hook: Hook) -> Instant {
    exchange.replaced = ReplacedBodies::default();
    exchange.trace.begin_step(|| Performer::Plugin {
        plugin: interceptor.identity(),
        hook: hook.as_str(),
    });
    Instant::now()
}

/// A call of an interceptor's hook is over.
#[inline]
pub fn end<T>(
    exchange: &mut Exchange,
    result: &Result<T, InterceptError>,
    policy: OnFailure,
    hook: Hook,
) {
    if exchange.trace.is_on() {
        end_call(exchange, result.as_ref().err(), policy, hook);
    }
}

#[inline(never)]
fn end_call(
    exchange: &mut Exchange,
    error: Option<&InterceptError>,
    policy: OnFailure,
    hook: Hook,
) {
    if error.is_none() && exchange.trace.is_full() {
        look(exchange, hook);
    }
    exchange.trace.end_step(match (error, policy) {
        (None, _) => StepOutcome::Done,
        (Some(error), OnFailure::Open) => StepOutcome::Undone(error.to_string()),
        (Some(error), OnFailure::Closed) => StepOutcome::Failed(error.to_string()),
    });
}

/// Tells what a hook has left of the message that it is for.
fn look(exchange: &mut Exchange, hook: Hook) {
    let Exchange {
        trace, replaced, ..
    } = exchange;
    match hook {
        Hook::ForwardRequest => {
            let body = replaced.request.then_some(&mut exchange.request_body);
            trace.left_request(&exchange.request, body);
        }
        Hook::ReturnResponse => {
            let body = replaced.response.then_some(&mut exchange.response_body);
            trace.left_response(&exchange.response, body);
        }
        Hook::Handle => trace.handled(&exchange.response, &mut exchange.response_body),
        Hook::Body(Side::Request) => {
            trace.left_request(&exchange.request, Some(&mut exchange.request_body));
        }
        Hook::Body(Side::Response) => {
            trace.left_response(&exchange.response, Some(&mut exchange.response_body));
        }
        Hook::Messages => {}
    }
}

/// The interceptor whose call is over has answered.
#[inline]
pub fn responded(exchange: &mut Exchange) {
    if exchange.trace.is_on() {
        let body = &mut exchange.response_body;
        exchange.trace.got_response(&exchange.response, body);
        exchange.trace.settle_step(StepOutcome::Responded);
    }
}

/// The request goes to what comes last.
#[inline]
pub fn send(exchange: &mut Exchange) {
    if exchange.trace.is_on() {
        begin_sending(exchange);
    }
}

#[inline(never)]
fn begin_sending(exchange: &mut Exchange) {
    exchange.trace.host_left_request(&exchange.request);
    let name = exchange.backend.name();
    exchange.trace.begin_step(|| Performer::Backend {
        name: name.to_owned(),
        address: None,
    });
}

/// An interceptor that surrounds has sent this on to what comes next.
#[inline]
pub fn asked(exchange: &mut Exchange) {
    let body = &mut exchange.request_body;
    exchange.trace.asked(&exchange.request, body);
}

/// What came of that.
#[inline]
pub fn received<T>(exchange: &mut Exchange, result: &Result<T, ExchangeError>) {
    if exchange.trace.is_on() {
        end_sending(exchange, result.as_ref().err());
    }
}

#[inline(never)]
fn end_sending(exchange: &mut Exchange, error: Option<&ExchangeError>) {
    if error.is_none() {
        let body = &mut exchange.response_body;
        exchange.trace.received_response(&exchange.response, body);
    }
    exchange.trace.end_step(match error {
        None => StepOutcome::Done,
        Some(error) => StepOutcome::Failed(error.to_string()),
    });
}

//! One exchange on a connection, up to the head of its response.

use std::task::{Context, Poll};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::reading::{self, Found, ReadError, Reading};
use super::sending::{SendError, Sending};
use crate::config::backend::BackendConfig;
use crate::message::{Body, OnInformational};
use crate::proxy::http1::HeadLimits;
use crate::proxy::http1::response::BadResponse;
use crate::proxy::upstream::error::{HeadLimit, UpstreamError};
use crate::proxy::upstream::wire::Wire;
use crate::tls::TlsError;

/// What a backend's answer may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Of its heads, and of its trailers.
    pub(super) head: HeadLimits,
    /// For the final head, from the end of the request on.
    pub(super) first_byte: Duration,
}

/// A response has begun.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) found: Found,
    pub(super) wire: Box<Wire>,
    /// What is left of the request: it may be answered before it is whole.
    pub(super) left: Option<Box<Sending>>,
    /// The backend did not want the body, of which nothing was sent.
    pub(super) refused: bool,
}

/// Why there is no response, and what can still be done.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing of the request was written: here is its body.
    Unsent(Body, UpstreamError),
    /// The connection ended before the first byte of a response.
    Silent(UpstreamError),
    /// Nothing can be done.
    Final(UpstreamError),
}

impl Bounds {
    pub(super) fn new(config: &BackendConfig) -> Self {
        Self {
            head: HeadLimits {
                max_head: config.max_head,
                max_fields: config.max_fields,
                max_target: 0,
            },
            first_byte: config.first_byte_timeout,
        }
    }
}

/// An exchange before its response. Dropping it closes the connection.
pub(super) struct Talk<'a> {
    wire: Box<Wire>,
    sending: Sending,
    reading: Reading,
    client: Option<&'a OnInformational>,
    first_byte: Duration,
    deadline: Instant,
}

impl Wire {
    /// Begins to send a request.
    pub(super) fn talk<'a>(
        self: Box<Self>,
        sending: Sending,
        client: Option<&'a OnInformational>,
        bounds: &Bounds,
    ) -> Talk<'a> {
        Talk {
            wire: self,
            reading: Reading::new(bounds.head),
            deadline: sending.patience(bounds.first_byte),
            first_byte: bounds.first_byte,
            sending,
            client,
        }
    }
}

impl Talk<'_> {
    /// Sends, and waits for the response, for `first_byte` from the end of the request on; while an upload is under way, from
    /// when the backend last took some of it on.
    ///
    /// Reading comes first. So the first thing that is seen of a connection that rested is whether it has ended or holds
    /// bytes that no request has asked for; tokio knows that there is no news without a system call.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Found, UpstreamError>> {
        loop {
            if let Poll::Ready(found) = self.poll_reading(cx) {
                return Poll::Ready(found.and_then(|found| self.with_last_piece(found, cx)));
            }
            if self.reading.has_begun() && !self.sending.has_begun() && self.wire.reused {
                return Poll::Ready(Err(unasked()));
            }
            if !self.sending.is_over()
                && let Poll::Ready(Err(error)) = self.sending.poll(&mut self.wire.stream, cx)
            {
                return Poll::Ready(Err(not_sent(error)));
            }
            let held = self.sending.held_until();
            let next = held.map_or(self.deadline, |until| until.min(self.deadline));
            if self.wire.timer.poll_passed(cx, next).is_pending() {
                return Poll::Pending;
            }
            if held.is_some_and(|until| until <= Instant::now()) {
                self.sending.go_on();
            } else {
                let later = self.sending.patience(self.first_byte);
                if later <= self.deadline {
                    let after = self.first_byte;
                    return Poll::Ready(Err(UpstreamError::ResponseTimeout { after }));
                }
                self.deadline = later;
            }
        }
    }

    fn poll_reading(&mut self, cx: &mut Context<'_>) -> Poll<Result<Found, UpstreamError>> {
        let (sending, client) = (&mut self.sending, self.client);
        let is_early = self.wire.reused && !sending.has_begun();
        let told = &mut |interim: &_| {
            if is_early {
                return;
            }
            reading::tell(client, interim);
            if interim.head.status == StatusCode::CONTINUE {
                sending.go_on();
            }
        };
        let found = std::task::ready!(self.reading.poll(&mut self.wire.stream, cx, told));
        if is_early && found.is_ok() {
            return Poll::Ready(Err(unasked()));
        }
        let begun = self.reading.has_begun();
        Poll::Ready(found.map_err(|error| not_read(&error, begun)))
    }

    /// The end of a body may be there with the response: it needs no task of its own then.
    fn with_last_piece(
        &mut self,
        found: Found,
        cx: &mut Context<'_>,
    ) -> Result<Found, UpstreamError> {
        if self.sending.is_over() || self.sending.held_until().is_some() {
            return Ok(found);
        }
        match self.sending.poll(&mut self.wire.stream, cx) {
            Poll::Ready(Err(error)) => Err(not_sent(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(found),
        }
    }

    pub(super) fn answered(self, found: Found) -> Answered {
        let refused = self.sending.held_until().is_some();
        let is_over = refused || self.sending.is_over();
        Answered {
            found,
            wire: self.wire,
            left: (!is_over).then(|| Box::new(self.sending)),
            refused,
        }
    }

    pub(super) fn failure(self, error: UpstreamError) -> Failure {
        if !self.sending.has_begun() {
            return Failure::Unsent(self.sending.into_body(), error);
        }
        match error {
            UpstreamError::Terminated(_) if !self.reading.has_begun() => Failure::Silent(error),
            error => Failure::Final(error),
        }
    }
}

fn unasked() -> UpstreamError {
    UpstreamError::Protocol("it sent something before it was asked".to_owned())
}

fn not_sent(error: SendError) -> UpstreamError {
    match error {
        SendError::Body(error) => UpstreamError::RequestBody(error),
        SendError::Io(error) => match TlsError::find(&error) {
            Some(tls) => UpstreamError::from_tls("the backend".to_owned(), &tls),
            None => UpstreamError::Terminated(error.to_string()),
        },
    }
}

/// What a failure to read means; `begun` when a part of a head has come.
fn not_read(error: &ReadError, begun: bool) -> UpstreamError {
    match error {
        ReadError::Bad(BadResponse::TooLarge(limit)) => {
            return UpstreamError::HeadTooLarge(HeadLimit::Bytes(*limit));
        }
        ReadError::Bad(BadResponse::TooManyFields(limit)) => {
            return UpstreamError::HeadTooLarge(HeadLimit::Fields(*limit));
        }
        ReadError::Bad(_) | ReadError::TooManyInterim => {
            return UpstreamError::Protocol(error.to_string());
        }
        ReadError::Io(io) => {
            if let Some(tls) = TlsError::find(io) {
                return UpstreamError::from_tls("the backend".to_owned(), &tls);
            }
        }
        ReadError::Closed => {}
    }
    match begun {
        true => UpstreamError::Incomplete(error.to_string()),
        false => UpstreamError::Terminated(error.to_string()),
    }
}

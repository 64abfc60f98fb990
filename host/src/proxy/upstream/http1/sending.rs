//! A request on its way out: its head, and its body as far as the backend takes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::Body as _;
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use crate::message::{Body, BodyError};
use crate::proxy::http1::encode::{BodyFraming, Encoder, Output, WrongLength};

/// How long a body waits for `100 Continue`. RFC 9110, section 10.1.1: a client "SHOULD NOT wait for an indefinite
/// period", and a proxy does not know whether its backend knows of the expectation.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// Bytes that are taken from a body before they are written. A large piece alone is as much, so that the next one is asked
/// for when it has left: whoever reads into a buffer can use it again.
const BATCH: usize = 8 << 10;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Sending {
    output: Output,
    encoder: Encoder,
    body: Body,
    state: State,
    /// The first byte may have left, or the body was asked for its first frame.
    begun: bool,
    /// The next frame is the client's to send, and the backend has taken all before it.
    starved: bool,
    /// When the backend last took some of it.
    moved: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The body waits for `100 Continue` until then.
    Held(Instant),
    Flowing,
    /// All of the body is in the output.
    Whole,
}

/// Why a request can't be written to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("the request's body failed: {0}")]
    Body(#[from] BodyError),
    #[error("writing failed: {0}")]
    Io(#[from] io::Error),
}

impl Sending {
    /// Puts `body` behind the head, of which `output` is full. It is held back when `expect_continue`.
    pub(super) fn new(
        output: Output,
        framing: BodyFraming,
        body: Body,
        expect_continue: bool,
    ) -> Self {
        let now = Instant::now();
        let state = match () {
            () if body.is_end_stream() => State::Whole,
            () if expect_continue => State::Held(now + CONTINUE_WAIT),
            () => State::Flowing,
        };
        Self {
            output,
            // HTTP/1.1 has trailers in every body of chunks, and a backend that doesn't care for them ignores them.
            encoder: Encoder::new(framing, true),
            body,
            state,
            begun: false,
            starved: false,
            moved: now,
        }
    }

    /// Writes what can be written. Ready when all is.
    pub(super) fn poll<IO: AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        self.begun = true;
        loop {
            if self.state == State::Flowing {
                self.fill(cx)?;
            }
            let waiting = self.output.waiting();
            let written = self.output.poll_write(io, cx)?;
            if self.output.waiting() < waiting && self.has_content() {
                self.moved = Instant::now();
            }
            ready!(written);
            match self.state {
                State::Whole => {
                    self.output.release();
                    return Poll::Ready(Ok(()));
                }
                State::Held(_) => return Poll::Pending,
                State::Flowing if self.starved => return Poll::Pending,
                State::Flowing => {}
            }
        }
    }

    /// Takes frames of the body until there is enough to write.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<(), BodyError> {
        self.starved = false;
        while self.output.waiting() < BATCH && self.state == State::Flowing {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                self.starved = true;
                return Ok(());
            };
            let frame = frame
                .transpose()
                .map_err(|error| BodyError::from_source(&*error))?;
            let trailers = match frame.map(http_body::Frame::into_data) {
                Some(Ok(data)) => {
                    self.encoder.data(data, &mut self.output).map_err(wrong)?;
                    if !self.body.is_end_stream() {
                        continue;
                    }
                    None
                }
                Some(Err(frame)) => frame.into_trailers().ok(),
                None => None,
            };
            self.encoder
                .end(trailers.as_ref(), &mut self.output)
                .map_err(wrong)?;
            self.state = State::Whole;
            self.body = Body::Gone;
        }
        Ok(())
    }

    /// Until when the body is held back, if it is.
    pub(super) fn held_until(&self) -> Option<Instant> {
        match self.state {
            State::Held(until) => Some(until),
            State::Flowing | State::Whole => None,
        }
    }

    /// `100 Continue` has come, or has not come for long enough.
    pub(super) fn go_on(&mut self) {
        if let State::Held(_) = self.state {
            self.state = State::Flowing;
            self.moved = Instant::now();
        }
    }

    /// Whether a byte may have left, or the body was asked for one: until then it may be sent elsewhere.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// All of it was written.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Whole && self.output.is_empty()
    }

    /// Until when a response's first byte must have come, given how long one may take: later, while the backend takes the
    /// body, or waits for the client. How long a client may pause is for those to say who read from it.
    pub(super) fn patience(&self, first_byte: Duration) -> Instant {
        let waits_for_client =
            self.starved && self.state == State::Flowing && self.output.is_empty();
        let since = if waits_for_client {
            Instant::now()
        } else {
            self.moved
        };
        since + first_byte
    }

    pub(super) fn into_body(self) -> Body {
        self.body
    }

    fn has_content(&self) -> bool {
        !matches!(self.encoder.framing(), BodyFraming::None)
    }
}

/// The head has promised another length.
fn wrong(error: WrongLength) -> BodyError {
    BodyError::Disconnected(error.to_string())
}

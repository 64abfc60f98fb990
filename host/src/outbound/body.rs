//! The two bodies of a call: the request's on its way out, counted and bounded, and the response's on its way in.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::budget::UnderWay;
use super::error::{CallError, Part, Phase};
use super::fault::{self, BodyFault};
use super::report::CallReport;

/// The body of a request that streams. It is polled while the peer takes it, and dropped when the call is over.
pub type CallBody = UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>;

/// What hyper sends.
pub(super) enum Sending {
    Whole(Bytes),
    Stream(Box<Stream>),
}

pub(super) struct Stream {
    inner: CallBody,
    /// Bytes that were taken; whoever waits for the response sees progress by it.
    sent: Arc<AtomicU64>,
    /// What `content-length` promises.
    promised: Option<u64>,
    limit: u64,
}

impl Stream {
    pub(super) fn new(
        inner: CallBody,
        promised: Option<u64>,
        limit: u64,
        sent: Arc<AtomicU64>,
    ) -> Self {
        Self {
            inner,
            sent,
            promised,
            limit,
        }
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyFault> {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let sent = self.sent.fetch_add(length, Ordering::Relaxed) + length;
        match self.promised {
            Some(promised) if sent > promised => Err(BodyFault::Length(promised)),
            _ if sent > self.limit => Err(BodyFault::TooLarge(self.limit)),
            _ => Ok(frame),
        }
    }

    fn is_short(&self) -> Option<u64> {
        self.promised
            .filter(|promised| self.sent.load(Ordering::Relaxed) < *promised)
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(stream) => {
                Poll::Ready(match ready!(Pin::new(&mut stream.inner).poll_frame(cx)) {
                    Some(Ok(frame)) => Some(stream.take(frame)),
                    Some(Err(error)) => Some(Err(BodyFault::Source(error.to_string()))),
                    None => stream.is_short().map(|said| Err(BodyFault::Length(said))),
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.inner.is_end_stream() && stream.is_short().is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(stream) => match stream.promised {
                Some(promised) => {
                    let sent = stream.sent.load(Ordering::Relaxed);
                    SizeHint::with_exact(promised.saturating_sub(sent))
                }
                None => stream.inner.size_hint(),
            },
        }
    }
}

/// Where the bytes of a response come from.
pub(super) enum Source {
    Network(Incoming),
    StandIn(Full<Bytes>),
}

impl Body for Source {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Network(body) => Pin::new(body).poll_frame(cx),
            Self::StandIn(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Network(body) => body.is_end_stream(),
            Self::StandIn(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Network(body) => body.size_hint(),
            Self::StandIn(body) => body.size_hint(),
        }
    }
}

/// The body of a response. It counts as a call under way until it ends or is dropped; dropping it early closes the
/// connection (HTTP/1.1) or resets the stream (HTTP/2).
pub struct AnswerBody {
    inner: Source,
    state: State,
    limit: u64,
    /// None when somebody else keeps the time.
    gap: Option<Gap>,
    under_way: Option<UnderWay>,
    start: Instant,
    report: CallReport,
    sent: Arc<AtomicU64>,
}

enum State {
    Open,
    Ended,
}

/// The wait for one piece. The time in which nobody asks for a piece doesn't count.
struct Gap {
    longest: Duration,
    sleep: Pin<Box<Sleep>>,
    armed: bool,
}

impl AnswerBody {
    pub(super) fn new(
        inner: Source,
        under_way: UnderWay,
        start: Instant,
        report: CallReport,
        sent: Arc<AtomicU64>,
    ) -> Self {
        Self {
            inner,
            state: State::Open,
            limit: u64::MAX,
            gap: None,
            under_way: Some(under_way),
            start,
            report,
            sent,
        }
    }

    /// Sets the limits in bytes and for the wait between two pieces.
    ///
    /// # Errors
    /// When the peer says right away that it will be larger.
    pub(super) fn limited(mut self, limit: u64, gap: Option<Duration>) -> Result<Self, CallError> {
        if self.inner.size_hint().lower() > limit {
            return Err(too_large(limit));
        }
        self.limit = limit;
        self.gap = gap.map(|longest| Gap {
            longest,
            sleep: Box::pin(tokio::time::sleep(longest)),
            armed: false,
        });
        Ok(self)
    }

    /// Times and sizes by now.
    pub fn report(&self) -> CallReport {
        let mut report = self.report.clone();
        if let State::Open = self.state {
            report.total = self.start.elapsed();
        }
        report.sent = self.sent.load(Ordering::Relaxed);
        report
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.report.total = self.start.elapsed();
        self.under_way = None;
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, CallError> {
        if let Some(data) = frame.data_ref() {
            self.report.received += data.len() as u64;
            if self.report.received > self.limit {
                return Err(too_large(self.limit));
            }
        }
        Ok(frame)
    }

    fn poll_gap(&mut self, cx: &mut Context<'_>) -> Poll<CallError> {
        let Some(gap) = &mut self.gap else {
            return Poll::Pending;
        };
        if !gap.armed {
            gap.sleep.as_mut().reset(Instant::now() + gap.longest);
            gap.armed = true;
        }
        ready!(gap.sleep.as_mut().poll(cx));
        Poll::Ready(CallError::TimedOut {
            what: Phase::Body,
            after: gap.longest,
        })
    }
}

fn too_large(limit: u64) -> CallError {
    CallError::TooLarge {
        what: Part::ResponseBody,
        limit,
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = self.get_mut();
        if let State::Ended = this.state {
            return Poll::Ready(None);
        }
        let next = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                let late = ready!(this.poll_gap(cx));
                this.end();
                return Poll::Ready(Some(Err(late)));
            }
        };
        if let Some(gap) = &mut this.gap {
            gap.armed = false;
        }
        let next = match next {
            Some(Ok(frame)) => Some(this.take(frame)),
            Some(Err(error)) => Some(Err(fault::of_body(&error))),
            None => None,
        };
        if !matches!(next, Some(Ok(_))) {
            this.end();
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended) || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

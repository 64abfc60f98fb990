//! A response's body on its way from a connection of HTTP/1.1; at its end the connection goes back to its pool.
//!
//! Reading the body is what drives the connection. Only when the request is still being sent a task of its own does,
//! so that neither direction waits for the other: a client may stop reading until its upload is through.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::error::broken;
use super::health::Pending;
use super::timer::Timer;
use super::upload::Progress;
use super::wire::Wire;
use crate::message::{Body, BodyError, Streaming};

/// See the module's text.
#[derive(Debug)]
pub(super) struct Download {
    /// Came with the head.
    first: Option<FrameResult>,
    incoming: Incoming,
    line: Line,
    progress: Option<Arc<Progress>>,
    limit: Duration,
    /// Of the wait for the next frame, while there is one.
    deadline: Option<Instant>,
    /// Counts as a request under way until the end.
    pending: Option<Pending>,
}

/// Who drives the connection.
#[derive(Debug)]
enum Line {
    Ours(Box<Wire>),
    Apart(Apart, Timer),
    /// The body is over, or broken.
    Done,
}

/// A driver in a task of its own, ended when this is dropped.
#[derive(Debug)]
struct Apart(AbortHandle);

/// The body of a response that has come on this connection; no frame may be more than `limit` after the one before.
pub(super) fn receive(
    mut incoming: Incoming,
    wire: Box<Wire>,
    progress: Option<Arc<Progress>>,
    limit: Duration,
    pending: Option<Pending>,
) -> Body {
    if let Some(progress) = &progress {
        progress.refuse();
    }
    if incoming.is_end_stream() {
        wire.give_back(progress.as_deref());
        return Body::Empty;
    }
    // A short body often came with the head: then nobody has to wait for the connection any more.
    let is_exact = incoming.size_hint().exact().is_some();
    let first = match wire.take(|cx| Pin::new(&mut incoming).poll_frame(cx)) {
        Poll::Ready(Some(Ok(frame))) if is_exact && incoming.is_end_stream() => {
            wire.give_back(progress.as_deref());
            return Body::full(frame.into_data().unwrap_or_default());
        }
        Poll::Ready(Some(first)) => Some(first),
        Poll::Ready(None) => {
            wire.give_back(progress.as_deref());
            return Body::Empty;
        }
        Poll::Pending => None,
    };
    let line = if progress.as_ref().is_none_or(|p| p.is_over()) {
        Line::Ours(wire)
    } else {
        let (driving, timer) = wire.into_driver();
        let task = tokio::spawn(driving);
        Line::Apart(Apart(task.abort_handle()), timer)
    };
    Body::Stream(Streaming::new(Download {
        first,
        incoming,
        line,
        progress,
        limit,
        deadline: None,
        pending,
    }))
}

impl Download {
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<FrameResult>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        let Line::Ours(wire) = &mut self.line else {
            return Pin::new(&mut self.incoming).poll_frame(cx);
        };
        // As in the exchange: what comes, comes while the driver is polled here, so no wake-up is needed for it.
        let incoming = &mut self.incoming;
        if let Poll::Ready(frame) = wire.take(|cx| Pin::new(&mut *incoming).poll_frame(cx)) {
            return Poll::Ready(frame);
        }
        wire.poll_driver(cx);
        wire.take(|cx| Pin::new(incoming).poll_frame(cx))
    }

    fn poll_too_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = match &mut self.line {
            Line::Ours(wire) => &mut wire.timer,
            Line::Apart(_, timer) => timer,
            Line::Done => return Poll::Pending,
        };
        let limit = self.limit;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + limit);
        timer.poll_passed(cx, deadline)
    }

    /// The body was read to its end.
    fn finish(&mut self) {
        match std::mem::replace(&mut self.line, Line::Done) {
            Line::Ours(wire) => wire.give_back(self.progress.as_deref()),
            // What is left of the upload goes on.
            Line::Apart(apart, _) => apart.let_go(),
            Line::Done => {}
        }
        self.pending = None;
    }

    /// The body breaks off, and the connection with it.
    fn fail(&mut self, error: BodyError) -> BodyError {
        self.line = Line::Done;
        self.pending = None;
        error
    }
}

type FrameResult = Result<Frame<Bytes>, hyper::Error>;

impl HttpBody for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if matches!(self.line, Line::Done) {
            return Poll::Ready(None);
        }
        match self.poll_incoming(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.deadline = None;
                if frame.is_trailers() || self.incoming.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(e))) => {
                let error = self.fail(broken(&e));
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.poll_too_late(cx));
                let after = self.limit;
                let error = self.fail(BodyError::TimedOut { after });
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.line, Line::Done)
    }

    /// What is to come, the piece that was taken beforehand included.
    fn size_hint(&self) -> SizeHint {
        let rest = self.incoming.size_hint();
        let first = match &self.first {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            _ => 0,
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + first);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + first);
        }
        hint
    }
}

impl Apart {
    fn let_go(self) {
        std::mem::forget(self);
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.0.abort();
    }
}

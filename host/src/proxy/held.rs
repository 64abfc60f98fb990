//! A response's body with what its exchange holds until the last byte.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::counted::Counted;
use crate::message::{Body, BoxError, Trace};

/// The body, and what is let go with it: the chain, the count of what is under way.
#[derive(Debug)]
pub struct Held {
    body: Body,
    /// Why the body breaks off, kept back until what came before has been sent.
    broken: Option<BoxError>,
    /// What observers are told; none if there are none.
    progress: Option<Progress>,
    _chain: Option<Arc<dyn Any + Send + Sync>>,
    _slot: Counted,
}

/// How much of the body has gone.
#[derive(Debug)]
struct Progress {
    trace: Trace,
    bytes: u64,
    /// All of it.
    complete: bool,
}

impl Held {
    /// `has_content`: the response is one that carries its body.
    pub fn new(
        body: Body,
        has_content: bool,
        chain: Option<Arc<dyn Any + Send + Sync>>,
        slot: Counted,
        trace: Trace,
    ) -> Self {
        let progress = trace.is_on().then(|| Progress {
            trace,
            bytes: 0,
            complete: !has_content || body.is_end_stream(),
        });
        Self {
            body,
            broken: None,
            progress,
            _chain: chain,
            _slot: slot,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.trace.sent(self.bytes, self.complete);
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let me = &mut *self;
        if let Some(error) = me.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(Pin::new(&mut me.body).poll_frame(cx)) {
            Some(Err(error)) => {
                // The connection breaks off at once when it hears of it, and with it what is not flushed yet: the head,
                // if the body failed early.
                me.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => {
                if let Some(progress) = &mut me.progress {
                    let data = frame.as_ref().and_then(|frame| frame.as_ref().ok());
                    let data = data.and_then(Frame::data_ref).map_or(0, Bytes::len);
                    progress.bytes += data as u64;
                    progress.complete = frame.is_none() || me.body.is_end_stream();
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

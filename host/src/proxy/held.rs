//! A response's body with what its exchange holds until the last byte.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::counted::Counted;
use crate::message::{Body, BoxError};

/// The body, and what is let go with it: the chain, the count of what is under way.
#[derive(Debug)]
pub struct Held {
    body: Body,
    /// Why the body breaks off, kept back until what came before has been sent.
    broken: Option<BoxError>,
    _chain: Option<Arc<dyn Any + Send + Sync>>,
    _slot: Counted,
}

impl Held {
    pub fn new(body: Body, chain: Option<Arc<dyn Any + Send + Sync>>, slot: Counted) -> Self {
        Self {
            body,
            broken: None,
            _chain: chain,
            _slot: slot,
        }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Err(error)) => {
                // The connection breaks off at once when it hears of it, and with it what is not flushed yet: the head,
                // if the body failed early.
                self.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

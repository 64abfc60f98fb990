//! A body that is watched on its way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Trace;
use super::tapped::Tapped;
use crate::message::{BoxError, Streaming};

/// Passes a stream on and takes down what of it was read.
#[derive(Debug)]
pub struct Tap {
    stream: Streaming,
    tapped: Arc<Tapped>,
    /// While somebody reads it, the exchange is not finished.
    _trace: Trace,
}

impl Tap {
    /// Of a request's body as it comes from the client.
    pub fn of_request(stream: Streaming, trace: &Trace) -> Self {
        let tapped = Arc::new(Tapped::default());
        trace.with(|life| life.tap_request(&tapped));
        Self {
            stream,
            tapped,
            _trace: trace.clone(),
        }
    }
}

impl HttpBody for Tap {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.stream).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.tapped.add(data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}

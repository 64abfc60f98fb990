//! A body that is watched on its way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Trace;
use super::full::Kept;
use super::tapped::Tapped;
use crate::message::{Body, BoxError, Streaming};

/// Passes a stream on and takes down what of it was read.
#[derive(Debug)]
struct Tap {
    stream: Streaming,
    tapped: Arc<Tapped>,
    /// Whether to take down when each part came; a body of one part has none.
    paced: bool,
    /// While somebody reads it, the exchange is not finished.
    trace: Trace,
}

/// Takes a body down from here on: what is in memory at once, what streams while somebody reads it. At most the first `limit`
/// bytes are kept. With `paced` it is taken down when each part came.
pub(super) fn observe(body: &mut Body, limit: usize, trace: &Trace, paced: bool) -> Kept {
    let first = |data: &Bytes| match limit {
        0 => Bytes::new(),
        // The rest of a large one is not kept alive for the sake of its beginning.
        limit if data.len() > limit => Bytes::copy_from_slice(&data[..limit]),
        _ => data.clone(),
    };
    match body {
        Body::Empty => Kept::Whole {
            data: Bytes::new(),
            length: 0,
            trailers: None,
        },
        Body::Full { data, trailers } => Kept::Whole {
            data: first(data),
            length: data.len() as u64,
            trailers: trailers.clone(),
        },
        Body::Arrived(data) => Kept::Whole {
            data: first(data),
            length: data.len() as u64,
            trailers: None,
        },
        Body::Stream(_) => {
            let tapped = Arc::new(Tapped::new(limit));
            if let Body::Stream(stream) = std::mem::take(body) {
                *body = Body::Stream(Streaming::new(Tap {
                    stream,
                    tapped: tapped.clone(),
                    paced,
                    trace: trace.clone(),
                }));
            }
            Kept::Tapped(tapped)
        }
        Body::Resumed { .. } | Body::Gone | Body::Broken(_) => Kept::Unknown,
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
        match &frame {
            None => self.tapped.add(None),
            Some(Ok(read)) => {
                self.tapped.add(Some(read));
                let is_last = self.stream.is_end_stream();
                if is_last {
                    self.tapped.complete();
                }
                if self.paced
                    && let Some(data) = read.data_ref()
                {
                    self.trace.part(data.len(), is_last);
                }
            }
            Some(Err(_)) => {}
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

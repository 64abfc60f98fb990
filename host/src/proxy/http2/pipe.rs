//! Sends a body on a stream, no faster than the peer grants window.
//!
//! A piece goes to `h2` only when window for it is there, so what `h2` holds leaves as soon as the socket takes it, and a
//! peer that grants none is seen here, by a deadline.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::HeaderMap;
use http_body::Body;

use super::stall::Stall;
use super::{SEND_BUFFER, fields};
use crate::message::BoxError;

#[derive(Debug)]
pub(super) struct Pipe {
    stream: SendStream<Bytes>,
    /// What waits for window.
    chunk: Bytes,
    /// Nothing follows the chunk.
    is_last: bool,
    stall: Stall,
}

/// Why not all of the body was sent.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The body failed.
    Body(BoxError),
    /// The peer granted no window for the time that is allowed.
    Stalled,
    /// The peer doesn't want it, or is gone.
    ByPeer,
}

impl Pipe {
    /// `timeout` bounds the wait for window.
    pub(super) fn new(stream: SendStream<Bytes>, timeout: Duration) -> Self {
        Self {
            stream,
            chunk: Bytes::new(),
            is_last: false,
            stall: Stall::new(timeout),
        }
    }

    pub(super) fn reset(&mut self, reason: Reason) {
        self.stream.send_reset(reason);
    }

    /// Sends what there is; ready when all of it has gone to `h2`.
    pub(super) fn poll<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Stopped>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        loop {
            if !self.chunk.is_empty() {
                ready!(self.poll_send_chunk(cx))?;
                if self.is_last {
                    return Poll::Ready(Ok(()));
                }
            }
            let Poll::Ready(frame) = body.as_mut().poll_frame(cx) else {
                return self.poll_reset(cx);
            };
            let Some(frame) = frame else {
                return Poll::Ready(self.send(Bytes::new(), true));
            };
            match frame.map_err(|e| Stopped::Body(e.into()))?.into_data() {
                Ok(data) => {
                    self.is_last = body.is_end_stream();
                    if data.is_empty() && self.is_last {
                        return Poll::Ready(self.send(data, true));
                    }
                    self.chunk = data;
                    self.reserve();
                }
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        return Poll::Ready(self.send_trailers(trailers));
                    }
                }
            }
        }
    }

    fn poll_send_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        while !self.chunk.is_empty() {
            let window = self.stream.capacity();
            if window == 0 {
                match self.stream.poll_capacity(cx) {
                    Poll::Pending => return self.stall.poll(cx).map(|()| Err(Stopped::Stalled)),
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(_) => return Poll::Ready(Err(Stopped::ByPeer)),
                }
                continue;
            }
            self.stall.over();
            let piece = self.chunk.split_to(window.min(self.chunk.len()));
            let is_end = self.is_last && self.chunk.is_empty();
            self.send(piece, is_end)?;
            if !self.chunk.is_empty() {
                self.reserve();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Only data in hand claims window: it is the whole connection's, and another stream may have some to send.
    fn reserve(&mut self) {
        if !self.chunk.is_empty() {
            let wanted = self.chunk.len().min(SEND_BUFFER);
            self.stream.reserve_capacity(wanted);
        }
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        self.stream.poll_reset(cx).map(|_| Err(Stopped::ByPeer))
    }

    fn send(&mut self, data: Bytes, is_end: bool) -> Result<(), Stopped> {
        self.stream
            .send_data(data, is_end)
            .map_err(|_| Stopped::ByPeer)
    }

    fn send_trailers(&mut self, mut trailers: HeaderMap) -> Result<(), Stopped> {
        fields::strip_connection_specific(&mut trailers);
        self.stream
            .send_trailers(trailers)
            .map_err(|_| Stopped::ByPeer)
    }
}

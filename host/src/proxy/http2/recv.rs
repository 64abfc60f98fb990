//! A body that arrives on a stream.
//!
//! It gives window back to the sender as its frames are handed on, so a slow reader slows the sender down and memory stays
//! within the stream's window.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::fields::SectionBounds;
use super::stall::Stall;
use crate::counted::Counted;
use crate::message::BodyError;

/// The content of a message on a stream of HTTP/2.
///
/// Dropped before its end, it ends the stream: a client's request is cancelled; a server still answers in full and then
/// resets with NO_ERROR (RFC 9113, section 8.1).
#[derive(Debug)]
pub struct RecvBody {
    /// None once the last frame was handed on.
    stream: Option<RecvStream>,
    /// What `content-length` leaves to come.
    remaining: Option<u64>,
    data_done: bool,
    /// Of the trailers.
    bounds: Option<SectionBounds>,
    stall: Stall,
    /// Of a response: its share of the connection, and the task that still sends the request's body.
    slot: Option<Counted>,
    upload: Option<tokio::task::AbortHandle>,
}

impl RecvBody {
    /// No content.
    pub fn empty() -> Self {
        Self {
            stream: None,
            remaining: None,
            data_done: true,
            bounds: None,
            stall: Stall::new(Duration::ZERO),
            slot: None,
            upload: None,
        }
    }

    /// `timeout` bounds the wait for each frame, `bounds` the trailers; `length` is what `content-length` says.
    pub(super) fn new(
        stream: RecvStream,
        length: Option<u64>,
        timeout: Duration,
        bounds: SectionBounds,
    ) -> Self {
        if stream.is_end_stream() {
            return Self::empty();
        }
        Self {
            stream: Some(stream),
            remaining: length,
            data_done: false,
            bounds: Some(bounds),
            stall: Stall::new(timeout),
            slot: None,
            upload: None,
        }
    }

    /// Keeps what lives as long as the response: its slot, and the task that this body's end by drop ends as well.
    pub(super) fn with_exchange(
        mut self,
        slot: Counted,
        upload: Option<tokio::task::AbortHandle>,
    ) -> Self {
        if self.stream.is_some() {
            (self.slot, self.upload) = (Some(slot), upload);
        }
        self
    }

    fn poll_stream(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(None);
        };
        while !self.data_done {
            match stream.poll_data(cx) {
                Poll::Pending => return self.poll_stalled(cx),
                // An empty frame only carries the end.
                Poll::Ready(Some(Ok(data))) if data.is_empty() => {}
                Poll::Ready(Some(Ok(data))) => {
                    // It fails only for more than came.
                    let _ = stream.flow_control().release_capacity(data.len());
                    self.remaining = self.remaining.map(|n| n.saturating_sub(data.len() as u64));
                    self.stall.over();
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Poll::Ready(Some(Err(e))) => return Poll::Ready(self.fail(&e)),
                Poll::Ready(None) => self.data_done = true,
            }
        }
        match stream.poll_trailers(cx) {
            Poll::Pending => self.poll_stalled(cx),
            Poll::Ready(Ok(trailers)) => {
                if let (Some(bounds), Some(trailers)) = (&self.bounds, &trailers)
                    && let Err(error) = bounds.check(trailers)
                {
                    self.cut();
                    return Poll::Ready(Some(Err(BodyError::Disconnected(error.to_string()))));
                }
                self.end();
                Poll::Ready(trailers.map(|t| Ok(Frame::trailers(t))))
            }
            Poll::Ready(Err(e)) => Poll::Ready(self.fail(&e)),
        }
    }

    fn poll_stalled(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.stall.poll(cx).map(|()| {
            self.cut();
            let after = self.stall.limit();
            Some(Err(BodyError::TimedOut { after }))
        })
    }

    /// RFC 9113, section 8.1: NO_ERROR says that the message was complete. Without its length there is no telling.
    fn fail(&mut self, error: &h2::Error) -> Option<Result<Frame<Bytes>, BodyError>> {
        self.cut();
        if error.reason() == Some(Reason::NO_ERROR) && self.remaining == Some(0) {
            return None;
        }
        Some(Err(BodyError::Disconnected(error.to_string())))
    }

    fn end(&mut self) {
        (self.stream, self.slot, self.upload) = (None, None, None);
    }

    /// Ends the whole exchange before its time.
    fn cut(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort();
        }
        self.end();
    }
}

impl Drop for RecvBody {
    fn drop(&mut self) {
        if self.upload.is_some() && !self.is_end_stream() {
            self.cut();
        }
    }
}

impl HttpBody for RecvBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.poll_stream(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.as_ref().is_none_or(RecvStream::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match self.remaining {
            _ if self.stream.is_none() => SizeHint::with_exact(0),
            Some(remaining) => SizeHint::with_exact(remaining),
            None => SizeHint::default(),
        }
    }
}

//! A response's body on its way from a connection of HTTP/1.1; at its end the connection goes back to its pool.
//!
//! Reading the body is what drives the connection. Large bodies are read in large pieces, from one buffer that is used again
//! as soon as the last piece has left it, and that is given up while nothing comes.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio::time::Instant;

use super::apart::Apart;
use super::reading::SCRATCH;
use super::sending::Sending;
use crate::message::BodyError;
use crate::proxy::http1::body::{Decoder, Piece};
use crate::proxy::upstream::balance::Pending;
use crate::proxy::upstream::error::with_causes;
use crate::proxy::upstream::wire::Wire;
use crate::timer::Timer;

/// Bytes that are read at once when a body proves longer than one read. Measured: fewer cost more system calls, more cost
/// more misses of the cache.
const MOST_AT_ONCE: usize = 256 << 10;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Download {
    line: Line,
    decoder: Decoder,
    /// What was read and not yet handed on.
    buffer: BytesMut,
    /// How much to read at once.
    size: usize,
    /// The connection can be used again after the body.
    keep: bool,
    limit: Duration,
    /// Of the wait for the next frame, while there is one.
    deadline: Option<Instant>,
    /// Counts as a request under way until the end.
    pending: Option<Pending>,
}

/// What the body is read from.
#[derive(Debug)]
pub(super) enum Line {
    /// The request is written: nobody else uses the connection.
    Own(Box<Wire>),
    /// The request is still being sent.
    Shared(Apart, Timer),
    /// The body is over, or broken.
    Done,
}

/// What is known of a body when it begins.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) decoder: Decoder,
    /// What came with the head.
    pub(super) rest: BytesMut,
    /// The first read has filled its buffer.
    pub(super) is_full: bool,
    pub(super) keep: bool,
}

impl Line {
    /// Goes on with the request in a task of its own.
    pub(super) fn apart(mut wire: Box<Wire>, left: Box<Sending>) -> Self {
        let timer = std::mem::take(&mut wire.timer);
        Self::Shared(Apart::start(wire, left), timer)
    }
}

impl Download {
    /// A body of which no frame may come more than `limit` after the one before.
    pub(super) fn new(begun: Begun, line: Line, limit: Duration, pending: Option<Pending>) -> Self {
        Self {
            line,
            decoder: begun.decoder,
            buffer: begun.rest,
            size: if begun.is_full { SCRATCH * 4 } else { SCRATCH },
            keep: begun.keep,
            limit,
            deadline: None,
            pending,
        }
    }

    /// Reads once. Ready with how many bytes came.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BodyError>> {
        // One byte more than is wanted: a read that does not fill its buffer tells tokio that there is no more, which saves
        // the call that would find that out.
        let ahead = usize::try_from(self.decoder.data_ahead()).unwrap_or(usize::MAX);
        let wanted = match self.decoder.size_hint().exact() {
            Some(_) => self.size.min(ahead.saturating_add(1)),
            None => self.size,
        };
        self.buffer.reserve(wanted);
        let mut reader = Reader(&mut self.line);
        let mut room = (&mut self.buffer).limit(wanted);
        let read = pin!(reader.read_buf(&mut room)).poll(cx);
        match read {
            Poll::Pending => {
                if self.buffer.is_empty() {
                    self.buffer = BytesMut::new();
                }
                Poll::Pending
            }
            Poll::Ready(Ok(n)) => {
                if n == self.size {
                    self.size = (self.size * 4).min(MOST_AT_ONCE);
                }
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(BodyError::find(&error)
                .unwrap_or_else(|| BodyError::Disconnected(with_causes(&error))))),
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, BodyError>>> {
        loop {
            match self.decoder.decode(&mut self.buffer) {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) if self.decoder.is_end() => return Poll::Ready(None),
                Ok(None) => {}
                Err(error) => {
                    let error = BodyError::Disconnected(error.to_string());
                    return Poll::Ready(Some(Err(error)));
                }
            }
            match ready!(self.poll_more(cx)) {
                Ok(0) if self.decoder.ends_with_connection() => return Poll::Ready(None),
                Ok(0) => {
                    let why = "the connection ended before the body did".to_owned();
                    return Poll::Ready(Some(Err(BodyError::Disconnected(why))));
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    fn poll_too_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = match &mut self.line {
            Line::Own(wire) => &mut wire.timer,
            Line::Shared(_, timer) => timer,
            Line::Done => return Poll::Pending,
        };
        let limit = self.limit;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + limit);
        timer.poll_passed(cx, deadline)
    }

    /// The body was read to its end. What is left behind it belongs to no request.
    fn finish(&mut self) {
        let keep = self.keep && self.buffer.is_empty();
        self.buffer = BytesMut::new();
        match std::mem::replace(&mut self.line, Line::Done) {
            Line::Own(wire) if keep => wire.give_back(),
            Line::Shared(apart, _) => apart.response_is_over(keep),
            Line::Own(_) | Line::Done => {}
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
        let piece = match self.poll_piece(cx) {
            Poll::Ready(piece) => piece,
            Poll::Pending => {
                ready!(self.poll_too_late(cx));
                let after = self.limit;
                Some(Err(BodyError::TimedOut { after }))
            }
        };
        self.deadline = None;
        let frame = match piece {
            Some(Ok(Piece::Data(data))) => Frame::data(data),
            Some(Ok(Piece::Trailers(fields))) => Frame::trailers(fields),
            Some(Err(error)) => return Poll::Ready(Some(Err(self.fail(error)))),
            None => {
                self.finish();
                return Poll::Ready(None);
            }
        };
        if self.decoder.is_end() {
            self.finish();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.line, Line::Done)
    }

    fn size_hint(&self) -> SizeHint {
        match self.line {
            Line::Done => SizeHint::with_exact(0),
            Line::Own(_) | Line::Shared(..) => self.decoder.size_hint(),
        }
    }
}

/// Reads from wherever the body comes.
struct Reader<'a>(&'a mut Line);

impl AsyncRead for Reader<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self.0 {
            Line::Own(wire) => Pin::new(&mut wire.stream).poll_read(cx, buf),
            Line::Shared(apart, _) => Pin::new(apart).poll_read(cx, buf),
            Line::Done => Poll::Ready(Ok(())),
        }
    }
}

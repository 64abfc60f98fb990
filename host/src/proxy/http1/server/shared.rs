//! What a connection and the body of its request share: the socket, and what was read of it.
//!
//! A body travels with its exchange, into a plugin or into a task that sends it to a backend. It reads from the socket itself,
//! so no task and no channel lies between. Whoever holds the lock does one read or one write and lets go.

use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::limits::{READ_AHEAD, SCRATCH};
use crate::message::{BodyError, ResponseHead};
use crate::proxy::bad_head::BadHead;
use crate::proxy::http1::body::{Decoder, Piece};
use crate::proxy::http1::encode;
use crate::proxy::http1::request::{self, HeadLimits, Request};
use crate::timer::Timer;

/// The first read of a body, and what later ones grow to while they are filled.
const SMALL_READ: usize = 16 << 10;
const LARGE_READ: usize = 256 << 10;

/// How much of a body that nobody wanted is read so that the connection can stay.
const DRAIN: usize = 64 << 10;

/// What came of a read for a head.
pub enum Read {
    /// A head, and whether it may be served.
    Head(Result<Request, BadHead>),
    /// Bytes that are not looked at yet.
    More,
    End,
}

/// See the module's text.
#[derive(Debug)]
pub struct Shared<IO>(Mutex<Socket<IO>>);

/// The socket, with what of its input is not used yet.
#[derive(Debug)]
pub struct Socket<IO> {
    /// None once the connection is a tunnel.
    pub io: Option<IO>,
    /// What was read and belongs to the body, to the next request, or to another protocol.
    pub read: BytesMut,
    /// Follows the request's body; none without one.
    pub body: Option<Box<Incoming>>,
    /// The client has closed its side.
    pub eof: bool,
    /// Interim responses that are to be written.
    pub interim: Vec<u8>,
    /// Some were written and may still be in a buffer below, of TLS.
    unflushed: bool,
    /// Whether an interim response may still be sent: before the response, and to HTTP/1.1.
    pub takes_interim: bool,
    /// The connection's task, which writes what others want to be written.
    pub task: Option<Waker>,
}

/// How far the body of the request is.
#[derive(Debug)]
pub struct Incoming {
    pub decoder: Decoder,
    /// The client waits to be asked for it.
    pub expects_continue: bool,
    /// How long to wait for the next bytes.
    patience: Duration,
    by: Option<Instant>,
    timer: Timer,
    /// How much the next read asks for.
    room: usize,
    /// Why nothing of it can be had any more.
    broken: Option<BodyError>,
}

impl Incoming {
    pub fn new(decoder: Decoder, expects_continue: bool, patience: Duration) -> Box<Self> {
        Box::new(Self {
            decoder,
            expects_continue,
            patience,
            by: None,
            timer: Timer::default(),
            room: SMALL_READ,
            broken: None,
        })
    }
}

impl<IO> Shared<IO> {
    pub fn new(io: IO) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Socket {
            io: Some(io),
            read: BytesMut::new(),
            body: None,
            eof: false,
            interim: Vec::new(),
            unflushed: false,
            takes_interim: false,
            task: None,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Socket<IO>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an interim response and wakes the connection to write it. Nothing happens where none may be sent any more.
    pub fn send_interim(&self, head: &ResponseHead) {
        let mut socket = self.lock();
        if !socket.takes_interim
            || !head.status.is_informational()
            || head.status == StatusCode::SWITCHING_PROTOCOLS
        {
            return;
        }
        encode::response(head, &mut socket.interim);
        let task = socket.task.clone();
        drop(socket);
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Socket<IO> {
    /// Whether bytes of the request's body are still to come.
    pub fn is_in_body(&self) -> bool {
        self.body
            .as_ref()
            .is_some_and(|body| !body.decoder.is_end())
    }

    /// Writes as much of the queued interim responses as the socket takes. Ready when none is left.
    pub fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.interim.is_empty() {
            let Some(io) = &mut self.io else {
                self.interim = Vec::new();
                break;
            };
            let n = ready!(Pin::new(io).poll_write(cx, &self.interim))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.interim.drain(..n);
            self.unflushed = true;
        }
        if self.unflushed
            && let Some(io) = &mut self.io
        {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.unflushed = false;
            self.interim = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// A final response begins: no interim one may come any more. Whether the connection can stay: not if it is not known
    /// where the next request begins, because the body broke off or the client still waits to be asked for it. That the client
    /// has closed its side is not asked: whether its end has come by now is chance, and so would be what the response says.
    pub fn begin_response(&mut self) -> bool {
        self.takes_interim = false;
        let is_clear = |body: &Incoming| !body.expects_continue && body.broken.is_none();
        self.body.as_deref().is_none_or(is_clear)
    }

    /// Whether the client has sent all that it will, and all of it is used.
    pub fn is_over(&self) -> bool {
        self.eof && self.read.is_empty()
    }

    /// Reads what a head begins with or continues.
    pub fn poll_read_head(
        &mut self,
        limits: &HeadLimits,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Read>> {
        let Some(io) = self.io.as_mut().filter(|_| !self.eof) else {
            return Poll::Ready(Ok(Read::End));
        };
        let mut scratch = [MaybeUninit::uninit(); SCRATCH];
        let mut buffer = ReadBuf::uninit(&mut scratch);
        ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled();
        if bytes.is_empty() {
            self.eof = true;
            return Poll::Ready(Ok(Read::End));
        }
        if self.read.is_empty() {
            // Most heads come whole: then nothing but what follows them is copied here.
            match request::read(bytes, limits) {
                Ok(Some(request)) => {
                    self.read.extend_from_slice(&bytes[request.len..]);
                    return Poll::Ready(Ok(Read::Head(Ok(request))));
                }
                Err(error) => {
                    self.read.extend_from_slice(bytes);
                    return Poll::Ready(Ok(Read::Head(Err(error))));
                }
                Ok(None) => {}
            }
        }
        self.read.extend_from_slice(bytes);
        Poll::Ready(Ok(Read::More))
    }

    /// Sees whether the client has closed its side, which only a read tells. What it sends ahead is kept, up to a bound. While
    /// a body is to come, whoever wants that reads.
    pub fn read_ahead(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.is_in_body() && !self.eof && self.read.len() < READ_AHEAD {
            let Some(io) = &mut self.io else {
                return Ok(());
            };
            let mut scratch = [MaybeUninit::uninit(); SCRATCH];
            let mut buffer = ReadBuf::uninit(&mut scratch);
            match Pin::new(io).poll_read(cx, &mut buffer)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(()) if buffer.filled().is_empty() => self.eof = true,
                Poll::Ready(()) => self.read.extend_from_slice(buffer.filled()),
            }
        }
        Ok(())
    }

    /// Reads what is left of a body that nobody wanted, as far as it is here. Whether that was all.
    pub fn drain(&mut self) -> bool {
        let mut quiet = Context::from_waker(Waker::noop());
        let mut left = DRAIN;
        loop {
            match self.poll_piece(&mut quiet) {
                Poll::Ready(Some(Ok(Piece::Data(data)))) if data.len() < left => left -= data.len(),
                Poll::Ready(Some(Ok(Piece::Trailers(_)))) => {}
                Poll::Ready(None) => return true,
                _ => return false,
            }
        }
    }

    /// The next piece of the request's body; none at its end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, BodyError>>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            if let Some(error) = &body.broken {
                return Poll::Ready(Some(Err(error.clone())));
            }
            match body.decoder.decode(&mut self.read) {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) if body.decoder.is_end() => return Poll::Ready(None),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(body.fail(error.to_string())))),
            }
            if std::mem::take(&mut body.expects_continue) && self.takes_interim {
                self.ask_to_continue(cx);
            } else {
                ready!(self.poll_more(cx))?;
            }
        }
    }

    fn ask_to_continue(&mut self, cx: &mut Context<'_>) {
        self.interim
            .extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        // What the socket doesn't take at once, the connection's task writes; it also sees an error.
        if !matches!(self.poll_interim(cx), Poll::Ready(Ok(())))
            && let Some(task) = &self.task
        {
            task.wake_by_ref();
        }
    }

    /// Reads more of the body.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(()));
        };
        let Some(io) = self.io.as_mut().filter(|_| !self.eof) else {
            let text = "the client closed the connection before the end of the body";
            return Poll::Ready(Err(body.fail(text.to_owned())));
        };
        let ahead = usize::try_from(body.decoder.data_ahead()).unwrap_or(usize::MAX);
        let room = body.room.min(ahead.max(SMALL_READ));
        // The memory of pieces that have gone on is taken again.
        self.read.reserve(room);
        let mut limited = (&mut self.read).limit(room);
        match pin!(io.read_buf(&mut limited)).poll(cx) {
            Poll::Ready(Ok(0)) => self.eof = true,
            Poll::Ready(Ok(n)) => {
                body.by = None;
                if n == room {
                    body.room = (room * 4).min(LARGE_READ);
                }
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(body.fail(error.to_string()))),
            Poll::Pending => return body.poll_too_late(cx),
        }
        Poll::Ready(Ok(()))
    }
}

impl Incoming {
    /// The body is lost, now and for whoever asks again.
    fn fail(&mut self, why: String) -> BodyError {
        let error = BodyError::Disconnected(why);
        self.broken = Some(error.clone());
        error
    }

    /// Pending until the client has sent nothing for too long.
    fn poll_too_late(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let patience = self.patience;
        let by = *self.by.get_or_insert_with(|| Instant::now() + patience);
        ready!(self.timer.poll_passed(cx, by));
        let error = BodyError::TimedOut { after: patience };
        self.broken = Some(error.clone());
        Poll::Ready(Err(error))
    }
}

/// The body of a request that is still arriving.
pub struct Arriving<IO>(pub Arc<Shared<IO>>);

impl<IO: AsyncRead + AsyncWrite + Unpin> HttpBody for Arriving<IO> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let piece = ready!(self.0.lock().poll_piece(cx));
        Poll::Ready(piece.map(|piece| {
            piece.map(|piece| match piece {
                Piece::Data(data) => Frame::data(data),
                Piece::Trailers(fields) => Frame::trailers(fields),
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        !self.0.lock().is_in_body()
    }

    fn size_hint(&self) -> SizeHint {
        let socket = self.0.lock();
        let body = socket.body.as_ref();
        body.map_or(SizeHint::with_exact(0), |body| body.decoder.size_hint())
    }
}

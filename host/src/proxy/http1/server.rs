//! The server's side of HTTP/1.1: one task for a connection, in which its exchanges run one after another.
//!
//! ```text
//! read a head ──► exchange ──► write the response ──► again, or close
//!    │               │ reads the body itself (shared.rs); the client is watched meanwhile
//!    └ refused: an answer in its turn, then the end
//! ```
//!
//! A connection at rest holds no buffer: a read goes to the stack first, and only what is kept is copied.

mod close;
mod limits;
mod shared;
#[cfg(test)]
mod tests;
mod write;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::body::Decoder;
use super::encode::BodyFraming;
use super::line;
use super::request::{self, BadHead, Framing, Request};
use super::timer::Timer;
use crate::message::{
    Body, BoxError, Checked, Fields, Known, OnInformational, RequestHead, ResponseHead, Streaming,
    Tunnel, hygiene, syntax,
};
use crate::proxy::prefixed::Prefixed;
use crate::proxy::stop::Stop;
use crate::proxy::tunnel::Opening;
use close::{Expect, HalfClosed};
pub use limits::{Limits, Peer};
use shared::{Arriving, Incoming, Read, Shared, Socket};
use write::{Asked, Writing, Written};

/// Bytes of a read that are looked at before any is kept.
const SCRATCH: usize = 16 << 10;

/// What a client may send ahead while an exchange runs. More waits in the system's buffers.
const READ_AHEAD: usize = 64 << 10;

/// A request for the exchange.
pub struct Inbound {
    pub head: RequestHead,
    pub body: Body,
    /// Why the head stands in for one that must not be served.
    pub refused: Option<BadHead>,
    /// The client's side of a tunnel, once a 101 is written.
    pub tunnel: Option<Opening>,
    pub on_informational: OnInformational,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound")
            .field("head", &self.head)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

/// Serves a connection of which `prefix` was read already, until it ends or, once it is time to stop, until its exchange is
/// done.
///
/// # Errors
/// When the connection breaks.
pub async fn serve<IO, F, A, B>(
    io: IO,
    prefix: Bytes,
    limits: Limits,
    peer: Peer<IO>,
    stop: Stop,
    exchange: F,
) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Inbound) -> A,
    A: Future<Output = (ResponseHead, B)> + Send,
    B: HttpBody<Data = Bytes, Error = BoxError> + Unpin,
{
    let shared = Shared::new(io);
    shared.lock().read.extend_from_slice(&prefix);
    let interim = shared.clone();
    let mut connection = Connection {
        on_informational: Arc::new(move |status, fields: &Fields| {
            // 100 goes out by itself as soon as somebody reads the body.
            if status != StatusCode::CONTINUE {
                interim.send_interim(status, &hygiene::interim_fields(fields));
            }
        }),
        shared,
        limits,
        peer,
        stop,
        timer: Timer::default(),
        quiet_since: Instant::now(),
        head_since: None,
        looked: 0,
        served: false,
    };
    let mut stopping = pin!(connection.stop.clone().stopped_owned());
    loop {
        let next = poll_fn(|cx| {
            let polled = connection.poll_head(cx);
            if polled.is_pending()
                && connection.is_at_rest()
                && stopping.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Ok(Next::End));
            }
            polled
        });
        let (request, refused) = match next.await? {
            Next::End => return connection.close(Expect::Nothing).await,
            Next::Request(request) => (*request, None),
            Next::Refused(request, error) => (*request, Some(error)),
        };
        // On the heap: a connection at rest has no room for it.
        let after = Box::pin(connection.exchange(request, refused, &exchange)).await?;
        match after {
            After::Head => connection.rest(),
            After::Gone => return Ok(()),
            After::Close(expect) => return connection.close(expect).await,
        }
    }
}

/// What comes next on a connection.
enum Next {
    Request(Box<Request>),
    /// A head that must not be served, with one that stands in for it.
    Refused(Box<Request>, BadHead),
    End,
}

/// What comes after an exchange.
enum After {
    Head,
    /// The socket is a tunnel's, or was given up.
    Gone,
    Close(Expect),
}

struct Connection<IO> {
    shared: Arc<Shared<IO>>,
    on_informational: OnInformational,
    limits: Limits,
    peer: Peer<IO>,
    stop: Stop,
    timer: Timer,
    /// When the last exchange ended, or the connection began.
    quiet_since: Instant,
    /// When the first byte of a head came that is not there whole.
    head_since: Option<Instant>,
    /// How much of it was there when it was last looked at.
    looked: usize,
    /// A request has come.
    served: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<IO> {
    /// Whether nothing of a request is here.
    fn is_at_rest(&self) -> bool {
        self.head_since.is_none() && self.shared.lock().read.is_empty()
    }

    /// Holds nothing that the next request doesn't need.
    fn rest(&mut self) {
        let mut socket = self.shared.lock();
        socket.body = None;
        socket.read = match socket.read.len() {
            0 => BytesMut::new(),
            _ => BytesMut::from(&socket.read[..]),
        };
        drop(socket);
        self.quiet_since = Instant::now();
    }

    /// The next head, or the end.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Next>> {
        let shared = self.shared.clone();
        let mut socket = shared.lock();
        if !socket.read.is_empty() && self.head_since.is_none() {
            if let Some(next) = self.take_head(&mut socket) {
                return Poll::Ready(Ok(next));
            }
            self.looked = socket.read.len();
        }
        loop {
            let before = socket.read.len();
            match socket.poll_read_head(&self.limits.head, cx) {
                Poll::Ready(Ok(Read::End)) => return Poll::Ready(Ok(Next::End)),
                Poll::Ready(Ok(Read::Head(result))) => {
                    return Poll::Ready(Ok(self.next(&mut socket, result)));
                }
                Poll::Ready(Ok(Read::More)) => {
                    // Looking at each byte that comes alone would take time with the square of a head's length.
                    let worth = memchr::memchr(b'\n', &socket.read[before..]).is_some()
                        || socket.read.len() >= 2 * self.looked
                        || socket.read.len() > self.limits.head.max_head;
                    if worth {
                        self.looked = socket.read.len();
                        if let Some(next) = self.take_head(&mut socket) {
                            return Poll::Ready(Ok(next));
                        }
                    }
                    self.head_since.get_or_insert_with(Instant::now);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => break,
            }
        }
        let (since, patience) = match self.head_since {
            Some(began) => (began.max(self.quiet_since), self.limits.header_timeout),
            // Who connects has something to say.
            None if !self.served => (self.quiet_since, self.limits.header_timeout),
            None => (self.quiet_since, self.limits.idle_timeout),
        };
        ready!(self.timer.poll_passed(cx, since + patience));
        if self.head_since.is_none() {
            return Poll::Ready(Ok(Next::End));
        }
        let next = self.next(&mut socket, Err(BadHead::Timeout));
        Poll::Ready(Ok(next))
    }

    /// The head at the start of what was read; none while it is incomplete.
    fn take_head(&mut self, socket: &mut Socket<IO>) -> Option<Next> {
        match request::read(&socket.read, &self.limits.head) {
            Ok(None) => {
                self.head_since.get_or_insert_with(Instant::now);
                None
            }
            Ok(Some(request)) => {
                socket.read.advance(request.len);
                Some(self.next(socket, Ok(request)))
            }
            Err(error) => Some(self.next(socket, Err(error))),
        }
    }

    fn next(&mut self, socket: &mut Socket<IO>, result: Result<Request, BadHead>) -> Next {
        self.head_since = None;
        self.looked = 0;
        self.served = true;
        match result {
            Ok(request) => Next::Request(Box::new(request)),
            Err(error) => {
                let stand_in = stand_in(&socket.read);
                // Nothing of it has a meaning, nor what comes after it.
                socket.read = BytesMut::new();
                Next::Refused(Box::new(stand_in), error)
            }
        }
    }

    /// The body of a request: what is here already, or what reads the rest of it.
    fn body(&self, request: &Request) -> Body {
        let mut socket = self.shared.lock();
        socket.takes_interim = request.head.version == Version::HTTP_11;
        let here = match request.framing {
            Framing::Length(0) => return Body::Empty,
            Framing::Length(length) => usize::try_from(length)
                .ok()
                .filter(|length| *length <= socket.read.len()),
            Framing::Chunked => None,
        };
        if let Some(length) = here {
            return Body::full(socket.read.split_to(length).freeze());
        }
        let decoder = Decoder::of_request(request.framing, self.limits.head);
        let (expects, patience) = (request.expects_continue, self.limits.body_timeout);
        socket.body = Some(Incoming::new(decoder, expects, patience));
        drop(socket);
        Body::Stream(Streaming::new(Arriving(self.shared.clone())))
    }

    /// Runs one exchange and writes its response.
    async fn exchange<F, A, B>(
        &mut self,
        request: Request,
        refused: Option<BadHead>,
        exchange: &F,
    ) -> io::Result<After>
    where
        F: Fn(Inbound) -> A,
        A: Future<Output = (ResponseHead, B)> + Send,
        B: HttpBody<Data = Bytes, Error = BoxError> + Unpin,
    {
        let asked = Asked {
            method: request.head.method.clone(),
            version: request.head.version,
            trailers: takes_trailers(&request.head.fields),
        };
        let keep_alive = request.keep_alive && refused.is_none();
        let body = self.body(&request);
        let (tunnel, opening) = match request.switches {
            true => {
                let (tunnel, opening) = oneshot::channel();
                (
                    Some(tunnel),
                    Some(Box::pin(async move { Ok(opening.await?) }) as Opening),
                )
            }
            false => (None, None),
        };
        let mut client = None;
        let (mut head, body) = {
            let mut running = pin!(exchange(Inbound {
                head: request.head,
                body,
                refused,
                tunnel: opening,
                on_informational: self.on_informational.clone(),
            }));
            poll_fn(|cx| {
                if let Poll::Ready(answer) = running.as_mut().poll(cx) {
                    return Poll::Ready(Ok(answer));
                }
                self.poll_client(&mut client, cx).map(Err)
            })
            .await?
        };
        let may_stay = keep_alive && !self.stop.is_stopped() && self.shared.lock().begin_response();
        let exact = body.size_hint().exact();
        let (framing, stays) = write::frame(&mut head, &asked, exact, may_stay);
        let mut writing = Writing::new(&head, framing, asked.trailers, body);
        let written = poll_fn(|cx| self.poll_response(&mut writing, &mut client, cx)).await?;
        if let Written::Broken(error) = written {
            return self.broken(framing, &error);
        }
        let mut socket = self.shared.lock();
        if head.status == StatusCode::SWITCHING_PROTOCOLS
            && let Some(tunnel) = tunnel
            && let Some(io) = socket.io.take()
        {
            let read = socket.read.split().freeze();
            // Nobody is there any more if the exchange has not agreed to a tunnel after all.
            let _ = tunnel.send(Box::new(Prefixed::new(read, io)) as Tunnel);
            return Ok(After::Gone);
        }
        if refused.is_some() || (socket.is_in_body() && !(stays && socket.drain())) {
            return Ok(After::Close(Expect::More));
        }
        Ok(match stays && !socket.is_over() {
            true => After::Head,
            false => After::Close(Expect::Nothing),
        })
    }

    /// Writes more of the response, and sees whether the client is still there.
    fn poll_response<B: HttpBody<Data = Bytes, Error = BoxError> + Unpin>(
        &mut self,
        writing: &mut Writing<B>,
        client: &mut Option<HalfClosed>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Written>> {
        let patience = self.limits.body_timeout;
        let polled = writing.poll(&self.shared, &mut self.timer, patience, cx);
        if polled.is_ready() {
            return polled;
        }
        if let Some(client) = client
            && (writing.has_progressed() || client.last_sent.is_none())
        {
            client.last_sent = Some(Instant::now());
        }
        self.poll_client(client, cx).map(Err)
    }

    /// Watches the client while its exchange runs: ready when it has left.
    fn poll_client(
        &mut self,
        client: &mut Option<HalfClosed>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Error> {
        let mut socket = self.shared.lock();
        if socket
            .task
            .as_ref()
            .is_none_or(|task| !task.will_wake(cx.waker()))
        {
            socket.task = Some(cx.waker().clone());
        }
        if let Poll::Ready(Err(error)) = socket.poll_interim(cx) {
            return Poll::Ready(error);
        }
        if let Err(error) = socket.read_ahead(cx) {
            return Poll::Ready(error);
        }
        if !socket.eof || socket.is_in_body() {
            return Poll::Pending;
        }
        let client = client.get_or_insert_with(|| HalfClosed::new(Instant::now()));
        loop {
            let has_reset = socket.io.as_ref().is_none_or(|io| (self.peer.has_left)(io));
            match client.has_left(self.limits.half_close, Instant::now(), has_reset) {
                Ok(()) => return Poll::Ready(io::ErrorKind::ConnectionAborted.into()),
                Err(next) => ready!(self.timer.poll_passed(cx, next)),
            }
        }
    }

    /// Ends a response that broke off so that it can't be taken for a complete one.
    fn broken(&self, framing: BodyFraming, error: &BoxError) -> io::Result<After> {
        tracing::debug!("a response broke off: {error}");
        if framing == BodyFraming::UntilClose {
            if let Some(io) = &self.shared.lock().io {
                (self.peer.abort)(io);
            }
            return Ok(After::Gone);
        }
        Ok(After::Close(Expect::Nothing))
    }
}

/// Whether a client says that it takes trailers (RFC 9110, section 10.1.4).
fn takes_trailers(fields: &Fields) -> bool {
    fields.contains(Known::Te)
        && fields
            .get_all(Known::Te)
            .flat_map(syntax::items)
            .any(|item| item.eq_ignore_ascii_case(b"trailers"))
}

/// What comes in place of a head that must not be served: no more of it than decides the form of the error.
fn stand_in(bytes: &[u8]) -> Request {
    let line = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let mut head = RequestHead::new();
    if line.starts_with(b"HEAD ") {
        head.method = Method::HEAD;
    }
    if let Some(value) = line::value_of(line, b"accept").and_then(Checked::new) {
        head.fields.append(Known::Accept, value);
    }
    Request {
        head,
        len: 0,
        framing: Framing::Length(0),
        switches: false,
        keep_alive: false,
        expects_continue: false,
    }
}

//! A connection between its requests: waits for heads, and watches the client while an exchange runs.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use http::{Method, StatusCode, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::close::HalfClosed;
use super::limits::{Limits, Peer};
use super::shared::{Arriving, Incoming, Read, Shared, Socket};
use crate::message::{
    Body, Checked, Known, OnInformational, RequestHead, ResponseHead, Streaming, hygiene,
};
use crate::proxy::bad_head::BadHead;
use crate::proxy::http1::body::Decoder;
use crate::proxy::http1::line;
use crate::proxy::http1::request::{self, Framing, Request};
use crate::timer::Timer;

/// What comes next on a connection.
pub enum Next {
    Request(Box<Request>),
    /// A head that must not be served, with one that stands in for it.
    Refused(Box<Request>, BadHead),
    End,
}

/// What a connection keeps between its exchanges.
pub struct Connection<IO> {
    pub shared: Arc<Shared<IO>>,
    pub on_informational: OnInformational,
    pub limits: Limits,
    pub peer: Peer<IO>,
    pub timer: Timer,
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
    pub fn new(shared: Arc<Shared<IO>>, limits: Limits, peer: Peer<IO>) -> Self {
        let interim = shared.clone();
        Self {
            on_informational: Arc::new(move |head: &ResponseHead| {
                // 100 goes out by itself as soon as somebody reads the body.
                if head.status != StatusCode::CONTINUE {
                    let fields = hygiene::interim_fields(&head.fields);
                    interim.send_interim(&ResponseHead {
                        fields,
                        ..head.clone()
                    });
                }
            }),
            shared,
            limits,
            peer,
            timer: Timer::default(),
            quiet_since: Instant::now(),
            head_since: None,
            looked: 0,
            served: false,
        }
    }

    /// Whether nothing of a request is here.
    pub fn is_at_rest(&self) -> bool {
        self.head_since.is_none() && self.shared.lock().read.is_empty()
    }

    /// Holds nothing that the next request doesn't need.
    pub fn rest(&mut self) {
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
    pub fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Next>> {
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
    pub fn body(&self, request: &Request) -> Body {
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
            return Body::Arrived(socket.read.split_to(length).freeze());
        }
        let decoder = Decoder::of_request(request.framing, self.limits.head);
        let (expects, patience) = (request.expects_continue, self.limits.body_timeout);
        socket.body = Some(Incoming::new(decoder, expects, patience));
        drop(socket);
        Body::Stream(Streaming::new(Arriving(self.shared.clone())))
    }

    /// Watches the client while its exchange runs: ready when it has left.
    pub fn poll_client(
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
}

/// What comes in place of a head that must not be served: no more of it than decides the form of the error.
fn stand_in(bytes: &[u8]) -> Request {
    let mut line = bytes;
    while let Some(rest) = line.strip_prefix(b"\r\n") {
        line = rest;
    }
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

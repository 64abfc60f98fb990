//! A pool whose connections have no task of their own: the exchange that holds a connection drives it, first while it
//! waits for the response's head, then whenever it asks for a piece of the body. A request then costs two wake-ups of
//! one task (the client has sent, the backend has answered) instead of four of two tasks.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::forward::BoxError;

type Idle = Mutex<Vec<Line>>;

/// Connections to one backend; the one used last is used next.
pub struct InlinePool {
    backend: SocketAddr,
    idle: Arc<Idle>,
}

/// A connection and the sender that belongs to it.
struct Line {
    sender: SendRequest<Incoming>,
    connection: Box<Connection<TokioIo<TcpStream>, Incoming>>,
}

impl Line {
    async fn open(backend: SocketAddr) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(backend).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender,
            connection: Box::new(connection),
        })
    }

    /// Lets the connection read and write; true when it has ended.
    fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut *self.connection).poll(cx).is_ready()
    }

    async fn is_ready(&mut self) -> bool {
        poll_fn(|cx| {
            if self.drive(cx) {
                Poll::Ready(false)
            } else {
                self.sender.poll_ready(cx).map(|ready| ready.is_ok())
            }
        })
        .await
    }

    async fn send(&mut self, request: Request<Incoming>) -> hyper::Result<Response<Incoming>> {
        let mut response = pin!(self.sender.send_request(request));
        let connection = &mut self.connection;
        poll_fn(|cx| {
            // An ended connection has told its outcome to the response.
            let _ = Pin::new(&mut **connection).poll(cx);
            response.as_mut().poll(cx)
        })
        .await
    }
}

impl InlinePool {
    pub fn new(backend: SocketAddr) -> Self {
        Self {
            backend,
            idle: Arc::default(),
        }
    }

    /// Sends a request on an idle connection, or on a new one if there is none.
    ///
    /// # Errors
    /// What connecting or hyper's client says. Nothing is tried twice.
    pub async fn send(&self, request: Request<Incoming>) -> Result<Response<InlineBody>, BoxError> {
        let mut line = self.checkout().await?;
        let response = line.send(request).await?;
        let idle = Arc::clone(&self.idle);
        Ok(response.map(|incoming| InlineBody {
            incoming,
            line: Some(line),
            idle,
        }))
    }

    async fn checkout(&self) -> Result<Line, BoxError> {
        while let Some(mut line) = pop(&self.idle) {
            if line.is_ready().await {
                return Ok(line);
            }
        }
        Line::open(self.backend).await
    }
}

fn pop(idle: &Idle) -> Option<Line> {
    idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// A response body that drives its connection, and puts it back into the pool once it has been read to its end.
pub struct InlineBody {
    incoming: Incoming,
    line: Option<Line>,
    idle: Arc<Idle>,
}

impl Drop for InlineBody {
    fn drop(&mut self) {
        if self.incoming.is_end_stream() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.extend(self.line.take());
        }
    }
}

impl Body for InlineBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if self.line.as_mut().is_some_and(|line| line.drive(cx)) {
            self.line = None;
        }
        Pin::new(&mut self.incoming).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

//! Serves one HTTP/2 connection that a client opened.
//!
//! The connection's own future reads and writes frames; each request is a task of its own, so that a slow one holds up
//! nobody and the answers of one wake-up leave in one write. What `h2` 0.4.20 bounds by itself is left to it: CONTINUATION
//! frames per head, streams that are reset before they are accepted, PING and SETTINGS (answered before the next frame is
//! read), empty and small DATA frames. A head that is too large it answers with 431. What it leaves open, [`inspect`] sees to.

mod connection;
mod exchange;
mod inspect;

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use super::life::Watched;
use super::tunnel::StreamTunnel;
use super::{DATA_FRAME_BUDGET, Error, RecvBody, SEND_BUFFER, STREAM_WINDOW};
use crate::message::{BoxError, OnInformational, Target, TargetError, Tunnel};
use connection::Connection;
use exchange::Responder;
use inspect::Inspected;

/// Unread data of a whole connection, in bytes: what eight uploads that nobody reads may hold before the others wait.
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;

/// What one connection may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests under way at once.
    pub max_streams: u32,
    /// Bytes of a request's head: each field counts its name, its value and 32 (RFC 9113, section 6.5.2).
    pub max_head: usize,
    /// For the connection preface.
    pub handshake_timeout: Duration,
    /// Without any request; then the connection is closed by GOAWAY.
    pub idle_timeout: Duration,
    /// For each wait for a request's next frame, and for each wait for window to send a response.
    pub body_timeout: Duration,
}

/// A request, and what its service may do beside answering it.
#[derive(Debug)]
pub struct Inbound {
    /// An extended CONNECT (RFC 8441) carries [`h2::ext::Protocol`] in its extensions. CONNECT has no body.
    pub request: Request<RecvBody>,
    /// As it came, or why it is none. The request's own type can't hold every target.
    pub target: Result<Target, TargetError>,
    pub informational: Informational,
    /// For CONNECT: bytes both ways, once the service has answered 2xx.
    pub tunnel: Option<TunnelPromise>,
}

/// Sends interim responses (1xx) to the client, until the final one.
#[derive(Debug, Clone)]
pub struct Informational(Responder);

impl Informational {
    /// Sends an interim response; `100` asks for the body that `Expect: 100-continue` holds back.
    ///
    /// Nothing happens after the final response, and with 101, which HTTP/2 does not have (RFC 9113, section 8.6).
    pub fn send(&self, status: StatusCode, fields: &HeaderMap) {
        self.0.send_informational(status, fields);
    }

    /// The same as a callback, for whoever asks a backend.
    pub fn into_callback(self) -> OnInformational {
        std::sync::Arc::new(move |head| self.send(head.status, &HeaderMap::from(&head.fields)))
    }
}

/// Resolves to the tunnel when the service has answered 2xx to a CONNECT, else to an error.
#[derive(Debug)]
pub struct TunnelPromise(oneshot::Receiver<StreamTunnel>);

/// The CONNECT was not answered 2xx, or the client was gone before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request for a tunnel was not accepted")]
pub struct NoTunnel;

impl Future for TunnelPromise {
    type Output = Result<Tunnel, NoTunnel>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let tunnel = Pin::new(&mut self.0).poll(cx);
        tunnel
            .map_ok(|t| Box::new(t) as Tunnel)
            .map_err(|_| NoTunnel)
    }
}

/// Serves one connection; each request becomes a task. When `stop` resolves, clients are told by GOAWAY and what runs is
/// finished.
///
/// A service that is still at work when its client resets the stream or goes away is dropped.
///
/// # Errors
/// When the client breaks the protocol, vanishes or abuses the connection. A client that closes it is no error.
pub async fn serve<IO, S, Fut, B>(
    io: IO,
    limits: Limits,
    service: S,
    stop: impl Future<Output = ()>,
) -> Result<(), Error>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
    S: Fn(Inbound) -> Fut,
    Fut: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (io, flood) = Inspected::new(io, limits.max_head);
    let (io, life) = Watched::new(io);
    let handshake = builder(&limits).handshake(io);
    let connection = tokio::time::timeout(limits.handshake_timeout, handshake)
        .await
        .map_err(|_| Error::HandshakeTimedOut(limits.handshake_timeout))??;
    let mut connection = Connection::new(connection, life, flood, limits);
    let mut stop = pin!(stop);
    std::future::poll_fn(move |cx| connection.poll(cx, &service, stop.as_mut())).await
}

fn builder(limits: &Limits) -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    builder
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.max_head).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(DATA_FRAME_BUDGET)
        .enable_connect_protocol();
    builder
}

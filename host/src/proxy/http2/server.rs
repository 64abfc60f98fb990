//! Serves one HTTP/2 connection that a client opened.
//!
//! The connection's own future reads and writes frames; each request is a task of its own, so that a slow one holds up
//! nobody and the answers of one wake-up leave in one write. What `h2` 0.4.20 bounds by itself is left to it: CONTINUATION
//! frames per head, streams that are reset before they are accepted, PING and SETTINGS (answered before the next frame is
//! read), empty and small DATA frames. A head that is too large it answers with 431. What it leaves open, [`inspect`] sees to.

mod connection;
mod exchange;
mod inbound;
mod inspect;
mod limits;

use std::future::Future;
use std::pin::pin;

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};

use super::life::Watched;
use super::{DATA_FRAME_BUDGET, Error, SEND_BUFFER, STREAM_WINDOW};
use crate::message::BoxError;
use crate::proxy::delivery::Delivery;
use connection::Connection;
pub use inbound::{Inbound, Informational, NoTunnel, TunnelPromise};
use inspect::Inspected;
pub use limits::ServerLimits;

/// Unread data of a whole connection, in bytes: what eight uploads that nobody reads may hold before the others wait.
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;

/// Serves one connection; each request becomes a task. When `stop` resolves, clients are told by GOAWAY and what runs is
/// finished.
///
/// A service that is still at work when its client resets the stream or goes away is dropped.
///
/// # Errors
/// When the client breaks the protocol, vanishes or abuses the connection. A client that closes it is no error.
pub async fn serve<IO, S, Fut, B>(
    io: IO,
    limits: ServerLimits,
    service: S,
    stop: impl Future<Output = ()>,
) -> Result<(), Error>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
    S: Fn(Inbound) -> Fut,
    Fut: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Delivery + Send + 'static,
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

fn builder(limits: &ServerLimits) -> h2::server::Builder {
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

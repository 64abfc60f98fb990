//! Sends requests over one HTTP/2 connection to a backend.
//!
//! A request's body is sent beside the wait for its response, in the caller's own task until the response is there: an
//! exchange whose upload ends first costs no task. What leaves the stream early, the future of [`Sender::send`] or the
//! response's body, cancels the exchange at the backend, so that deadlines travel.

mod driver;
mod exchange;
mod replay;
mod shared;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use super::life::Watched;
use super::tunnel::StreamTunnel;
use super::{DATA_FRAME_BUDGET, Error, RecvBody, SEND_BUFFER, STREAM_WINDOW};
use crate::message::{Body, OnInformational, Tunnel};
pub use driver::Driver;
use exchange::SentRequest;
use shared::ConnectionState;
pub use shared::{ClientLimits, SendError};

/// Sends requests over a connection that a [`Driver`] runs. When all its clones are gone and what runs has ended, the
/// connection closes.
#[derive(Debug, Clone)]
pub struct Sender {
    requests: SendRequest<Bytes>,
    shared: Arc<ConnectionState>,
}

/// What became of a CONNECT.
pub enum ConnectAnswer {
    /// Answered 2xx: bytes both ways.
    Tunnel(Response<()>, Tunnel),
    Refused(Response<RecvBody>),
}

impl fmt::Debug for ConnectAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectAnswer::Tunnel(head, _) => f.debug_tuple("Tunnel").field(head).finish(),
            ConnectAnswer::Refused(response) => f.debug_tuple("Refused").field(response).finish(),
        }
    }
}

/// Begins HTTP/2 on a transport. The driver must be run, by `tokio::spawn` say, for anything to happen.
///
/// # Errors
/// When the transport fails.
pub async fn handshake<IO>(io: IO, limits: ClientLimits) -> Result<(Sender, Driver<IO>), Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (io, life) = Watched::new(io);
    let (requests, connection) = builder(&limits).handshake(io).await?;
    let shared = Arc::new(ConnectionState::new(limits));
    let driver = Driver::new(connection, life, shared.clone());
    Ok((Sender { requests, shared }, driver))
}

fn builder(limits: &ClientLimits) -> h2::client::Builder {
    // Each client of ours that reads slowly may leave one stream's window unread. They must not hold up the others of the
    // same connection, so there is room for all of them.
    let streams = u32::try_from(limits.max_streams).unwrap_or(u32::MAX);
    let window = streams
        .max(1)
        .saturating_mul(STREAM_WINDOW)
        .min(i32::MAX as u32);
    // There each field counts 32 bytes beside its name and value (RFC 9113, section 6.5.2). It is a bound of memory: what it
    // lets through is measured again.
    let list = limits.max_head + limits.max_fields * 32;
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .max_header_list_size(u32::try_from(list).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(window)
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(DATA_FRAME_BUDGET);
    builder
}

impl Sender {
    /// Whether the connection takes no further request: it has ended, or the backend said so by GOAWAY.
    pub fn is_closed(&self) -> bool {
        // Without a request that waits to be opened, `poll_ready` keeps no waker.
        let mut cx = Context::from_waker(Waker::noop());
        self.shared.is_closed.load(Ordering::Relaxed)
            || matches!(
                self.requests.clone().poll_ready(&mut cx),
                Poll::Ready(Err(_))
            )
    }

    /// Whether a further request would be sent at once.
    pub fn has_room(&self) -> bool {
        let allowed = self.requests.current_max_send_streams();
        self.under_way() < allowed.min(self.shared.limits.max_streams)
    }

    /// Requests under way.
    pub fn under_way(&self) -> usize {
        self.shared.active.count()
    }

    /// Whether the backend takes extended CONNECT (RFC 8441). It says so in its SETTINGS: see [`Sender::settings`].
    pub fn supports_connect_protocol(&self) -> bool {
        self.requests.is_extended_connect_protocol_enabled()
    }

    /// Waits until the backend's first SETTINGS are there, or the connection has ended.
    pub async fn settings(&self) {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            if self.shared.has_settings.load(Ordering::Acquire)
                || self.shared.is_closed.load(Ordering::Acquire)
            {
                return;
            }
            changed.await;
        }
    }

    /// Sends a request and waits for the head of its response; interim responses go to `on_informational` meanwhile.
    ///
    /// The authority is that of the target, else `host`, which is not sent beside it. Dropped, the future cancels the
    /// request.
    ///
    /// # Errors
    /// When there is no response. [`SendError::unsent`] tells whether the request may be sent again.
    pub async fn send(
        &self,
        request: Request<()>,
        body: Body,
        on_informational: Option<OnInformational>,
    ) -> Result<Response<RecvBody>, SendError> {
        let is_head = request.method() == Method::HEAD;
        let mut exchange = SentRequest::start(&self.requests, &self.shared, request, body).await?;
        match poll_fn(|cx| exchange.poll(on_informational.as_ref(), cx)).await {
            Ok(response) => Ok(exchange.into_response(response, is_head)),
            Err(error) => Err(exchange.into_error(error)),
        }
    }

    /// Sends a CONNECT request: an extended one with [`h2::ext::Protocol`] in its extensions, or an ordinary one.
    ///
    /// # Errors
    /// As for [`Sender::send`]; what is unsent is an empty body.
    pub async fn connect(
        &self,
        request: Request<()>,
        on_informational: Option<OnInformational>,
    ) -> Result<ConnectAnswer, SendError> {
        let (mut exchange, mut stream) =
            SentRequest::start_connect(&self.requests, &self.shared, request).await?;
        let response = match poll_fn(|cx| exchange.poll(on_informational.as_ref(), cx)).await {
            Ok(response) => response,
            Err(error) => return Err(exchange.into_error(error)),
        };
        if !response.status().is_success() {
            // The backend may have closed the stream already.
            let _ = stream.send_data(Bytes::new(), true);
            return Ok(ConnectAnswer::Refused(
                exchange.into_response(response, false),
            ));
        }
        let (head, recv) = response.into_parts();
        let tunnel = StreamTunnel::new(stream, recv, Some(exchange.into_slot()));
        Ok(ConnectAnswer::Tunnel(
            Response::from_parts(head, ()),
            Box::new(tunnel),
        ))
    }
}

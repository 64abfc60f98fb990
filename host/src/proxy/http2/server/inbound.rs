//! A request as its service gets it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, StatusCode};
use tokio::sync::oneshot;

use super::exchange::Responder;
use crate::message::{Target, TargetError, Tunnel};
use crate::proxy::http2::RecvBody;
use crate::proxy::http2::tunnel::StreamTunnel;

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
pub struct Informational(pub(super) Responder);

impl Informational {
    /// Sends an interim response; `100` asks for the body that `Expect: 100-continue` holds back.
    ///
    /// Nothing happens after the final response, and with 101, which HTTP/2 does not have (RFC 9113, section 8.6).
    pub fn send(&self, status: StatusCode, fields: &HeaderMap) {
        self.0.send_informational(status, fields);
    }
}

/// Resolves to the tunnel when the service has answered 2xx to a CONNECT, else to an error.
#[derive(Debug)]
pub struct TunnelPromise(pub(super) oneshot::Receiver<StreamTunnel>);

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

//! A request for a backend, on its way there, and what comes back.

use std::fmt;

use super::balance::Pending;
use super::error::UpstreamError;
use super::upgrade::Upgrade;
use crate::message::{Body, OnInformational, RequestHead, ResponseHead, Trace, Tunnel};
use crate::proxy::tunnel::Opening;

/// A request for a backend.
pub struct Outgoing<'a> {
    /// Method, target and fields, which go out as they are but for `host`. Without fields of the client's hop, except
    /// `upgrade` when there is an `upgrade` to make.
    pub head: &'a RequestHead,
    pub body: Body,
    pub upgrade: Option<Upgrade>,
    /// Holds the body back until the backend answers `100 Continue` (RFC 9110, section 10.1.1), for 1 s at most.
    pub expect_continue: bool,
    /// Told of each interim response.
    pub on_informational: Option<OnInformational>,
    /// Told of the address.
    pub trace: &'a Trace,
}

/// A response's head with its body to come.
pub struct Received {
    pub head: ResponseHead,
    pub body: Body,
    /// The backend's side of a tunnel, if the response agrees to the upgrade: 101 for a client of HTTP/1.1, 200 for one of
    /// HTTP/2.
    pub tunnel: Option<Opening>,
}

/// A request on its way, with what is left of it after an attempt.
pub(super) struct Call<'a> {
    pub(super) head: &'a RequestHead,
    pub(super) body: Body,
    pub(super) upgrade: Option<Upgrade>,
    pub(super) expect_continue: bool,
    pub(super) on_informational: Option<OnInformational>,
    /// It has no body and may be sent twice (RFC 9110, section 9.2.2).
    pub(super) repeatable: bool,
    /// Goes on with the response.
    pub(super) pending: Option<Pending>,
}

/// Why an address gave no response.
pub(super) struct Miss {
    pub(super) error: UpstreamError,
    /// Nothing was sent: another address may be asked.
    pub(super) is_unsent: bool,
}

impl Received {
    pub(super) fn new(head: ResponseHead, body: Body) -> Self {
        Self {
            head,
            body,
            tunnel: None,
        }
    }

    pub(super) fn with_tunnel(head: ResponseHead, tunnel: Tunnel) -> Self {
        Self {
            head,
            body: Body::Empty,
            tunnel: Some(Box::pin(std::future::ready(Ok(tunnel)))),
        }
    }
}

impl Miss {
    pub(super) fn unsent(error: UpstreamError) -> Self {
        Self {
            error,
            is_unsent: true,
        }
    }

    pub(super) fn sent(error: UpstreamError) -> Self {
        Self {
            error,
            is_unsent: false,
        }
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("head", self.head)
            .field("upgrade", &self.upgrade)
            .field("expect_continue", &self.expect_continue)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("head", &self.head)
            .field("tunnel", &self.tunnel.is_some())
            .finish()
    }
}

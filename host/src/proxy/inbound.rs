//! A request as a connection hands it over for its exchange.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderValue;

use super::bad_head::BadHead;
use super::tunnel::Opening;
use crate::message::{Body, OnInformational, RequestHead, Scheme};

/// See the module's text.
pub struct Inbound {
    /// An extended CONNECT (RFC 8441) comes with its `:protocol` in `upgrade`.
    pub head: RequestHead,
    pub body: Body,
    /// Why the head stands in for one that must not be served.
    pub refused: Option<BadHead>,
    /// The client's side of a tunnel, should the response agree to one.
    pub tunnel: Option<Opening>,
    /// Passes interim responses on.
    pub on_informational: Option<OnInformational>,
}

/// Who is at the other end of a connection.
#[derive(Debug)]
pub struct Client {
    /// The listener that it is connected to.
    pub listener: Arc<str>,
    pub address: SocketAddr,
    /// The address as fields show it.
    pub shown: HeaderValue,
    pub scheme: Scheme,
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("head", &self.head)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

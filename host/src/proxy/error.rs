//! What can go wrong with an exchange, told by who caused it.

use std::sync::Arc;
use std::time::Duration;

use super::bad_head::BadHead;
use super::proxy_status::ProxyError;
use super::upstream::UpstreamError;
use crate::interceptor::{Absence, Hook, InterceptError, NextError, NextErrorKind};
use crate::message::BodyError;
use crate::message::hygiene::BadRequest;

/// Why an exchange has no answer from an interceptor or the backend.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// What the client sent is no request that can be read in one way only.
    #[error("bad request: {0}")]
    Head(#[from] BadHead),
    /// The request can't be forwarded as it is.
    #[error("bad request: {0}")]
    Request(#[from] BadRequest),
    #[error("the request's body is longer than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("no route matches")]
    NoRoute,
    /// The connection is one of a listener that the configuration does not have any more.
    #[error("the configuration has no listener {0:?} any more")]
    NoListener(Arc<str>),
    /// An interceptor chose a backend that the exchange's configuration does not have.
    #[error("the configuration has no backend {0:?}")]
    NoBackend(String),
    /// Read in different ways, the path takes routes with different plugins.
    #[error(
        "bad request: the path can be read in more than one way, and routes with different plugins match"
    )]
    Ambiguous,
    /// More is under way than may be.
    #[error("too many {0} at once")]
    Saturated(Resource),
    #[error("no response in {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// A mistake of ours; the log has the panic.
    #[error("the proxy itself failed")]
    Panicked,
    /// A required plugin that the exchange would have met does not serve.
    #[error("plugin {name}: the configuration requires it and no version of it serves: {why}")]
    Missing { name: String, why: Absence },
    /// An interceptor with the policy `closed` failed.
    #[error("plugin {name}: {hook} {error}")]
    Interceptor {
        name: String,
        hook: Hook,
        error: InterceptError,
    },
    /// The messages of a WebSocket can't be read that a plugin wants.
    #[error(
        "a plugin wants the messages of this WebSocket, and `sec-websocket-extensions` of the response {0}"
    )]
    Extensions(String),
    #[error("backend {backend}: {error}")]
    Upstream {
        backend: String,
        error: UpstreamError,
    },
}

/// What only so many may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Connections,
    Requests,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Resource::Connections => "connections",
            Resource::Requests => "requests",
        })
    }
}

impl ExchangeError {
    /// Whether the client alone is to blame, so that it is no news for who runs the proxy.
    pub fn is_clients(&self) -> bool {
        match self {
            Self::Head(_)
            | Self::Request(_)
            | Self::TooLarge { .. }
            | Self::NoRoute
            | Self::Ambiguous => true,
            Self::Upstream { error, .. } => matches!(error, UpstreamError::RequestBody(_)),
            Self::Saturated(_)
            | Self::NoListener(_)
            | Self::NoBackend(_)
            | Self::TimedOut(_)
            | Self::Panicked
            | Self::Missing { .. }
            | Self::Extensions(_)
            | Self::Interceptor { .. } => false,
        }
    }

    /// What an interceptor that surrounds the failure is told of it.
    pub fn as_next(&self) -> NextError {
        let kind = match self {
            Self::TimedOut(_) => NextErrorKind::TimedOut,
            Self::Upstream { error, .. } => match error.proxy_error() {
                ProxyError::ConnectionTimeout
                | ProxyError::HttpResponseTimeout
                | ProxyError::DnsTimeout => NextErrorKind::TimedOut,
                ProxyError::ConnectionTerminated
                | ProxyError::HttpResponseIncomplete
                | ProxyError::HttpResponseHeaderSectionSize
                | ProxyError::HttpProtocolError => NextErrorKind::Broken,
                ProxyError::HttpRequestError => NextErrorKind::Refused,
                _ => NextErrorKind::Unreachable,
            },
            Self::Head(_)
            | Self::Request(_)
            | Self::TooLarge { .. }
            | Self::NoRoute
            | Self::Ambiguous => NextErrorKind::Refused,
            Self::Saturated(_)
            | Self::NoListener(_)
            | Self::NoBackend(_)
            | Self::Panicked
            | Self::Missing { .. }
            | Self::Extensions(_)
            | Self::Interceptor { .. } => NextErrorKind::Other,
        };
        NextError {
            kind,
            text: self.to_string(),
        }
    }

    /// The body that could not be had, if that is why, and whose it was.
    pub fn body(&self) -> Option<(Hook, &BodyError)> {
        match self {
            Self::Interceptor {
                hook,
                error: InterceptError::Body { body, .. },
                ..
            } => Some((*hook, body)),
            Self::Upstream {
                error: UpstreamError::RequestBody(body),
                ..
            } => Some((Hook::ForwardRequest, body)),
            _ => None,
        }
    }
}

//! What the parts of a connection to a backend know of it.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::uri::Scheme;
use tokio::sync::Notify;

use crate::counted::Counter;
use crate::message::Body;
use crate::proxy::http2::Error;
use crate::proxy::http2::fields::SectionBounds;

/// What one connection to a backend may use.
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// Of requests whose target names none: how the backend is reached.
    pub scheme: Scheme,
    /// Bytes of a response's fields, as HTTP/1.1 would write them; also of its trailers.
    pub max_head: usize,
    /// Fields of a response's head; also of its trailers.
    pub max_fields: usize,
    /// Requests under way at once, if the backend allows as many.
    pub max_streams: usize,
    /// For each wait for a response's next frame, and for each wait for window to send a request.
    pub body_timeout: Duration,
    /// Silence with requests under way before a PING asks whether the backend is still there.
    pub ping_interval: Duration,
    /// For the answer to that.
    pub ping_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            scheme: Scheme::HTTP,
            max_head: 128 * 1024,
            max_fields: 1000,
            max_streams: 100,
            body_timeout: Duration::from_secs(60),
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// What the senders, the exchanges and the driver of a connection share.
#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) limits: ClientLimits,
    /// Exchanges under way.
    pub(super) active: Counter,
    pub(super) is_closed: AtomicBool,
    pub(super) has_settings: AtomicBool,
    pub(super) changed: Notify,
}

impl ConnectionState {
    pub(super) fn new(limits: ClientLimits) -> Self {
        Self {
            limits,
            active: Counter::default(),
            is_closed: AtomicBool::new(false),
            has_settings: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }
}

impl ClientLimits {
    /// Of a response's head, and of its trailers.
    pub(super) fn bounds(&self) -> SectionBounds {
        SectionBounds {
            max_head: self.max_head,
            max_fields: self.max_fields,
        }
    }
}

/// Why a request got no response.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct SendError {
    #[source]
    pub error: Error,
    /// The backend did not process the request, and its body is still whole: it may be sent again on another connection,
    /// whatever its method (RFC 9113, section 8.7). None does not mean that it was processed.
    pub unsent: Option<Body>,
}

//! What a client may use.

use std::time::Duration;

/// What one connection may use.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// Requests under way at once.
    pub max_streams: u32,
    /// Bytes of a request's head: each field counts its name, its value and 32 (RFC 9113, section 6.5.2).
    pub max_head: usize,
    /// Fields of a request's trailers. Those of its head the service counts.
    pub max_fields: usize,
    /// For the connection preface.
    pub handshake_timeout: Duration,
    /// Without any request; then the connection is closed by GOAWAY.
    pub idle_timeout: Duration,
    /// For each wait for a request's next frame, and for each wait for window to send a response.
    pub body_timeout: Duration,
}

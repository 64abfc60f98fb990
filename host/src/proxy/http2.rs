//! HTTP/2 both ways, directly on the `h2` crate.
//!
//! `h2` speaks frames, flow control and HPACK; what a proxy needs around it is here: back-pressure from one stream to the
//! other, interim responses, tunnels (RFC 8441), deadlines for peers that stall or vanish, and the checks of RFC 9113,
//! section 8, that `h2` leaves to its user. [`server`] serves a connection that a client opened; [`client`] sends
//! requests over one to a backend. Both meet in [`RecvBody`], a body that arrives, and in one pipe for bodies that leave.

pub mod client;
mod fields;
mod life;
mod pipe;
mod recv;
pub mod server;
mod stall;
mod tunnel;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::message::BoxError;

pub use recv::RecvBody;

/// What a stream may hold unread before its sender must wait, in bytes. A reader that keeps up over 1 ms of round trip
/// gets 256 MB/s; one that doesn't read at all costs this much memory.
const STREAM_WINDOW: u32 = 256 * 1024;

/// What `h2` may hold per stream to be written, in bytes.
const SEND_BUFFER: usize = 64 * 1024;

/// Memory overhead of small DATA frames that wait to be read, in bytes per connection. The default of `h2` ends a
/// connection after some 2,000 of them, which a stream of gRPC messages to a backend that pauses reaches honestly.
const DATA_FRAME_BUDGET: usize = 4 * 1024 * 1024;

/// Why a connection or an exchange over HTTP/2 failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no HTTP/2 preface came within {} s", .0.as_secs_f32())]
    HandshakeTimedOut(Duration),
    #[error("the peer answered no PING within {} s", .0.as_secs_f32())]
    Vanished(Duration),
    #[error("the client cancelled {resets} of {streams} requests within a few seconds")]
    RapidReset { resets: u32, streams: u32 },
    #[error("the client sent too many frames without content")]
    Flood,
    #[error("the peer granted no window for {} s", .0.as_secs_f32())]
    WindowTimedOut(Duration),
    #[error("a request over HTTP/2 needs an authority: in its target or in host")]
    NoAuthority,
    #[error("a head or trailer section is larger than {0} bytes")]
    HeadTooLarge(usize),
    #[error("a head or trailer section has more than {0} fields")]
    TooManyFields(usize),
    #[error("the request's body failed: {0}")]
    RequestBody(#[source] BoxError),
    #[error(transparent)]
    Protocol(#[from] h2::Error),
}

impl Error {
    /// Whether the connection broke, in contrast to a peer that said why it ends a stream or the connection.
    pub fn is_connection_lost(&self) -> bool {
        match self {
            Error::Vanished(_) => true,
            Error::Protocol(e) => e.is_io(),
            _ => false,
        }
    }
}

//! What a client may ask for and how long it may take; and what is asked of its socket.

use std::time::Duration;

use crate::config::server::HalfClose;
use crate::proxy::http1::request::HeadLimits;

/// Bytes of a read that are looked at before any is kept.
pub const SCRATCH: usize = 16 << 10;

/// What a client may send ahead while an exchange runs. More waits in the system's buffers.
pub const READ_AHEAD: usize = 64 << 10;

/// What a client may ask for, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub head: HeadLimits,
    /// From the first byte of a head to its last; and from the start of a connection to the first byte.
    pub header_timeout: Duration,
    /// How long a connection may rest between two exchanges.
    pub idle_timeout: Duration,
    /// How long a client may send nothing of a body that is waited for, or take nothing of a response.
    pub body_timeout: Duration,
    pub half_close: HalfClose,
}

/// What can be asked of the socket under a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer<IO> {
    /// Whether the peer has reset the connection. A read tells only that it sends no more, once it has said so.
    pub has_left: fn(&IO) -> bool,
    /// Makes the end of the connection a reset: of a response that has no other way to show that it is not complete.
    pub abort: fn(&IO),
}

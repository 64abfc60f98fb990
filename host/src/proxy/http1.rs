//! The guard between an accepted connection and hyper's HTTP/1 server.
//!
//! hyper's server is quick and lenient: it takes bare line feeds, repeated lengths and lengths beside chunks, drops
//! fragments, answers what it can't read on its own and has one timer for heads. A proxy must be strict, because two
//! readings of one request are how requests are smuggled; it must time each part of a request; and each error is an
//! answer of ours. So hyper reads through a [`Guard`], which follows the bytes ([`stream`]) and lets through only heads
//! that are complete and valid ([`head`]) and bodies that are framed as their heads say ([`body`]). A refused head
//! reaches hyper as a stand-in, so that its answer comes in its turn; the service learns of it from [`Control`].

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::config::server::HalfClose;

mod alarm;
mod body;
mod control;
mod fields;
mod guard;
mod head;
mod held;
mod read;
mod stream;
#[cfg(test)]
mod tests;
mod write;

pub use body::BadBody;
pub use control::{Busy, Control, Next};
pub use fields::BadField;
pub use guard::{Guard, Stalled};
pub use head::{BadHead, HeadLimits};

/// What a client may ask for, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a head; also of a trailer section.
    pub max_head: usize,
    /// Bytes of a target.
    pub max_target: usize,
    /// From the first byte of a head to its last; and from the start of a connection to the first byte.
    pub header_timeout: Duration,
    /// How long a connection may rest between two exchanges.
    pub idle_timeout: Duration,
    /// How long a client may send nothing of a body that is waited for, or take nothing of a response.
    pub body_timeout: Duration,
    pub half_close: HalfClose,
}

/// Guards `io`, from which `prefix` was read already. `has_left` tells whether the peer has closed the connection for good; it is
/// asked each second while a client that has closed its sending side waits for its answer. The guard goes to hyper, the control to the service behind it.
///
/// hyper's own `header_read_timeout` has to stay off and its `max_buf_size` above `max_head`.
pub fn guard<IO>(
    io: IO,
    prefix: Bytes,
    limits: Limits,
    has_left: fn(&IO) -> bool,
) -> (Guard<IO>, Control)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    Guard::new(io, prefix, limits, has_left)
}

//! What is known of a call when it is over, for whoever records it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A connection that calls were made on.
#[derive(Debug)]
pub struct Peer {
    pub address: SocketAddr,
    pub tls: bool,
    pub http2: bool,
    /// How long it took to look the name up; zero for an address.
    pub resolved: Duration,
    /// How long TCP took to connect.
    pub connected: Duration,
    /// How long the handshake of TLS took; zero without TLS.
    pub secured: Duration,
    pub(super) answered: AtomicU64,
}

impl Peer {
    /// Counts a response's head and tells how many came before it.
    pub(super) fn count(&self) -> u64 {
        self.answered.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed) > 0
    }
}

/// Times and sizes of a call.
#[derive(Debug, Clone)]
pub struct CallReport {
    /// The connection, which other calls may share.
    pub peer: Arc<Peer>,
    /// Whether the connection had answered a call before.
    pub reused: bool,
    /// How often the request was sent: 2 when the first connection was closed under it.
    pub attempts: u32,
    /// From the call to the response's head.
    pub to_head: Duration,
    /// From the call to now; once the body has ended, to its end.
    pub total: Duration,
    /// Bytes of the request's body that were handed to the connection.
    pub sent: u64,
    /// Bytes of the response's body by now.
    pub received: u64,
}

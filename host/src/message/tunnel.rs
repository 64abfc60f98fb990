//! A connection after a switch of protocols: bytes both ways, of which the proxy knows nothing.

use tokio::io::{AsyncRead, AsyncWrite};

/// One side of a tunnel, whatever it runs over: a socket, TLS, a stream of HTTP/2.
///
/// Reading 0 bytes means that the peer has finished; shutting it down for writing tells the peer so (half-close).
pub type Tunnel = Box<dyn Duplex>;

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

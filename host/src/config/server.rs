//! What the proxy allows its clients, and how it shows itself to backends. Defaults with their reasons.

use std::path::PathBuf;
use std::time::Duration;

/// How clients are served: the table `[server]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Connections at once. Those above it are answered with 503 and closed.
    pub max_connections: usize,
    /// Exchanges at once on all connections. Requests above it are answered with 503 at once.
    pub max_requests: usize,
    /// Streams at once on one HTTP/2 connection.
    pub max_streams: u32,
    /// Bytes of a request's head: its line and all its fields. More is answered with 431.
    pub max_head: usize,
    /// Fields of a request's head, or of its trailers. More is answered with 431.
    pub max_fields: usize,
    /// Bytes of a request's target. More is answered with 414.
    pub max_target: usize,
    /// Bytes of a request's body; none for no bound. More is answered with 413.
    pub max_body: Option<u64>,
    /// From the first byte of a head (or of a TLS handshake) to its last; then 408 (or the connection is closed).
    pub header_timeout: Duration,
    /// How long a connection without exchange is kept.
    pub idle_timeout: Duration,
    /// How long to wait for the next byte of a request's body, and for a client to take the next byte of a response.
    pub body_timeout: Duration,
    /// From the end of the head to the head of the response, plugins and retries included; none for no bound. Then 504.
    pub request_timeout: Option<Duration>,
    /// How long a tunnel (WebSocket and the like) may be silent.
    pub tunnel_timeout: Duration,
    /// What becomes of the exchange of a client that has closed its sending side.
    pub half_close: HalfClose,
    /// After a signal to stop: how long readiness is false before connections are refused.
    pub drain_delay: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            // A connection at rest takes little memory, but two may need a file descriptor each.
            max_connections: 20_000,
            max_requests: 10_000,
            // What RFC 9113, section 6.5.2 names as a reasonable least.
            max_streams: 128,
            // As Envoy; twice what nginx allows (4 x 8 KiB). Tokens grow.
            max_head: 64 << 10,
            // As many as a plugin may make of them. nginx has no bound, Envoy and HAProxy take 100.
            max_fields: 1000,
            // RFC 9112, section 3 recommends at least 8,000.
            max_target: 16 << 10,
            max_body: None,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            request_timeout: None,
            tunnel_timeout: Duration::from_secs(3600),
            half_close: HalfClose::default(),
            drain_delay: Duration::ZERO,
        }
    }
}

/// What an end of input from a client of HTTP/1.1 means while its exchange runs. A client that sends no more and one that
/// has closed its connection look alike until something is written to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HalfClose {
    /// It gets its response.
    #[default]
    Answer,
    /// It has left: its exchange is cancelled unless it ends within 2 s.
    Cancel,
}

/// TLS toward clients: the table `[tls]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    pub certificate: Certificate,
    /// The port answers cleartext too; which of the two a client speaks is seen in its first byte.
    pub cleartext: bool,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// Made at the start, for local use.
    SelfSigned,
    /// PEM files: the chain, leaf first, and its private key. Read again when they change.
    Files { chain: PathBuf, key: PathBuf },
}

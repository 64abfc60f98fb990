//! Where requests go behind the last plugin, and by which rules.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderValue, StatusCode};

use crate::record::answers::AnswerRules;

/// The name of the backend that `backend = URL` or `--backend` makes.
pub const DEFAULT_BACKEND: &str = "default";

/// A backend: one or more addresses that answer alike. The table `[backends.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendConfig {
    /// Never empty. All of one scheme.
    pub addresses: Vec<BackendUrl>,
    pub balance: Balance,
    pub protocol: Protocol,
    pub host: HostField,
    pub tls: BackendTls,
    /// For one connection to come about, its TLS handshake included.
    pub connect_timeout: Duration,
    /// From the end of the request to the head of the response; then 504.
    pub first_byte_timeout: Duration,
    /// How long to wait for the next byte of a response's body.
    pub body_timeout: Duration,
    /// Connections that were not used for this long are closed.
    pub idle_timeout: Duration,
    /// Connections to one address at once; a request above it waits `connect_timeout` for one, then 503.
    pub max_connections: usize,
    /// Bytes of a response's head; also of its trailers.
    pub max_head: usize,
    /// Fields of a response's head; also of its trailers.
    pub max_fields: usize,
    /// Names are looked up again after this time.
    pub resolve_every: Duration,
    pub ejection: Ejection,
    /// How a tape answers.
    pub replay: ReplayConfig,
}

impl BackendConfig {
    /// A backend of which nothing but its addresses is said.
    pub fn new(addresses: Vec<BackendUrl>) -> Self {
        Self {
            addresses,
            balance: Balance::default(),
            protocol: Protocol::default(),
            host: HostField::default(),
            tls: BackendTls::default(),
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            // Most servers keep theirs for 60 s or more.
            idle_timeout: Duration::from_secs(45),
            max_connections: 10_000,
            max_head: 128 << 10,
            max_fields: 1000,
            resolve_every: Duration::from_secs(10),
            ejection: Ejection::default(),
            replay: ReplayConfig::default(),
        }
    }

    /// Its first address, as people write it.
    pub fn shown(&self) -> String {
        let first = self.addresses.first();
        first.map(ToString::to_string).unwrap_or_default()
    }

    /// The file that answers, if it is no server that does.
    pub fn tape(&self) -> Option<&Path> {
        self.addresses.iter().find_map(|url| match &url.address {
            BackendAddress::Tape(path) => Some(path.as_path()),
            BackendAddress::Tcp(_) | BackendAddress::Unix(_) => None,
        })
    }
}

/// The origin of a backend. It has neither userinfo nor path; a port in it is between 1 and 65535.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackendUrl {
    pub tls: bool,
    pub address: BackendAddress,
}

/// Whom to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BackendAddress {
    /// Host and optional port; without one 80, or 443 for TLS.
    Tcp(Authority),
    Unix(PathBuf),
    /// To nobody: a tape or a HAR answers.
    Tape(PathBuf),
}

impl fmt::Display for BackendUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        match &self.address {
            BackendAddress::Tcp(authority) => write!(f, "{scheme}://{authority}"),
            BackendAddress::Unix(path) if self.tls => write!(f, "https+unix:{}", path.display()),
            BackendAddress::Unix(path) => write!(f, "unix:{}", path.display()),
            BackendAddress::Tape(path) => write!(f, "tape:{}", path.display()),
        }
    }
}

/// How a tape answers: the table `[backends.NAME.replay]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayConfig {
    pub rules: AnswerRules,
    pub on_miss: OnMiss,
}

/// What becomes of a request that the tape has no answer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnMiss {
    /// It is answered with this error.
    Status(StatusCode),
    /// This backend is asked. It is no tape.
    Backend(Arc<str>),
}

impl OnMiss {
    /// No client takes it for an answer of the backend, as it might 404.
    pub const DEFAULT: StatusCode = StatusCode::BAD_GATEWAY;
}

impl Default for OnMiss {
    fn default() -> Self {
        Self::Status(Self::DEFAULT)
    }
}

/// How an address is chosen for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Balance {
    #[default]
    RoundRobin,
    /// The address with the fewest requests under way.
    LeastPending,
}

/// Which HTTP is spoken to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// What ALPN agrees on under TLS, else HTTP/1.1.
    #[default]
    Auto,
    Http1,
    /// HTTP/2: by ALPN alone under TLS, with prior knowledge in cleartext (RFC 9113, section 3.3).
    Http2,
}

/// What a backend finds in `host`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HostField {
    /// What the client sent.
    #[default]
    Keep,
    /// The authority of the address that the request goes to.
    Rewrite,
    Fixed(HeaderValue),
}

/// TLS toward a backend: the table `[backends.NAME.tls]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendTls {
    /// False accepts any certificate.
    pub verify: bool,
    /// PEM file of the authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// The name to verify and to send as SNI, if it isn't the address's host.
    pub server_name: Option<String>,
    /// PEM files of the certificate to show to the backend: chain and key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl Default for BackendTls {
    fn default() -> Self {
        Self {
            verify: true,
            ca: None,
            server_name: None,
            client: None,
        }
    }
}

/// When an address that fails is left out for a while (passive health checks).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejection {
    /// Failures in a row: no connection, no response. 0 switches ejection off.
    pub failures: u32,
    /// How long the first time; twice, three times as long when it goes on, at most ten times.
    pub time: Duration,
}

impl Default for Ejection {
    fn default() -> Self {
        Self {
            failures: 5,
            time: Duration::from_secs(10),
        }
    }
}

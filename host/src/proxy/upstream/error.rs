//! Why a backend gave no response, in the words of RFC 9209.
//!
//! Each variant is one error type of that RFC's section 2.3, so that the answer to the client can say which hop failed
//! and how. Texts name addresses: they are for the log, not for clients.

use std::io;
use std::time::Duration;

use h2::Reason;
use http::StatusCode;

use crate::descriptors;
use crate::message::{BodyError, TargetError};
use crate::proxy::proxy_status::ProxyError;
use crate::tls::TlsError;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("the name {name} can't be resolved: {source}")]
    Dns { name: String, source: io::Error },
    #[error("the name {name} was not resolved in {} s", .after.as_secs_f32())]
    DnsTimeout { name: String, after: Duration },
    #[error("there is no route to {peer}: {source}")]
    Unroutable { peer: String, source: io::Error },
    /// Nobody takes connections there: a closed port, a unix socket that is missing or may not be used.
    #[error("{peer} takes no connections: {source}")]
    Refused { peer: String, source: io::Error },
    #[error("{peer} took no connection in {} s", .after.as_secs_f32())]
    ConnectTimeout { peer: String, after: Duration },
    /// The address was never asked.
    #[error("no connection to {peer} can be opened: {why}")]
    OwnShortage { peer: String, why: String },
    #[error("all {limit} connections to {peer} are in use")]
    ConnectionLimit { peer: String, limit: usize },
    #[error("the certificate of {peer} was not accepted: {why}")]
    TlsCertificate { peer: String, why: String },
    #[error("{peer} ended the TLS handshake with an alert: {why}")]
    TlsAlert { peer: String, why: String },
    #[error("the TLS handshake with {peer} failed: {why}")]
    TlsProtocol { peer: String, why: String },
    /// Our own files are why.
    #[error("this proxy's own TLS settings can't be used: {0}")]
    Configuration(String),
    #[error("the connection ended before a response: {0}")]
    Terminated(String),
    /// It ended the stream, and said why.
    #[error("it reset the stream of the request: {0:?}")]
    Reset(Reason),
    /// It ended the whole connection, and said why.
    #[error("it ended the connection: {0:?}")]
    GoAway(Reason),
    #[error("the response's head broke off: {0}")]
    Incomplete(String),
    #[error("the response's head {0}")]
    HeadTooLarge(HeadLimit),
    #[error("the response is no valid HTTP: {0}")]
    Protocol(String),
    #[error("no response in {} s", .after.as_secs_f32())]
    ResponseTimeout { after: Duration },
    #[error("the switch of protocols failed: {0}")]
    Upgrade(String),
    /// The client's side or a plugin is why.
    #[error("the request can't be sent over HTTP/2: {0}")]
    Target(TargetError),
    /// The client's side is why.
    #[error("the request's body failed: {0}")]
    RequestBody(BodyError),
    /// The backend is a tape.
    #[error("{why}")]
    NotOnTape { status: StatusCode, why: String },
}

/// Which bound of a head was passed, with its key among those of the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadLimit {
    #[error("is larger than {0} bytes (max-head)")]
    Bytes(usize),
    #[error("has more than {0} fields (max-fields)")]
    Fields(usize),
}

impl UpstreamError {
    /// Its class (RFC 9209, section 2.3).
    pub fn proxy_error(&self) -> ProxyError {
        match self {
            Self::Dns { .. } => ProxyError::DnsError,
            Self::DnsTimeout { .. } => ProxyError::DnsTimeout,
            Self::Unroutable { .. } => ProxyError::DestinationIpUnroutable,
            Self::Refused { .. } => ProxyError::ConnectionRefused,
            Self::ConnectTimeout { .. } => ProxyError::ConnectionTimeout,
            Self::ConnectionLimit { .. } | Self::OwnShortage { .. } => {
                ProxyError::ConnectionLimitReached
            }
            Self::TlsCertificate { .. } => ProxyError::TlsCertificateError,
            Self::TlsAlert { .. } => ProxyError::TlsAlertReceived,
            Self::TlsProtocol { .. } => ProxyError::TlsProtocolError,
            Self::Configuration(_) => ProxyError::ProxyConfigurationError,
            Self::Terminated(_) | Self::GoAway(_) => ProxyError::ConnectionTerminated,
            Self::Reset(reason) if !says_protocol_error(*reason) => {
                ProxyError::HttpResponseIncomplete
            }
            Self::Incomplete(_) => ProxyError::HttpResponseIncomplete,
            Self::HeadTooLarge(_) => ProxyError::HttpResponseHeaderSectionSize,
            Self::Protocol(_) | Self::Reset(_) => ProxyError::HttpProtocolError,
            Self::ResponseTimeout { .. } => ProxyError::HttpResponseTimeout,
            Self::Upgrade(_) => ProxyError::HttpUpgradeFailed,
            Self::NotOnTape { .. } => ProxyError::DestinationNotFound,
            Self::RequestBody(BodyError::Rewriting(_)) => ProxyError::ProxyInternalError,
            Self::Target(_) | Self::RequestBody(_) => ProxyError::HttpRequestError,
        }
    }

    /// Whether it tells of the address's health: not when the client is why, nor when the limit is our own.
    pub(super) fn blames_address(&self) -> bool {
        !matches!(
            self,
            Self::Target(_)
                | Self::RequestBody(_)
                | Self::ConnectionLimit { .. }
                | Self::OwnShortage { .. }
                | Self::Upgrade(_)
                | Self::Configuration(_)
                | Self::NotOnTape { .. }
        )
    }

    /// Whether the backend wants the request over HTTP/1.1 (RFC 9113, section 7).
    pub(super) fn wants_http1(&self) -> bool {
        matches!(self, Self::Reset(reason) | Self::GoAway(reason) if *reason == Reason::HTTP_1_1_REQUIRED)
    }

    /// What a failed attempt to connect means: one rule for TCP and unix sockets. `destination_unavailable`, which RFC 9209
    /// has for a next hop that is known to be down, is not among the answers: each request tries anew.
    pub(super) fn from_connect(peer: String, source: io::Error) -> Self {
        if let Some(why) = descriptors::own_shortage(&source) {
            return Self::OwnShortage { peer, why };
        }
        match source.kind() {
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                Self::Unroutable { peer, source }
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                Self::Terminated(source.to_string())
            }
            _ => Self::Refused { peer, source },
        }
    }

    /// What a failed look at a name means.
    pub(super) fn from_lookup(name: String, source: io::Error) -> Self {
        match descriptors::own_shortage(&source) {
            Some(why) => Self::OwnShortage { peer: name, why },
            None => Self::Dns { name, source },
        }
    }

    /// What an error of TLS means, in the handshake or after it.
    pub(super) fn from_tls(peer: String, error: &TlsError) -> Self {
        let why = error.to_string();
        match error {
            TlsError::Certificate(_) => Self::TlsCertificate { peer, why },
            TlsError::Alert(_) => Self::TlsAlert { peer, why },
            TlsError::NoHttp2 | TlsError::Protocol(_) => Self::TlsProtocol { peer, why },
            TlsError::Io(_) => Self::Terminated(why),
            TlsError::Setup(_) => Self::Configuration(why),
        }
    }
}

/// Whether a reset blames us for a breach of the protocol (RFC 9113, section 7).
fn says_protocol_error(reason: Reason) -> bool {
    [
        Reason::PROTOCOL_ERROR,
        Reason::FLOW_CONTROL_ERROR,
        Reason::SETTINGS_TIMEOUT,
        Reason::STREAM_CLOSED,
        Reason::FRAME_SIZE_ERROR,
        Reason::COMPRESSION_ERROR,
    ]
    .contains(&reason)
}

/// An error with its causes, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_of_our_own_is_no_fault_of_the_address() {
        for os in [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE] {
            let errors = [
                UpstreamError::from_connect("a:1".into(), os.into()),
                UpstreamError::from_lookup("a".into(), os.into()),
            ];
            for error in errors {
                assert!(!error.blames_address(), "{error}");
                assert_eq!(
                    error.proxy_error(),
                    ProxyError::ConnectionLimitReached,
                    "{error}"
                );
            }
        }
        let refused =
            UpstreamError::from_connect("a:1".into(), rustix::io::Errno::CONNREFUSED.into());
        assert!(refused.blames_address());
    }

    #[test]
    fn a_failed_connect_tells_refusal_from_routing() {
        for (kind, expected) in [
            (
                io::ErrorKind::ConnectionRefused,
                ProxyError::ConnectionRefused,
            ),
            (
                io::ErrorKind::NetworkUnreachable,
                ProxyError::DestinationIpUnroutable,
            ),
            (
                io::ErrorKind::HostUnreachable,
                ProxyError::DestinationIpUnroutable,
            ),
            (io::ErrorKind::NotFound, ProxyError::ConnectionRefused),
            (
                io::ErrorKind::PermissionDenied,
                ProxyError::ConnectionRefused,
            ),
            (
                io::ErrorKind::ConnectionReset,
                ProxyError::ConnectionTerminated,
            ),
        ] {
            let error = UpstreamError::from_connect("a:1".into(), kind.into());
            assert_eq!(error.proxy_error(), expected, "{kind:?}");
        }
    }
}

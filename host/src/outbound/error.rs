//! Why an outbound call has no answer. Each is small, can be told to a guest, and belongs to one error type of RFC 9209,
//! section 2.3.

use std::net::IpAddr;
use std::time::Duration;

/// Why there is no answer. Texts name the subject, what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The list of the plugin doesn't have the destination.
    #[error("a call to {url} is not allowed; to allow it, add {permission} to the configuration")]
    Denied { url: String, permission: String },
    /// The plugin is why: URL, method, fields or body.
    #[error("the outbound request is not valid: {0}")]
    InvalidRequest(String),
    #[error("the name {host} can't be resolved: {why}")]
    Unresolved { host: String, why: String },
    /// Nobody was connected to.
    #[error(
        "{host} leads to {address}, {what}; to allow it, add {permission} to the configuration"
    )]
    ForbiddenAddress {
        host: String,
        address: IpAddr,
        what: &'static str,
        permission: String,
    },
    #[error("{peer} can't be reached: {why}")]
    Unreachable { peer: String, why: String },
    #[error("TLS with {peer} failed: {why}")]
    TlsFailed { peer: String, why: String },
    #[error("{what} took longer than {} s", .after.as_secs_f32())]
    TimedOut { what: Phase, after: Duration },
    /// `limit` is in bytes.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge { what: Part, limit: u64 },
    /// The peer broke HTTP.
    #[error("the peer's response is no valid HTTP: {0}")]
    Protocol(String),
    /// The connection ended before the response did.
    #[error("the connection ended before the response was complete: {0}")]
    Terminated(String),
    #[error("{bound}: at most {limit}")]
    TooMany { bound: Bound, limit: usize },
    /// The exchange was itself caused by calls of this host's plugins.
    #[error("plugins of this proxy call one another in a circle, {depth} calls deep")]
    Loop { depth: u32 },
    /// The settings of this host are why.
    #[error("outbound calls can't be made with these settings: {0}")]
    Configuration(String),
}

/// A part of a call that has a limit in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Resolve,
    Connect,
    /// All up to the head of the response.
    Head,
    /// The body of the response.
    Body,
}

/// A part of a call that has a limit in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    RequestHead,
    RequestBody,
    ResponseHead,
    ResponseBody,
}

/// What may be only so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    PerExchange,
    AtOnceOfPlugin,
    AtOnce,
}

impl CallError {
    /// The error type of RFC 9209, section 2.3, or `http_request_denied` (section 2.3.15) where it has none.
    pub fn proxy_error_type(&self) -> &'static str {
        match self {
            Self::Denied { .. } | Self::TooMany { .. } => "http_request_denied",
            Self::InvalidRequest(_) => "http_request_error",
            Self::Unresolved { .. } => "dns_error",
            Self::ForbiddenAddress { .. } => "destination_ip_prohibited",
            Self::Unreachable { .. } => "destination_unavailable",
            Self::TlsFailed { .. } => "tls_protocol_error",
            Self::TimedOut { what, .. } => match what {
                Phase::Resolve => "dns_timeout",
                Phase::Connect => "connection_timeout",
                Phase::Head | Phase::Body => "http_response_timeout",
            },
            Self::TooLarge { what, .. } => match what {
                Part::RequestHead | Part::RequestBody => "http_request_error",
                Part::ResponseHead => "http_response_header_section_size",
                Part::ResponseBody => "http_response_body_size",
            },
            Self::Protocol(_) => "http_protocol_error",
            Self::Terminated(_) => "connection_terminated",
            Self::Loop { .. } => "proxy_loop_detected",
            Self::Configuration(_) => "proxy_configuration_error",
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the look-up of the name",
            Self::Connect => "the connection",
            Self::Head => "the head of the response",
            Self::Body => "the body of the response",
        })
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RequestHead => "the head of the outbound request",
            Self::RequestBody => "the body of the outbound request",
            Self::ResponseHead => "the head of the response",
            Self::ResponseBody => "the body of the response",
        })
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PerExchange => "too many outbound calls in one exchange",
            Self::AtOnceOfPlugin => "too many outbound calls of this plugin at once",
            Self::AtOnce => "too many outbound calls at once",
        })
    }
}

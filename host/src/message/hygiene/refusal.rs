//! Why a request can't be forwarded as it is.

/// See the module's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    #[error("a request has one host field")]
    NotOneHost,
    #[error("the host field is not an authority")]
    InvalidHost,
    #[error("content-length is not one number")]
    Length,
    #[error("a field's name can be mistaken for content-length or transfer-encoding")]
    Ambiguous,
    #[error("no expectation but 100-continue is supported")]
    Expectation,
    #[error("this proxy makes no tunnels")]
    Tunnel,
    #[error("this proxy does not switch to {0}")]
    Protocol(&'static str),
    #[error("the request may not be forwarded any further (max-forwards)")]
    NoForwards,
    #[error("the request has passed through this proxy {0} times")]
    Loop(usize),
}

//! What can go wrong with an exchange, told by who caused it.

use crate::interceptor::{Hook, InterceptError};
use crate::message::BodyError;
use crate::message::hygiene::BadRequest;

/// Why an exchange has no answer from an interceptor or the backend.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The request can't be forwarded as it is.
    #[error("bad request: {0}")]
    Request(#[from] BadRequest),
    /// An interceptor with the policy `closed` failed.
    #[error("plugin {name} {error} in {hook}")]
    Interceptor {
        name: String,
        hook: Hook,
        error: InterceptError,
    },
    #[error("can't reach the backend: {0}")]
    Connect(String),
    /// The connection to the backend failed before a response had come.
    #[error("the backend gave no response: {0}")]
    NoResponse(String),
    /// The backend's bytes are no HTTP.
    #[error("the backend's response is not valid HTTP: {0}")]
    BadResponse(String),
    /// The client's body broke off while it was sent on.
    #[error("the request's body broke off: {0}")]
    RequestBody(String),
}

impl ExchangeError {
    /// The body that an interceptor could not have, if that is why it failed, and whose it was.
    pub fn body(&self) -> Option<(Hook, &BodyError)> {
        match self {
            ExchangeError::Interceptor {
                hook,
                error: InterceptError::Body { body, .. },
                ..
            } => Some((*hook, body)),
            _ => None,
        }
    }
}

//! An outbound request, its response, and why there is none: as plain values, for `client` and for both hosts.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::field::Field;
use crate::{Error, Result};

/// A request to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it is sent by `send`"]
pub struct OutgoingRequest {
    /// The method.
    pub method: String,
    /// An absolute `http` or `https` URI.
    pub uri: String,
    /// Header fields; the host sets those of the connection and the framing.
    pub fields: Vec<Field>,
    /// The content.
    pub body: Vec<u8>,
    /// Of the whole call, at most the host's; `None` is the host's.
    pub timeout: Option<Duration>,
}

/// A response that was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingResponse {
    /// The status.
    pub status: u16,
    /// Header fields, names in lower case.
    pub fields: Vec<Field>,
    /// The content, with its content coding if it has one.
    pub body: Vec<u8>,
    /// Trailers, names in lower case.
    pub trailers: Vec<Field>,
}

/// Why there is no response; each holds the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The plugin has no permission for this destination, or for its address. The text says what to add to the configuration.
    Denied(String),
    /// The request is not valid.
    InvalidRequest(String),
    /// The name of the host could not be resolved.
    Unresolved(String),
    /// Nobody answers there.
    Unreachable(String),
    /// TLS failed.
    Tls(String),
    /// It took too long.
    TimedOut(String),
    /// Request or response are larger than allowed.
    TooLarge(String),
    /// The peer broke the protocol, or ended the connection before the response was complete.
    Protocol(String),
    /// Too many calls, or plugins call one another in a circle.
    TooMany(String),
}

impl OutgoingRequest {
    /// Adds a header field.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the content.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the content and its media type.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value)?;
        Ok(self.field("content-type", "application/json").body(body))
    }

    /// Bounds the time of the whole call.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl IncomingResponse {
    /// The first value of a field, if it is UTF-8.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self
            .fields
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        core::str::from_utf8(&found.1).ok()
    }

    /// The content as text.
    pub fn text(&self) -> Result<&str> {
        Ok(core::str::from_utf8(&self.body)?)
    }

    /// The content as JSON of this type.
    ///
    /// # Errors
    /// When the status is not one of success, or the content is none of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if !(200..300).contains(&self.status) {
            return Err(Error::new(format!(
                "the response has the status {}",
                self.status
            )));
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl SendError {
    /// The contract's word, such as `timed-out`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::InvalidRequest(_) => "invalid-request",
            Self::Unresolved(_) => "unresolved",
            Self::Unreachable(_) => "unreachable",
            Self::Tls(_) => "tls",
            Self::TimedOut(_) => "timed-out",
            Self::TooLarge(_) => "too-large",
            Self::Protocol(_) => "protocol",
            Self::TooMany(_) => "too-many",
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Denied(why)
        | Self::InvalidRequest(why)
        | Self::Unresolved(why)
        | Self::Unreachable(why)
        | Self::Tls(why)
        | Self::TimedOut(why)
        | Self::TooLarge(why)
        | Self::Protocol(why)
        | Self::TooMany(why)) = self;
        f.write_str(&why.to_string())
    }
}

impl core::error::Error for SendError {}

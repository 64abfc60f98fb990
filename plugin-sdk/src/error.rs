//! The error type of hooks, and the errors of host calls.
//!
//! `Error` is one line of text. The host writes it to its log, and the plugin's `on-failure` decides what the client gets.
//! `?` converts every `core::error::Error` to it.

use alloc::string::{String, ToString};
use core::fmt;

/// What hooks return. The error type can be another one: `Result<(), FieldError>`.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// The reason why a hook failed. The text goes to the host's log, never to the client.
///
/// Like `anyhow::Error` it converts from every [`core::error::Error`] and therefore isn't one itself.
///
/// ```
/// use tollgate_plugin::{Error, Result};
///
/// fn tenant(path: &str) -> Result<u32> {
///     let Some(id) = path.strip_prefix("/tenant/") else {
///         return Err(Error::new("no tenant in the path"));
///     };
///     Ok(id.parse()?)
/// }
///
/// assert_eq!(tenant("/tenant/7").ok(), Some(7));
/// assert_eq!(tenant("/").unwrap_err().to_string(), "no tenant in the path");
/// assert_eq!(tenant("/tenant/x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct Error(String);

/// Why a part of a message could not be changed. Nothing was changed.
///
/// ```
/// use tollgate_plugin::{FieldError, Plugin, Request, Result, Verdict, testing};
///
/// #[derive(serde::Deserialize)]
/// struct Tags;
///
/// impl Plugin for Tags {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         match request.append_field("x-tag", "seen") {
///             // Better without the tag than not at all.
///             Ok(()) | Err(FieldError::TooMany) => Ok(Verdict::Forward),
///             Err(error) => Err(error.into()),
///         }
///     }
/// }
///
/// assert_eq!(testing::exchange().run::<Tags>().request.field("x-tag"), Some("seen"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// The name is not a token (RFC 9110, section 5.6.2).
    InvalidName(String),
    /// The value is not valid here; holds the reason.
    InvalidValue(String),
    /// The field describes the connection or the framing. Only the host sets it; holds its name.
    OwnedByHost(String),
    /// The message has as many fields as the host allows.
    TooMany,
}

/// The reason why a body is not available. A plugin that needs the body returns this error with `?`; the client then gets
/// 413, 408 or 502.
///
/// ```
/// use tollgate_plugin::{BodyError, Plugin, Request, Response, Result, testing, warn};
///
/// #[derive(serde::Deserialize)]
/// struct Upper;
///
/// impl Plugin for Upper {
///     fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
///         match response.body() {
///             Ok(body) => response.set_body(body.to_ascii_uppercase()),
///             Err(BodyError::TooLarge(limit)) => warn!("more than {limit} bytes: left as it is"),
///             Err(error) => return Err(error.into()),
///         }
///         Ok(())
///     }
/// }
///
/// let outcome = testing::exchange().backend_body_error(BodyError::TooLarge(9)).run::<Upper>();
/// assert_eq!(outcome.error, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The body is longer than this plugin may read; holds the limit in bytes. The body is still forwarded unchanged.
    TooLarge(u64),
    /// Timed out while waiting for the next bytes of the body.
    TimedOut,
    /// The peer disconnected or sent invalid framing; holds the details.
    Disconnected(String),
    /// The body was already forwarded: the request's body in `return_response`, unless a plugin read or set it before.
    AlreadyStreamed,
}

/// Why the state could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The key or the value is longer than allowed. Nothing was changed.
    TooLarge(String),
    /// The bucket may not hold more. Nothing was changed.
    Full(String),
    /// The value is not a whole number, or would not fit into 64 bits. Nothing was changed.
    NotANumber(String),
    /// The store did not answer in time. A write may have been done.
    TimedOut(String),
    /// The store cannot be used at the moment. A write may have been done.
    Unavailable(String),
}

/// Why the backend of a request was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendError {
    /// The plugin has no permission for this backend. The text says what to add to the configuration.
    Denied(String),
    /// The configuration has no backend with this name. The text lists those that the plugin may choose.
    Unknown(String),
    /// There is no request to be sent: this is not `forward_request`.
    TooLate,
}

impl Error {
    /// An error of the plugin's own: one lower-case clause that says what is wrong.
    ///
    /// ```
    /// # use tollgate_plugin::Error;
    /// let error = Error::new(format_args!("no tenant {}", 7));
    /// assert_eq!(error.to_string(), "no tenant 7");
    /// ```
    pub fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl<E: core::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(name) => write!(f, "{name:?} is not a field name"),
            Self::InvalidValue(what) => f.write_str(what),
            Self::OwnedByHost(name) => write!(f, "the field {name} is set by the host alone"),
            Self::TooMany => f.write_str("the message has as many fields as the host allows"),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => {
                write!(f, "the body is longer than the {limit} bytes that this plugin may read")
            }
            Self::TimedOut => f.write_str("the body did not arrive in time"),
            Self::Disconnected(what) => write!(f, "the body broke off: {what}"),
            Self::AlreadyStreamed => f.write_str(
                "the body has gone on to its receiver: read it in forward_request if it is needed later",
            ),
        }
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(why)
            | Self::Full(why)
            | Self::NotANumber(why)
            | Self::TimedOut(why)
            | Self::Unavailable(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) | Self::Unknown(why) => f.write_str(why),
            Self::TooLate => f.write_str("the backend can be chosen in forward_request alone"),
        }
    }
}

impl StateError {
    /// The contract's word, such as `not-a-number`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too-large",
            Self::Full(_) => "full",
            Self::NotANumber(_) => "not-a-number",
            Self::TimedOut(_) => "timed-out",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl core::error::Error for BackendError {}
impl core::error::Error for FieldError {}
impl core::error::Error for BodyError {}
impl core::error::Error for StateError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_keeps_the_whole_chain_of_causes() {
        #[derive(Debug)]
        struct Outer(BodyError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("no order")
            }
        }
        impl core::error::Error for Outer {
            fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
                Some(&self.0)
            }
        }

        let fails = || -> Result<()> { Err(Outer(BodyError::TimedOut))? };
        assert_eq!(
            fails().unwrap_err().to_string(),
            "no order: the body did not arrive in time"
        );
    }
}

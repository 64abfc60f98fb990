//! The request of the exchange in hand: a handle without content, each method one host call.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::host::{self, Side};
use crate::message::message_methods;
use crate::{FieldError, Result};

/// The request of the exchange in hand, as the plugins before this one left it.
///
/// In `return_response` it can be read but not changed: it has gone to the backend.
///
/// ```
/// use tollgate_plugin::{Plugin, Request, Result, Verdict, testing};
///
/// /// Sends `/v1/x` to `legacy:8080/x`.
/// #[derive(serde::Deserialize)]
/// struct Legacy;
///
/// impl Plugin for Legacy {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         if let Some(rest) = request.target().strip_prefix("/v1") {
///             request.set_target(rest)?;
///             request.set_authority("legacy:8080")?;
///             request.append_field("via", "1.1 tollgate")?;
///         }
///         Ok(Verdict::Forward)
///     }
/// }
///
/// let outcome = testing::exchange().target("/v1/x?y=1").run::<Legacy>();
/// assert_eq!(outcome.request.target, "/x?y=1");
/// assert_eq!(outcome.request.field("host"), Some("legacy:8080"));
/// ```
#[derive(Debug)]
pub struct Request(());

impl Request {
    pub(crate) fn in_hand() -> Self {
        Self(())
    }

    /// The method, case as sent: `GET`, `PROPFIND`.
    pub fn method(&self) -> String {
        host::method()
    }

    /// Changes the method.
    ///
    /// # Errors
    /// When it is not a token, or `CONNECT`, which is the host's.
    pub fn set_method(&mut self, method: impl AsRef<str>) -> Result<(), FieldError> {
        host::set_method(method.as_ref())
    }

    /// `http` or `https`: how the client spoke to the host.
    pub fn scheme(&self) -> String {
        host::scheme()
    }

    /// The host and port that the client asked for; empty if it named none.
    pub fn authority(&self) -> String {
        host::authority()
    }

    /// Changes the authority that the backend sees. The same as setting the field `host`.
    ///
    /// # Errors
    /// When it can't be the value of a field.
    pub fn set_authority(&mut self, authority: impl AsRef<str>) -> Result<(), FieldError> {
        host::set_authority(authority.as_ref())
    }

    /// Path and query as they stand on the wire: never decoded, never normalised.
    pub fn target(&self) -> String {
        host::target()
    }

    /// Changes path and query. It begins with `/` (or is `*` for OPTIONS) and is sent as given.
    ///
    /// # Errors
    /// When it begins otherwise, or has a space or another character that no target has.
    pub fn set_target(&mut self, target: impl AsRef<str>) -> Result<(), FieldError> {
        host::set_target(target.as_ref())
    }

    /// The target up to the first `?`, raw.
    pub fn path(&self) -> String {
        let mut target = host::target();
        if let Some(end) = target.find('?') {
            target.truncate(end);
        }
        target
    }

    /// What follows the first `?` of the target, raw; none without a `?`.
    pub fn query(&self) -> Option<String> {
        let target = host::target();
        target.split_once('?').map(|(_, query)| query.to_owned())
    }

    message_methods!(Side::Request);
}

//! The response of the current exchange: a handle without content, each method one host call.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::host::{self, Side};
use crate::message::message_methods;
use crate::{FieldError, Result};

/// The response of the current exchange, from the backend or from a plugin, with the changes of the plugins after this one in
/// the chain.
///
/// ```
/// use tollgate_plugin::{Answer, Plugin, Request, Response, Result, testing};
///
/// /// Hides what the backend says about its own mistakes.
/// #[derive(serde::Deserialize)]
/// struct Discreet;
///
/// impl Plugin for Discreet {
///     fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
///         if response.status() == 500 {
///             response.set_status(502)?;
///             response.delete_field("x-trace")?;
///             response.set_body("try again later\n");
///         }
///         Ok(())
///     }
/// }
///
/// let outcome = testing::exchange().backend_response(Answer::new(500).text("stack trace")).run::<Discreet>();
/// assert_eq!((outcome.response.status, outcome.response.text()), (502, "try again later\n"));
/// ```
///
/// To answer a request without asking the backend, return an [`Answer`](crate::Answer) from `forward_request`.
#[derive(Debug)]
pub struct Response(());

impl Response {
    pub(crate) fn in_hand() -> Self {
        Self(())
    }

    /// The status, 200 to 599.
    pub fn status(&self) -> u16 {
        host::status()
    }

    /// Changes the status, 200 to 599. Plugins cannot send interim responses (1xx).
    ///
    /// # Errors
    ///
    /// Returns an error for any other number.
    pub fn set_status(&mut self, status: u16) -> Result<(), FieldError> {
        host::set_status(status)
    }

    message_methods!(Side::Response);
}

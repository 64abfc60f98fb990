//! The response of the exchange in hand: a handle without content, each method one host call.

use crate::host::{self, Side};
use crate::message::message_methods;
use crate::{FieldError, Result};

/// The response of the exchange in hand: the backend's or a plugin's, as the plugins behind this one left it.
///
/// To answer a request without asking the backend, return an [`Answer`](crate::Answer) from `forward_request`.
#[derive(Debug)]
pub struct Response(());

impl Response {
    pub(crate) fn in_hand() -> Self {
        Self(())
    }

    pub fn status(&self) -> u16 {
        host::status()
    }

    /// Changes the status, 200 to 599. Interim ones (1xx) are the host's.
    pub fn set_status(&mut self, status: u16) -> Result<(), FieldError> {
        host::set_status(status)
    }

    message_methods!(Side::Response);
}

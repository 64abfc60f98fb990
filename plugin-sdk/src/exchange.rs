//! Facts about the exchange in hand, and notes that travel with it.
//!
//! An instance of a plugin serves many exchanges, and the two hooks of one exchange may run in two instances: what
//! `return_response` must know from `forward_request` goes into a note.
//!
//! ```
//! use tollgate_plugin::{Plugin, Request, Response, Result, Verdict, exchange, info, testing};
//!
//! #[derive(serde::Deserialize)]
//! struct Remembers;
//!
//! impl Plugin for Remembers {
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         exchange::set_note("remembers.path", request.path());
//!         Ok(Verdict::Forward)
//!     }
//!
//!     fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
//!         if let Some(path) = exchange::note("remembers.path") {
//!             response.set_field("x-path", path)?;
//!         }
//!         info!("{} asked", exchange::client_address());
//!         Ok(())
//!     }
//! }
//!
//! let outcome = testing::exchange().target("/x?y").client_address("10.0.0.1:9").run::<Remembers>();
//! assert_eq!(outcome.response.field("x-path"), Some("/x"));
//! assert_eq!(outcome.log[0].1, "10.0.0.1:9 asked");
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use crate::{FieldError, host};

/// Names this exchange in logs; unique for as long as the host runs.
pub fn id() -> String {
    host::id()
}

/// The address and port of the peer on the connection: `127.0.0.1:50312`.
pub fn client_address() -> String {
    host::client_address()
}

/// A note that this plugin, or one that ran earlier in the exchange, left under `key`.
pub fn note(key: &str) -> Option<Vec<u8>> {
    host::note(key)
}

/// Leaves a note for `return_response` and for the plugins that run later in this exchange. All plugins share the
/// keys: begin yours with the plugin's name unless others shall read the note.
pub fn set_note(key: &str, value: impl AsRef<[u8]>) {
    host::set_note(key, value.as_ref());
}

/// In `forward_request`: sets fields of the answer that the client gets if the host answers this exchange with an error of
/// its own (a backend that can't be reached, a plugin that failed, a timeout), which doesn't come to `return_response`.
/// The answer of a backend or of a plugin never gets them.
///
/// ```
/// use tollgate_plugin::{Plugin, Request, Result, Verdict, exchange, testing};
///
/// /// Lets every page read the host's errors.
/// #[derive(serde::Deserialize)]
/// struct Readable;
///
/// impl Plugin for Readable {
///     fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
///         exchange::set_error_fields([("access-control-allow-origin", "*")])?;
///         Ok(Verdict::Forward)
///     }
/// }
///
/// let outcome = testing::exchange().run::<Readable>();
/// assert_eq!(outcome.error_fields[0].0, "access-control-allow-origin");
/// assert_eq!(outcome.response.fields, []);
/// ```
///
/// # Errors
///
/// Returns an error if a name or value is invalid, or if only the host may set the field. No field is set then.
pub fn set_error_fields<N: AsRef<str>, V: AsRef<[u8]>>(
    fields: impl IntoIterator<Item = (N, V)>,
) -> Result<(), FieldError> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| (String::from(name.as_ref()), value.as_ref().to_vec()))
        .collect();
    host::set_fields(host::Side::Response, &fields)
}

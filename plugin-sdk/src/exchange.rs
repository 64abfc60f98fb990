//! Information about the current exchange (a request and its response), and notes, which hold data during the exchange.
//!
//! An instance of a plugin serves many exchanges, and the two hooks of one exchange may run in two instances. Use a note
//! to pass data from `forward_request` to `return_response`.
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

/// The id of this exchange in the log; unique while the host process runs.
pub fn id() -> String {
    host::id()
}

/// Address and port of the peer of the client connection: `127.0.0.1:50312`.
pub fn client_address() -> String {
    host::client_address()
}

/// Reads the note that this plugin, or an earlier plugin in this exchange, set for `key`.
pub fn note(key: &str) -> Option<Vec<u8>> {
    host::note(key)
}

/// Sets a note for `return_response` and for the plugins that run later in this exchange. All plugins share the keys:
/// begin the key with the plugin's name unless other plugins should read the note.
pub fn set_note(key: &str, value: impl AsRef<[u8]>) {
    host::set_note(key, value.as_ref());
}

/// In `forward_request`: sets header fields for the case that the host answers this exchange with its own error response
/// (the backend is not reachable, a plugin failed, a timeout). `return_response` is not called for such a response.
/// Responses of a backend or of a plugin never get these fields.
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

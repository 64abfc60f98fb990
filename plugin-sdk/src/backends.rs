//! The backend that a request is sent to. The plugin needs the permission `backends`, which lists the names of backends in the
//! configuration.
//!
//! ```
//! use tollgate_plugin::{Plugin, Request, Result, Verdict, testing};
//!
//! /// Sends a part of the users to the new version.
//! #[derive(serde::Deserialize)]
//! struct Canary;
//!
//! impl Plugin for Canary {
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         if request.field("x-canary").is_some() {
//!             request.set_backend("next")?;
//!         }
//!         Ok(Verdict::Forward)
//!     }
//! }
//!
//! let request = || testing::exchange().backends(["next"]);
//! assert_eq!(request().run::<Canary>().request.backend, "default");
//! assert_eq!(request().field("x-canary", "1").run::<Canary>().request.backend, "next");
//! ```

use alloc::string::String;

use crate::host;

pub use crate::error::BackendError;

/// The name of the backend that the request is sent to: the one that was chosen last, else that of the route.
pub fn current() -> String {
    host::backend()
}

/// Sends the request to this backend; see [`Request::set_backend`](crate::Request::set_backend).
///
/// # Errors
/// Why the backend was not changed.
pub fn choose(name: &str) -> Result<(), BackendError> {
    host::set_backend(name)
}

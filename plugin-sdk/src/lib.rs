//! Write plugins for tollgate, the HTTP proxy, in Rust.
//!
//! A plugin is a type with up to two hooks. This one answers requests for a closed part of a site itself, and marks
//! what comes from the rest:
//!
//! ```
//! use tollgate_plugin::{Answer, Plugin, Request, Response, Result, Verdict, info};
//!
//! #[derive(serde::Deserialize)]
//! struct Closed {
//!     /// From the plugin's settings; required.
//!     prefix: String,
//!     /// Optional, since it has a default.
//!     #[serde(default)]
//!     reason: String,
//! }
//!
//! impl Plugin for Closed {
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         if request.path().starts_with(&self.prefix) {
//!             info!("refused {}", request.target());
//!             return Ok(Answer::new(403).text(&self.reason).into());
//!         }
//!         Ok(Verdict::Forward)
//!     }
//!
//!     fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
//!         response.set_field("x-checked", "yes")?;
//!         response.map_text(|page| page.replace("http:", "https:"))?;
//!         Ok(())
//!     }
//! }
//!
//! tollgate_plugin::export!(Closed);
//!
//! // Its logic is tested with plain `cargo test`, no wasm needed:
//! use tollgate_plugin::testing;
//!
//! let closed = testing::exchange().target("/private/x").setting("prefix", "/private").setting("reason", "not here");
//! let outcome = closed.run::<Closed>();
//! assert_eq!(outcome.response.status, 403);
//! assert_eq!(outcome.response.text(), "not here");
//! ```
//!
//! What a plugin needn't care about: framing and hop-by-hop fields are the host's, the target is raw, field values are
//! bytes ([`FieldValue`] compares with and prints as text), repeated fields stay repeated. A getter is one call to the
//! host; a body that isn't asked for never enters the plugin.
//!
//! A hook fails with `?` or [`Error::new`]; the host logs the text and goes by the plugin's failure policy. A panic
//! traps: it is logged, the exchange goes by the same policy, and the host starts a new instance.

mod answer;
mod error;
pub mod exchange;
mod field;
mod host;
mod log;
mod message;
mod plugin;
mod request;
mod response;
mod settings;

#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[cfg(feature = "clocks")]
pub mod clocks;
#[cfg(feature = "random")]
pub mod random;

/// For `export!` alone.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[allow(missing_debug_implementations, reason = "generated")]
pub mod bindings;
/// For `export!` alone.
#[doc(hidden)]
pub mod export;

pub use answer::Answer;
pub use error::{BodyError, Error, FieldError, Result};
pub use field::FieldValue;
pub use log::{Level, log};
pub use plugin::{Plugin, Verdict};
pub use request::Request;
pub use response::Response;

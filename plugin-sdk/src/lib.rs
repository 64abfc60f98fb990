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
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]
//!
//! [dependencies]
//! serde = { version = "1", features = ["derive"] }
//! tollgate-plugin = { path = "tollgate" }
//! ```
//!
//! `tollgate new rust NAME` makes such a project, `tollgate build` builds it; by hand it is
//! `cargo build --release --target wasm32-unknown-unknown`.
//!
//! # What the host sees to
//!
//! What a plugin needn't care about: framing and hop-by-hop fields are the host's, the target is raw, field values are
//! bytes ([`FieldValue`] compares with and prints as text), repeated fields stay repeated. A getter is one call to the
//! host; a body that isn't asked for never enters the plugin.
//!
//! # Where to find what
//!
//! | to | look at |
//! | --- | --- |
//! | read and change a request | [`Request`] |
//! | read and change a response | [`Response`] |
//! | answer without the backend | [`Answer`] |
//! | have settings | [`Plugin`] |
//! | know who asks, remember for the way back | [`exchange`] |
//! | write to the host's log | [`info!`] and its siblings |
//! | test natively | [`testing`] |
//! | draw random numbers, know the time | [`random`], [`clocks`] |
//! | decode and encode parts of a URL | [`url`] |
//! | wait | `clocks::sleep`, behind the feature `clocks` |
//! | use the types of the crate [`http`](https://docs.rs/http) | the feature `http` |
//!
//! # Errors and panics
//!
//! A hook fails with `?` or [`Error::new`]; the host logs the text and goes by the plugin's failure policy. A panic
//! traps: it is logged, the exchange goes by the same policy, and the host starts a new instance.
//!
//! # Printing
//!
//! On `wasm32-unknown-unknown` the standard library throws away what `println!`, `eprintln!` and `dbg!` print. The macros
//! of the same names here write to the host's log instead: `use tollgate_plugin::{dbg, eprintln, println};`. What a
//! dependency prints is lost.
//!
//! # Features
//!
//! - `std` (on by default): see below for life without it.
//! - `http`: [`Request`], [`Response`], [`Answer`], [`FieldValue`] from and to the types of the crate `http`.
//! - `clocks`: `clocks::sleep`, for which the plugin imports `wasi:clocks/monotonic-clock` and `wasi:io`.
//! - `random`: does nothing any more; [`random`] is always there.
//!
//! # Without std
//!
//! With `default-features = false` the crate is `no_std` in a wasm build and needs `alloc` alone; a native build, which is
//! for tests, has std anyway. A plugin then brings an allocator and a panic handler, its type must be `Sync`, and it
//! takes `serde` without std as well. Its file is a tenth smaller for that: what a plugin doesn't use of std is never in it.
//!
//! ```
//! #![no_std]
//! use tollgate_plugin::{Plugin, Request, Result, Verdict};
//!
//! # #[cfg(target_family = "wasm")]
//! #[global_allocator]
//! static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
//!
//! #[cfg(target_family = "wasm")]
//! #[panic_handler]
//! fn panic(panic: &core::panic::PanicInfo<'_>) -> ! {
//!     tollgate_plugin::panicked(panic)
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Hello;
//!
//! impl Plugin for Hello {
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         request.set_field("x-hello", "world")?;
//!         Ok(Verdict::Forward)
//!     }
//! }
//!
//! tollgate_plugin::export!(Hello);
//! # fn main() {}
//! ```

// A native build is for tests and has std whatever the features say.
#![cfg_attr(all(target_family = "wasm", not(feature = "std")), no_std)]

#[cfg_attr(all(target_family = "wasm", not(feature = "std")), macro_use)]
extern crate alloc;

/// The README's examples, so that they are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod answer;
mod error;
pub mod exchange;
mod field;
mod host;
#[cfg(feature = "http")]
mod http_types;
mod log;
mod message;
#[cfg(all(target_family = "wasm", not(feature = "std")))]
mod panic;
mod plugin;
mod request;
mod response;
mod settings;

#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub mod clocks;
pub mod random;
pub mod url;

/// For `export!` alone.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[allow(missing_debug_implementations, missing_docs, reason = "generated")]
pub mod bindings;
/// For `export!` alone.
#[doc(hidden)]
#[allow(missing_docs, reason = "not for plugins to use")]
pub mod export;

/// Tells the host why the plugin is about to trap, in one line.
#[cfg(target_family = "wasm")]
pub(crate) fn panicking(panic: &impl core::fmt::Display) {
    use alloc::string::ToString;
    host::log_critical(&panic.to_string().replacen(":\n", ": ", 1));
}

pub use answer::Answer;
pub use error::{BodyError, Error, FieldError, Result};
pub use field::FieldValue;
pub use log::{Level, log};
#[cfg(all(target_family = "wasm", not(feature = "std")))]
pub use panic::panicked;
pub use plugin::{Plugin, Verdict};
pub use request::Request;
pub use response::Response;

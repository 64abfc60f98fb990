//! Write plugins for the HTTP proxy tollgate in Rust.
//!
//! A plugin is a type with one or two hooks. This plugin answers requests below a given path with 403, and changes all
//! responses:
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
//! // The plugin's logic can be tested with `cargo test`, without wasm:
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
//! `tollgate new rust NAME` creates such a project and `tollgate build` builds it. To build without tollgate, run
//! `cargo build --release --target wasm32-unknown-unknown`.
//!
//! # What the host does
//!
//! The host sets the header fields for framing and for the connection; a plugin cannot change them. The request target is
//! not decoded. Field values are bytes ([`FieldValue`] can be compared with text and printed). Repeated fields are not
//! joined. Each getter is one call to the host. A body is copied into the plugin only if the plugin reads it.
//!
//! # Bodies that flow
//!
//! A plugin can rewrite a body piece by piece, while it flows. It implements [`ResponseBody`] or [`RequestBody`], and names them when it
//! is exported: `export!(MyPlugin, ResponseBody)`. For each body it makes a [`Rewriter`], whose fields are the state between two pieces.
//!
//! # WebSockets
//!
//! A plugin can get the messages of WebSockets. It implements [`WebSocket`] and is exported with `export!(MyPlugin, WebSocket)`. For each
//! connection it makes a [`Connection`], whose fields are the state between two messages.
//!
//! # Overview
//!
//! | to | see |
//! | --- | --- |
//! | read and change a request | [`Request`] |
//! | read and change a response | [`Response`] |
//! | answer without the backend | [`Answer`] |
//! | rewrite a body as it flows | [`RequestBody`], [`ResponseBody`], [`Rewriter`] |
//! | get the messages of WebSockets | [`WebSocket`], [`Connection`] |
//! | do something at an interval, without an exchange | [`Background`] |
//! | read and write events of an event stream | [`events`] |
//! | read settings | [`Plugin`] |
//! | identify the client, pass data to `return_response` | [`exchange`] |
//! | choose the backend of a request | [`Request::set_backend`], [`backends`] |
//! | keep data beyond an exchange | [`state`] |
//! | send requests to other servers | [`client`] |
//! | count and measure | [`metrics`] |
//! | write to the host's log | [`info!`] and the other levels |
//! | test natively | [`testing`] |
//! | get random numbers and the time | [`random`], [`clocks`] |
//! | decode and encode parts of a URL | [`url`] |
//! | wait | [`clocks::sleep`] |
//! | use the types of the crate [`http`](https://docs.rs/http) | the feature `http` |
//!
//! # Errors and panics
//!
//! A hook fails with `?` or [`Error::new`]. The host logs the text, and the plugin's `on-failure` decides what the client
//! gets. A panic traps: the host logs it, handles the exchange in the same way, and starts a new instance.
//!
//! # Printing
//!
//! On `wasm32-unknown-unknown` the standard library discards the output of `println!`, `eprintln!` and `dbg!`. This crate
//! has macros with the same names that write to the host's log: `use tollgate_plugin::{dbg, eprintln, println};`. The
//! output of dependencies is lost.
//!
//! # Features
//!
//! - `std` (on by default): see below.
//! - `http`: converts [`Request`], [`Response`], [`Answer`] and [`FieldValue`] from and to the types of the crate `http`.
//! - `clocks` and `random`: have no effect any more; [`clocks`] and [`random`] are always available.
//!
//! # Without std
//!
//! With `default-features = false` the crate is `no_std` in a wasm build and needs only `alloc`. A native build, for tests,
//! always uses std. The plugin must define an allocator and a panic handler, its type must be `Sync`, and it must use `serde`
//! without std. Bodies that flow need std. The plugin file is then a tenth smaller. The saving is small because unused parts of std are never linked.
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
pub mod backends;
mod background;
mod body;
pub mod client;
mod error;
pub mod events;
pub mod exchange;
mod field;
mod host;
#[cfg(feature = "http")]
mod http_types;
#[cfg(not(target_family = "wasm"))]
mod in_hand;
mod level;
mod log;
mod message;
pub mod metrics;
mod missing;
mod outbound;
#[cfg(target_family = "wasm")]
mod panic;
mod peer;
mod plugin;
mod request;
mod response;
mod schema;
mod settings;
pub mod state;

#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub mod clocks;
pub mod random;
pub mod url;
pub mod websocket;

/// For `export!` alone.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[allow(missing_debug_implementations, missing_docs, reason = "generated")]
pub mod bindings;
/// For `export!` alone.
#[doc(hidden)]
#[allow(missing_docs, reason = "not for plugins to use")]
pub mod export;

pub use answer::Answer;
pub use background::Background;
pub use body::{Fate, RequestBody, ResponseBody, Rewriter, Sink, Unit, Wish};
pub use error::{BodyError, Error, FieldError, Result};
pub use field::FieldValue;
pub use level::Level;
pub use log::log;
#[cfg(all(target_family = "wasm", not(feature = "std")))]
pub use panic::panicked;
pub use plugin::{Plugin, Verdict};
pub use request::Request;
pub use response::Response;
pub use websocket::{Connection, WebSocket};

//! The harness: a proxy with plugins, a client before it and an origin behind it, put together in one sentence.
//!
//! ```no_run
//! # use tollgate_tests::*;
//! # async fn example() {
//! let origin = origin().route("/", text("hello")).start().await;
//! let proxy = proxy().plugin("mark", guest("mark")).backend(&origin).start().await;
//! assert_eq!(proxy.get("/").await.text(), "hello");
//! # }
//! ```
//!
//! `start` runs the proxy inside the test, `start_binary` runs the real executable; both give what a [`Served`] can do.
//! Whatever the harness waits for has a bound, and it panics when that is over: see [`eventually`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails loudly"
)]

mod binary;
mod client;
mod guest;
mod origin;
mod patience;
mod plugins;
mod proxy;
mod recorded;
mod reply;
mod request;
mod said;
mod served;

pub use binary::{Binary, Ended, executable, run_binary};
pub use client::{Answer, Client, Head};
pub use guest::{Guest, guest, guest_names};
pub use origin::{Origin, OriginBuilder, origin};
pub use patience::{Patience, in_time, patience};
pub use plugins::Plugins;
pub use proxy::{Builder, Proxy, proxy};
pub use recorded::Recorded;
pub use reply::{Gate, Reply, raw, text};
pub use request::{Request, get, request};
pub use served::Served;

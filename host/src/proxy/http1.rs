//! The HTTP/1.1 codec, for both sides: heads, bodies, timers.
//!
//! One pass over a head, and what may be read in two ways is refused in it: two readings of one request are how requests are
//! smuggled. Heads are kept as they came.

pub mod body;
pub mod encode;
pub mod response;

mod chunks;
mod line;
mod request;
mod server;
mod target;

#[cfg(test)]
mod fuzz;

pub use request::HeadLimits;
pub use server::{Exchanges, Limits, Peer, serve};

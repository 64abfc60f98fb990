//! The HTTP/1.1 codec, for both sides: heads, bodies, timers.
//!
//! One pass over a head, and what may be read in two ways is refused in it: two readings of one request are how requests are
//! smuggled. Heads are kept as they came.

pub mod body;
pub mod chunks;
pub mod encode;
pub mod line;
pub mod request;
pub mod response;
pub mod server;
pub mod timer;

#[cfg(test)]
mod dice;
#[cfg(test)]
mod fuzz;

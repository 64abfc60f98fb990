//! The vocabulary that both straight lines share: an exchange, its two heads and bodies, and the rules of RFC 9110
//! that a proxy keeps whatever a plugin does.

mod body;
mod exchange;
pub mod hygiene;

pub use body::{Body, BodyError, ReadLimits, Streaming};
pub use exchange::{Exchange, ExchangeId, Notes};

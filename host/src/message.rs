//! The vocabulary that both straight lines share: an exchange, its two heads and bodies, and the rules of RFC 9110
//! that a proxy keeps whatever a plugin does.

mod body;
mod exchange;
pub mod hygiene;
mod informational;
pub mod lengths;
mod limited;
mod tunnel;

pub use body::{Body, BodyError, BoxError, ReadLimits, Streaming};
pub use exchange::{Exchange, ExchangeId, Notes, Scheme};
pub use informational::OnInformational;
pub use limited::Limited;
pub use tunnel::{Duplex, Tunnel};

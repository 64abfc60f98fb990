//! The vocabulary that both straight lines share: an exchange, its two heads and bodies, and the rules of RFC 9110
//! that a proxy keeps whatever a plugin does.

pub mod syntax;

mod fields;
mod head;
mod known;

mod backends;
mod body;
mod chunk;
pub mod coding;
#[cfg(test)]
pub(crate) mod dice;
mod exchange;
mod fate;
pub mod hygiene;
mod id;
mod informational;
pub mod lengths;
mod limited;
pub mod pieces;
mod scheme;
mod side;
mod target;
pub mod trace;
mod tunnel;
pub mod websocket;

pub use backends::{BackendChoice, BackendNames};
pub use body::{Body, BodyError, BoxError, ReadLimits, RewriteError, Streaming};
pub use exchange::{Exchange, Notes, ReplacedBodies};
pub use fate::Fate;
pub use fields::{AsName, AsValue, Checked, FieldLine, Fields, GivenName, Lines, Name, as_text};
pub use head::{RequestHead, ResponseHead};
pub use id::ExchangeId;
pub use informational::OnInformational;
pub use known::Known;
pub use limited::Limited;
pub use scheme::Scheme;
pub use side::Side;
pub use target::{Target, TargetError};
pub use trace::Trace;
pub use tunnel::{Duplex, Tunnel};

//! Outbound HTTP calls of plugins: where they may go, how long and how large they may be, and the client that makes them.
//!
//! ```text
//! whole ─┐                     ┌─ prepare ── url, allow (path, address), fields (mark)
//!        ├─ client: one call ──┼─ budget: in this exchange, at once
//! stream ┘                     └─ connect: look up, check, connect, TLS
//! ```
//!
//! It knows nothing of WebAssembly. One [`Outbound`] serves the process, one [`Caller`] each plugin. [`Caller::send`] and
//! [`Caller::send_all`] are for whole messages, [`Caller::stream`] is below them and for bodies that flow.
//!
//! - Nothing is allowed that [`Allow`] doesn't list, and addresses that are not of the internet need a word of their own.
//! - Redirects are not followed: a response with a `location` is a response.
//! - Content is not decoded: what `content-encoding` says is left to the plugin, so the limit of size is that of the wire.
//! - Over TLS HTTP/2 is spoken if the peer has it; in cleartext HTTP/1.1.
//! - No proxy of the environment (`http_proxy`) is used.
//! - Waiting takes no thread, but for the system's look-up of a name.

mod address;
mod allow;
mod body;
mod budget;
mod client;
mod config;
mod connect;
mod error;
mod fault;
mod fields;
mod grant;
mod mark;
mod path;
mod prepare;
mod report;
mod stand_in;
mod stream;
#[cfg(test)]
mod tests;
mod url;
mod whole;

pub use address::AddressRange;
pub use allow::{Allow, Destination};
pub use body::{AnswerBody, CallBody};
pub use budget::CallBudget;
pub use client::{Caller, Outbound};
pub use config::{CallTimes, OutboundConfig};
pub use error::{Bound, CallError, Part, Phase};
pub use mark::{DEEPEST, MARK, depth_of, is_own_mark, mark};
pub use prepare::CallHead;
pub use report::{CallReport, Peer};
pub use stand_in::{StandIn, StandInAnswer};
pub use stream::StreamCall;
pub use whole::{WholeAnswer, WholeCall};

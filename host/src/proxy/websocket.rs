//! WebSockets whose messages interceptors get, over whatever carries them: a connection of HTTP/1.1 after its switch of
//! protocols, a stream of HTTP/2.
//!
//! ```text
//! client ⇄ reader and writer ⇄ interceptor … interceptor ⇄ writer and reader ⇄ backend
//! ```
//!
//! All of it runs in one task. A side is read when what it sent before has gone on, so a slow receiver slows the sender, and
//! what is held is bounded. Messages go through whole; frames of control go from side to side.

mod codec;
mod conversation;
mod deflate;
mod extensions;
mod opening;
mod pipe;
mod reader;
mod rehearse;
mod run;
mod side;
#[cfg(test)]
mod tests;
mod writer;

pub use conversation::Conversation;
pub use extensions::of_response;
pub use opening::{is_wanted, names_websocket, offer, open};
pub use rehearse::{Passed, pass_messages};
pub use run::run;

//! The request's straight line: accept → connection → exchange → flow → upstream, and `respond` for what goes wrong.
//!
//! Nothing here knows that interceptors are WebAssembly; see [`crate::interceptor`].

mod listeners;

mod accept;
mod connection;
mod date;
mod prefixed;

pub mod http1;
pub mod http2;

mod backends;
mod bad_head;
mod delivery;
mod exchange;
mod expect;
mod from_tape;
mod held;
mod inbound;
mod replay;
mod routing;
mod stop;
mod tunnel;
mod websocket;

pub mod flow;

mod chain;
mod last;
mod steps;

pub mod upstream;

mod error;
mod error_fields;
mod form;
mod proxy_status;
mod respond;

pub use backends::Backends;
pub use error::{ExchangeError, Resource};
pub use error_fields::ErrorFields;
pub use exchange::Proxy;
pub use last::{Last, Switch, Wish, receive_response};
pub use listeners::{Bound, ListenAt, Listeners, OpenSocket};
pub use replay::{REPLAY_OF, Replaying};
pub use respond::failure;
pub use routing::{Route, Routing, find_route};
pub use websocket::{Conversation, Passed, pass_messages};

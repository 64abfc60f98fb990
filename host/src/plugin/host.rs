//! What a plugin can reach, whatever version of the contract it was made for: the state in its store, and one file for each
//! thing that an interface is about. The versions (`plugin/kind/hooks`) put it into their types.

mod backends;
mod body;
mod body_sink;
mod calls;
mod described;
mod edits;
pub mod exchange;
pub mod fields;
mod kept;
pub mod key_value;
mod logging;
mod metrics;
mod observed;
mod outbox;
mod outgoing;
pub mod outgoing_handler;
pub mod request;
pub mod response;
mod settings;
pub mod standard;
mod state;
mod trial;
mod websocket;

pub use backends::ChoiceError;
pub use described::Described;
pub use fields::FieldError;
pub use outbox::{Outbox, Sent};
pub use state::{CallPace, HooksState, Job};
pub use trial::TrialServices;

//! What happened in exchanges, as plain data: for the ring of the last exchanges, the tape, the admin API, and replay.

pub mod answers;
mod beside;
mod blob;
mod config;
pub mod content;
mod data;
pub mod delta;
mod edit;
pub mod filter;
mod finish;
pub mod har;
mod heads;
pub mod json;
pub mod lines;
mod mask;
mod masked;
mod message;
mod micros;
mod recorder;
mod ring;
#[cfg(test)]
pub mod sample;
mod summary;
pub mod tape;

pub use config::RecordConfig;
pub use data::{
    Ending, Failure, Fragment, LogLine, Outbound, Performer, Piece, PieceFate, Recorded, Sender,
    Step, StepOutcome, Transcript,
};
pub use edit::{Edit, FieldEdit, LineEdit, MessageEdit};
pub use finish::recorded;
pub use heads::{Unusable, trailers};
pub use mask::{MASKED, Masks};
pub use message::{Bytes, Content, Field, Message, StartLine};
pub use recorder::{Keeper, Recorder};
pub use ring::{Page, Ring, RingSize};
pub use summary::{PluginPart, Summary};

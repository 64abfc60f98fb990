//! What happened in exchanges, as plain data: for the ring of the last exchanges, the tape, the admin API, and replay.

pub mod content;
mod data;
mod edit;
pub mod filter;
mod message;
#[cfg(test)]
pub mod sample;
pub mod tape;

pub use data::{
    Ending, Failure, Fragment, LogLine, Outbound, Performer, Piece, PieceFate, Recorded, Sender,
    Step, StepOutcome, Transcript,
};
pub use edit::{Edit, FieldEdit, LineEdit, MessageEdit};
pub use message::{Bytes, Content, Field, Message, StartLine};

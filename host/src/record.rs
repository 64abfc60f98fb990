//! What happened in exchanges, as plain data: for the ring of the last exchanges, the tape, the admin API, and replay.

pub mod content;
mod data;
mod edit;
pub mod filter;
#[cfg(test)]
pub mod sample;
pub mod tape;

pub use data::{
    Bytes, Content, Ending, Failure, Field, Fragment, LogLine, Message, Outbound, Performer, Piece,
    PieceFate, Recorded, Sender, StartLine, Step, StepOutcome, Transcript,
};
pub use edit::{Edit, FieldEdit, LineEdit, MessageEdit};

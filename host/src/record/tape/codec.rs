//! A record's body, in bincode.
//!
//! bincode 2.0.1 is no longer maintained (RUSTSEC-2025-0141). It reads only what this program wrote: length and checksum are compared
//! before it gets to see a byte, and what it may allocate is bounded.

use bincode::config::{self, Config};

use super::frame;
use crate::record::data::Recorded;

/// Goes up with every change of [`Recorded`] and of what it is made of.
pub const VERSION: u32 = 1;

fn format() -> impl Config {
    config::standard().with_limit::<{ frame::LONGEST }>()
}

/// A whole record, ready to be appended; none if it would be longer than a record may be.
pub fn encode(exchange: &Recorded) -> Option<Vec<u8>> {
    let mut record = vec![0; frame::PREFIX];
    bincode::serde::encode_into_std_write(exchange, &mut record, format()).ok()?;
    frame::seal(&mut record, VERSION)?;
    Some(record)
}

/// What a body holds whose length and checksum were found right; none if this is not what any tollgate wrote.
pub fn decode(body: &[u8]) -> Option<Recorded> {
    let (exchange, used) = bincode::serde::decode_from_slice(body, format()).ok()?;
    (used == body.len()).then_some(exchange)
}

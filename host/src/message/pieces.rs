//! A body cut into the pieces that a plugin gets, whatever chunks it came in: a state machine of bytes, without I/O and
//! without a clock.

mod events;
#[cfg(test)]
mod fuzz;
mod held;
mod messages;
mod piece;
#[cfg(test)]
mod tests;
mod text;
mod unit;

use bytes::Bytes;
use memchr::memchr;

use events::Events;
use held::Held;
pub use messages::{PREFIX, prefix};
pub use piece::Piece;
pub use unit::{PieceError, Unit};

use super::chunk;

/// Cuts a body into the pieces of a [`Unit`].
///
/// Bytes are never lost, changed or put in another order: all [`Piece::bytes`] one after the other are the body.
///
/// A piece that lies within one chunk is a slice of it, and keeps its memory in use. A piece of several chunks is copied together.
/// The memory of a cutter is one chunk, and less than `limit` bytes of the piece that has begun (with [`Unit::Messages`] five more,
/// for the prefix). While that part grows, its old buffer exists beside the new one: at most half as much for a moment.
///
/// ```ignore
/// cutter.push(chunk);
/// while let Some(piece) = cutter.next_piece()? { … }
/// // and behind the last chunk
/// while let Some(piece) = cutter.finish()? { … }
/// ```
#[derive(Debug)]
pub struct Cutter {
    unit: Unit,
    /// Bytes of one piece.
    limit: usize,
    events: Events,
    /// The piece that began in an earlier chunk. All of it has been looked at.
    held: Held,
    /// What of the last chunk no piece has taken yet.
    chunk: Bytes,
    failed: Option<PieceError>,
}

impl Cutter {
    /// No piece has more than `limit` bytes. A line counts with its terminator, an event with its blank line, a message without its
    /// prefix. [`Unit::Bytes`] and [`Unit::Text`] are cut at the limit, and a limit below 4 counts as 4, so that each character
    /// has room. In the other units a longer piece is an error.
    pub fn new(unit: Unit, limit: usize) -> Self {
        Self {
            unit,
            limit: limit.max(4),
            events: Events::new(),
            held: Held::default(),
            chunk: Bytes::new(),
            failed: None,
        }
    }

    /// Takes the next chunk of the body. Take all pieces of one chunk before you bring another: two chunks are copied together here.
    pub fn push(&mut self, chunk: Bytes) {
        chunk::append(&mut self.chunk, chunk);
    }

    /// The next piece; none when more of the body is needed for it.
    ///
    /// # Errors
    /// [`PieceError::TooLong`], as soon as it is known: for a message with its prefix, otherwise with the first byte above the
    /// limit. The same error comes again with every later call.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, PieceError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.chunk.is_empty() {
            return Ok(None);
        }
        let cut = match self.unit {
            Unit::Bytes => Ok(Some(self.take(self.chunk.len().min(self.limit), 0))),
            Unit::Text => Ok(self.text()),
            Unit::Lines | Unit::Events => self.delimited(),
            Unit::Messages => self.message(),
        };
        self.failed = cut.as_ref().err().copied();
        cut
    }

    /// The body has ended: what pieces are left; none when all have been given. Call it until then.
    ///
    /// The last line is a piece without a terminator too. An event without its blank line, which a reader of events throws away,
    /// and a character that the end cut, are given with [`Piece::is_whole`] false.
    ///
    /// # Errors
    /// [`PieceError::Truncated`] when the body ends within a message, and those of [`next_piece`](Self::next_piece).
    pub fn finish(&mut self) -> Result<Option<Piece>, PieceError> {
        if let Some(piece) = self.next_piece()? {
            return Ok(Some(piece));
        }
        let held = self.held.len();
        if held == 0 {
            return Ok(None);
        }
        let mut piece = self.take(0, 0);
        match self.unit {
            Unit::Messages => {
                let error = PieceError::Truncated {
                    came: held,
                    of: messages::length(piece.bytes(), &[]).map(|length| PREFIX + length),
                };
                self.failed = Some(error);
                return Err(error);
            }
            Unit::Events => {
                piece.lead = self.events.lead();
                piece.whole = piece.data().is_empty();
            }
            Unit::Text => piece.whole = false,
            Unit::Bytes | Unit::Lines => {}
        }
        Ok(Some(piece))
    }

    /// Bytes of memory that are in use here: of the piece that has begun, and of the chunk.
    pub fn in_use(&self) -> usize {
        self.held.capacity() + self.chunk.len()
    }

    /// Ends the piece after `len` more bytes of the chunk. The first `lead` of its bytes aren't for a guest.
    fn take(&mut self, len: usize, lead: usize) -> Piece {
        let tail = self.chunk.split_to(len);
        let bytes = if self.held.len() == 0 {
            tail
        } else {
            // The piece is complete: no more room than it needs.
            self.held.push(&tail, 0);
            self.held.take()
        };
        Piece {
            unit: self.unit,
            bytes,
            lead,
            whole: true,
        }
    }

    /// Keeps the chunk for a piece of at most `most` bytes that will end in a later one.
    fn hold(&mut self, most: usize) {
        self.held.push(&self.chunk, most);
        self.chunk = Bytes::new();
    }

    fn text(&mut self) -> Option<Piece> {
        // Less than a character is held, so there is room.
        let look = self.chunk.len().min(self.limit - self.held.len());
        let cut = text::cut_character(self.held.bytes(), &self.chunk[..look]);
        if self.held.len() + look == cut {
            self.hold(self.limit);
            return None;
        }
        Some(self.take(look.saturating_sub(cut), 0))
    }

    fn delimited(&mut self) -> Result<Option<Piece>, PieceError> {
        let look = self.chunk.len().min(self.limit - self.held.len());
        let seen = &self.chunk[..look];
        let (end, lead) = match self.unit {
            Unit::Events => (self.events.end(seen), self.events.lead()),
            _ => (memchr(b'\n', seen).map(|at| at + 1), 0),
        };
        match end {
            Some(end) => Ok(Some(self.take(end, lead))),
            None if look < self.chunk.len() => Err(self.too_long()),
            None => {
                self.hold(self.limit);
                Ok(None)
            }
        }
    }

    fn message(&mut self) -> Result<Option<Piece>, PieceError> {
        let Some(length) = messages::length(self.held.bytes(), &self.chunk) else {
            self.hold(PREFIX);
            return Ok(None);
        };
        if length > self.limit {
            return Err(self.too_long());
        }
        let missing = PREFIX + length - self.held.len();
        if missing > self.chunk.len() {
            self.hold(PREFIX + length);
            return Ok(None);
        }
        Ok(Some(self.take(missing, PREFIX)))
    }

    fn too_long(&self) -> PieceError {
        PieceError::TooLong {
            unit: self.unit,
            limit: self.limit,
        }
    }
}

//! One piece of a body: what a guest gets of it, and what goes on when the guest keeps it.

use bytes::Bytes;

use super::messages;
use super::unit::Unit;

/// One piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub(super) unit: Unit,
    pub(super) bytes: Bytes,
    /// How many bytes stand before the data.
    pub(super) lead: usize,
    pub(super) whole: bool,
}

impl Piece {
    /// The piece as it stands in the body. This goes on when a guest keeps the piece.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What a guest gets: the bytes without those that stand before it. These are the prefix of a gRPC message, the BOM of an event
    /// stream, and an LF that belongs to the blank line of the event before, which had ended with its CR already.
    pub fn data(&self) -> Bytes {
        self.bytes.slice(self.lead..)
    }

    /// Whether there is something for a guest. If not, the bytes go on as they are: a BOM or an LF with no event behind it. A
    /// message of gRPC is for the guest even when it is empty.
    pub fn is_for_a_guest(&self) -> bool {
        self.unit == Unit::Messages || self.bytes.len() > self.lead
    }

    /// False for what the end of the body cut: an event without its blank line, or part of a character. A line without its
    /// terminator is whole.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The flags of a gRPC message. Bit 0: it is compressed, as `grpc-encoding` says. Bit 7: it is the trailers of gRPC-Web. None in
    /// other units.
    pub fn flags(&self) -> Option<u8> {
        let is_message = self.unit == Unit::Messages;
        self.bytes.first().copied().filter(|_| is_message)
    }

    /// What stands before `data` if it goes on in place of this piece: for gRPC the prefix with these flags and the new length,
    /// for the first event of a stream its BOM. An LF that belongs to the event before is not needed: its CR ended the line.
    /// None if `data` is too long for a prefix (4 GiB).
    pub fn lead_for(&self, data: &[u8]) -> Option<Bytes> {
        match self.flags() {
            Some(flags) => {
                messages::prefix(flags, data.len()).map(|it| Bytes::copy_from_slice(&it))
            }
            None if self.bytes[..self.lead] == *b"\n" => Some(Bytes::new()),
            None => Some(self.bytes.slice(..self.lead)),
        }
    }
}

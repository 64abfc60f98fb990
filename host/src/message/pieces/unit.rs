//! How a body is cut, and why it can't be.

use std::fmt;

/// How a body is cut into pieces: the contract's `unit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As it arrives.
    Bytes,
    /// As it arrives, but never cut inside a character of UTF-8. Bytes that are no UTF-8 pass as they are: a guest gets them where
    /// they stand, and has to expect them. At most three bytes wait for the rest of their character; as soon as they can't
    /// become one, they go on.
    Text,
    /// One line with its LF or CRLF (NDJSON). A CR alone ends no line.
    Lines,
    /// One event of an event stream with the blank line that ends it (WHATWG HTML, section 9.2): all lines between two blank
    /// lines, comments too. Lines end with CR, LF or CRLF.
    Events,
    /// One message of gRPC without its prefix of five bytes (gRPC over HTTP/2, "Length-Prefixed-Message").
    Messages,
}

/// Why a body can't be cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// `limit` is in bytes.
    #[error("{} has more than {limit} bytes", .unit.of_one())]
    TooLong { unit: Unit, limit: usize },
    /// The body ended within a message of gRPC. Bytes, with the prefix; `of` is unknown when the prefix itself is cut.
    #[error("the body ends within a gRPC message, after {came} bytes of it{}", Of(*.of))]
    Truncated { came: usize, of: Option<usize> },
}

impl Unit {
    fn of_one(self) -> &'static str {
        match self {
            Self::Bytes | Self::Text => "a piece",
            Self::Lines => "a line",
            Self::Events => "an event",
            Self::Messages => "a gRPC message",
        }
    }
}

struct Of(Option<usize>);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(of) => write!(f, " of {of}"),
            None => Ok(()),
        }
    }
}

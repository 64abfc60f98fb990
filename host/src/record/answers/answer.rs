//! What a backend answered, as it can be given again.

use crate::record::data::{Message, Performer, Recorded, Step};
use crate::record::edit::MessageEdit;
use crate::record::heads::Unusable;

/// An answer of a backend.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub message: Message,
    /// Whether it has `[masked]` in it.
    pub is_masked: bool,
    /// Microseconds that the backend took until its head was there.
    pub after: u64,
    /// How its body came, if that is known. Their lengths add up to the body's.
    pub pieces: Vec<PacedPiece>,
}

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacedPiece {
    /// Microseconds since the head.
    pub at: u64,
    /// Bytes.
    pub length: usize,
}

/// A request as it went to a backend.
#[derive(Debug)]
pub struct Sent {
    pub message: Message,
    /// Of its answer.
    pub status: Option<u16>,
}

impl Sent {
    /// Whether it was answered so because of its conditions or its range (RFC 9110, 13 and 14).
    pub fn is_answered_by_condition(&self) -> bool {
        matches!(self.status, Some(206 | 304 | 412 | 416))
    }
}

/// What one backend was asked, and what it answered.
pub struct Exchanged {
    pub request: Sent,
    /// Or why it can't be given again.
    pub answer: Result<Answer, String>,
}

/// The answers in an exchange: one, unless a plugin answered or asked more than once.
pub fn exchanged(exchange: &Recorded) -> Vec<Exchanged> {
    let mut found = Vec::new();
    for (at, step) in exchange.steps.iter().enumerate() {
        if !matches!(step.performer, Performer::Backend { .. }) {
            continue;
        }
        // Without one the backend failed.
        let MessageEdit::Whole(message) = &step.response else {
            continue;
        };
        found.push(Exchanged {
            request: Sent {
                message: exchange.before(at).0,
                status: message.status(),
            },
            answer: usable(exchange, message)
                .map(|()| answer(step, message))
                .map_err(|why| why.to_string()),
        });
    }
    found
}

fn usable(exchange: &Recorded, message: &Message) -> Result<(), Unusable> {
    let other = |why: &str| Err(Unusable::Other(why.to_owned()));
    let head = message.response_head()?;
    if exchange.is_websocket() || head.status.is_informational() {
        return other("it switched protocols");
    }
    message.is_whole()?;
    if !message.content.complete {
        return other("its body did not come to its end");
    }
    Ok(())
}

fn answer(step: &Step, message: &Message) -> Answer {
    let mut message = message.clone();
    // A body that was masked may have another length. Without a body the length is that of another one.
    if !message.content.kept.is_empty() {
        message.settle_length();
    }
    Answer {
        is_masked: !message.masked().is_empty(),
        after: step.duration,
        pieces: pieces(step, &message),
        message,
    }
}

/// How the body came, if the step was told of all of it.
fn pieces(step: &Step, message: &Message) -> Vec<PacedPiece> {
    let Some(transcript) = &step.transcript else {
        return Vec::new();
    };
    let head = step.began + step.duration;
    let piece = |piece: &crate::record::data::Piece| PacedPiece {
        at: piece.at.saturating_sub(head),
        length: usize::try_from(piece.came.length).unwrap_or(usize::MAX),
    };
    let pieces: Vec<_> = transcript.pieces.iter().map(piece).collect();
    let length = pieces
        .iter()
        .fold(0, |sum: usize, it| sum.saturating_add(it.length));
    match length == message.content.kept.len() {
        true => pieces,
        false => Vec::new(),
    }
}

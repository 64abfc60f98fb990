//! What people and filters want to see of a recorded exchange: URLs, the answer that the client got, bodies without their codings.

use std::borrow::Cow;

use bytes::Bytes;

use super::data::{Ending, Message, Piece, PieceFate, Recorded, StartLine, Step};
use crate::message::coding::{Codings, DecodeLimits, Decoder};

/// Bytes that a body is decoded to at most; the rest is left off.
const MOST_DECODED: u64 = 16 << 20;

impl Recorded {
    /// The response that the client got; none if it got an error of the host or nothing at all.
    pub fn answer(&self) -> Option<Message> {
        match self.ending {
            Ending::Failed(_) => None,
            Ending::Complete | Ending::CutOff => self.response(),
        }
    }

    /// The status that the client got, an error of the host included.
    pub fn status(&self) -> Option<u16> {
        match &self.ending {
            Ending::Failed(failure) => Some(failure.status),
            Ending::Complete | Ending::CutOff => self.response()?.status(),
        }
    }

    pub fn method(&self) -> &str {
        match &self.request.line {
            StartLine::Request { method, .. } => method,
            StartLine::Response { .. } => "",
        }
    }

    /// Whether it became a WebSocket.
    pub fn is_websocket(&self) -> bool {
        let pieces = self
            .steps
            .iter()
            .filter_map(|step| step.transcript.as_ref());
        let mut pieces = pieces.flat_map(|transcript| &transcript.pieces);
        let upgrade = self.request.field("upgrade");
        let asks = upgrade.is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"));
        pieces.any(|piece| piece.sender.is_some()) || (asks && self.status() == Some(101))
    }

    /// The host and port that the client asked for; empty if it named none.
    pub fn authority(&self) -> &str {
        match &self.request.line {
            StartLine::Request { authority, .. } => authority,
            StartLine::Response { .. } => "",
        }
    }

    /// The URL that the client asked for, as far as it told one.
    pub fn url(&self) -> String {
        let StartLine::Request {
            target, authority, ..
        } = &self.request.line
        else {
            return String::new();
        };
        let scheme = &self.scheme;
        match target.as_bytes() {
            [b'/', ..] if !authority.is_empty() => format!("{scheme}://{authority}{target}"),
            b"*" => format!("{scheme}://{authority}/*"),
            _ => target.clone(),
        }
    }
}

impl Message {
    /// None for a request.
    pub fn status(&self) -> Option<u16> {
        match self.line {
            StartLine::Response { status } => Some(status),
            StartLine::Request { .. } => None,
        }
    }
}

impl Step {
    /// Whether it changed anything of the messages, or of what went through it.
    pub fn changes(&self) -> bool {
        let transcripts = self.transcript.iter();
        let mut pieces = transcripts.flat_map(|transcript| &transcript.pieces);
        !self.request.is_unchanged()
            || !self.response.is_unchanged()
            || pieces.any(|piece| piece.fate != PieceFate::Keep && !is_empty_end(piece))
    }
}

/// What every rewritten body has at its end, also if nothing was emitted there.
fn is_empty_end(piece: &Piece) -> bool {
    piece.fate == PieceFate::End && piece.went.is_empty()
}

/// What was kept of a body, without its codings; as it is if they can't be undone. Of a body that is incomplete it is what can be
/// had.
pub fn decoded(message: &Message) -> Cow<'_, [u8]> {
    let kept = &message.content.kept;
    let codings = message.fields.iter();
    let codings = codings.filter(|field| field.name.eq_ignore_ascii_case("content-encoding"));
    let codings = match Codings::read(codings.map(|field| field.value.as_slice())) {
        Ok(codings) if !codings.is_identity() && !kept.is_empty() => codings,
        _ => return Cow::Borrowed(kept),
    };
    let limits = DecodeLimits {
        output: MOST_DECODED,
        ..DecodeLimits::default()
    };
    let mut decoder = Decoder::new(&codings, limits);
    decoder.push(Bytes::copy_from_slice(kept));
    decoder.end();
    let mut decoded = Vec::new();
    loop {
        match decoder.step() {
            Ok(Some(bytes)) => decoded.extend_from_slice(&bytes),
            Ok(None) => return Cow::Owned(decoded),
            Err(_) if decoded.is_empty() => return Cow::Borrowed(kept),
            Err(_) => return Cow::Owned(decoded),
        }
    }
}

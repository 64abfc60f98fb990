//! What people and filters want to see of a recorded exchange: URLs, the answer that the client got, bodies without their codings.

use std::borrow::Cow;

use bytes::Bytes;

use super::data::{Ending, Message, Recorded, StartLine};
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

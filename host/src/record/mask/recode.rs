//! Bodies with codings: undone to be searched, and done again.

use bytes::Bytes;

use crate::message::coding::{Codings, DecodeLimits, Decoder, Encoder};

/// Bytes that a kept body is decoded to at most; what goes beyond that is not kept.
const MOST_DECODED: u64 = 4 << 20;

/// What can be known of a body that may have codings.
pub enum Recoded {
    /// It has none.
    Plain,
    Decoded(Decoded),
    /// It has some that can't be undone.
    Impossible,
}

/// A body without its codings.
pub struct Decoded {
    pub text: Vec<u8>,
    /// Nothing that somebody else could decode is missing.
    pub is_all: bool,
    codings: Codings,
}

/// Undoes the codings that the values of `content-encoding` tell.
pub fn decoded<'a>(codings: impl Iterator<Item = &'a [u8]>, data: &[u8]) -> Recoded {
    let codings = match Codings::read(codings) {
        Ok(codings) if codings.is_identity() => return Recoded::Plain,
        Ok(codings) => codings,
        Err(_) => return Recoded::Impossible,
    };
    let limits = DecodeLimits {
        output: MOST_DECODED,
        ..DecodeLimits::default()
    };
    let mut decoder = Decoder::new(&codings, limits);
    // Without an end: it may be cut off.
    decoder.push(Bytes::copy_from_slice(data));
    let mut text = Vec::new();
    let is_all = loop {
        match decoder.step() {
            Ok(Some(bytes)) => text.extend_from_slice(&bytes),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    Recoded::Decoded(Decoded {
        text,
        is_all,
        codings,
    })
}

impl Decoded {
    /// This text with the same codings; none if they can't be done.
    pub fn again(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut encoder = Encoder::new(&self.codings);
        encoder.push(Bytes::copy_from_slice(text));
        encoder.finish();
        let mut coded = Vec::new();
        loop {
            match encoder.step() {
                Ok(Some(bytes)) => coded.extend_from_slice(&bytes),
                Ok(None) => return Some(coded),
                Err(_) => return None,
            }
        }
    }
}

//! Bodies as they are compared: JSON and forms by what they say, all others byte by byte.

use serde_json::Value;

use super::like::is_like;
use crate::record::content;
use crate::record::message::Message;

/// A body to compare others with.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyKey {
    Json(Value),
    /// Pairs in the order of their names, as they are written.
    Form(Vec<(Vec<u8>, Vec<u8>)>),
    Bytes(Vec<u8>),
    /// The first bytes of one that was not kept whole, and how many it had.
    Cut {
        kept: Vec<u8>,
        length: u64,
    },
}

impl BodyKey {
    /// The body without its codings, and without the values of these names.
    pub fn of(message: &Message, ignore: &[String]) -> Self {
        if message.is_whole().is_err() {
            return Self::Cut {
                kept: message.content.kept.clone(),
                length: message.content.length,
            };
        }
        let body = content::decoded(message);
        let media_type = message.field("content-type").unwrap_or_default();
        let media_type = media_type.to_ascii_lowercase();
        if media_type.starts_with(b"application/x-www-form-urlencoded") {
            return Self::Form(pairs(&body, |name| is_ignored(name, ignore)));
        }
        // Not every client says that it is JSON.
        let may_be_json = matches!(body.trim_ascii_start(), [b'{' | b'[', ..]);
        let json = may_be_json.then(|| serde_json::from_slice(&body).ok());
        match json.flatten() {
            Some(mut json) => {
                forget(&mut json, ignore);
                Self::Json(json)
            }
            None => Self::Bytes(body.into_owned()),
        }
    }

    /// Whether a request with the body `asked`, which is `raw` on the wire, is like the recorded one with this body.
    pub fn is_like(&self, asked: &Self, raw: &[u8]) -> bool {
        match (self, asked) {
            (Self::Cut { kept, length }, _) => raw.len() as u64 == *length && raw.starts_with(kept),
            (Self::Json(recorded), Self::Json(asked)) => is_like_json(recorded, asked),
            (Self::Form(recorded), Self::Form(asked)) => are_like(recorded, asked),
            (Self::Bytes(recorded), Self::Bytes(asked)) => is_like(recorded, asked),
            _ => false,
        }
    }
}

/// Pairs of a form or a query in the order of their names, without some. Of one name they stay in their order.
pub fn pairs(text: &[u8], is_left_off: impl Fn(&[u8]) -> bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    let parts = text
        .split(|byte| *byte == b'&')
        .filter(|part| !part.is_empty());
    let pairs = parts.map(|part| match memchr::memchr(b'=', part) {
        Some(at) => (part[..at].to_vec(), part[at + 1..].to_vec()),
        None => (part.to_vec(), Vec::new()),
    });
    let mut pairs: Vec<_> = pairs.filter(|(name, _)| !is_left_off(name)).collect();
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    pairs
}

/// Whether pairs are those recorded ones.
pub fn are_like(recorded: &[(Vec<u8>, Vec<u8>)], asked: &[(Vec<u8>, Vec<u8>)]) -> bool {
    recorded.len() == asked.len()
        && recorded
            .iter()
            .zip(asked)
            .all(|((name, value), (other, with))| name == other && is_like(value, with))
}

pub fn is_like_json(recorded: &Value, asked: &Value) -> bool {
    match (recorded, asked) {
        (Value::Object(recorded), Value::Object(asked)) => {
            recorded.len() == asked.len()
                && recorded.iter().all(|(key, value)| {
                    asked
                        .get(key)
                        .is_some_and(|asked| is_like_json(value, asked))
                })
        }
        (Value::Array(recorded), Value::Array(asked)) => {
            recorded.len() == asked.len()
                && recorded
                    .iter()
                    .zip(asked)
                    .all(|(recorded, asked)| is_like_json(recorded, asked))
        }
        (Value::String(recorded), Value::String(asked)) => {
            is_like(recorded.as_bytes(), asked.as_bytes())
        }
        // A value of any kind is masked as a string.
        (Value::String(recorded), asked) => {
            recorded == crate::record::mask::MASKED && !asked.is_null()
        }
        _ => recorded == asked,
    }
}

fn is_ignored(name: &[u8], ignore: &[String]) -> bool {
    ignore.iter().any(|it| it.as_bytes() == name)
}

fn forget(json: &mut Value, ignore: &[String]) {
    if ignore.is_empty() {
        return;
    }
    match json {
        Value::Object(all) => {
            all.retain(|key, _| !is_ignored(key.as_bytes(), ignore));
            all.values_mut().for_each(|value| forget(value, ignore));
        }
        Value::Array(all) => all.iter_mut().for_each(|value| forget(value, ignore)),
        _ => {}
    }
}

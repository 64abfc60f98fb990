//! Secrets are masked before an exchange is kept: in fields, in queries, and in bodies as far as they are text.
//!
//! Bodies are kept up to a limit, so they are not parsed, which fails where they are cut off. They are searched for names that are
//! followed by a value, in whatever text: `"name": …` of JSON at any depth and within strings of JSON, `name=…` of forms and
//! URLs, `<name>…` of XML, parts of `multipart/form-data`, pairs `["name", "value"]`, and `"name": "name", "value": …`. Letters and digits of a name count alone, so `clientSecret` and
//! `client_secret` are one. More is masked now and then than needs to be. What is binary (protobuf, CBOR) can't be searched.
//!
//! A body with codings is decoded, masked and coded again; if that can't be, nothing of it is kept. A body that loses something so has a
//! length above that of what is kept: it does not count as whole.
//!
//! What plugins log is text of their own. It is masked as bodies are, and by how heads are written (`log.rs`); where the exchange is
//! known, the values that are masked in its heads are also found wherever they stand ([`InHeads`]).

mod find;
mod heads;
mod log;
mod names;
mod quick;
mod recode;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use find::Found;
pub use find::MASKED;
pub use heads::InHeads;
use names::Names;
use recode::Recoded;

use super::config::RecordConfig;
use super::message::{Content, Field};
use crate::message::trace::Taken;
use crate::message::{Fields, Known};

/// What is taken for a secret.
#[derive(Debug)]
pub struct Masks {
    /// Of header fields and trailers.
    fields: Names,
    /// Of values in bodies and queries.
    keys: Names,
}

impl Masks {
    pub fn new(config: &RecordConfig) -> Self {
        let with = |defaults: &[&str], more: &[String]| {
            let defaults = if config.mask_defaults { defaults } else { &[] };
            let all = defaults.iter().copied().map(str::as_bytes);
            Names::new(all.chain(more.iter().map(String::as_bytes)))
        };
        Self {
            fields: with(&names::FIELDS, &config.mask_fields),
            // Fields too: echo servers and HTTP archives put them into bodies.
            keys: with(
                &[&names::KEYS[..], &names::FIELDS[..]].concat(),
                &[&config.mask_keys[..], &config.mask_fields[..]].concat(),
            ),
        }
    }

    /// The value of a field as it may be kept.
    pub fn value<'a>(&self, name: &[u8], value: &'a [u8]) -> Cow<'a, [u8]> {
        if self.fields.contains(name) {
            return Cow::Borrowed(MASKED.as_bytes());
        }
        // A URL, or parameters.
        if memchr::memchr(b'=', value).is_some() {
            return self.text(value);
        }
        Cow::Borrowed(value)
    }

    /// A field as it may be kept.
    pub fn field(&self, name: &str, value: &[u8]) -> Field {
        Field {
            name: name.to_owned(),
            value: self.value(name.as_bytes(), value).into_owned(),
        }
    }

    /// Whether what has this name in a body, a query or a plugin's settings is taken for a secret.
    pub fn is_key(&self, name: &str) -> bool {
        self.keys.contains(name.as_bytes())
    }

    /// Whether the whole value of this field is masked.
    pub fn is_field(&self, name: &str) -> bool {
        self.fields.contains(name.as_bytes())
    }

    /// What a plugin or the proxy logged, as it may be shown.
    pub fn log<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = log::all(text.as_bytes(), &self.keys);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let masked = find::replaced(text.as_bytes(), &found);
        Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
    }

    /// A target or a URL as it may be kept.
    pub fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        if !url.contains('=') {
            return Cow::Borrowed(url);
        }
        match self.text(url.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(url),
            Cow::Owned(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
        }
    }

    /// Text of any kind as it may be kept.
    pub fn text<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let found = find::all(text, &self.keys);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(find::replaced(text, &found))
    }

    /// Pieces of one text as they may be kept: a secret may begin in one and end in another.
    pub fn pieces(&self, pieces: &mut [&mut Vec<u8>]) {
        let whole: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.iter().copied())
            .collect();
        let found = find::all(&whole, &self.keys);
        if found.is_empty() {
            return;
        }
        let mut start = 0;
        for piece in pieces {
            let end = start + piece.len();
            let within: Vec<Found> = found
                .iter()
                .filter_map(|it| it.within(start, end))
                .collect();
            if !within.is_empty() {
                **piece = find::replaced(piece, &within);
            }
            start = end;
        }
    }

    /// A body as it may be kept, of a message with these fields.
    pub fn content(&self, fields: &Fields, taken: &Taken) -> Content {
        let (kept, is_all) = self.kept(fields, &taken.kept);
        let is_whole = is_all && taken.kept.len() as u64 == taken.length;
        let length = kept.len() as u64;
        Content {
            length: if is_whole {
                // What is kept is whole, though it may have another length.
                length
            } else {
                // Masks and other codings may make a part longer than all of it was.
                taken.length.max(length + 1)
            },
            kept,
            complete: taken.complete,
        }
    }

    /// What may be kept of these bytes of a body, and whether nothing of them was lost but secrets.
    fn kept(&self, fields: &Fields, data: &[u8]) -> (Vec<u8>, bool) {
        if data.is_empty() {
            return (Vec::new(), true);
        }
        let codings = fields.get_all(Known::ContentEncoding);
        match recode::decoded(codings, data) {
            Recoded::Plain if is_binary(data) => (data.to_vec(), true),
            Recoded::Plain => (self.text(data).into_owned(), true),
            Recoded::Decoded(decoded) => match self.text(&decoded.text) {
                Cow::Borrowed(_) if decoded.is_all => (data.to_vec(), true),
                text => match decoded.again(&text) {
                    Some(coded) => (coded, decoded.is_all),
                    None => (Vec::new(), false),
                },
            },
            Recoded::Impossible => (Vec::new(), false),
        }
    }
}

/// Whether it begins like no text.
fn is_binary(data: &[u8]) -> bool {
    memchr::memchr(0, &data[..data.len().min(64)]).is_some()
}

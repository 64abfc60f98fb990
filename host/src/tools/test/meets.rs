//! Whether what came is what was expected: messages, values, and their bodies.

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue, Request, Response};

use super::json;
use super::lines::{align, lines};
use super::message::{Exact, TargetPattern, target};
use super::pattern;
use crate::message::coding::{Codings, DecodeLimits, Decoder};

/// Whether a backend would take what came for what was expected: which names of fields come before which others is
/// nothing to it.
pub(super) fn met_request(
    expected: Option<&Request<Bytes>>,
    came: Option<&Request<Bytes>>,
) -> bool {
    match (expected, came) {
        (None, None) => true,
        (Some(expected), Some(came)) => {
            expected.method() == came.method()
                && met_target(expected, came)
                && met_fields(expected.headers(), came.headers())
                && Bodies::of_requests(expected, came).are_met()
        }
        _ => false,
    }
}

/// The same for a client. A reason phrase says nothing that the status doesn't.
pub(super) fn met_response(
    expected: Option<&Response<Bytes>>,
    came: Option<&Response<Bytes>>,
) -> bool {
    match (expected, came) {
        (None, None) => true,
        (Some(expected), Some(came)) => {
            expected.status() == came.status()
                && met_fields(expected.headers(), came.headers())
                && Bodies::of_responses(expected, came).are_met()
        }
        _ => false,
    }
}

pub(super) fn met_error(expected: Option<&str>, came: Option<&str>) -> bool {
    match (expected, came) {
        (None, None) => true,
        (Some(expected), Some(came)) => pattern::meets(expected.as_bytes(), came.as_bytes()),
        _ => false,
    }
}

pub(super) fn met_log(expected: &[String], came: &[String]) -> bool {
    let meets = |(e, c): (&String, &String)| pattern::meets(e.as_bytes(), c.as_bytes());
    expected.len() == came.len() && expected.iter().zip(came).all(meets)
}

pub(super) fn met_target(expected: &Request<Bytes>, came: &Request<Bytes>) -> bool {
    match expected.extensions().get::<TargetPattern>() {
        Some(TargetPattern(pattern)) => pattern::meets(pattern.as_bytes(), target(came).as_bytes()),
        None => target(expected) == target(came),
    }
}

fn met_fields(expected: &HeaderMap, came: &HeaderMap) -> bool {
    let met = |name| {
        let (expected, came) = (expected.get_all(name), came.get_all(name));
        expected.iter().count() == came.iter().count()
            && expected.iter().zip(came).all(|(e, c)| met_value(e, c))
    };
    expected.keys_len() == came.keys_len() && expected.keys().all(met)
}

/// Whether one value of a field is as expected.
pub(super) fn met_value(expected: &HeaderValue, came: &HeaderValue) -> bool {
    pattern::meets(expected.as_bytes(), came.as_bytes())
}

/// The bodies of two messages, and how they are to be compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bodies<'m> {
    pub expected: &'m Bytes,
    pub came: &'m Bytes,
    /// One of the messages says that it holds JSON.
    json: bool,
    /// What is expected was written as base64: it is meant byte by byte.
    pub exact: bool,
    /// Both have content codings, and are the same without them.
    same_decoded: bool,
}

/// A body without its content codings. None if it has none, or one that can't be undone to the body's end.
fn decoded(fields: &HeaderMap, body: &Bytes) -> Option<Vec<u8>> {
    let values = fields.get_all(CONTENT_ENCODING).iter();
    let codings = Codings::read(values.map(HeaderValue::as_bytes)).ok()?;
    if codings.is_identity() {
        return None;
    }
    let mut decoder = Decoder::new(&codings, DecodeLimits::default());
    decoder.push(body.clone());
    decoder.end();
    let mut decoded = Vec::new();
    while let Some(bytes) = decoder.step().ok()? {
        decoded.extend_from_slice(&bytes);
    }
    Some(decoded)
}

/// Where an encoder ends a block depends on when more came, which on a busy machine is never twice the same.
fn are_same_decoded(expected: (&HeaderMap, &Bytes), came: (&HeaderMap, &Bytes)) -> bool {
    let expected = decoded(expected.0, expected.1);
    expected.is_some() && expected == decoded(came.0, came.1)
}

impl<'m> Bodies<'m> {
    pub(super) fn of_requests(expected: &'m Request<Bytes>, came: &'m Request<Bytes>) -> Self {
        Self {
            expected: expected.body(),
            came: came.body(),
            json: json::is_announced(expected.headers()) || json::is_announced(came.headers()),
            exact: expected.extensions().get::<Exact>().is_some(),
            same_decoded: are_same_decoded(
                (expected.headers(), expected.body()),
                (came.headers(), came.body()),
            ),
        }
    }

    pub(super) fn of_responses(expected: &'m Response<Bytes>, came: &'m Response<Bytes>) -> Self {
        Self {
            expected: expected.body(),
            came: came.body(),
            json: json::is_announced(expected.headers()) || json::is_announced(came.headers()),
            exact: expected.extensions().get::<Exact>().is_some(),
            same_decoded: are_same_decoded(
                (expected.headers(), expected.body()),
                (came.headers(), came.body()),
            ),
        }
    }

    /// Both as JSON, if that is how they are compared.
    pub(super) fn as_json(self) -> Option<(json::Json, json::Json)> {
        if !self.json || self.exact {
            return None;
        }
        Some((json::parse(self.expected)?, json::parse(self.came)?))
    }

    pub(super) fn are_met(self) -> bool {
        if self.exact {
            return self.expected == self.came || self.same_decoded;
        }
        match self.as_json() {
            Some((expected, came)) => json::meets(&expected, &came),
            None => pattern::meets(self.expected, self.came),
        }
    }

    /// Both for a diff: the same text where what came is as expected.
    pub(super) fn shown(self) -> (Bytes, Bytes) {
        if self.are_met() {
            return (self.came.clone(), self.came.clone());
        }
        if let Some((expected, came)) = self.as_json() {
            let (expected, came) = json::aligned(&expected, &came);
            return (json::pretty(&expected).into(), json::pretty(&came).into());
        }
        if self.exact || !pattern::is_pattern(self.expected) {
            return (self.expected.clone(), self.came.clone());
        }
        let (mut expected, came) = (lines(self.expected), lines(self.came));
        for (at, line) in align(&expected, &came).into_iter().enumerate() {
            if let Some(line) = line {
                expected[line] = came[at];
            }
        }
        (expected.concat().into(), self.came.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// A response with this text in gzip, in two blocks.
    fn response(one: &str, other: &str, is_flushed: bool) -> Response<Bytes> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(one.as_bytes()).unwrap();
        if is_flushed {
            encoder.flush().unwrap();
        }
        encoder.write_all(other.as_bytes()).unwrap();
        let response = Response::builder().header(CONTENT_ENCODING, "gzip");
        let mut response = response.body(encoder.finish().unwrap().into()).unwrap();
        response.extensions_mut().insert(Exact);
        response
    }

    #[test]
    fn what_is_encoded_is_compared_and_not_how() {
        let expected = response("data: a\n\n", "data: b\n\n", false);
        let cases = [
            (response("data: a\n\n", "data: b\n\n", true), true),
            (response("data: a\n\n", "data: c\n\n", true), false),
        ];
        for (came, is_met) in cases {
            assert_ne!(expected.body(), came.body());
            assert_eq!(met_response(Some(&expected), Some(&came)), is_met);
        }
        let mut cut = response("data: a\n\n", "data: b\n\n", true);
        cut.body_mut().truncate(20);
        assert!(!met_response(Some(&expected), Some(&cut)));
    }
}

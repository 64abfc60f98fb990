//! The head that a backend of HTTP/1.1 gets, written straight from the client's: nothing is copied to be edited.

use std::io::Write as _;

use http::HeaderValue;
use http_body::Body as _;

use crate::message::{Body, BodyError, Known, RequestHead, syntax};
use crate::proxy::http1::encode::{self, BodyFraming};
use crate::proxy::upstream::head;

/// What a head says for this hop, and how its body is framed.
#[derive(Debug)]
pub(super) struct Hop<'a> {
    /// In place of the client's, if anything.
    pub(super) host: Option<&'a HeaderValue>,
    pub(super) upgrade: bool,
    pub(super) expect_continue: bool,
    pub(super) framing: Framing,
}

/// How a body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, and none is expected.
    None,
    /// There is none; the head has to say so.
    Empty,
    /// The head says how long it is.
    Said(u64),
    /// The head does not say how long it is, and has to.
    Length(u64),
    Chunked,
}

impl Framing {
    /// How this body goes out behind this head.
    ///
    /// # Errors
    /// When the head promises content where there is none: the backend would take the next request for it.
    pub(super) fn of(head: &RequestHead, body: &Body) -> Result<Self, BodyError> {
        head::check_length(&head.fields, body)?;
        let mut lengths = head.fields.get_all(Known::ContentLength);
        if let Some(length) = lengths.next() {
            return match (syntax::decimal(length), lengths.next()) {
                (Some(length), None) => Ok(Self::Said(length)),
                _ => Err(BodyError::Disconnected(
                    "content-length is not one number".to_owned(),
                )),
            };
        }
        if body.is_end_stream() {
            let is_told = head::is_empty_by_length(head, body);
            return Ok(if is_told { Self::Empty } else { Self::None });
        }
        Ok(body.size_hint().exact().map_or(Self::Chunked, Self::Length))
    }

    pub(super) fn of_body(self) -> BodyFraming {
        match self {
            Self::None | Self::Empty => BodyFraming::None,
            Self::Said(length) | Self::Length(length) => BodyFraming::Length(length),
            Self::Chunked => BodyFraming::Chunked,
        }
    }
}

/// Fields that are of one hop, and that this one writes itself.
const OF_HOP: u64 = Known::Connection.bit() | Known::TransferEncoding.bit() | Known::Expect.bit();

/// Writes the request's line and fields, and the empty line.
///
/// RFC 9110, section 7.8 and 10.1.4: who sends `upgrade` or `te` sends `connection` with it. Section 10.1.1: no expectation
/// goes with a request without content, and where nobody would wait for the answer.
pub(super) fn write(head: &RequestHead, hop: &Hop<'_>, out: &mut Vec<u8>) {
    out.reserve(128 + head.target.as_str().len() + head.fields.most_bytes());
    for part in [
        head.method.as_str(),
        " ",
        head.target.as_str(),
        " HTTP/1.1\r\n",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut without = OF_HOP;
    if let Some(host) = hop.host {
        without |= Known::Host.bit();
        line(out, "host", host.as_bytes());
    }
    if !hop.upgrade {
        without |= Known::Upgrade.bit();
    }
    head.fields.write_without(without, out);
    match (hop.upgrade, head.fields.contains(Known::Te)) {
        (true, true) => line(out, "connection", b"upgrade, te"),
        (true, false) => line(out, "connection", b"upgrade"),
        (false, true) => line(out, "connection", b"te"),
        (false, false) => {}
    }
    if hop.expect_continue {
        line(out, "expect", b"100-continue");
    }
    match hop.framing {
        Framing::None | Framing::Said(_) => {}
        Framing::Empty => line(out, "content-length", b"0"),
        Framing::Chunked => out.extend_from_slice(encode::CHUNKED_LINE),
        Framing::Length(length) => {
            // Writing to memory does not fail.
            let _ = write!(out, "content-length: {length}\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::message::{Fields, Target};

    fn head(method: Method, fields: &[(&'static str, &'static str)]) -> RequestHead {
        RequestHead {
            method,
            target: Target::new(b"/a%2Fb//c/../d?x=%20&&").unwrap(),
            fields: fields.iter().copied().collect(),
            ..RequestHead::new()
        }
    }

    fn written(head: &RequestHead, hop: &Hop<'_>) -> String {
        let mut out = Vec::new();
        write(head, hop, &mut out);
        let text = String::from_utf8(out).unwrap();
        let line = "GET /a%2Fb//c/../d?x=%20&& HTTP/1.1\r\n";
        let rest = text.strip_prefix(line).and_then(|t| t.strip_suffix("\r\n"));
        rest.unwrap().replace("\r\n", "|")
    }

    fn hop() -> Hop<'static> {
        Hop {
            host: None,
            upgrade: false,
            expect_continue: false,
            framing: Framing::None,
        }
    }

    #[test]
    fn fields_go_out_as_they_came_but_for_those_of_the_hop() {
        let fields: &[_] = &[
            ("Host", "a"),
            ("X-A", "1"),
            ("Upgrade", "x"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("Expect", "100-CONTINUE"),
            ("Connection", "close"),
            ("x-A", "2"),
        ];
        let head = head(Method::GET, fields);
        let plain = "Host: a|X-A: 1|TE: trailers|x-A: 2|connection: te|";
        assert_eq!(written(&head, &hop()), plain);
        let host = HeaderValue::from_static("b");
        let all = Hop {
            host: Some(&host),
            upgrade: true,
            expect_continue: true,
            framing: Framing::Chunked,
        };
        let expected = "host: b|X-A: 1|Upgrade: x|TE: trailers|x-A: 2|connection: upgrade, te|expect: 100-continue|transfer-encoding: chunked|";
        assert_eq!(written(&head, &all), expected);
        let upgrade = Hop {
            upgrade: true,
            ..hop()
        };
        let head = self::head(Method::GET, &[("upgrade", "x")]);
        assert_eq!(written(&head, &upgrade), "upgrade: x|connection: upgrade|");
        for (framing, expected) in [
            (Framing::Empty, "content-length: 0|"),
            (Framing::Length(12), "content-length: 12|"),
            (Framing::Said(12), ""),
        ] {
            let head = self::head(Method::GET, &[]);
            assert_eq!(written(&head, &Hop { framing, ..hop() }), expected);
        }
    }

    #[test]
    fn how_bodies_are_framed() {
        let full = || Body::full("abcde");
        let with_trailers = Body::Full {
            data: "abcde".into(),
            trailers: Some(Box::default()),
        };
        let length: &[_] = &[("Content-Length", "5")];
        for (method, fields, body, expected) in [
            (Method::GET, &[][..], Body::Empty, Framing::None),
            (Method::POST, &[], Body::Empty, Framing::Empty),
            (Method::DELETE, &[], Body::full(""), Framing::Empty),
            (Method::DELETE, &[], Body::Gone, Framing::None),
            (Method::POST, length, full(), Framing::Said(5)),
            (
                Method::POST,
                &[("content-length", "0")],
                Body::Empty,
                Framing::Said(0),
            ),
            (Method::POST, &[], full(), Framing::Length(5)),
            (Method::GET, &[], full(), Framing::Length(5)),
            (Method::GET, &[], with_trailers, Framing::Chunked),
            (
                Method::POST,
                &[],
                Body::Broken(String::new()),
                Framing::Chunked,
            ),
        ] {
            let framing = Framing::of(&head(method.clone(), fields), &body).unwrap();
            assert_eq!(framing, expected, "{method} {fields:?} {body:?}");
        }
        for (fields, body) in [
            (length, Body::Gone),
            (&[("content-length", "5"), ("content-length", "5")], full()),
            (&[("content-length", "x")], full()),
        ] {
            assert!(
                Framing::of(&head(Method::POST, fields), &body).is_err(),
                "{fields:?}"
            );
        }
    }

    #[test]
    fn nothing_is_left_of_an_empty_head() {
        let head = RequestHead {
            target: Target::new(b"*").unwrap(),
            method: Method::OPTIONS,
            fields: Fields::new(),
            ..RequestHead::new()
        };
        let mut out = Vec::new();
        write(&head, &hop(), &mut out);
        assert_eq!(out, b"OPTIONS * HTTP/1.1\r\n\r\n");
    }
}

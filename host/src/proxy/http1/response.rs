//! A response's head, read in one pass. A client's side may be more lenient than a server's: what RFC 9112 lets a proxy mend
//! in a response is mended here, and everything else is refused.

use std::borrow::Cow;

use http::{Method, StatusCode, Version};

use super::line;
use super::request::HeadLimits;
use crate::message::syntax::{self, TOKEN};
use crate::message::{Known, ResponseHead, lengths};
use crate::proxy::bad_head::BadField;

/// A head that is complete and valid.
#[derive(Debug, Clone)]
pub struct Response {
    pub head: ResponseHead,
    /// Bytes of the head.
    pub len: usize,
    /// Whether the connection may be used again after it (RFC 9112, section 9.3).
    pub keep_alive: bool,
}

/// How the body that follows a response's head ends (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseFraming {
    Length(u64),
    Chunked,
    /// With the connection.
    UntilClose,
}

/// Why a response can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    #[error("its first line is not HTTP/1.1 and a status")]
    StatusLine,
    #[error("{0}")]
    Field(#[from] BadField),
    #[error("the head is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the head has more than {0} fields")]
    TooManyFields(usize),
    #[error("content-length is not one decimal number")]
    ContentLength,
    #[error("content-length and transfer-encoding in one response")]
    TwoFramings,
    #[error("a transfer coding other than chunked")]
    Coding,
}

/// Reads the head at the start of `bytes`; none while it is incomplete.
///
/// # Errors
/// Says what is wrong. The result does not depend on how the head is divided into reads.
pub fn read(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Response>, BadResponse> {
    // One empty line before a response is the end of a body that its server has counted too short.
    let skipped = match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        [b'\r'] => return Ok(None),
        _ => 0,
    };
    let all = &bytes[skipped..];
    let seen = &all[..all.len().min(limits.max_head)];
    let result = match read_head(seen, limits) {
        Err(BadResponse::Field(BadField::Name | BadField::LineEnd | BadField::Fold)) => {
            mended(seen, limits)
        }
        other => other,
    };
    match result? {
        Some(response) => Ok(Some(Response {
            len: response.len + skipped,
            ..response
        })),
        None if all.len() > limits.max_head => Err(BadResponse::TooLarge(limits.max_head)),
        None => Ok(None),
    }
}

fn read_head(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Response>, BadResponse> {
    let Some(first) = status_line(bytes)? else {
        return Ok(None);
    };
    let (mut close, mut keep_alive) = (false, false);
    let section = line::section(
        &bytes[first.len..],
        limits.max_fields,
        BadResponse::TooManyFields,
        |_, known, value| {
            if known == Known::Connection {
                for option in syntax::items(value) {
                    close |= option.eq_ignore_ascii_case(b"close");
                    keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            Ok::<(), BadResponse>(())
        },
    )?;
    let Some((fields, len)) = section else {
        return Ok(None);
    };
    Ok(Some(Response {
        len: first.len + len,
        keep_alive: !close && (keep_alive || first.version == Version::HTTP_11),
        head: ResponseHead {
            status: first.status,
            reason: first.reason,
            version: first.version,
            later_minor: first.later_minor,
            fields,
        },
    }))
}

struct StatusLine {
    len: usize,
    version: Version,
    later_minor: Option<u8>,
    status: StatusCode,
    reason: Option<Box<[u8]>>,
}

/// The bytes before the reason phrase: `HTTP/1.1 200`.
const BEFORE_REASON: usize = 12;

fn status_line(bytes: &[u8]) -> Result<Option<StatusLine>, BadResponse> {
    let given = &bytes[..bytes.len().min(BEFORE_REASON)];
    let fits =
        |(given, shape): (&u8, &u8)| given == shape || (*shape == b'd' && given.is_ascii_digit());
    if !given.iter().zip(b"HTTP/1.d ddd").all(fits) {
        return Err(BadResponse::StatusLine);
    }
    if given.len() < BEFORE_REASON {
        return Ok(None);
    }
    let (version, later_minor) = match given[7] - b'0' {
        0 => (Version::HTTP_10, None),
        1 => (Version::HTTP_11, None),
        later => (Version::HTTP_11, Some(later)),
    };
    let status = StatusCode::from_bytes(&given[9..]).map_err(|_| BadResponse::StatusLine)?;
    let rest = &bytes[BEFORE_REASON..];
    // Some servers leave out the space before a phrase that they leave out.
    let start = match rest.first() {
        None => return Ok(None),
        Some(b' ') => 1,
        Some(b'\r' | b'\n') => 0,
        Some(_) => return Err(BadResponse::StatusLine),
    };
    let end = start + syntax::text(&rest[start..]);
    match (rest.get(end), rest.get(end + 1)) {
        (None, _) | (Some(b'\r'), None) => return Ok(None),
        (Some(b'\r'), Some(b'\n')) => {}
        (Some(b'\n'), _) => return Err(BadField::LineEnd.into()),
        _ => return Err(BadResponse::StatusLine),
    }
    let reason = &rest[start..end];
    let usual = status.canonical_reason().unwrap_or_default();
    Ok(Some(StatusLine {
        len: BEFORE_REASON + end + 2,
        version,
        later_minor,
        status,
        reason: (reason != usual.as_bytes()).then(|| reason.into()),
    }))
}

/// Reads a head again after mending what a proxy may mend in a response.
fn mended(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Response>, BadResponse> {
    let mut head = Vec::with_capacity(bytes.len());
    let (mut len, mut has_field) = (0, false);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else {
            // More of it is to come.
            return Ok(None);
        };
        len += line.len();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if len == line.len() {
            head.extend_from_slice(text);
        } else if text.is_empty() {
            head.extend_from_slice(b"\r\n\r\n");
            return Ok(read_head(&head, limits)?.map(|response| Response { len, ..response }));
        } else if let [b' ' | b'\t', ..] = text {
            if !has_field {
                // It would hide in the reason phrase.
                return Err(BadField::Fold.into());
            }
            // RFC 9112, section 5.2: replaced by a space, or refused.
            head.push(b' ');
            head.extend_from_slice(syntax::trim(text));
        } else {
            has_field = true;
            head.extend_from_slice(b"\r\n");
            head.extend_from_slice(&without_space_before_colon(text));
        }
    }
    Ok(None)
}

/// RFC 9112, section 5.1: "A proxy MUST remove any such whitespace from a response message before forwarding the message
/// downstream."
fn without_space_before_colon(line: &[u8]) -> Cow<'_, [u8]> {
    let name = syntax::run_of(TOKEN, line);
    let space = line[name..]
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'));
    let colon = name + space.count();
    if name > 0 && colon > name && line.get(colon) == Some(&b':') {
        return [&line[..name], &line[colon..]].concat().into();
    }
    line.into()
}

/// How the body behind a head ends that answers a request of this method. Equal lengths become one (RFC 9110, section 8.6).
///
/// # Errors
/// When readers could see the end at different places.
pub fn framing(head: &mut ResponseHead, method: &Method) -> Result<ResponseFraming, BadResponse> {
    lengths::settle(&mut head.fields).map_err(|_| BadResponse::ContentLength)?;
    let chunked = head.fields.contains(Known::TransferEncoding);
    if chunked {
        if head.fields.contains(Known::ContentLength) {
            return Err(BadResponse::TwoFramings);
        }
        let mut codings = head.fields.get_all(Known::TransferEncoding);
        let one = codings
            .next()
            .is_some_and(|c| c.eq_ignore_ascii_case(b"chunked"));
        // Before HTTP/1.1 there were none: nobody knows what such a server means (RFC 9112, section 6.1).
        if !one || codings.next().is_some() || head.version == Version::HTTP_10 {
            return Err(BadResponse::Coding);
        }
    }
    let status = head.status;
    if *method == Method::HEAD
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
    {
        return Ok(ResponseFraming::Length(0));
    }
    if chunked {
        return Ok(ResponseFraming::Chunked);
    }
    let length = head
        .fields
        .get(Known::ContentLength)
        .and_then(syntax::decimal);
    Ok(length.map_or(ResponseFraming::UntilClose, ResponseFraming::Length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Fields, as_text};

    const LIMITS: HeadLimits = HeadLimits {
        max_head: 1024,
        max_fields: 10,
        max_target: 0,
    };

    fn shown(
        result: &Result<Option<Response>, BadResponse>,
    ) -> Result<Option<String>, BadResponse> {
        match result {
            Err(e) => Err(*e),
            Ok(response) => Ok(response.as_ref().map(|response| format!("{response:?}"))),
        }
    }

    /// The result for a whole head, which is that for it cut anywhere.
    fn verdict(head: &[u8]) -> Result<Option<Response>, BadResponse> {
        let whole = read(head, &LIMITS);
        for cut in 0..head.len() {
            match shown(&read(&head[..cut], &LIMITS)) {
                Ok(None) => {}
                early => assert_eq!(
                    early,
                    shown(&whole),
                    "cut at {cut}: {}",
                    head.escape_ascii()
                ),
            }
        }
        whole
    }

    #[track_caller]
    fn passes(head: impl AsRef<[u8]>) -> Response {
        let head = head.as_ref();
        match verdict(&[head, b"HTTP/1.1"].concat()) {
            Ok(Some(response)) if response.len == head.len() => response,
            other => panic!("{other:?}: {}", head.escape_ascii()),
        }
    }

    fn written(fields: &Fields) -> String {
        let mut out = Vec::new();
        fields.write_to(&mut out);
        as_text(&out).unwrap().to_owned()
    }

    #[test]
    fn status_lines() {
        for (line, status, reason) in [
            ("HTTP/1.1 200 OK", 200, None),
            ("HTTP/1.1 200 Fine", 200, Some("Fine")),
            ("HTTP/1.1 200 ", 200, Some("")),
            ("HTTP/1.1 200", 200, Some("")),
            (
                "HTTP/1.0 404 Nicht gefunden \u{fc}",
                404,
                Some("Nicht gefunden \u{fc}"),
            ),
            ("HTTP/1.3 999 a\tb", 999, Some("a\tb")),
            ("HTTP/1.1 101 Switching Protocols", 101, None),
        ] {
            let head = passes(format!("{line}\r\n\r\n")).head;
            assert_eq!(head.status.as_u16(), status, "{line}");
            let told = head
                .reason
                .as_deref()
                .map(|r| std::str::from_utf8(r).unwrap());
            assert_eq!(told, reason, "{line}");
        }
        for before in ["\r\n", "\n"] {
            assert_eq!(
                passes(format!("{before}HTTP/1.1 200 OK\r\n\r\n"))
                    .head
                    .status,
                200
            );
        }
        for line in [
            "HTTP/2 200 OK",
            "HTTP/2.0 200 OK",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 099 x",
            "HTTP/1.1 2000",
            "http/1.1 200 OK",
            "ICY 200 OK",
            "HTTP/1.1  200 OK",
            "HTTP/1.1 200OK",
            "HTTP/1.1 200 a\0b",
            "200 OK",
            " HTTP/1.1 200 OK",
            "",
        ] {
            let head = format!("{line}\r\n\r\n");
            assert_eq!(
                verdict(head.as_bytes()).unwrap_err(),
                BadResponse::StatusLine,
                "{line:?}"
            );
        }
    }

    #[test]
    fn fields_are_kept_as_they_came_or_mended() {
        let fields = "Server: x\r\nX-A:1 \r\nset-COOKIE: b\r\n";
        assert_eq!(
            written(
                &passes(format!("HTTP/1.1 200 OK\r\n{fields}\r\n"))
                    .head
                    .fields
            ),
            fields
        );
        for (came, goes) in [
            ("X-A : b\r\n", "X-A: b\r\n"),
            ("X-A\t : b\r\nc: d\r\n", "X-A: b\r\nc: d\r\n"),
            ("a: b\nc: d\r\n", "a: b\r\nc: d\r\n"),
            ("a: b\r\n  c\r\n\td\r\ne: f\r\n", "a: b c d\r\ne: f\r\n"),
        ] {
            let response = passes(format!("HTTP/1.1 200 OK\r\n{came}\r\n"));
            assert_eq!(written(&response.head.fields), goes, "{came:?}");
        }
        assert_eq!(
            passes("HTTP/1.1 200 OK\na: b\n\n").head.fields.get("a"),
            Some(&b"b"[..])
        );
    }

    #[test]
    fn what_can_not_be_mended_is_refused() {
        use BadField::{Fold, Name, Value};
        for (fields, why) in [
            (" a: b\r\n", BadResponse::Field(Fold)),
            ("a b: c\r\n", BadResponse::Field(Name)),
            (": c\r\n", BadResponse::Field(Name)),
            ("nothing\r\n", BadResponse::Field(Name)),
            ("a: b\0\r\n", BadResponse::Field(Value)),
            ("a: b\rc: d\r\n", BadResponse::Field(BadField::LineEnd)),
        ] {
            let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
            let told = verdict(head.as_bytes()).map(|_| ());
            assert_eq!(told, Err(why), "{fields:?}");
        }
    }

    #[test]
    fn limits_hold_to_the_byte() {
        let head = |n: usize| format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(n - 24));
        passes(head(1024));
        assert_eq!(
            verdict(head(1025).as_bytes()).unwrap_err(),
            BadResponse::TooLarge(1024)
        );
        let many = |n| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(n));
        passes(many(10));
        assert_eq!(
            verdict(many(11).as_bytes()).unwrap_err(),
            BadResponse::TooManyFields(10)
        );
    }

    #[test]
    fn where_bodies_end() {
        use ResponseFraming::{Chunked, Length, UntilClose};
        let check = |method: &Method, status: u16, version: &str, fields: &str, expected| {
            let text = format!("HTTP/{version} {status} x\r\n{fields}\r\n");
            let mut head = passes(&text).head;
            assert_eq!(framing(&mut head, method), expected, "{method} {text:?}");
            head
        };
        let get = |status, fields, expected| check(&Method::GET, status, "1.1", fields, expected);
        get(200, "", Ok(UntilClose));
        get(200, "content-length: 3\r\n", Ok(Length(3)));
        let twice = "content-length: 3\r\nContent-Length: 3, 3\r\n";
        assert_eq!(get(200, twice, Ok(Length(3))).fields.len(), 1);
        get(200, "transfer-encoding: Chunked\r\n", Ok(Chunked));
        for status in [100, 103, 204, 304] {
            get(status, "content-length: 3\r\n", Ok(Length(0)));
            get(status, "transfer-encoding: chunked\r\n", Ok(Length(0)));
        }
        check(
            &Method::HEAD,
            200,
            "1.1",
            "content-length: 3\r\n",
            Ok(Length(0)),
        );
        for (fields, why) in [
            (
                "content-length: 3\r\ncontent-length: 4\r\n",
                BadResponse::ContentLength,
            ),
            ("content-length: -3\r\n", BadResponse::ContentLength),
            ("content-length:\r\n", BadResponse::ContentLength),
            (
                "content-length: 3\r\ntransfer-encoding: chunked\r\n",
                BadResponse::TwoFramings,
            ),
            ("transfer-encoding: gzip\r\n", BadResponse::Coding),
            ("transfer-encoding: gzip, chunked\r\n", BadResponse::Coding),
            (
                "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
                BadResponse::Coding,
            ),
        ] {
            get(200, fields, Err(why));
            check(&Method::HEAD, 200, "1.1", fields, Err(why));
        }
        check(
            &Method::GET,
            200,
            "1.0",
            "transfer-encoding: chunked\r\n",
            Err(BadResponse::Coding),
        );
    }

    #[test]
    fn which_connections_stay() {
        for (version, fields, stays) in [
            ("1.1", "", true),
            ("1.1", "connection: close\r\n", false),
            ("1.1", "connection: a, CLOSE\r\n", false),
            ("1.0", "", false),
            ("1.0", "connection: keep-alive\r\n", true),
            ("1.0", "connection: keep-alive, close\r\n", false),
        ] {
            let head = format!("HTTP/{version} 200 OK\r\n{fields}\r\n");
            assert_eq!(passes(&head).keep_alive, stays, "{head:?}");
        }
    }
}

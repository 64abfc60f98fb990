//! Requests and responses as text: a first line, fields, a blank line, and the body as it is or as base64.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, request,
};

use super::pattern;
use super::sections::MARK;
use crate::message::{RequestHead, Target, TargetError};

/// Letters of base64 on one line.
const COLUMNS: usize = 76;

/// What is wrong with a message, and on which of its lines, counted from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub line: usize,
    pub problem: String,
}

/// The target of an expected request, where it has wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TargetPattern(pub String);

/// Says of a message that its body was written as base64, and so means itself byte by byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exact;

fn wrong<T>(line: usize, problem: impl Into<String>) -> Result<T, Wrong> {
    let problem = problem.into();
    Err(Wrong { line, problem })
}

/// A request from the content of a section. Only one that is expected has wildcards.
pub(super) fn parse_request(
    content: &[u8],
    base64: bool,
    is_expected: bool,
) -> Result<Request<Bytes>, Wrong> {
    let (head, body) = split(content, base64)?;
    let expected = "expected METHOD TARGET HTTP/1.1, such as `GET /path?query HTTP/1.1`";
    let (line, pattern) = match is_expected {
        true => without_wildcards(head[0]),
        false => (head[0].to_owned(), None),
    };
    let line = [&line[..], b"\r\n\r\n"].concat();
    let mut request = httparse::Request::new(&mut []);
    let complete = request
        .parse(&line)
        .is_ok_and(|status| status.is_complete());
    let (Some(method), Some(target)) = (request.method.filter(|_| complete), request.path) else {
        return wrong(0, expected);
    };
    let mut parsed = Request::new(body);
    if let Some(pattern) = pattern {
        parsed.extensions_mut().insert(pattern);
    }
    if base64 {
        parsed.extensions_mut().insert(Exact);
    }
    if let Err(problem) = set_target(&mut parsed, target) {
        return wrong(0, problem);
    }
    *parsed.method_mut() = match Method::from_bytes(method.as_bytes()) {
        Ok(method) => method,
        Err(_) => return wrong(0, expected),
    };
    *parsed.headers_mut() = fields(&head)?;
    Ok(parsed)
}

/// A response from the content of a section.
pub(super) fn parse_response(content: &[u8], base64: bool) -> Result<Response<Bytes>, Wrong> {
    let (head, body) = split(content, base64)?;
    let expected = "expected HTTP/1.1 STATUS REASON with a status of 200 or more or 101, such as `HTTP/1.1 200 OK`";
    let line = [head[0], b"\r\n\r\n"].concat();
    let mut response = httparse::Response::new(&mut []);
    let complete = response
        .parse(&line)
        .is_ok_and(|status| status.is_complete());
    let status = response
        .code
        .filter(|code| complete && (*code >= 200 || *code == 101));
    let Some(status) = status.and_then(|code| StatusCode::from_u16(code).ok()) else {
        return wrong(0, expected);
    };
    let mut parsed = Response::new(body);
    if base64 {
        parsed.extensions_mut().insert(Exact);
    }
    *parsed.status_mut() = status;
    *parsed.headers_mut() = fields(&head)?;
    Ok(parsed)
}

/// A request's line with a plain target in the place of one that has wildcards, and the latter.
fn without_wildcards(line: &[u8]) -> (Vec<u8>, Option<TargetPattern>) {
    let text = std::str::from_utf8(line).ok();
    let parts = text.and_then(|text| {
        let (method, rest) = text.split_once(' ')?;
        let (target, version) = rest.rsplit_once(' ')?;
        Some((method, target.trim(), version))
    });
    match parts.filter(|(_, target, _)| pattern::is_pattern(target.as_bytes())) {
        Some((method, target, version)) => (
            format!("{method} / {version}").into_bytes(),
            Some(TargetPattern(target.to_owned())),
        ),
        None => (line.to_owned(), None),
    }
}

/// A target as a request's line has it. A path stands beside the URI too, which can't hold every one.
fn set_target(request: &mut Request<Bytes>, target: &str) -> Result<(), String> {
    if target.starts_with('/') || target == "*" {
        let target = Target::new(target.as_bytes()).map_err(|bad| bad.to_string())?;
        let path = PathAndQuery::try_from(&target).map_err(|bad| bad.to_string())?;
        *request.uri_mut() = path.into();
        request.extensions_mut().insert(target);
        return Ok(());
    }
    *request.uri_mut() = uri(target).ok_or_else(|| {
        format!("{target:?} is no target: a path from `/`, `*`, or an http or https URL")
    })?;
    Ok(())
}

/// A whole URL. Without a fragment, which is not sent (RFC 9112, section 3.2).
pub(super) fn uri(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok().filter(|_| !url.contains('#'))?;
    (matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()).then_some(uri)
}

/// The head of a request, with its target as it is.
pub(super) fn head_of(parts: &request::Parts) -> Result<RequestHead, TargetError> {
    match parts.extensions.get::<Target>() {
        Some(target) => Ok(RequestHead::with_target(parts, target.clone())),
        None => RequestHead::try_from(parts),
    }
}

/// A request of a head, with its target as it is.
pub(super) fn request_of(head: &RequestHead, body: Bytes) -> Result<Request<Bytes>, TargetError> {
    let mut parts = request::Parts::try_from(head)?;
    parts.extensions.insert(head.target.clone());
    Ok(Request::from_parts(parts, body))
}

/// The lines of the head, never none, and the body: all behind the first blank line but the last line break.
fn split(content: &[u8], base64: bool) -> Result<(Vec<&[u8]>, Bytes), Wrong> {
    let mut head = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    if head.is_empty() {
        return wrong(
            0,
            "there is no message; it begins on the line below the section's",
        );
    }
    let body = rest.strip_suffix(b"\n").unwrap_or(rest);
    if !base64 {
        return Ok((head, Bytes::copy_from_slice(body)));
    }
    let letters: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    match BASE64.decode(letters) {
        Ok(body) => Ok((head, body.into())),
        Err(error) => wrong(head.len() + 1, format!("the body is not base64: {error}")),
    }
}

/// The fields of a head, below its first line.
fn fields(head: &[&[u8]]) -> Result<HeaderMap, Wrong> {
    let mut fields = HeaderMap::new();
    for (number, line) in head.iter().enumerate().skip(1) {
        let line = [line, &b"\r\n\r\n"[..]].concat();
        let mut field = [httparse::EMPTY_HEADER];
        let parsed = httparse::parse_headers(&line, &mut field);
        let complete = parsed.is_ok_and(|status| status.is_complete());
        let name = HeaderName::from_bytes(field[0].name.as_bytes());
        let name = name.ok().filter(|_| complete);
        match (name, HeaderValue::from_bytes(field[0].value)) {
            (Some(name), Ok(value)) => fields.append(name, value),
            _ => {
                return wrong(
                    number,
                    "expected a field, `NAME: VALUE`, or a blank line before the body",
                );
            }
        };
    }
    Ok(fields)
}

/// The head of a request as lines, its fields in the order of a pattern; see [`in_order_of`].
pub(super) fn request_head(request: &Request<Bytes>, pattern: &HeaderMap) -> Vec<u8> {
    let target = match request.extensions().get() {
        Some(TargetPattern(pattern)) => pattern,
        None => target(request),
    };
    let line = format!("{} {target} HTTP/1.1", request.method());
    head(&line, pattern, request.headers())
}

/// Path and query.
pub(super) fn target(request: &Request<Bytes>) -> &str {
    let target = request.extensions().get().map(Target::as_str);
    let in_uri = || request.uri().path_and_query().map(PathAndQuery::as_str);
    target.or_else(in_uri).unwrap_or("/")
}

/// The head of a response as lines, its fields in the order of a pattern; see [`in_order_of`].
pub(super) fn response_head(response: &Response<Bytes>, pattern: &HeaderMap) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or("");
    let line = format!("HTTP/1.1 {} {reason}", status.as_str());
    head(line.trim_end(), pattern, response.headers())
}

fn head(line: &str, pattern: &HeaderMap, fields: &HeaderMap) -> Vec<u8> {
    let mut head = format!("{line}\n").into_bytes();
    for (name, value) in in_order_of(pattern, fields) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.push(b':');
        if !value.is_empty() {
            head.push(b' ');
        }
        head.extend_from_slice(value.as_bytes());
        head.push(b'\n');
    }
    head
}

/// Fields in the order in which people look for them: names that the pattern has first, in its order, then the others.
///
/// (What the order of names says, it says to nobody: RFC 9110, section 5.3. The values of one name keep theirs.)
fn in_order_of<'a>(
    pattern: &'a HeaderMap,
    fields: &'a HeaderMap,
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    let others = fields.keys().filter(|name| !pattern.contains_key(*name));
    let names = pattern.keys().chain(others);
    names.flat_map(|name| fields.get_all(name).iter().map(move |value| (name, value)))
}

/// A value that means itself.
pub(super) fn meant(value: &HeaderValue) -> Cow<'_, HeaderValue> {
    if !pattern::is_pattern(value.as_bytes()) {
        return Cow::Borrowed(value);
    }
    let escaped = HeaderValue::from_bytes(&pattern::escaped(value.as_bytes()));
    escaped.map_or(Cow::Borrowed(value), Cow::Owned)
}

/// Whether a body can stand in a file as it is, and be the same after an editor or a version control has had it.
pub(super) fn is_plain(body: &[u8]) -> bool {
    let is_section = |line: &[u8]| line.starts_with(MARK);
    is_printable(body) && !body.split(|byte| *byte == b'\n').any(is_section)
}

/// Whether it is text, of lines, that can be shown as it is.
pub(super) fn is_printable(text: &[u8]) -> bool {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    std::str::from_utf8(text).is_ok_and(|text| !text.contains(steers))
}

/// The content of a section: head and body, with the line break that ends the section.
pub(super) fn content(mut head: Vec<u8>, body: &[u8], base64: bool) -> Vec<u8> {
    if body.is_empty() {
        return head;
    }
    head.push(b'\n');
    if base64 {
        for line in BASE64.encode(body).as_bytes().chunks(COLUMNS) {
            head.extend_from_slice(line);
            head.push(b'\n');
        }
    } else {
        head.extend_from_slice(body);
        head.push(b'\n');
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(body: &[u8]) {
        let mut request = Request::new(Bytes::copy_from_slice(body));
        *request.method_mut() = Method::from_bytes(b"PROPFIND").unwrap();
        set_target(&mut request, "/a%2F?x=`1`\"").unwrap();
        for (name, value) in [
            ("x-a", &b"1"[..]),
            ("x-b", b"\xff\t~"),
            ("x-a", b""),
            ("host", b"h"),
        ] {
            request
                .headers_mut()
                .append(name, HeaderValue::from_bytes(value).unwrap());
        }
        for base64 in [true, false] {
            if !base64 && !is_plain(body) {
                continue;
            }
            let text = content(request_head(&request, request.headers()), body, base64);
            let parsed = parse_request(&text, base64, true).unwrap();
            let same = (
                parsed.method(),
                target(&parsed),
                parsed.headers(),
                parsed.body(),
            ) == (
                request.method(),
                target(&request),
                request.headers(),
                request.body(),
            );
            assert!(same, "{}\n{parsed:?}", text.escape_ascii());
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let long = [b'x'; 300];
        let bodies: [&[u8]; 14] = [
            b"",
            b"\n",
            b"\n\n",
            b"a",
            b"a\n",
            b"a\n\n",
            b"\na",
            b"a\n\nb",
            b"### request",
            b"a\n### \n",
            b"\xff\0",
            b"a\r\nb",
            "\u{fc}\u{1f600}\t\n".as_bytes(),
            &long,
        ];
        bodies.iter().for_each(|body| round_trip(body));
        assert!(
            !is_plain(b"a\n### x")
                && !is_plain(b"\r\n")
                && !is_plain(b"\xff")
                && !is_plain(b"\x1b[")
        );
        assert!(is_plain(b"a\n ### x\n###\n") && is_plain("ü\t\n".as_bytes()));
    }

    #[test]
    fn responses_are_written_with_the_reason_of_their_status() {
        let text = b"http/1.1 404 Nope\nx-a: 1\nx-b:\n\nbody\n";
        assert!(parse_response(text, false).is_err());
        let response = parse_response(
            b"HTTP/1.1 404 Nope\r\nX-A:  1 \r\nx-b:\r\n\r\nbody\n",
            false,
        )
        .unwrap();
        assert_eq!(
            response_head(&response, response.headers()),
            b"HTTP/1.1 404 Not Found\nx-a: 1\nx-b:\n"
        );
        assert_eq!(response.body(), "body");
        let unknown = parse_response(b"HTTP/1.1 299\n", false).unwrap();
        assert_eq!(
            response_head(&unknown, unknown.headers()),
            b"HTTP/1.1 299\n"
        );
    }

    #[test]
    fn mistakes_have_their_line() {
        let cases: [(&[u8], usize, &str); 11] = [
            (b"", 0, "there is no message"),
            (b"\nGET / HTTP/1.1", 0, "there is no message"),
            (b"GET /", 0, "expected METHOD TARGET HTTP/1.1"),
            (b"GET / HTTP/2", 0, "expected METHOD TARGET HTTP/1.1"),
            (b"GET x HTTP/1.1", 0, "\"x\" is no target"),
            (b"GET /#x HTTP/1.1", 0, "the target holds '#' at byte 2"),
            (
                b"GET http://h/#x HTTP/1.1",
                0,
                "\"http://h/#x\" is no target",
            ),
            (b"GET ftp://h/ HTTP/1.1", 0, "\"ftp://h/\" is no target"),
            (
                b"GET / HTTP/1.1\nhost: h\nno field\n",
                2,
                "expected a field",
            ),
            (b"GET / HTTP/1.1\n folded: x\n", 1, "expected a field"),
            (b"GET / HTTP/1.1\na b: x\n", 1, "expected a field"),
        ];
        for (text, line, expected) in cases {
            let wrong = parse_request(text, false, true).unwrap_err();
            assert_eq!(
                wrong.line,
                line,
                "{}: {}",
                text.escape_ascii(),
                wrong.problem
            );
            assert!(wrong.problem.starts_with(expected), "{}", wrong.problem);
        }
        let wrong = parse_request(b"GET / HTTP/1.1\nhost: h\n\na?b\n", true, true).unwrap_err();
        assert!(
            wrong.line == 3 && wrong.problem.contains("not base64"),
            "{wrong:?}"
        );
        assert!(parse_response(b"HTTP/1.1 100 Continue\n", false).is_err());
    }

    #[test]
    fn fields_are_shown_in_the_order_of_what_was_expected() {
        let fields = |names: &str| -> HeaderMap {
            let field = |name: &str| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_static(""),
                )
            };
            names.split(' ').map(field).collect()
        };
        let (pattern, fields) = (fields("c x a"), fields("a b c d"));
        let ordered = in_order_of(&pattern, &fields);
        let names: Vec<_> = ordered.map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["c", "a", "b", "d"]);
    }
}

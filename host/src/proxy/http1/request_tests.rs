//! Heads that pass and heads that don't, each whole and cut at every byte.

use super::*;
use crate::message::TargetError;
use crate::message::as_text;

const MAX_FIELDS: usize = 100;
/// The longest length that is taken.
const MAX_LENGTH: u64 = i64::MAX as u64;

/// What of a request there is to compare.
type Told = (usize, String, Framing, bool, bool, bool);

const LIMITS: HeadLimits = HeadLimits {
    max_head: 4096,
    max_fields: MAX_FIELDS,
    max_target: 256,
};

/// Checks all prefixes: the answer to a head is that to the shortest prefix that has one, and it never changes.
fn verdict(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Request>, BadHead> {
    let told = |result: Result<Option<Request>, BadHead>| -> Result<Option<Told>, BadHead> {
        Ok(result?.map(|r| {
            let head = format!("{:?}", r.head);
            (
                r.len,
                head,
                r.framing,
                r.switches,
                r.keep_alive,
                r.expects_continue,
            )
        }))
    };
    let result = read(bytes, limits);
    let whole = told(result.clone());
    for cut in 0..bytes.len() {
        match told(read(&bytes[..cut], limits)) {
            Ok(None) => {}
            early => assert_eq!(early, whole, "cut at {cut}: {}", bytes.escape_ascii()),
        }
    }
    result
}

fn get(fields: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n").into_bytes()
}

#[track_caller]
fn passes(bytes: &[u8]) -> Request {
    match verdict(&[bytes, b"GET / "].concat(), &LIMITS) {
        Ok(Some(head)) => {
            assert_eq!(head.len, bytes.len(), "{}", bytes.escape_ascii());
            head
        }
        other => panic!("{other:?}: {}", bytes.escape_ascii()),
    }
}

#[track_caller]
fn refused(bytes: &[u8], expected: BadHead) {
    assert_eq!(
        verdict(bytes, &LIMITS).err(),
        Some(expected),
        "{}",
        bytes.escape_ascii()
    );
}

#[test]
fn request_lines() {
    for line in [
        "GET / HTTP/1.1",
        "GET / HTTP/1.0",
        "G!#$%&'*+-.^_`|~9 /a?b=c&d=%20?/ HTTP/1.1",
        "GET //a//../b;c HTTP/1.1",
        "GET /? HTTP/1.1",
        "GET /{\"a\"}|[]\\^`<> HTTP/1.1",
        "GET /?query=up{job=\"x\"} HTTP/1.1",
        "GET /\u{e9}?\u{4e2d} HTTP/1.1",
        "GET / HTTP/1.2",
        "GET http://a?b HTTP/1.1",
        "GET http://a HTTP/1.1",
        "GET http://a:80/b?c HTTP/1.1",
        "GET https://[::1]:443/ HTTP/1.1",
        "GET HTTP://a/ HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "OPTIONS / HTTP/1.1",
        "CONNECT a:443 HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
    ] {
        passes(format!("{line}\r\nhost: a\r\n\r\n").as_bytes());
        passes(format!("\r\n\r\n{line}\r\nhost: a\r\n\r\n").as_bytes());
    }
}

#[test]
fn bad_request_lines() {
    use BadHead::{Method, RequestLine, Version};
    const FORM: BadHead = BadHead::Target(TargetError::Form);
    let byte = |at, byte| BadHead::Target(TargetError::Byte { at, byte });
    for (line, expected) in [
        ("GET /\r\n", RequestLine),
        ("GET /\n", RequestLine),
        ("GET  / HTTP/1.1\r\n", FORM),
        ("GET /  HTTP/1.1\r\n", RequestLine),
        ("GET / HTTP/1.1 \r\n", RequestLine),
        ("GET / HTTP/1.1\n", RequestLine),
        ("GET / HTTP/1.1\rX", RequestLine),
        ("GET / HTTP/1.10\r\n", RequestLine),
        ("GET / HTTP/11\r\n", RequestLine),
        ("GET / http/1.1\r\n", RequestLine),
        ("GET / HTTP/+1.1\r\n", RequestLine),
        ("GET / FTP/1.1\r\n", RequestLine),
        ("GET / \r\n", RequestLine),
        ("GET / HTTP/2.0\r\n", Version),
        ("GET / HTTP/0.9\r\n", Version),
        ("PRI * HTTP/2.0\r\n", FORM),
        (" GET / HTTP/1.1\r\n", Method),
        ("\tGET / HTTP/1.1\r\n", Method),
        ("G(T / HTTP/1.1\r\n", Method),
        ("G\u{e9}T / HTTP/1.1\r\n", Method),
        ("GET\t/ HTTP/1.1\r\n", Method),
        ("GET\r\n", Method),
        ("\n", Method),
        ("\r\n\n", Method),
        ("\rGET / HTTP/1.1\r\n", Method),
        ("\x16\x03\x01", Method),
        ("GET \u{e9} HTTP/1.1\r\n", FORM),
        ("GET /\x7f HTTP/1.1\r\n", byte(1, 0x7f)),
        ("GET /\0 HTTP/1.1\r\n", byte(1, 0)),
        ("GET /a\tb HTTP/1.1\r\n", byte(2, b'\t')),
        ("GET /a#b HTTP/1.1\r\n", byte(2, b'#')),
        ("GET /a?b#c HTTP/1.1\r\n", byte(4, b'#')),
        ("GET http://a/#b HTTP/1.1\r\n", byte(9, b'#')),
        ("GET a HTTP/1.1\r\n", FORM),
        ("GET a:80 HTTP/1.1\r\n", FORM),
        ("GET ?a HTTP/1.1\r\n", FORM),
        ("GET * HTTP/1.1\r\n", FORM),
        ("GET ftp://a/ HTTP/1.1\r\n", FORM),
        ("GET file:///a HTTP/1.1\r\n", FORM),
        ("GET http:// HTTP/1.1\r\n", FORM),
        ("GET http:/// HTTP/1.1\r\n", FORM),
        ("GET http://:80/ HTTP/1.1\r\n", FORM),
        ("GET http:/a HTTP/1.1\r\n", FORM),
        ("GET http://a@b/ HTTP/1.1\r\n", FORM),
        ("GET http://a:99999/ HTTP/1.1\r\n", FORM),
        ("GET http://a:b/ HTTP/1.1\r\n", FORM),
        ("GET http://a:+80/ HTTP/1.1\r\n", FORM),
        ("CONNECT a:+80 HTTP/1.1\r\n", FORM),
        ("CONNECT a: HTTP/1.1\r\n", FORM),
        ("OPTIONS *a HTTP/1.1\r\n", FORM),
        ("OPTIONS ** HTTP/1.1\r\n", FORM),
        ("CONNECT / HTTP/1.1\r\n", FORM),
        ("CONNECT a HTTP/1.1\r\n", FORM),
        ("CONNECT :443 HTTP/1.1\r\n", FORM),
        ("CONNECT http://a:443 HTTP/1.1\r\n", FORM),
        ("CONNECT a@b:443 HTTP/1.1\r\n", FORM),
        ("CONNECT a:443/ HTTP/1.1\r\n", FORM),
        ("connect a:443 HTTP/1.1\r\n", FORM),
    ] {
        refused(format!("{line}host: a\r\n\r\n").as_bytes(), expected);
    }
}

#[test]
fn field_lines() {
    use crate::proxy::bad_head::BadField::{Fold, LineEnd, Name, Value};
    passes(&get("a:b\r\nc: \t d e \t\r\nf:\r\ng: \u{fc}\r\n"));
    for (fields, expected) in [
        ("a: b\n", LineEnd),
        ("a: b\r\r\n", LineEnd),
        ("a: b\rc: d\r\n", LineEnd),
        ("\n", LineEnd),
        ("a : b\r\n", Name),
        ("a\t: b\r\n", Name),
        ("a\r\n", Name),
        (": b\r\n", Name),
        ("a b: c\r\n", Name),
        ("a\0: b\r\n", Name),
        ("\u{fc}: b\r\n", Name),
        ("a: b\0c\r\n", Value),
        ("a: b\x0bc\r\n", Value),
        ("a: b\x7f\r\n", Value),
        (" a: b\r\n", Fold),
        ("a: b\r\n c\r\n", Fold),
        ("a: b\r\n\tc\r\n", Fold),
    ] {
        refused(&get(fields), BadHead::Field(expected));
    }
}

#[test]
fn framing() {
    for (fields, expected) in [
        ("", Framing::Length(0)),
        ("content-length: 0\r\n", Framing::Length(0)),
        ("Content-Length:\t 12 \t\r\n", Framing::Length(12)),
        ("content-length: 0012\r\n", Framing::Length(12)),
        (
            "content-length: 9223372036854775807\r\n",
            Framing::Length(MAX_LENGTH),
        ),
        ("transfer-encoding: chunked\r\n", Framing::Chunked),
        ("Transfer-Encoding:Chunked \r\n", Framing::Chunked),
        ("te: trailers\r\n", Framing::Length(0)),
    ] {
        assert_eq!(passes(&get(fields)).framing, expected, "{fields:?}");
    }
}

#[test]
fn bad_framing() {
    use BadHead::{Ambiguous, Coding, ContentLength, TransferEncoding, TwoFramings};
    let zeros = format!("content-length: {}\r\n", "9".repeat(30));
    for (fields, expected) in [
        ("content-length:\r\n", ContentLength),
        ("content-length: +1\r\n", ContentLength),
        ("content-length: -1\r\n", ContentLength),
        ("content-length: 1,1\r\n", ContentLength),
        ("content-length: 1 1\r\n", ContentLength),
        ("content-length: 0x1\r\n", ContentLength),
        ("content-length: 1.0\r\n", ContentLength),
        ("content-length: a\r\n", ContentLength),
        ("content-length: \u{661}\r\n", ContentLength),
        ("content-length: 1\r\ncontent-length: 1\r\n", ContentLength),
        ("content-length: 1\r\nContent-Length: 2\r\n", ContentLength),
        ("content-length: 9223372036854775808\r\n", ContentLength),
        ("content-length: 18446744073709551617\r\n", ContentLength),
        (&zeros, ContentLength),
        ("content_length: 1\r\n", Ambiguous),
        ("Content_Length: 1\r\n", Ambiguous),
        ("transfer_encoding: chunked\r\n", Ambiguous),
        (
            "content-length: 1\r\ntransfer-encoding: chunked\r\n",
            TwoFramings,
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 1\r\n",
            TwoFramings,
        ),
        ("transfer-encoding: gzip, chunked\r\n", Coding),
        ("transfer-encoding: identity, chunked\r\n", Coding),
        ("transfer-encoding: gzip\r\n", TransferEncoding),
        ("transfer-encoding: identity\r\n", TransferEncoding),
        ("transfer-encoding: xchunked\r\n", TransferEncoding),
        ("transfer-encoding: chunked, identity\r\n", TransferEncoding),
        ("transfer-encoding: chunked, chunked\r\n", TransferEncoding),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            TransferEncoding,
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            TransferEncoding,
        ),
        ("transfer-encoding:\r\n", TransferEncoding),
        ("transfer-encoding: ,chunked\r\n", TransferEncoding),
        ("transfer-encoding: chunked,\r\n", TransferEncoding),
        ("transfer-encoding: \"chunked\"\r\n", TransferEncoding),
        ("transfer-encoding: chunked;a=b\r\n", TransferEncoding),
        ("transfer-encoding: chunk\u{e9}d\r\n", TransferEncoding),
    ] {
        refused(&get(fields), expected);
    }
    let old = b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n";
    refused(old, TransferEncoding);
}

#[test]
fn expectations() {
    passes(&get("expect: 100-continue\r\n"));
    passes(&get("Expect: 100-Continue\r\n"));
    refused(&get("expect: 200-ok\r\n"), BadHead::Expectation);
    refused(&get("expect: 100-continue, a\r\n"), BadHead::Expectation);
    passes(b"GET / HTTP/1.0\r\nexpect: a\r\n\r\n");
}

#[test]
fn what_may_switch_protocols() {
    let both = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\n";
    assert!(passes(&get(both)).switches);
    assert!(passes(&get("upgrade: a\r\nconnection: upgrade\r\n")).switches);
    assert!(!passes(&get("upgrade: a\r\n")).switches);
    assert!(!passes(&get("connection: upgrade\r\n")).switches);
    assert!(!passes(&get("connection: upgrades\r\nupgrade: a\r\n")).switches);
    assert!(!passes(format!("GET / HTTP/1.0\r\n{both}\r\n").as_bytes()).switches);
    assert!(passes(b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n").switches);
}

#[test]
fn who_wants_the_connection_to_stay() {
    assert!(passes(&get("")).keep_alive);
    assert!(!passes(&get("connection: a, Close\r\n")).keep_alive);
    assert!(!passes(&get("connection: keep-alive\r\nconnection: close\r\n")).keep_alive);
    assert!(!passes(b"GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert!(passes(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

#[test]
fn the_authority_of_a_target_is_kept_apart() {
    for (line, authority, target) in [
        ("GET /a", None, "/a"),
        ("GET http://A:80/a?b", Some("A:80"), "/a?b"),
        ("GET http://a", Some("a"), "/"),
        ("GET http://a?b/c", Some("a"), "/?b/c"),
        ("OPTIONS http://a", Some("a"), "*"),
        ("OPTIONS *", None, "*"),
        ("CONNECT a:1", Some("a:1"), "/"),
    ] {
        let head = passes(format!("{line} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).head;
        assert_eq!(head.authority.as_deref(), authority, "{line}");
        assert_eq!(head.target.as_str(), target, "{line}");
    }
}

#[test]
fn fields_are_kept_as_they_came() {
    let fields = "Host: a\r\nX-A:1 \r\nx-a:  2\r\n";
    let head = passes(format!("\r\nGET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).head;
    let mut written = Vec::new();
    head.fields.write_to(&mut written);
    assert_eq!(as_text(&written), Some(fields));
    let values: Vec<_> = head.fields.get_all("X-a").collect();
    assert_eq!(values, [b"1", b"2"]);
}

#[test]
fn limits_hold_to_the_byte() {
    let target = |n: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(n - 1));
    passes(target(256).as_bytes());
    refused(
        target(257).as_bytes(),
        BadHead::Target(TargetError::TooLong(256)),
    );
    refused(
        &target(5000).as_bytes()[..300],
        BadHead::Target(TargetError::TooLong(256)),
    );

    let head = |n: usize| {
        let frame = b"GET / HTTP/1.1\r\na: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(n - frame)).into_bytes()
    };
    passes(&head(4096));
    refused(&head(4097), BadHead::TooLarge(4096));
    // A fault beyond the limit doesn't count, wherever reads are cut.
    let mut far = head(6000);
    far[5000] = 0;
    refused(&far, BadHead::TooLarge(4096));

    let many = |n| get(&"a: b\r\n".repeat(n - 1));
    passes(&many(MAX_FIELDS));
    refused(&many(MAX_FIELDS + 1), BadHead::TooManyFields(MAX_FIELDS));
}

#[test]
fn each_refusal_has_its_status() {
    for (error, status) in [
        (BadHead::RequestLine, 400),
        (BadHead::Timeout, 408),
        (BadHead::Target(TargetError::TooLong(1)), 414),
        (BadHead::Expectation, 417),
        (BadHead::TooLarge(1), 431),
        (BadHead::TooManyFields(1), 431),
        (BadHead::Coding, 501),
        (BadHead::Version, 505),
    ] {
        assert_eq!(error.status().as_u16(), status);
    }
}

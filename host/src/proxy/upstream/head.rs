//! The head that a backend gets: the client's, with the `host` that the settings want and what its protocol needs.

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, request};
use http_body::Body as _;

use super::error::UpstreamError;
use crate::config::backend::HostField;
use crate::message::{Body, BodyError};

/// What an address finds in `host`.
#[derive(Debug)]
pub(super) enum HostRule {
    /// What the client sent, else this (a client of HTTP/1.0 may have sent none).
    Keep(HeaderValue),
    Always(HeaderValue),
}

impl HostRule {
    /// For an address with this authority.
    pub(super) fn new(host: &HostField, authority: &str) -> Self {
        let own = HeaderValue::from_str(authority).unwrap_or(HeaderValue::from_static("localhost"));
        match host {
            HostField::Keep => Self::Keep(own),
            HostField::Rewrite => Self::Always(own),
            HostField::Fixed(value) => Self::Always(value.clone()),
        }
    }

    /// What to set in place of the client's, if anything.
    fn value(&self, seen: Seen) -> Option<&HeaderValue> {
        match self {
            Self::Always(value) => Some(value),
            Self::Keep(own) => (!seen.host).then_some(own),
        }
    }
}

/// Which of the fields that matter here a head has. One look at all names costs less than a look-up for each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    host: bool,
    te: bool,
    upgrade: bool,
    expect: bool,
    content_length: bool,
}

impl Seen {
    pub(super) fn of(fields: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for name in fields.keys() {
            seen.host |= *name == HOST;
            seen.te |= *name == TE;
            seen.upgrade |= *name == UPGRADE;
            seen.expect |= *name == EXPECT;
            seen.content_length |= *name == CONTENT_LENGTH;
        }
        seen
    }
}

/// The request's line and fields as every protocol has them, with this in the body's place.
pub(super) fn request<B>(
    head: &request::Parts,
    seen: Seen,
    host: &HostRule,
    expect_continue: bool,
    body: B,
) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = origin_form(&head.uri);
    *request.headers_mut() = head.headers.clone();
    let fields = request.headers_mut();
    if let Some(host) = host.value(seen) {
        fields.insert(HOST, host.clone());
    }
    if expect_continue {
        fields.insert(EXPECT, HeaderValue::from_static("100-continue"));
    } else if seen.expect {
        // RFC 9110, section 10.1.1: not on a request without content, and nobody would wait for the answer.
        fields.remove(EXPECT);
    }
    request
}

/// Sets the fields that HTTP/1.1 has for one connection.
///
/// RFC 9110, section 7.8 and 10.1.4: who sends `upgrade` or `te` sends `connection` with it.
pub(super) fn for_http1(fields: &mut HeaderMap, seen: Seen, upgrade: bool, is_chunked: bool) {
    match (upgrade, seen.te) {
        (true, true) => fields.insert(CONNECTION, HeaderValue::from_static("upgrade, te")),
        (true, false) => fields.insert(CONNECTION, HeaderValue::from_static("upgrade")),
        (false, true) => fields.insert(CONNECTION, HeaderValue::from_static("te")),
        (false, false) => None,
    };
    if !upgrade && seen.upgrade {
        fields.remove(UPGRADE);
    }
    if is_chunked {
        fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Whether the head has to say that a body comes in chunks: hyper takes it for granted that these methods have none.
pub(super) fn is_oddly_chunked(method: &Method, seen: Seen, body: &Body) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
        && !seen.content_length
        && !body.is_end_stream()
        && body.size_hint().exact().is_none()
}

/// What a response's framing fields must be so that all read its end at the same place: hyper takes more than that
/// (RFC 9112, section 6.3: both fields together "ought to be handled as an error").
///
/// # Errors
/// Says what is wrong.
pub(super) fn check_framing(fields: &HeaderMap) -> Result<(), UpstreamError> {
    if !fields.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    if fields.contains_key(CONTENT_LENGTH) {
        return Err(UpstreamError::Protocol(
            "content-length and transfer-encoding in one response".to_owned(),
        ));
    }
    let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next().map(|coding| coding.as_bytes().trim_ascii());
    let is_chunked = first.is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    if is_chunked && codings.next().is_none() {
        return Ok(());
    }
    Err(UpstreamError::Protocol(
        "a transfer coding other than chunked".to_owned(),
    ))
}

/// A head that promises content where there is none would make the backend take the next request for it.
///
/// # Errors
/// When the two don't agree.
pub(super) fn check_length(fields: &HeaderMap, seen: Seen, body: &Body) -> Result<(), BodyError> {
    if !seen.content_length || !body.is_end_stream() {
        return Ok(());
    }
    let is_zero = |length: &HeaderValue| length.as_bytes().iter().all(|digit| *digit == b'0');
    match fields.get(CONTENT_LENGTH) {
        Some(length) if !is_zero(length) => Err(BodyError::AlreadyStreamed),
        _ => Ok(()),
    }
}

/// Whether the head has to say that there is no content. A server tells a body of no bytes from no body by
/// `content-length` alone, and waits for it where the method has a use for content (RFC 9110, section 8.6). Of other
/// methods only a body that was there, until somebody read or replaced it, is told.
pub(super) fn is_empty_by_length(method: &Method, seen: Seen, body: &Body) -> bool {
    if seen.content_length || !body.is_end_stream() {
        return false;
    }
    match *method {
        Method::POST | Method::PUT | Method::PATCH => true,
        Method::GET | Method::HEAD | Method::CONNECT | Method::TRACE => false,
        _ => matches!(body, Body::Full { .. }),
    }
}

/// Path and query alone, as a request to an origin server has it (RFC 9112, section 3.2.1).
fn origin_form(target: &Uri) -> Uri {
    if target.authority().is_none() && target.path_and_query().is_some() {
        return target.clone();
    }
    Uri::from(
        target
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(target: &str, fields: &[(&'static str, &'static str)]) -> request::Parts {
        let mut request = Request::new(());
        *request.uri_mut() = target.parse().unwrap();
        for (name, value) in fields {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_static(value));
        }
        request.into_parts().0
    }

    #[test]
    fn the_host_field_follows_the_settings() {
        let fixed = HostField::Fixed(HeaderValue::from_static("fixed.test"));
        for (rule, sent, expected) in [
            (&HostField::Keep, Some("client.test"), "client.test"),
            (&HostField::Keep, None, "a.test:81"),
            (&HostField::Rewrite, Some("client.test"), "a.test:81"),
            (&fixed, Some("client.test"), "fixed.test"),
        ] {
            let mut head = head("/p?q", &[]);
            if let Some(sent) = sent {
                head.headers.insert(HOST, HeaderValue::from_static(sent));
            }
            let seen = Seen::of(&head.headers);
            let sent = request(&head, seen, &HostRule::new(rule, "a.test:81"), false, ());
            let hosts: Vec<_> = sent.headers().get_all(HOST).iter().collect();
            assert_eq!(hosts, [expected], "{rule:?}");
        }
    }

    #[test]
    fn the_target_goes_out_as_it_is() {
        let rule = HostRule::new(&HostField::Keep, "a.test");
        for (given, expected) in [
            ("/a%2Fb//c/../d?x=%20&&", "/a%2Fb//c/../d?x=%20&&"),
            ("*", "*"),
            ("http://a.test/p?q", "/p?q"),
            ("http://a.test", "/"),
        ] {
            let sent = request(&head(given, &[]), Seen::default(), &rule, false, ());
            assert_eq!(sent.uri().to_string(), expected);
        }
    }

    #[test]
    fn connection_names_what_is_for_this_hop() {
        for (fields, upgrade, connection) in [
            (&[][..], false, None),
            (&[("te", "trailers")], false, Some("te")),
            (&[("upgrade", "x")], true, Some("upgrade")),
            (
                &[("upgrade", "x"), ("te", "trailers")],
                true,
                Some("upgrade, te"),
            ),
            (&[("upgrade", "x")], false, None),
        ] {
            let mut fields = head("/", fields).headers;
            let seen = Seen::of(&fields);
            for_http1(&mut fields, seen, upgrade, false);
            let found = fields.get(CONNECTION).map(|v| v.to_str().unwrap());
            assert_eq!(found, connection);
            assert_eq!(fields.contains_key(UPGRADE), upgrade);
        }
    }

    #[test]
    fn a_promise_of_content_needs_content() {
        let check = |fields, body| {
            let fields = head("/", fields).headers;
            check_length(&fields, Seen::of(&fields), &body).is_ok()
        };
        assert!(check(&[("content-length", "5")], Body::full("abcde")));
        assert!(check(&[("content-length", "0")], Body::Empty));
        assert!(check(&[], Body::Gone));
        assert!(!check(&[("content-length", "5")], Body::Gone));
    }

    #[test]
    fn only_a_real_expectation_goes_on() {
        let rule = HostRule::new(&HostField::Keep, "a.test");
        for (expect, expected) in [(true, Some("100-continue")), (false, None)] {
            let head = head("/", &[("expect", "100-CONTINUE")]);
            let sent = request(&head, Seen::of(&head.headers), &rule, expect, ());
            let found = sent.headers().get(EXPECT).map(|v| v.to_str().unwrap());
            assert_eq!(found, expected);
        }
    }
}

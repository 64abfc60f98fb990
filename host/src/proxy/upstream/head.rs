//! The head that a backend gets: the client's, with the `host` that the settings want and what its protocol needs.

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body::Body as _;

use super::error::UpstreamError;
use crate::config::backend::HostField;
use crate::message::{Body, BodyError, Fields, Known, RequestHead};

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
    pub(super) fn value(&self, sent: &Fields) -> Option<&HeaderValue> {
        match self {
            Self::Always(value) => Some(value),
            Self::Keep(own) => (!sent.contains(Known::Host)).then_some(own),
        }
    }
}

/// A request's fields as every protocol has them.
pub(super) fn fields(head: &RequestHead, host: &HostRule, expect_continue: bool) -> Fields {
    let mut fields = head.fields.clone();
    if let Some(host) = host.value(&fields) {
        fields.insert(Known::Host, host);
    }
    if expect_continue {
        fields.insert(Known::Expect, "100-continue");
    } else {
        // RFC 9110, section 10.1.1: not on a request without content, and nobody would wait for the answer.
        fields.remove(Known::Expect);
    }
    fields
}

/// The head with these fields as `h2` takes it.
///
/// # Errors
/// When it can't take the target.
pub(super) fn request(head: &RequestHead, fields: &Fields) -> Result<Request<()>, UpstreamError> {
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    let target = PathAndQuery::try_from(&head.target).map_err(UpstreamError::Target)?;
    *request.uri_mut() = target.into();
    *request.headers_mut() = HeaderMap::from(fields);
    Ok(request)
}

/// A head that promises content where there is none would make the backend take the next request for it.
///
/// # Errors
/// When the two don't agree.
pub(super) fn check_length(fields: &Fields, body: &Body) -> Result<(), BodyError> {
    if !fields.contains(Known::ContentLength) || !body.is_end_stream() {
        return Ok(());
    }
    let is_zero = |length: &[u8]| length.iter().all(|digit| *digit == b'0');
    match fields.get(Known::ContentLength) {
        Some(length) if !is_zero(length) => Err(BodyError::AlreadyStreamed),
        _ => Ok(()),
    }
}

/// Whether the head has to say that there is no content. A server tells a body of no bytes from no body by
/// `content-length` alone, and waits for it where the method has a use for content (RFC 9110, section 8.6). Of other
/// methods only a body that was there, until somebody read or replaced it, is told.
pub(super) fn is_empty_by_length(head: &RequestHead, body: &Body) -> bool {
    if head.fields.contains(Known::ContentLength) || !body.is_end_stream() {
        return false;
    }
    match head.method {
        Method::POST | Method::PUT | Method::PATCH => true,
        Method::GET | Method::HEAD | Method::CONNECT | Method::TRACE => false,
        _ => matches!(body, Body::Full { .. }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines = &'static [(&'static str, &'static str)];

    fn head(lines: Lines) -> RequestHead {
        RequestHead {
            fields: lines.iter().copied().collect(),
            ..RequestHead::new()
        }
    }

    #[test]
    fn the_host_field_follows_the_settings() {
        let fixed = HostField::Fixed(HeaderValue::from_static("fixed.test"));
        for (rule, sent, expected) in [
            (
                &HostField::Keep,
                &[("host", "client.test")][..],
                "client.test",
            ),
            (&HostField::Keep, &[], "a.test:81"),
            (&HostField::Rewrite, &[("host", "client.test")], "a.test:81"),
            (&fixed, &[("host", "client.test")], "fixed.test"),
        ] {
            let sent = fields(&head(sent), &HostRule::new(rule, "a.test:81"), false);
            let hosts: Vec<_> = sent.get_all(Known::Host).collect();
            assert_eq!(hosts, [expected.as_bytes()], "{rule:?}");
        }
    }

    #[test]
    fn a_promise_of_content_needs_content() {
        let check = |lines, body| check_length(&head(lines).fields, &body).is_ok();
        assert!(check(&[("content-length", "5")], Body::full("abcde")));
        assert!(check(&[("content-length", "0")], Body::Empty));
        assert!(check(&[], Body::Gone));
        assert!(!check(&[("content-length", "5")], Body::Gone));
    }

    #[test]
    fn only_a_real_expectation_goes_on() {
        let rule = HostRule::new(&HostField::Keep, "a.test");
        for (expect, expected) in [(true, Some("100-continue")), (false, None)] {
            let sent = fields(&head(&[("expect", "100-CONTINUE")]), &rule, expect);
            assert_eq!(sent.get_text(Known::Expect), expected);
        }
    }
}

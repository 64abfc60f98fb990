//! What RFC 9113, section 8, says about fields and `h2` leaves to its user.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

use super::Error;
use crate::message::{Target, TargetError, hygiene, syntax};

static OF_CONNECTION: [HeaderName; 6] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    TE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The field in which a path comes that `h2` would alter or refuse, in the place of another one. Its name is none that a
/// client's field can have: the inspection takes tokens alone.
pub(super) const PATH_AS_SENT: &str = "\"path\"";

/// Why a request is malformed, to be answered by a stream error of type PROTOCOL_ERROR (RFC 9113, section 8.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("content-length is repeated or empty")]
    ContentLength,
    #[error("host is repeated or differs from :authority")]
    Host,
    #[error(":authority holds userinfo")]
    Userinfo,
    #[error("CONNECT without :authority")]
    NoAuthority,
    #[error(":path is missing or does not begin with a slash")]
    Path,
    #[error("a field's name is not a token")]
    Name,
    #[error("a field's value begins or ends with white space")]
    Whitespace,
}

/// Removes the fields that speak of one HTTP/1.1 connection (RFC 9113, section 8.2.2), and any `te` but `trailers`.
pub(super) fn strip_connection_specific(fields: &mut HeaderMap) {
    // Mostly there are none, and to pass over the few fields there are costs less than to look each name up.
    if !fields.keys().any(|name| OF_CONNECTION.contains(name)) {
        return;
    }
    for name in &OF_CONNECTION {
        if *name != TE || fields.get(TE).is_some_and(|te| te != "trailers") {
            fields.remove(name);
        }
    }
}

/// How large a section of fields may be, counted as HTTP/1.1 would write it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SectionBounds {
    /// Bytes.
    pub(super) max_head: usize,
    pub(super) max_fields: usize,
}

impl SectionBounds {
    /// # Errors
    /// Says which bound the fields are above.
    pub(super) fn check(&self, fields: &HeaderMap) -> Result<(), Error> {
        if fields.len() > self.max_fields {
            return Err(Error::TooManyFields(self.max_fields));
        }
        let line =
            |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
        if fields.iter().map(line).sum::<usize>() > self.max_head {
            return Err(Error::HeadTooLarge(self.max_head));
        }
        Ok(())
    }
}

/// The length that a message claims, which `h2` has found to be digits and holds against the DATA frames.
pub(super) fn content_length(fields: &HeaderMap) -> Option<u64> {
    fields.get(CONTENT_LENGTH).and_then(parse_length)
}

fn parse_length(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

/// What a request that is not malformed says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sound {
    /// What `content-length` says, once.
    pub(super) length: Option<u64>,
    /// As it came: the request's own type can't hold every target.
    pub(super) target: Result<Target, TargetError>,
}

/// The checks of section 8 that `h2` does not make. A request without any authority passes, and one with a target that no
/// protocol takes: the service answers them.
pub(super) fn check_request<B>(request: &mut Request<B>) -> Result<Sound, Malformed> {
    let (mut length, mut host, mut path) = (None, None, None);
    // One pass: to look fields up by name costs more than to pass over the few there are.
    for (name, value) in request.headers() {
        // Compared as text: the type's own comparison holds no such name equal to itself.
        if name.as_str() == PATH_AS_SENT {
            path = Some((name.clone(), value.clone()));
            continue;
        }
        // The type takes one character more.
        if !syntax::is_token(name.as_str().as_bytes()) {
            return Err(Malformed::Name);
        }
        if has_outer_whitespace(value) {
            return Err(Malformed::Whitespace);
        }
        if *name == CONTENT_LENGTH && (value.is_empty() || length.replace(value).is_some()) {
            return Err(Malformed::ContentLength);
        }
        if *name == HOST && host.replace(value).is_some() {
            return Err(Malformed::Host);
        }
    }
    check_authority(request, host)?;
    check_path(request)?;
    let length = length.and_then(parse_length);
    let target = match path {
        None => Target::try_from(request.uri()),
        Some((name, path)) => {
            request.headers_mut().remove(name);
            if !path.as_bytes().starts_with(b"/") {
                return Err(Malformed::Path);
            }
            Target::new(path.as_bytes())
        }
    };
    Ok(Sound { length, target })
}

/// Section 8.3.1: `:authority` "MUST NOT include the deprecated userinfo subcomponent", and a `host` that "identifies an
/// entity that differs" makes the request malformed.
fn check_authority<B>(request: &Request<B>, host: Option<&HeaderValue>) -> Result<(), Malformed> {
    let Some(authority) = request.uri().authority() else {
        return match *request.method() {
            Method::CONNECT => Err(Malformed::NoAuthority),
            _ => Ok(()),
        };
    };
    let authority = authority.as_str().as_bytes();
    if authority.contains(&b'@') {
        return Err(Malformed::Userinfo);
    }
    let scheme = request.uri().scheme_str().unwrap_or_default();
    let is_same =
        |host: &HeaderValue| hygiene::is_same_authority(scheme, authority, host.as_bytes());
    host.is_none_or(is_same)
        .then_some(())
        .ok_or(Malformed::Host)
}

/// Section 8.3.1: `:path` "MUST NOT be empty for http or https URIs", and `*` is for OPTIONS alone.
fn check_path<B>(request: &Request<B>) -> Result<(), Malformed> {
    let is_plain_connect = request.method() == Method::CONNECT
        && request.extensions().get::<h2::ext::Protocol>().is_none();
    let uri = request.uri();
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let is_asterisk = path == "*" && request.method() == Method::OPTIONS;
    if is_plain_connect || is_asterisk || (path.starts_with('/') && !uri.path().is_empty()) {
        return Ok(());
    }
    Err(Malformed::Path)
}

/// Section 8.2.1: "A field value MUST NOT start or end with an ASCII whitespace character".
fn has_outer_whitespace(value: &HeaderValue) -> bool {
    let is_white = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = value.as_bytes();
    is_white(bytes.first()) || is_white(bytes.last())
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    fn request(method: &str, uri: &str, fields: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::builder().method(method).uri(uri).body(()).unwrap();
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append(*name, value);
        }
        request
    }

    #[test]
    fn malformed_requests_are_told_from_sound_ones() {
        type Fields = &'static [(&'static str, &'static str)];
        let cases: &[(&str, &str, Fields, Result<(), Malformed>)] = &[
            ("GET", "http://a/x?y", &[], Ok(())),
            ("GET", "http://a/", &[("host", "A")], Ok(())),
            ("GET", "/x", &[("host", "a")], Ok(())),
            ("GET", "/x", &[], Ok(())),
            ("GET", "http://a/", &[("host", "b")], Err(Malformed::Host)),
            ("GET", "http://a:80/", &[("host", "a")], Ok(())),
            ("GET", "https://a:/", &[("host", "A:443")], Ok(())),
            (
                "GET",
                "https://a/",
                &[("host", "a:80")],
                Err(Malformed::Host),
            ),
            (
                "GET",
                "/",
                &[("host", "a"), ("host", "a")],
                Err(Malformed::Host),
            ),
            ("GET", "http://u@a/", &[], Err(Malformed::Userinfo)),
            ("OPTIONS", "*", &[("host", "a")], Ok(())),
            ("GET", "*", &[("host", "a")], Err(Malformed::Path)),
            ("CONNECT", "a:443", &[], Ok(())),
            ("CONNECT", "/", &[], Err(Malformed::NoAuthority)),
            ("POST", "http://a/", &[("content-length", "5")], Ok(())),
            (
                "POST",
                "http://a/",
                &[("content-length", "")],
                Err(Malformed::ContentLength),
            ),
            (
                "POST",
                "http://a/",
                &[("content-length", "5"), ("content-length", "5")],
                Err(Malformed::ContentLength),
            ),
            ("GET", "http://a/", &[("x", "a b")], Ok(())),
            ("GET", "http://a/", &[("x", "")], Ok(())),
            (
                "GET",
                "http://a/",
                &[("x", " a")],
                Err(Malformed::Whitespace),
            ),
            (
                "GET",
                "http://a/",
                &[("x", "a\t")],
                Err(Malformed::Whitespace),
            ),
        ];
        for (method, uri, fields, expected) in cases {
            let mut request = request(method, uri, fields);
            let checked = check_request(&mut request).map(drop);
            assert_eq!(checked, *expected, "{request:?}");
        }
    }

    #[test]
    fn a_sound_length_is_told() {
        let mut request = request("POST", "/", &[("content-length", "0050")]);
        assert_eq!(check_request(&mut request).unwrap().length, Some(50));
    }

    #[test]
    fn a_path_comes_in_a_field_where_the_type_has_no_place_for_it() {
        for (path, expected) in [
            ("/`a`?\"b\"", Ok("/`a`?\"b\"")),
            ("/a#b", Err(TargetError::Byte { at: 2, byte: b'#' })),
            ("/a b", Err(TargetError::Byte { at: 2, byte: b' ' })),
        ] {
            let mut request = request("GET", "http://a/xx", &[]);
            let value = HeaderValue::from_str(path).unwrap();
            let name = HeaderName::from_lowercase(PATH_AS_SENT.as_bytes()).unwrap();
            request.headers_mut().insert(name, value);
            let sound = check_request(&mut request).unwrap();
            assert_eq!(
                sound.target.as_ref().map(Target::as_str),
                expected.as_ref().copied()
            );
            assert!(request.headers().is_empty());
        }
        let mut star = request("GET", "http://a/x", &[]);
        let name = HeaderName::from_lowercase(PATH_AS_SENT.as_bytes()).unwrap();
        star.headers_mut()
            .insert(name, HeaderValue::from_static("*"));
        assert_eq!(check_request(&mut star), Err(Malformed::Path));
        let mut request = request("GET", "http://a/x?y", &[]);
        assert_eq!(
            check_request(&mut request)
                .unwrap()
                .target
                .unwrap()
                .as_str(),
            "/x?y"
        );
    }

    #[test]
    fn a_path_that_never_came_is_malformed() {
        let mut request = request("GET", "/", &[]);
        *request.uri_mut() = Uri::from_parts(http::uri::Parts::default()).unwrap();
        assert_eq!(check_request(&mut request), Err(Malformed::Path));
        let mut parts = http::uri::Parts::default();
        parts.path_and_query = Some("?x".parse().unwrap());
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
        assert_eq!(check_request(&mut request), Err(Malformed::Path));
    }

    #[test]
    fn te_trailers_stays_and_the_rest_of_the_hop_goes() {
        let fields = &[
            ("te", "trailers"),
            ("connection", "close"),
            ("keep-alive", "1"),
            ("upgrade", "x"),
            ("transfer-encoding", "chunked"),
            ("x", "1"),
        ];
        let mut request = request("GET", "/", fields);
        strip_connection_specific(request.headers_mut());
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["te", "x"]);
        request
            .headers_mut()
            .insert(TE, HeaderValue::from_static("gzip"));
        strip_connection_specific(request.headers_mut());
        assert!(!request.headers().contains_key(TE));
    }
}

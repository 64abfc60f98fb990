//! The heads of messages: what stands before the fields, and the fields.

use std::fmt;

use http::{HeaderMap, Method, StatusCode, Version, request, response};

use super::fields::Fields;
use super::syntax;

/// The head of a request.
#[derive(Debug, Clone)]
pub struct RequestHead {
    pub method: Method,
    /// Of the target, or HTTP/2's, until it has become the field `host`: [`receive_request`](super::hygiene::receive_request).
    pub authority: Option<Box<str>>,
    pub target: Target,
    pub version: Version,
    pub fields: Fields,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    pub status: StatusCode,
    /// The reason phrase as it came, if it isn't the usual one (RFC 9112, section 4). HTTP/2 has none.
    pub reason: Option<Box<[u8]>>,
    pub version: Version,
    pub fields: Fields,
}

/// What a request asks for: a path with its query as they are on the wire, or `*` (RFC 9112, section 3.2). The authority is
/// in the field `host`.
///
/// Free of what no target may hold: see [`syntax::not_of_a_target`].
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Box<str>);

impl RequestHead {
    /// `GET /` of HTTP/1.1 without fields.
    pub fn new() -> Self {
        Self {
            method: Method::GET,
            authority: None,
            target: Target::root(),
            version: Version::HTTP_11,
            fields: Fields::new(),
        }
    }
}

impl ResponseHead {
    /// Of HTTP/1.1, without fields.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            reason: None,
            version: Version::HTTP_11,
            fields: Fields::new(),
        }
    }
}

impl Default for RequestHead {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for ResponseHead {
    fn default() -> Self {
        Self::new(StatusCode::OK)
    }
}

impl Target {
    /// `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// A path with or without a query, or `*`; none if it is neither or holds what no target may.
    pub fn new(target: &[u8]) -> Option<Self> {
        let is_form = matches!(target, [b'/', ..] | b"*");
        if !is_form || syntax::not_of_a_target(target).is_some() {
            return None;
        }
        std::str::from_utf8(target)
            .ok()
            .map(|target| Self(target.into()))
    }

    /// Path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn path(&self) -> &str {
        self.0.split_once('?').map_or(&*self.0, |(path, _)| path)
    }

    /// What follows the first `?`.
    pub fn query(&self) -> Option<&str> {
        self.0.split_once('?').map(|(_, query)| query)
    }
}

/// As the `http` crate has it, for what is written for that. Its parser takes less than is a target here; what it doesn't take
/// comes as `/`, so nothing may decide by it whom a request meets.
impl From<&RequestHead> for request::Parts {
    fn from(head: &RequestHead) -> Self {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = head.method.clone();
        parts.uri = head.target.as_str().parse().unwrap_or_default();
        parts.version = head.version;
        parts.headers = HeaderMap::from(&head.fields);
        parts
    }
}

impl From<&ResponseHead> for response::Parts {
    fn from(head: &ResponseHead) -> Self {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = head.status;
        parts.version = head.version;
        parts.headers = HeaderMap::from(&head.fields);
        parts
    }
}

impl From<&response::Parts> for ResponseHead {
    fn from(parts: &response::Parts) -> Self {
        Self {
            status: parts.status,
            reason: None,
            version: parts.version,
            fields: Fields::from(&parts.headers),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_kept_as_they_are() {
        for good in ["/", "*", "/a%2Fb//c/../d?x=%20&y=é", "/?", "/a`?q=\"?\""] {
            assert_eq!(Target::new(good.as_bytes()).unwrap().as_str(), good);
        }
        for bad in ["", "a", "http://h/", "/a b", "/a#b", "/\r\n", "/a<"] {
            assert!(Target::new(bad.as_bytes()).is_none(), "{bad:?}");
        }
        assert!(Target::new(b"/\xff").is_none());
        let target = Target::new(b"/a?b?c").unwrap();
        assert_eq!((target.path(), target.query()), ("/a", Some("b?c")));
        assert_eq!(Target::root().query(), None);
    }
}

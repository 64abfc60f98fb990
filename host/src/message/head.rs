//! The heads of messages: what stands before the fields, and the fields.

use std::fmt::{self, Write as _};

use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Uri, Version, request, response};

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

/// A target holds what none may: [`syntax::not_of_a_target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the target holds what no target may")]
pub struct BadTarget;

/// From the `http` crate's form, as hyper, `h2` and `wasi:http` have it.
impl TryFrom<&Uri> for Target {
    type Error = BadTarget;

    fn try_from(uri: &Uri) -> Result<Self, BadTarget> {
        let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        match target.as_bytes() {
            // `http://h?q` has an empty path, which means the root (RFC 9110, section 4.2.3).
            [b'?', ..] => Self::new(format!("/{target}").as_bytes()),
            bytes => Self::new(bytes),
        }
        .ok_or(BadTarget)
    }
}

/// To the same. That type takes less than a target may hold: what it refuses is percent-encoded (`"` to `%22`, a backtick to
/// `%60`), which means the same (RFC 3986, section 2). It is only for what is sent in that form, never for a decision.
impl From<&Target> for PathAndQuery {
    fn from(target: &Target) -> Self {
        let whole = target.as_str();
        Self::try_from(whole)
            .or_else(|_| Self::try_from(encoded(target)))
            .unwrap_or_else(|_| Self::from_static("/"))
    }
}

fn encoded(target: &Target) -> String {
    let mut encoded = String::with_capacity(target.as_str().len() + 16);
    let parts = [(true, target.path()), (false, target.query().unwrap_or(""))];
    for (is_path, part) in parts {
        if !is_path && target.query().is_some() {
            encoded.push('?');
        }
        for c in part.chars() {
            if is_refused(is_path, c) {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Writing to a string does not fail.
                    let _ = write!(encoded, "%{byte:02X}");
                }
            } else {
                encoded.push(c);
            }
        }
    }
    encoded
}

/// Asks the type itself, since it has its own view of what a path and a query hold.
fn is_refused(is_path: bool, c: char) -> bool {
    let before = if is_path { "/" } else { "/?" };
    !c.is_ascii_alphanumeric() && PathAndQuery::try_from(format!("{before}{c}")).is_err()
}

impl TryFrom<&request::Parts> for RequestHead {
    type Error = BadTarget;

    fn try_from(parts: &request::Parts) -> Result<Self, BadTarget> {
        let authority = parts.uri.authority();
        Ok(Self {
            method: parts.method.clone(),
            authority: authority.map(|authority| authority.as_str().into()),
            target: Target::try_from(&parts.uri)?,
            version: parts.version,
            fields: Fields::from(&parts.headers),
        })
    }
}

impl From<&RequestHead> for request::Parts {
    fn from(head: &RequestHead) -> Self {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = head.method.clone();
        parts.uri = PathAndQuery::from(&head.target).into();
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
        for bad in ["", "a", "http://h/", "/a b", "/a#b", "/\r\n"] {
            assert!(Target::new(bad.as_bytes()).is_none(), "{bad:?}");
        }
        assert!(Target::new(b"/\xff").is_none());
        let target = Target::new(b"/a?b?c").unwrap();
        assert_eq!((target.path(), target.query()), ("/a", Some("b?c")));
        assert_eq!(Target::root().query(), None);
    }

    #[test]
    fn a_type_that_takes_less_gets_the_same_encoded() {
        for (target, expected) in [
            ("/a%2F?x=%20", "/a%2F?x=%20"),
            ("*", "*"),
            ("/?", "/?"),
            ("/a`b?c`d", "/a%60b?c`d"),
            ("/\"?q=up{job=\"x\"}", "/\"?q=up{job=%22x%22}"),
            ("/a?b?c", "/a?b?c"),
        ] {
            let target = Target::new(target.as_bytes()).unwrap();
            assert_eq!(PathAndQuery::from(&target).as_str(), expected);
        }
        // Whatever a target may hold, the type takes it then.
        let all: String = (0x21..0x7f_u8)
            .map(char::from)
            .filter(|c| *c != '#')
            .collect();
        for target in [format!("/{all}"), format!("/?{all}"), "/é?é".to_owned()] {
            let target = Target::new(target.as_bytes()).unwrap();
            assert_ne!(PathAndQuery::from(&target).as_str(), "/", "{target}");
        }
    }

    #[test]
    fn a_uri_has_authority_and_target() {
        for (uri, authority, target) in [
            ("http://b:81/p?q=%20", Some("b:81"), "/p?q=%20"),
            ("http://b", Some("b"), "/"),
            ("http://b?q", Some("b"), "/?q"),
            ("/only", None, "/only"),
            ("*", None, "*"),
            ("a:443", Some("a:443"), "/"),
        ] {
            let (parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
            let head = RequestHead::try_from(&parts).unwrap();
            assert_eq!(
                (head.authority.as_deref(), head.target.as_str()),
                (authority, target)
            );
        }
    }
}

//! The heads of messages: what stands before the fields, and the fields.

use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Version, request, response};

use super::fields::Fields;
use super::target::{Target, TargetError};

/// The head of a request.
#[derive(Debug, Clone)]
pub struct RequestHead {
    pub method: Method,
    /// Of the target, or HTTP/2's, until it has become the field `host`: [`receive_request`](super::hygiene::receive_request).
    pub authority: Option<Box<str>>,
    pub target: Target,
    pub version: Version,
    /// See [`ResponseHead::later_minor`].
    pub later_minor: Option<u8>,
    pub fields: Fields,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    pub status: StatusCode,
    /// The reason phrase as it came, if it isn't the usual one (RFC 9112, section 4). HTTP/2 has none.
    pub reason: Option<Box<[u8]>>,
    pub version: Version,
    /// The minor version that the sender named, if it is none that is known here: such a message is read as HTTP/1.1 (RFC 9110,
    /// section 2.5), and `via` tells what it was.
    pub later_minor: Option<u8>,
    pub fields: Fields,
}

impl RequestHead {
    /// `GET /` of HTTP/1.1 without fields.
    pub fn new() -> Self {
        Self {
            method: Method::GET,
            authority: None,
            target: Target::root(),
            version: Version::HTTP_11,
            later_minor: None,
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
            later_minor: None,
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

impl RequestHead {
    /// From the `http` crate's form, but for the target: that form can't hold every one.
    pub fn with_target(parts: &request::Parts, target: Target) -> Self {
        let authority = parts.uri.authority();
        Self {
            method: parts.method.clone(),
            authority: authority.map(|authority| authority.as_str().into()),
            target,
            version: parts.version,
            later_minor: None,
            fields: Fields::from(&parts.headers),
        }
    }
}

impl TryFrom<&request::Parts> for RequestHead {
    type Error = TargetError;

    fn try_from(parts: &request::Parts) -> Result<Self, TargetError> {
        Ok(Self::with_target(parts, Target::try_from(&parts.uri)?))
    }
}

impl TryFrom<&RequestHead> for request::Parts {
    type Error = TargetError;

    fn try_from(head: &RequestHead) -> Result<Self, TargetError> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = head.method.clone();
        parts.uri = PathAndQuery::try_from(&head.target)?.into();
        parts.version = head.version;
        parts.headers = HeaderMap::from(&head.fields);
        Ok(parts)
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
            later_minor: None,
            fields: Fields::from(&parts.headers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

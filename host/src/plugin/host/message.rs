//! `tollgate:proxy/request` and `tollgate:proxy/response`: the two messages of the exchange in hand.
//!
//! Both interfaces speak of fields and bodies alike, so the work is done once, on [`HeaderMap`] and [`Body`].

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Uri, header};

use super::State;
use crate::message::{Body, BodyError, ReadLimits};
use crate::plugin::bindings::tollgate::proxy::types::{self, FieldError};
use crate::plugin::bindings::tollgate::proxy::{request, response};
use crate::plugin::convert;

type FieldResult = Result<(), FieldError>;

impl types::Host for State {}

impl request::Host for State {
    fn method(&mut self) -> String {
        self.exchange.request.method.as_str().to_owned()
    }

    fn set_method(&mut self, method: String) -> FieldResult {
        let valid = Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|m| *m != Method::CONNECT);
        self.exchange.request.method = valid.ok_or(FieldError::InvalidValue(format!(
            "{method:?} is not a method"
        )))?;
        Ok(())
    }

    fn scheme(&mut self) -> String {
        self.exchange.scheme.as_str().to_owned()
    }

    fn authority(&mut self) -> String {
        let host = self.exchange.request.headers.get(header::HOST);
        host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
            .unwrap_or_default()
    }

    fn set_authority(&mut self, authority: String) -> FieldResult {
        if authority.parse::<http::uri::Authority>().is_err() {
            return Err(FieldError::InvalidValue(format!(
                "{authority:?} is not an authority"
            )));
        }
        fields::set(
            &mut self.exchange.request.headers,
            "host",
            authority.into_bytes(),
        )
    }

    fn target(&mut self) -> String {
        self.exchange
            .request
            .uri
            .path_and_query()
            .map_or("/", PathAndQuery::as_str)
            .to_owned()
    }

    fn set_target(&mut self, target: String) -> FieldResult {
        self.exchange.request.uri = parse_target(&target).ok_or_else(|| {
            FieldError::InvalidValue(format!(
                "{target:?} is not a target: path and query as on the wire, from \"/\""
            ))
        })?;
        Ok(())
    }

    fn field(&mut self, name: String) -> Option<Vec<u8>> {
        fields::get(&self.exchange.request.headers, &name)
    }

    fn field_values(&mut self, name: String) -> Vec<Vec<u8>> {
        fields::get_all(&self.exchange.request.headers, &name)
    }

    fn fields(&mut self) -> Vec<(String, Vec<u8>)> {
        fields::list(&self.exchange.request.headers)
    }

    fn set_field(&mut self, name: String, value: Vec<u8>) -> FieldResult {
        fields::set(&mut self.exchange.request.headers, &name, value)
    }

    fn set_fields(&mut self, list: Vec<(String, Vec<u8>)>) -> FieldResult {
        fields::set_all(&mut self.exchange.request.headers, list)
    }

    fn append_field(&mut self, name: String, value: Vec<u8>) -> FieldResult {
        fields::append(&mut self.exchange.request.headers, &name, value)
    }

    fn delete_field(&mut self, name: String) -> FieldResult {
        fields::delete(&mut self.exchange.request.headers, &name)
    }

    async fn body(&mut self) -> Result<Vec<u8>, types::BodyError> {
        let limits = self.read_limits();
        let read = read_body(&mut self.exchange.request_body, limits).await;
        self.remember(read)
    }

    fn set_body(&mut self, body: Vec<u8>) {
        self.exchange.set_request_body(Bytes::from(body));
    }
}

impl response::Host for State {
    fn status(&mut self) -> u16 {
        self.exchange.response.status.as_u16()
    }

    fn set_status(&mut self, status: u16) -> FieldResult {
        let valid = (200..600)
            .contains(&status)
            .then(|| StatusCode::from_u16(status).ok())
            .flatten();
        self.exchange.response.status = valid.ok_or_else(|| {
            FieldError::InvalidValue(format!("{status} is not a final status (200 to 599)"))
        })?;
        Ok(())
    }

    fn field(&mut self, name: String) -> Option<Vec<u8>> {
        fields::get(&self.exchange.response.headers, &name)
    }

    fn field_values(&mut self, name: String) -> Vec<Vec<u8>> {
        fields::get_all(&self.exchange.response.headers, &name)
    }

    fn fields(&mut self) -> Vec<(String, Vec<u8>)> {
        fields::list(&self.exchange.response.headers)
    }

    fn set_field(&mut self, name: String, value: Vec<u8>) -> FieldResult {
        fields::set(&mut self.exchange.response.headers, &name, value)
    }

    fn set_fields(&mut self, list: Vec<(String, Vec<u8>)>) -> FieldResult {
        fields::set_all(&mut self.exchange.response.headers, list)
    }

    fn append_field(&mut self, name: String, value: Vec<u8>) -> FieldResult {
        fields::append(&mut self.exchange.response.headers, &name, value)
    }

    fn delete_field(&mut self, name: String) -> FieldResult {
        fields::delete(&mut self.exchange.response.headers, &name)
    }

    async fn body(&mut self) -> Result<Vec<u8>, types::BodyError> {
        let limits = self.read_limits();
        let read = read_body(&mut self.exchange.response_body, limits).await;
        self.remember(read)
    }

    fn set_body(&mut self, body: Vec<u8>) {
        self.exchange.set_response_body(Bytes::from(body));
    }
}

impl State {
    fn read_limits(&self) -> ReadLimits {
        ReadLimits {
            size: self.facts.limits.body,
            idle: self.facts.limits.body_timeout,
        }
    }

    /// Keeps why a body could not be had: if the plugin then gives up, the client shall hear that reason.
    fn remember(&mut self, read: Result<Vec<u8>, BodyError>) -> Result<Vec<u8>, types::BodyError> {
        read.map_err(|error| {
            let told = convert::body_error(&error);
            self.body_error = Some(error);
            told
        })
    }
}

async fn read_body(body: &mut Body, limits: ReadLimits) -> Result<Vec<u8>, BodyError> {
    body.read_all(limits).await.map(|bytes| bytes.to_vec())
}

/// A target in origin form, or `*`. A fragment has no place in one (RFC 9112, section 3.2).
fn parse_target(target: &str) -> Option<Uri> {
    if !(target.starts_with('/') || target == "*") || target.contains('#') {
        return None;
    }
    PathAndQuery::try_from(target).ok().map(Uri::from)
}

/// Reading and changing fields under the contract's rules.
mod fields {
    use super::{Bytes, FieldError, FieldResult, HeaderMap};
    use crate::message::hygiene;
    use http::{HeaderName, HeaderValue};

    /// More fields than any real message has; a bound for a plugin that loops.
    const MOST: usize = 1000;

    pub fn get(map: &HeaderMap, name: &str) -> Option<Vec<u8>> {
        map.get(name).map(|value| value.as_bytes().to_vec())
    }

    pub fn get_all(map: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
        map.get_all(name)
            .iter()
            .map(|value| value.as_bytes().to_vec())
            .collect()
    }

    pub fn list(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
        map.iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect()
    }

    pub fn set(map: &mut HeaderMap, name: &str, value: Vec<u8>) -> FieldResult {
        let (name, value) = (settable(name)?, valid(value)?);
        room(map, 1)?;
        map.insert(name, value);
        Ok(())
    }

    pub fn append(map: &mut HeaderMap, name: &str, value: Vec<u8>) -> FieldResult {
        let (name, value) = (settable(name)?, valid(value)?);
        room(map, 1)?;
        map.append(name, value);
        Ok(())
    }

    pub fn delete(map: &mut HeaderMap, name: &str) -> FieldResult {
        map.remove(settable(name)?);
        Ok(())
    }

    /// All or nothing: every field is checked before the first is changed.
    pub fn set_all(map: &mut HeaderMap, list: Vec<(String, Vec<u8>)>) -> FieldResult {
        room(map, list.len())?;
        let list: Vec<(HeaderName, HeaderValue)> = list
            .into_iter()
            .map(|(name, value)| Ok((settable(&name)?, valid(value)?)))
            .collect::<Result<_, FieldError>>()?;
        for (name, _) in &list {
            map.remove(name);
        }
        for (name, value) in list {
            map.append(name, value);
        }
        Ok(())
    }

    fn settable(name: &str) -> Result<HeaderName, FieldError> {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| FieldError::InvalidName(name.to_owned()))?;
        if hygiene::is_owned_by_host(&parsed) {
            return Err(FieldError::OwnedByHost(name.to_owned()));
        }
        Ok(parsed)
    }

    fn valid(value: Vec<u8>) -> Result<HeaderValue, FieldError> {
        HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(|_| {
            FieldError::InvalidValue("a field value holds no control characters but tab".to_owned())
        })
    }

    fn room(map: &HeaderMap, more: usize) -> FieldResult {
        if map.len() + more > MOST {
            Err(FieldError::TooMany)
        } else {
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn names_and_values_are_checked() {
            let mut map = HeaderMap::new();
            assert!(set(&mut map, "X-A", b"\xff\x80 \t~".to_vec()).is_ok());
            assert_eq!(get(&map, "x-a"), Some(b"\xff\x80 \t~".to_vec()));
            for bad in ["", "a b", "ü", "a:"] {
                assert!(
                    matches!(set(&mut map, bad, vec![]), Err(FieldError::InvalidName(n)) if n == bad)
                );
            }
            for bad in [&b"a\rb"[..], b"a\nb", b"a\0b"] {
                assert!(matches!(
                    append(&mut map, "x", bad.to_vec()),
                    Err(FieldError::InvalidValue(_))
                ));
            }
            for owned in [
                "Content-Length",
                "transfer-encoding",
                "connection",
                "te",
                "trailer",
                "upgrade",
            ] {
                assert!(
                    matches!(
                        set(&mut map, owned, vec![]),
                        Err(FieldError::OwnedByHost(_))
                    ),
                    "{owned}"
                );
                assert!(
                    matches!(delete(&mut map, owned), Err(FieldError::OwnedByHost(_))),
                    "{owned}"
                );
            }
            assert_eq!(map.len(), 1);
        }

        #[test]
        fn several_fields_are_set_together_or_not_at_all() {
            let mut map = HeaderMap::new();
            map.append("a", HeaderValue::from_static("old"));
            map.append("b", HeaderValue::from_static("kept"));
            let field = |n: &str, v: &str| (n.to_owned(), v.as_bytes().to_vec());
            assert!(
                set_all(
                    &mut map,
                    vec![field("a", "1"), field("A", "2"), field("te", "x")]
                )
                .is_err()
            );
            assert_eq!(get_all(&map, "a"), [b"old"]);
            set_all(&mut map, vec![field("a", "1"), field("A", "2")]).unwrap();
            assert_eq!(get_all(&map, "a"), [b"1", b"2"]);
            assert_eq!(get(&map, "b").unwrap(), b"kept");
        }

        #[test]
        fn a_message_has_a_most_of_fields() {
            let mut map = HeaderMap::new();
            for _ in 0..MOST {
                append(&mut map, "a", vec![]).unwrap();
            }
            assert!(matches!(
                append(&mut map, "a", vec![]),
                Err(FieldError::TooMany)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_as_they_are() {
        for good in ["/", "*", "/a%2Fb//c/../d?x=%20&y=é", "/?"] {
            assert_eq!(
                parse_target(good)
                    .unwrap()
                    .path_and_query()
                    .unwrap()
                    .as_str(),
                good
            );
        }
        for bad in ["", "a", "http://h/", "/a b", "/a#b", "/\r\n"] {
            assert!(parse_target(bad).is_none(), "{bad:?}");
        }
    }
}

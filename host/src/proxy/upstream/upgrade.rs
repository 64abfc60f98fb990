//! WebSocket handshakes between the two protocols that can carry them.
//!
//! HTTP/1.1 has `Upgrade` with a key and its answer (RFC 6455, section 4), HTTP/2 an extended CONNECT without them (RFC
//! 8441, section 5). Where client and backend differ, this hop makes up what the other side needs.

use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, response};
use ring::digest;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::error::UpstreamError;

/// RFC 6455, section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How a client asked for the switch, and so how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrade {
    /// HTTP/1.1: `upgrade` names the protocol; the answer is 101.
    Http1,
    /// HTTP/2: a WebSocket handshake by extended CONNECT, which comes here as GET with `upgrade: websocket` and without a
    /// key; the answer is 200.
    ExtendedConnect,
}

/// The key that was sent for a client of HTTP/2, to hold the answer against.
#[derive(Debug)]
pub(super) struct SentKey(HeaderValue);

/// Makes a request of a client of HTTP/2 a handshake of HTTP/1.1.
///
/// # Errors
/// When the system has no random bytes.
pub(super) fn add_key(fields: &mut HeaderMap) -> Result<SentKey, UpstreamError> {
    let mut nonce = [0; 16];
    let failed = || UpstreamError::Upgrade("no key for the handshake can be made".to_owned());
    SystemRandom::new().fill(&mut nonce).map_err(|_| failed())?;
    let key = HeaderValue::from_str(&base64(&nonce)).map_err(|_| failed())?;
    fields.insert(SEC_WEBSOCKET_KEY, key.clone());
    if !fields.contains_key(SEC_WEBSOCKET_VERSION) {
        fields.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    Ok(SentKey(key))
}

/// Makes a 101 the answer to an extended CONNECT.
///
/// # Errors
/// When the backend switched to something else or has not read the key (RFC 6455, section 4.1).
pub(super) fn to_extended_connect(
    head: &mut response::Parts,
    key: &SentKey,
) -> Result<(), UpstreamError> {
    if !is_websocket(&head.headers) {
        return Err(UpstreamError::Upgrade(
            "the backend switched to another protocol".to_owned(),
        ));
    }
    let expected = accept(&key.0);
    if head.headers.get(SEC_WEBSOCKET_ACCEPT) != Some(&expected) {
        return Err(UpstreamError::Upgrade(
            "sec-websocket-accept doesn't answer the key".to_owned(),
        ));
    }
    for name in [SEC_WEBSOCKET_ACCEPT, UPGRADE, CONNECTION] {
        head.headers.remove(name);
    }
    head.status = StatusCode::OK;
    Ok(())
}

/// Makes a handshake an extended CONNECT. Returns the client's key, if it sent one.
pub(super) fn into_extended_connect(request: &mut Request<()>) -> Option<HeaderValue> {
    *request.method_mut() = Method::CONNECT;
    let protocol = h2::ext::Protocol::from_static("websocket");
    request.extensions_mut().insert(protocol);
    request.headers_mut().remove(UPGRADE);
    request.headers_mut().remove(SEC_WEBSOCKET_KEY)
}

/// Makes the answer to an extended CONNECT a 101 for the client that sent this key.
pub(super) fn to_switching_protocols(head: &mut response::Parts, key: &HeaderValue) {
    head.status = StatusCode::SWITCHING_PROTOCOLS;
    head.headers
        .insert(UPGRADE, HeaderValue::from_static("websocket"));
    head.headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(SEC_WEBSOCKET_ACCEPT, accept(key));
}

/// `upgrade` asks for, or agrees to, WebSocket.
pub(super) fn is_websocket(fields: &HeaderMap) -> bool {
    const NAME: HeaderName = UPGRADE;
    fields
        .get(NAME)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// RFC 6455, section 4.2.2, item 5.4. SHA-1 shows here that the peer has read the key; it protects nothing.
fn accept(key: &HeaderValue) -> HeaderValue {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key.as_bytes());
    context.update(GUID);
    let text = base64(context.finish().as_ref());
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= group.len() {
                letter as char
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    #[test]
    fn the_answer_to_the_key_is_that_of_the_rfc() {
        // RFC 6455, section 1.3.
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    fn switched(accept: HeaderValue) -> response::Parts {
        let response = Response::builder()
            .status(101)
            .header("upgrade", "WebSocket")
            .header("connection", "upgrade")
            .header("sec-websocket-protocol", "chat")
            .header("sec-websocket-accept", accept);
        response.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_backend_has_to_answer_the_key() {
        let mut fields = HeaderMap::new();
        let key = add_key(&mut fields).unwrap();
        let other = add_key(&mut fields).unwrap();
        assert_ne!(key.0, other.0);
        assert_eq!(fields[SEC_WEBSOCKET_KEY], other.0);
        let mut head = switched(accept(&other.0));
        assert!(to_extended_connect(&mut head, &key).is_err());
        to_extended_connect(&mut head, &other).unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(head.headers.len(), 1, "{:?}", head.headers);
    }

    #[test]
    fn a_handshake_becomes_an_extended_connect_and_its_answer_a_101() {
        let mut request = Request::builder()
            .header("upgrade", "websocket")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-version", "13")
            .body(())
            .unwrap();
        let key = into_extended_connect(&mut request).unwrap();
        assert_eq!(request.method(), Method::CONNECT);
        assert_eq!(request.headers().len(), 1);
        let mut head = Response::new(()).into_parts().0;
        to_switching_protocols(&mut head, &key);
        assert_eq!(head.status, 101);
        assert_eq!(
            head.headers[SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}

//! WebSocket handshakes between the two protocols that can carry them.
//!
//! HTTP/1.1 has `Upgrade` with a key and its answer (RFC 6455, section 4), HTTP/2 an extended CONNECT without them (RFC
//! 8441, section 5). Where client and backend differ, this hop makes up what the other side needs.

use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
use http::{HeaderValue, StatusCode};
use ring::digest;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::error::UpstreamError;
use crate::message::{Fields, Known, ResponseHead};

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
pub(super) fn add_key(fields: &mut Fields) -> Result<SentKey, UpstreamError> {
    let mut nonce = [0; 16];
    let failed = || UpstreamError::Upgrade("no key for the handshake can be made".to_owned());
    SystemRandom::new().fill(&mut nonce).map_err(|_| failed())?;
    let key = HeaderValue::from_str(&base64(&nonce)).map_err(|_| failed())?;
    fields.insert(SEC_WEBSOCKET_KEY, &key);
    if !fields.contains(SEC_WEBSOCKET_VERSION) {
        fields.insert(SEC_WEBSOCKET_VERSION, "13");
    }
    Ok(SentKey(key))
}

/// Makes a 101 the answer to an extended CONNECT.
///
/// # Errors
/// When the backend switched to something else or has not read the key (RFC 6455, section 4.1).
pub(super) fn to_extended_connect(
    head: &mut ResponseHead,
    key: &SentKey,
) -> Result<(), UpstreamError> {
    if !is_websocket(&head.fields) {
        return Err(UpstreamError::Upgrade(
            "the backend switched to another protocol".to_owned(),
        ));
    }
    let expected = accept(key.0.as_bytes());
    if head.fields.get(SEC_WEBSOCKET_ACCEPT) != Some(expected.as_bytes()) {
        return Err(UpstreamError::Upgrade(
            "sec-websocket-accept doesn't answer the key".to_owned(),
        ));
    }
    head.fields.remove(SEC_WEBSOCKET_ACCEPT);
    head.fields
        .remove_all(Known::set(&[Known::Upgrade, Known::Connection]));
    head.status = StatusCode::OK;
    Ok(())
}

/// Makes the fields of a handshake those of an extended CONNECT. Returns the client's key, if it sent one.
pub(super) fn into_extended_connect(fields: &mut Fields) -> Option<Box<[u8]>> {
    let key = fields.get(SEC_WEBSOCKET_KEY).map(Into::into);
    fields.remove(Known::Upgrade);
    fields.remove(SEC_WEBSOCKET_KEY);
    key
}

/// Makes the answer to an extended CONNECT a 101 for the client that sent this key.
pub(super) fn to_switching_protocols(head: &mut ResponseHead, key: &[u8]) {
    head.status = StatusCode::SWITCHING_PROTOCOLS;
    head.fields.insert(Known::Upgrade, "websocket");
    head.fields.insert(Known::Connection, "upgrade");
    head.fields.insert(SEC_WEBSOCKET_ACCEPT, accept(key));
}

/// `upgrade` asks for, or agrees to, WebSocket.
pub(super) fn is_websocket(fields: &Fields) -> bool {
    let protocol = fields.get(Known::Upgrade);
    protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

/// RFC 6455, section 4.2.2, item 5.4. SHA-1 shows here that the peer has read the key; it protects nothing.
fn accept(key: &[u8]) -> HeaderValue {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key);
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
    use super::*;

    #[test]
    fn the_answer_to_the_key_is_that_of_the_rfc() {
        // RFC 6455, section 1.3.
        let key = b"dGhlIHNhbXBsZSBub25jZQ==";
        assert_eq!(accept(key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
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

    fn switched(accept: HeaderValue) -> ResponseHead {
        let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
        for (name, value) in [
            ("upgrade", "WebSocket"),
            ("connection", "upgrade"),
            ("sec-websocket-protocol", "chat"),
        ] {
            head.fields.append(name, value);
        }
        head.fields.append(SEC_WEBSOCKET_ACCEPT, accept);
        head
    }

    #[test]
    fn a_backend_has_to_answer_the_key() {
        let mut fields = Fields::new();
        let key = add_key(&mut fields).unwrap();
        let other = add_key(&mut fields).unwrap();
        assert_ne!(key.0, other.0);
        assert_eq!(fields.get(SEC_WEBSOCKET_KEY), Some(other.0.as_bytes()));
        let mut head = switched(accept(other.0.as_bytes()));
        assert!(to_extended_connect(&mut head, &key).is_err());
        to_extended_connect(&mut head, &other).unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(head.fields.len(), 1, "{:?}", head.fields);
    }

    #[test]
    fn a_handshake_becomes_an_extended_connect_and_its_answer_a_101() {
        let mut fields: Fields = [
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ]
        .into_iter()
        .collect();
        let key = into_extended_connect(&mut fields).unwrap();
        assert_eq!(fields.len(), 1);
        let mut head = ResponseHead::new(StatusCode::OK);
        to_switching_protocols(&mut head, &key);
        assert_eq!(head.status, 101);
        assert_eq!(
            head.fields.get_text(SEC_WEBSOCKET_ACCEPT),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
    }
}

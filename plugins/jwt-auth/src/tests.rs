//! The plugin by its parts, and on exchanges of a test.

mod claims;
mod exchanges;
mod keys;
mod rotation;
mod settings;
mod token;
mod tokens;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use serde_json::{Value, json};

/// The time in tests, in seconds since 1970: 2026-01-01.
const NOW: u64 = 1_767_225_600;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The private key of RFC 7515, appendix A.3, and others by their number.
fn signing_key(number: u8) -> p256::ecdsa::SigningKey {
    let mut key = BASE64_URL_SAFE_NO_PAD
        .decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")
        .unwrap();
    key[31] ^= number;
    p256::ecdsa::SigningKey::from_slice(&key).unwrap()
}

/// A JWKS with these keys of [`signing_key`], each named by its number.
fn jwks(numbers: &[u8]) -> String {
    let keys: Vec<Value> = numbers
        .iter()
        .map(|number| {
            let point = signing_key(*number).verifying_key().to_sec1_point(false);
            let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
            json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": number.to_string(), "x": x, "y": y })
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

/// A token with this header and these claims, signed with a key of [`signing_key`].
fn signed(number: u8, header: &Value, claims: &Value) -> String {
    let message = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    );
    let signature: p256::ecdsa::Signature = signing_key(number).sign(message.as_bytes());
    format!("{message}.{}", encode(signature.to_bytes()))
}

/// A good token of a key of [`signing_key`], with more claims or others.
fn good(number: u8, more: &Value) -> String {
    let mut claims =
        json!({ "iss": "https://id.example/", "aud": "api", "sub": "ann", "exp": NOW + 600 });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    signed(
        number,
        &json!({ "alg": "ES256", "kid": number.to_string() }),
        &claims,
    )
}

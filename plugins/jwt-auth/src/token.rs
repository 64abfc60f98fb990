//! A token as it comes: three parts, read and not yet believed (RFC 7515, section 7.1).

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::keys::{Algorithm, decode};

/// A token is longer than any that is used, if it is longer than this.
const MOST_BYTES: usize = 16 * 1024;

/// The parts of a token. Nothing in it is to be believed before the signature is verified.
#[derive(Debug)]
pub struct Token<'a> {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    /// The type, in lower case and without `application/`.
    pub typ: Option<String>,
    pub claims: Map<String, Value>,
    /// What is signed.
    pub message: &'a [u8],
    pub signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// What is wrong with it, for its sender.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        if text.len() > MOST_BYTES {
            return Err("the token is too long");
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("the token does not have three parts");
        };
        let message = &text.as_bytes()[..header.len() + 1 + payload.len()];
        let signature = decode(signature).map_err(|_| "the signature is not base64url")?;
        let header = object(header).ok_or("the header is not a JSON object")?;
        // Nothing that a header could call critical is understood here (RFC 7515, section 4.1.11).
        if header.contains_key("crit") {
            return Err("the token has a critical header parameter");
        }
        let algorithm = header.get("alg").and_then(Value::as_str);
        let algorithm = algorithm
            .and_then(Algorithm::named)
            .ok_or("the algorithm is not supported")?;
        let text_of = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err("a header parameter is not text"),
        };
        let typ = text_of("typ")?.map(|typ| normal_type(&typ));
        Ok(Self {
            algorithm,
            kid: text_of("kid")?,
            typ,
            claims: object(payload).ok_or("the claims are not a JSON object")?,
            message,
            signature,
        })
    }
}

/// Types are compared without case, and `application/` may be left out (RFC 7515, section 4.1.9).
pub fn normal_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(short) if !short.contains('/') => short.to_owned(),
        _ => typ,
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let json = decode(part).ok()?;
    let mut reader = serde_json::Deserializer::from_slice(&json);
    let object = reader.deserialize_map(Unique).ok()?;
    reader.end().ok()?;
    Some(object)
}

/// An object whose members are unique: of two with the same name, others could take the other one.
struct Unique;

impl<'de> Visitor<'de> for Unique {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is there twice"));
            }
        }
        Ok(map)
    }
}

//! Keys, and what each can verify.
//!
//! The type of a key decides which algorithms it verifies: a token's `alg` can only choose among these. So a token that is
//! signed with HMAC and a public key as its secret is refused, and so is `none`, which no key verifies (RFC 8725, sections
//! 2.1 and 3.1).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Verifier;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::{BoxedUint, Pss};
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Bits of an RSA modulus (RFC 7518, section 3.3: at least 2048).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Keys of one JWKS that are looked at. What an issuer publishes is much less.
pub const MOST_KEYS: usize = 100;

/// Algorithms of signatures (RFC 7518, section 3.1; RFC 8037, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// With a secret that both sides know.
pub const SYMMETRIC: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
/// With a pair of keys.
pub const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

impl Algorithm {
    /// By its name in a token or a JWK. Letters count: `hs256` is no algorithm.
    pub fn named(name: &str) -> Option<Self> {
        let all = SYMMETRIC.iter().chain(&ASYMMETRIC);
        all.copied().find(|one| one.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// A key that verifies.
#[derive(Debug)]
pub struct Key {
    pub kid: Option<String>,
    /// The only algorithm that it may be used with; none if its type alone decides.
    algorithm: Option<Algorithm>,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Rsa(Box<rsa::PublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    Ed25519(ed25519_compact::PublicKey),
}

/// Without the secret.
impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret",
            Self::Rsa(_) => "Rsa",
            Self::P256(_) => "P256",
            Self::P384(_) => "P384",
            Self::Ed25519(_) => "Ed25519",
        })
    }
}

/// A key as it is published (RFC 7517, section 4). Members that are of no use here are passed over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: String,
    n: String,
    e: String,
    x: String,
    y: String,
}

impl Key {
    /// A secret for HMAC. It is at least as long as the algorithm's hash (RFC 7518, section 3.2).
    pub fn secret(secret: Vec<u8>) -> Self {
        Self {
            kid: None,
            algorithm: None,
            material: Material::Secret(secret),
        }
    }

    /// Reads a public key.
    ///
    /// # Errors
    /// Why it cannot be used. Symmetric keys never can: whoever may read a JWKS could sign with them.
    pub fn read(jwk: &Jwk) -> Result<Self, String> {
        if jwk.r#use.as_deref().is_some_and(|use_| use_ != "sig") {
            return Err("it is not for signatures (use)".to_owned());
        }
        let is_verify = |op: &String| op == "verify";
        if jwk
            .key_ops
            .as_ref()
            .is_some_and(|ops| !ops.iter().any(is_verify))
        {
            return Err("it is not for verifying (key_ops)".to_owned());
        }
        let material = match (jwk.kty.as_str(), jwk.crv.as_str()) {
            ("RSA", _) => rsa(jwk)?,
            ("EC", "P-256") => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk, 32)?);
                Material::P256(Box::new(
                    key.map_err(|_| "its point is not on the curve P-256")?,
                ))
            }
            ("EC", "P-384") => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk, 48)?);
                Material::P384(Box::new(
                    key.map_err(|_| "its point is not on the curve P-384")?,
                ))
            }
            ("OKP", "Ed25519") => {
                let key = ed25519_compact::PublicKey::from_slice(&decode(&jwk.x)?);
                Material::Ed25519(key.map_err(|_| "x is not a key of Ed25519")?)
            }
            ("oct", _) => {
                return Err("it is a secret, and secrets are not taken from a JWKS".to_owned());
            }
            (kty, crv) => {
                return Err(format!(
                    "its type is not supported: kty {kty:?}, crv {crv:?}"
                ));
            }
        };
        let mut key = Self {
            kid: jwk.kid.clone(),
            algorithm: None,
            material,
        };
        if let Some(name) = &jwk.alg {
            let algorithm = Algorithm::named(name).filter(|one| key.fits(*one));
            key.algorithm =
                Some(algorithm.ok_or_else(|| format!("its algorithm is not supported: {name:?}"))?);
        }
        Ok(key)
    }

    /// Whether a key of this type may verify with this algorithm.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        if self.algorithm.is_some_and(|only| only != algorithm) {
            return false;
        }
        match algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                matches!(self.material, Material::Secret(_))
            }
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => matches!(self.material, Material::Rsa(_)),
            Algorithm::ES256 => matches!(self.material, Material::P256(_)),
            Algorithm::ES384 => matches!(self.material, Material::P384(_)),
            Algorithm::EdDSA => matches!(self.material, Material::Ed25519(_)),
        }
    }

    /// Whether a signature is this key's. False too if the key is not for the algorithm.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        match &self.material {
            Material::Secret(secret) => match algorithm {
                Algorithm::HS256 => is_mac::<Hmac<Sha256>>(secret, message, signature),
                Algorithm::HS384 => is_mac::<Hmac<Sha384>>(secret, message, signature),
                Algorithm::HS512 => is_mac::<Hmac<Sha512>>(secret, message, signature),
                _ => false,
            },
            Material::Rsa(key) => is_rsa(key, algorithm, message, signature),
            Material::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Material::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Material::Ed25519(key) => ed25519_compact::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

fn is_mac<M: Mac + KeyInit>(secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(secret)
        .is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
}

fn is_rsa(key: &rsa::PublicKey, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let verified = match algorithm {
        Algorithm::RS256 => key.verify(
            Pkcs1v15Sign::new::<Sha256>(),
            &Sha256::digest(message),
            signature,
        ),
        Algorithm::RS384 => key.verify(
            Pkcs1v15Sign::new::<Sha384>(),
            &Sha384::digest(message),
            signature,
        ),
        Algorithm::RS512 => key.verify(
            Pkcs1v15Sign::new::<Sha512>(),
            &Sha512::digest(message),
            signature,
        ),
        // The salt is as long as the hash (RFC 7518, section 3.5).
        Algorithm::PS256 => key.verify(Pss::<Sha256>::new(), &Sha256::digest(message), signature),
        Algorithm::PS384 => key.verify(Pss::<Sha384>::new(), &Sha384::digest(message), signature),
        Algorithm::PS512 => key.verify(Pss::<Sha512>::new(), &Sha512::digest(message), signature),
        _ => return false,
    };
    verified.is_ok()
}

fn rsa(jwk: &Jwk) -> Result<Material, String> {
    let number = |text: &str| -> Result<BoxedUint, String> {
        let bytes = decode(text)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(BoxedUint::from_be_slice_vartime(&bytes[zeros..]))
    };
    let (n, e) = (number(&jwk.n)?, number(&jwk.e)?);
    let key = rsa::PublicKey::new_with_size_limits(n, e, RSA_BITS);
    let key = key.map_err(|error| {
        format!("its modulus or exponent cannot be used ({error}): 2048 to 8192 bits are supported")
    })?;
    Ok(Material::Rsa(Box::new(key)))
}

/// A point as SEC 1 writes it, not compressed. Both coordinates have their full length (RFC 7518, section 6.2.1.2).
fn point(jwk: &Jwk, length: usize) -> Result<Vec<u8>, String> {
    let (x, y) = (decode(&jwk.x)?, decode(&jwk.y)?);
    if x.len() != length || y.len() != length {
        return Err(format!("x and y must have {length} bytes each"));
    }
    Ok([&[4], x.as_slice(), &y].concat())
}

/// Decodes base64url without padding (RFC 7515, section 2).
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| "a member is not base64url without padding".to_owned())
}

/// Reads a JWKS: the keys that can be used, and why others cannot.
///
/// # Errors
/// When it is none (RFC 7517, section 5), or no key in it can be used.
pub fn read_set(json: &[u8]) -> Result<(Vec<Key>, Vec<String>), String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set =
        serde_json::from_slice(json).map_err(|error| format!("it is not a JWKS: {error}"))?;
    let (mut keys, mut refused) = (Vec::new(), Vec::new());
    for value in set.keys.into_iter().take(MOST_KEYS) {
        let kid = value["kid"].as_str().unwrap_or("without kid").to_owned();
        let read = serde_json::from_value(value).map_err(|error| error.to_string());
        match read.and_then(|jwk: Jwk| Key::read(&jwk)) {
            Ok(key) => keys.push(key),
            Err(why) => refused.push(format!("{kid}: {why}")),
        }
    }
    if keys.is_empty() {
        return Err(match refused.is_empty() {
            true => "it has no keys".to_owned(),
            false => format!("none of its keys can be used: {}", refused.join("; ")),
        });
    }
    Ok((keys, refused))
}

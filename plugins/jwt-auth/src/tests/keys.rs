//! Algorithms: the examples of the RFCs, tokens of OpenSSL, and what no key may verify.

use serde_json::{Value, json};

use super::tokens::{JWKS, MODULUS_OF_1024_BITS, TOKENS};
use crate::keys::{ASYMMETRIC, Algorithm, Jwk, Key, MOST_KEYS, SYMMETRIC, decode, read_set};
use crate::token::Token;

/// RFC 7515, appendix A.1.
const SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

/// RFC 7515 A.1, A.2 and A.3, RFC 8037 A.4: the algorithm, the key's `kid` in [`JWKS`], and the JWS.
const EXAMPLES: [(Algorithm, &str, &str); 4] = [
    (
        Algorithm::HS256,
        "",
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ),
    (
        Algorithm::RS256,
        "rsa",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    ),
    (
        Algorithm::ES256,
        "p256",
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ),
    (
        Algorithm::EdDSA,
        "ed",
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    ),
];

fn keys() -> Vec<Key> {
    let (keys, refused) = read_set(JWKS.as_bytes()).unwrap();
    assert_eq!(refused, [""; 0]);
    keys
}

/// What is signed, and the signature.
fn parts(jws: &str) -> (&[u8], Vec<u8>) {
    let (message, signature) = jws.rsplit_once('.').unwrap();
    (message.as_bytes(), decode(signature).unwrap())
}

fn refused(jwk: Value) -> String {
    Key::read(&serde_json::from_value::<Jwk>(jwk).unwrap()).unwrap_err()
}

#[test]
fn the_examples_of_the_rfcs_are_verified_by_their_keys_alone() {
    let mut keys = keys();
    keys.push(Key::secret(decode(SECRET).unwrap()));
    for (algorithm, kid, jws) in EXAMPLES {
        let (message, signature) = parts(jws);
        for key in &keys {
            let is_its = key.kid.as_deref().unwrap_or_default() == kid;
            assert_eq!(
                key.verifies(algorithm, message, &signature),
                is_its,
                "{algorithm:?} by {key:?}"
            );
        }
    }
}

#[test]
fn tokens_of_openssl_are_verified_and_no_changed_one_is() {
    let keys = keys();
    for (name, text) in TOKENS {
        let token = Token::read(text).unwrap();
        assert_eq!(token.algorithm.name(), name);
        let key = keys.iter().find(|key| key.kid == token.kid).unwrap();
        assert!(
            key.verifies(token.algorithm, token.message, &token.signature),
            "{name}"
        );
        // Another algorithm of the same key, or of another.
        for other in ASYMMETRIC
            .into_iter()
            .chain(SYMMETRIC)
            .filter(|other| *other != token.algorithm)
        {
            assert!(
                !key.verifies(other, token.message, &token.signature),
                "{name} as {other:?}"
            );
        }
        for at in [0, token.signature.len() / 2, token.signature.len() - 1] {
            let mut signature = token.signature.clone();
            signature[at] ^= 1;
            assert!(
                !key.verifies(token.algorithm, token.message, &signature),
                "{name}, byte {at}"
            );
        }
        let mut message = token.message.to_vec();
        *message.last_mut().unwrap() ^= 1;
        assert!(
            !key.verifies(token.algorithm, &message, &token.signature),
            "{name}"
        );
        // Shorter, longer, and none at all (RFC 8725, section 3.3: all zeros, as in CVE-2022-21449).
        let length = token.signature.len();
        let longer = [token.signature.as_slice(), &[0]].concat();
        for signature in [&[][..], &token.signature[1..], &longer, &vec![0; length]] {
            assert!(
                !key.verifies(token.algorithm, token.message, signature),
                "{name}, {} bytes",
                signature.len()
            );
        }
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let jwk: Value = serde_json::from_str(JWKS).unwrap();
    let n = decode(jwk["keys"][0]["n"].as_str().unwrap()).unwrap();
    let message = b"header.claims";
    let mac = {
        use hmac::{Hmac, KeyInit, Mac};
        let mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(&n).unwrap();
        mac.chain_update(message).finalize().into_bytes().to_vec()
    };
    assert!(Key::secret(n).verifies(Algorithm::HS256, message, &mac));
    for key in keys() {
        for algorithm in SYMMETRIC {
            assert!(!key.fits(algorithm) && !key.verifies(algorithm, message, &mac));
        }
    }
    assert_eq!(Algorithm::named("none"), None);
    assert_eq!(Algorithm::named("hs256"), None);
}

#[test]
fn keys_that_are_not_to_be_used_are_told() {
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    let ec = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    let with = |name: &str, value: Value| {
        let mut jwk = ec.clone();
        jwk[name] = value;
        jwk
    };
    let cases = [
        (with("use", json!("enc")), "it is not for signatures (use)"),
        (
            with("key_ops", json!(["sign"])),
            "it is not for verifying (key_ops)",
        ),
        (
            with("alg", json!("RS256")),
            "its algorithm is not supported: \"RS256\"",
        ),
        (
            with("alg", json!("ECDH-ES")),
            "its algorithm is not supported: \"ECDH-ES\"",
        ),
        (with("y", json!(x)), "its point is not on the curve P-256"),
        (with("x", json!("AA")), "x and y must have 32 bytes each"),
        (
            with("x", json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=")),
            "a member is not base64url without padding",
        ),
        (
            with("crv", json!("secp256k1")),
            "its type is not supported: kty \"EC\", crv \"secp256k1\"",
        ),
        (
            json!({ "kty": "oct", "k": SECRET }),
            "it is a secret, and secrets are not taken from a JWKS",
        ),
        (
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }),
            "x is not a key of Ed25519",
        ),
    ];
    for (jwk, why) in cases {
        assert_eq!(refused(jwk.clone()), why, "{jwk}");
    }
    for n in [MODULUS_OF_1024_BITS, "", "AA"] {
        let why = refused(json!({ "kty": "RSA", "n": n, "e": "AQAB" }));
        assert!(why.ends_with("2048 to 8192 bits are supported"), "{why}");
    }
    // A key with an algorithm of its own is for nothing else.
    let rsa: Value = serde_json::from_str(JWKS).unwrap();
    let mut rsa = rsa["keys"][0].clone();
    rsa["alg"] = json!("PS256");
    let key = Key::read(&serde_json::from_value(rsa).unwrap()).unwrap();
    let (message, signature) = parts(EXAMPLES[1].2);
    assert!(!key.verifies(Algorithm::RS256, message, &signature));
}

#[test]
fn a_jwks_is_read_with_what_in_it_can_be_used() {
    let mut set: Value = serde_json::from_str(JWKS).unwrap();
    let keys = set["keys"].as_array_mut().unwrap();
    keys.push(json!({ "kty": "oct", "kid": "s", "k": SECRET }));
    keys.push(json!("?"));
    keys.push(json!({ "kty": 1 }));
    let (keys, refused) = read_set(set.to_string().as_bytes()).unwrap();
    assert_eq!((keys.len(), refused.len()), (4, 3));
    assert_eq!(
        refused[0],
        "s: it is a secret, and secrets are not taken from a JWKS"
    );
    for (json, why) in [
        ("{", "it is not a JWKS: "),
        ("[]", "it is not a JWKS: "),
        (r#"{"keys":[]}"#, "it has no keys"),
        (
            r#"{"keys":[{"kty":"oct","k":"AA"}]}"#,
            "none of its keys can be used: without kid: it is a secret",
        ),
    ] {
        let error = read_set(json.as_bytes()).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
    let many = vec![set["keys"][1].clone(); MOST_KEYS + 50];
    let (keys, _) = read_set(json!({ "keys": many }).to_string().as_bytes()).unwrap();
    assert_eq!(keys.len(), MOST_KEYS);
}

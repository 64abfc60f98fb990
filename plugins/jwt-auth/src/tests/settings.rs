//! Settings that the plugin refuses when it is loaded.

use serde_json::{Value, json};
use tollgate_plugin::testing;

use super::exchanges::settings;
use crate::settings::JwtAuth;

fn error(settings: Value) -> String {
    testing::exchange()
        .settings(settings)
        .run::<JwtAuth>()
        .error
        .unwrap_or_default()
}

fn issuer(issuer: &Value) -> String {
    error(json!({ "issuers": [issuer] }))
}

fn check(cases: &[(String, &str)]) {
    for (error, expected) in cases {
        assert!(error.contains(expected), "{error}\nexpected {expected}");
    }
}

#[test]
fn issuers_that_are_wrong_are_told() {
    let cases = [
        (
            error(json!({})),
            "setting issuers is missing: expected a list with a table for each issuer",
        ),
        (
            issuer(&json!({})),
            "setting issuers, the issuer without a name: expected one of jwks, keys, secret and secret_base64",
        ),
        (
            issuer(
                &json!({ "jwks": "https://x/", "secret": "a secret that is long enough, is it?", "algorithms": ["HS256"] }),
            ),
            "expected one of jwks, keys, secret and secret_base64",
        ),
        (
            issuer(&json!({ "jwks": "https://x/", "algorithms": ["HS256"] })),
            "setting issuers, the issuer without a name: the algorithm HS256 is not one of public keys",
        ),
        (
            issuer(
                &json!({ "secret": "a secret that is long enough, is it?", "algorithms": ["RS256"] }),
            ),
            "setting issuers, the issuer without a name: the algorithm RS256 is not one of a secret",
        ),
        (
            issuer(&json!({ "issuer": "a", "secret": "short" })),
            "setting issuers, the issuer a: its secret has 5 bytes: expected at least 32 (RFC 7518, section 3.2)",
        ),
        (
            issuer(
                &json!({ "secret": "a secret that is long enough, is it?", "algorithms": ["HS512"] }),
            ),
            "setting issuers, the issuer without a name: its secret has 36 bytes: expected at least 64 (RFC 7518, section 3.2)",
        ),
        (
            issuer(&json!({ "jwks": "id.example/jwks" })),
            "expected a URL of at most 400 bytes",
        ),
        (
            issuer(&json!({ "keys": [{ "kty": "oct" }] })),
            "one of its keys cannot be used: it is a secret, and secrets are not taken from a JWKS",
        ),
        (
            error(
                json!({ "issuers": [{ "jwks": "https://x/" }, { "issuer": "b", "jwks": "https://x/" }] }),
            ),
            "setting issuers: with more than one, each needs its issuer, or keys of one would be good for another",
        ),
        (
            error(
                json!({ "issuers": [{ "issuer": "b", "jwks": "https://x/" }, { "issuer": "b", "jwks": "https://y/" }] }),
            ),
            "setting issuers has b twice",
        ),
        (
            issuer(&json!({ "jwks": "https://x/", "algorithms": ["none"] })),
            "unknown variant `none`",
        ),
    ];
    check(&cases);
}

#[test]
fn settings_that_are_wrong_are_told() {
    let cases = [
        (
            error(settings(&json!({ "from": ["header"] }))),
            "setting from has \"header\": expected authorization, field:NAME, cookie:NAME or query:NAME",
        ),
        (
            error(settings(&json!({ "fields": { "authorization": "sub" } }))),
            "setting fields has authorization: expected a field that is of no other use",
        ),
        (
            error(settings(&json!({ "fields": { "x-a": "sub", "X_A": "b" } }))),
            "twice",
        ),
        (
            error(settings(&json!({ "realm": "a\"b" }))),
            "setting realm is",
        ),
        (
            error(settings(&json!({ "leeway_seconds": 601 }))),
            "setting leeway_seconds is 601: expected at most 600",
        ),
        (
            error(settings(&json!({ "retry_seconds": 0 }))),
            "retry_seconds is 0, refresh_seconds 300 and max_age_seconds 86400",
        ),
        (
            error(settings(&json!({ "refresh_seconds": 100_000 }))),
            "refresh_seconds 100000 and max_age_seconds 86400",
        ),
        (
            error(settings(&json!({ "claims": { "a": [] } }))),
            "setting claims has \"a\"",
        ),
        (
            error(settings(&json!({ "scopes": ["a b"] }))),
            "setting scopes has \"a b\"",
        ),
        (
            error(settings(&json!({ "issuer": "x" }))),
            "setting issuer is unknown",
        ),
    ];
    check(&cases);
}

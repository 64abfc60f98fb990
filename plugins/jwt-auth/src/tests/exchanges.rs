//! The plugin on exchanges of a test.

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_plugin::testing::{self, Exchange, Outcome};

use super::tokens::{JWKS, TOKENS};
use super::{NOW, good, jwks, signed};
use crate::settings::JwtAuth;

/// Settings with a fixed key and more.
pub fn settings(more: &Value) -> Value {
    let keys: Value = serde_json::from_str(&jwks(&[1])).unwrap();
    let mut all = json!({ "issuers": [{ "issuer": "https://id.example/", "audience": "api", "keys": keys["keys"] }] });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

fn exchange(more: &Value) -> Exchange {
    testing::exchange()
        .now(Duration::from_secs(NOW))
        .settings(settings(more))
}

fn bearer(exchange: Exchange, token: &str) -> Outcome {
    exchange
        .field("authorization", format!("Bearer {token}"))
        .run::<JwtAuth>()
}

/// The status, and the error of the challenge.
fn refusal(outcome: &Outcome) -> (u16, String) {
    assert!(
        !outcome.reached_backend && outcome.error.is_none(),
        "{outcome:?}"
    );
    let challenge = outcome
        .response
        .field("www-authenticate")
        .unwrap_or_default();
    (
        outcome.response.status,
        challenge
            .strip_prefix("Bearer realm=\"tollgate\"")
            .unwrap_or_default()
            .to_owned(),
    )
}

fn invalid(why: &str) -> (u16, String) {
    (
        401,
        format!(", error=\"invalid_token\", error_description=\"{why}\""),
    )
}

#[test]
fn a_good_token_goes_on_and_others_do_not() {
    let run = |token: &str| bearer(exchange(&json!({})), token);
    let outcome = run(&good(1, &json!({})));
    assert!(outcome.reached_backend, "{outcome:?}");
    assert!(outcome.request.field("authorization").is_some());
    assert!(outcome.outbound.is_empty() && outcome.state.is_empty());

    let header = json!({ "alg": "ES256", "kid": "1" });
    let cases = [
        (
            good(2, &json!({})),
            "the token is signed with no key of its issuer",
        ),
        (
            signed(2, &header, &json!({ "iss": "https://id.example/" })),
            "the signature is not valid",
        ),
        (
            good(1, &json!({ "iss": "https://other.example/" })),
            "the token is of another issuer",
        ),
        (
            good(1, &json!({ "iss": ["https://id.example/"] })),
            "the token is of another issuer",
        ),
        (
            good(1, &json!({ "iss": null })),
            "the token is of another issuer",
        ),
        (
            good(1, &json!({ "aud": "web" })),
            "the token is for another audience",
        ),
        (
            good(1, &json!({ "exp": NOW - 60 })),
            "the token has expired",
        ),
        (
            good(1, &json!({ "nbf": NOW + 60 })),
            "the token is not valid yet",
        ),
        ("x".to_owned(), "the token does not have three parts"),
        (String::new(), "the token does not have three parts"),
    ];
    for (token, why) in cases {
        assert_eq!(refusal(&run(&token)), invalid(why), "{token}");
    }
    let outcome = exchange(&json!({})).run::<JwtAuth>();
    assert_eq!(refusal(&outcome), (401, String::new()));
    assert_eq!(
        outcome.response.field("www-authenticate"),
        Some("Bearer realm=\"tollgate\"")
    );
    assert_eq!(outcome.response.field("cache-control"), Some("no-store"));
}

#[test]
fn every_algorithm_is_served_and_may_be_switched_off() {
    let set: Value = serde_json::from_str(JWKS).unwrap();
    for (name, token) in TOKENS {
        let run = |algorithms: Option<Value>| {
            let mut issuer =
                json!({ "issuer": "https://id.example/", "audience": "api", "keys": set["keys"] });
            if let Some(algorithms) = algorithms {
                issuer["algorithms"] = algorithms;
            }
            let exchange = testing::exchange().now(Duration::from_secs(NOW));
            bearer(exchange.settings(json!({ "issuers": [issuer] })), token)
        };
        assert!(run(None).reached_backend, "{name}");
        assert!(run(Some(json!([name]))).reached_backend, "{name}");
        let other = if name == "RS256" { "RS512" } else { "RS256" };
        assert_eq!(
            refusal(&run(Some(json!([other])))),
            invalid(&format!("the algorithm {name} is not allowed"))
        );
    }
}

#[test]
fn a_secret_signs_with_hmac_alone() {
    // RFC 7515, appendix A.1, whose token expired in 2011.
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let secret =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";
    let run = |issuer: Value, at: u64, token: &str| {
        let exchange = testing::exchange().now(Duration::from_secs(at));
        bearer(exchange.settings(json!({ "issuers": [issuer] })), token)
    };
    let issuer = json!({ "issuer": "joe", "secret_base64": secret });
    assert!(run(issuer.clone(), 1_300_819_300, token).reached_backend);
    assert_eq!(
        refusal(&run(issuer.clone(), NOW, token)),
        invalid("the token has expired")
    );
    let longer = json!({ "issuer": "joe", "secret": "another secret that is long enough" });
    assert_eq!(
        refusal(&run(longer, 1_300_819_300, token)),
        invalid("the token is signed with no key of its issuer")
    );
    // One that is signed with a public key's bytes finds no key of HMAC, and the algorithm is not allowed.
    let hs = token.replace(
        "eyJpc3MiOiJqb2UiLA0K",
        "eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwK",
    );
    assert_eq!(
        refusal(&bearer(exchange(&json!({})), &hs)),
        invalid("the algorithm HS256 is not allowed")
    );
    assert_eq!(
        refusal(&run(issuer, NOW, &good(1, &json!({ "iss": "joe" })))),
        invalid("the algorithm ES256 is not allowed")
    );
}

#[test]
fn keys_of_one_issuer_are_not_those_of_another() {
    let key = |number: u8| serde_json::from_str::<Value>(&jwks(&[number])).unwrap()["keys"].clone();
    let issuers = json!([
        { "issuer": "https://id.example/", "audience": "api", "keys": key(1) },
        { "issuer": "https://other.example/", "audience": "*", "keys": key(2) },
    ]);
    let run = |token: &str| bearer(exchange(&json!({ "issuers": issuers })), token);
    let other = json!({ "iss": "https://other.example/", "aud": "any" });
    assert!(run(&good(1, &json!({}))).reached_backend);
    assert!(run(&good(2, &other)).reached_backend);
    let unknown = invalid("the token is signed with no key of its issuer");
    assert_eq!(refusal(&run(&good(2, &json!({})))), unknown);
    assert_eq!(refusal(&run(&good(1, &other))), unknown);
}

#[test]
fn the_backend_hears_what_the_token_says_and_from_nobody_else() {
    let more = json!({ "fields": { "X-User": "sub", "x-roles": "/realm/roles", "x-level": "level", "x-mail": "email" } });
    let spoofed = |more: &Value| {
        exchange(more)
            .field("x-user", "root")
            .field("X-User", "root")
            .field("x_user", "root")
            .field("x-mail", "root@example.com")
            .field("x-username", "kept")
    };
    let claims = json!({ "sub": "änn", "realm": { "roles": ["a,b", "c"] }, "level": 3 });
    let outcome = bearer(spoofed(&more), &good(1, &claims));
    assert!(outcome.reached_backend, "{outcome:?}");
    assert_eq!(outcome.request.field_values("x-user"), ["änn"]);
    assert_eq!(outcome.request.field("x-roles"), Some(r#"["a,b","c"]"#));
    assert_eq!(outcome.request.field("x-level"), Some("3"));
    assert_eq!(
        outcome
            .request
            .field("x-mail")
            .or(outcome.request.field("x_user")),
        None
    );
    assert_eq!(outcome.request.field("x-username"), Some("kept"));

    // Without a token too.
    let mut optional = more.clone();
    optional["optional"] = json!(true);
    let outcome = spoofed(&optional).run::<JwtAuth>();
    assert!(outcome.reached_backend);
    assert!(
        !outcome
            .request
            .fields
            .iter()
            .any(|(name, _)| ["x-user", "x_user", "x-mail"].contains(&name.as_str()))
    );
    // One that is there must be good.
    assert_eq!(
        refusal(&bearer(exchange(&optional), "x")),
        invalid("the token does not have three parts")
    );
    assert!(
        exchange(&optional)
            .field("authorization", "Basic YTpi")
            .run::<JwtAuth>()
            .reached_backend
    );

    for sub in [" root", "root ", "a\r\nx: y", "a\u{0}"] {
        let outcome = bearer(exchange(&more), &good(1, &json!({ "sub": sub })));
        assert_eq!(
            refusal(&outcome),
            invalid("the claim sub cannot be sent in a header field"),
            "{sub:?}"
        );
    }
}

#[test]
fn a_token_is_taken_from_one_place() {
    let token = good(1, &json!({}));
    let more = json!({ "from": ["authorization", "field:X-Token", "cookie:session", "query:access_token"], "forward_token": false });
    let target = format!("/a?b=1&access_token={token}&c=%20");
    let outcome = exchange(&more).target(&target).run::<JwtAuth>();
    assert!(outcome.reached_backend);
    assert_eq!(outcome.request.target, "/a?b=1&c=%20");
    let outcome = exchange(&more)
        .target(&format!("/a?access_token={token}"))
        .run::<JwtAuth>();
    assert_eq!(
        (outcome.reached_backend, outcome.request.target.as_str()),
        (true, "/a")
    );
    let outcome = exchange(&more)
        .field("cookie", format!("a=b; session={token}; c=d"))
        .run::<JwtAuth>();
    assert!(outcome.reached_backend);
    assert_eq!(outcome.request.field("cookie"), Some("a=b; c=d"));
    let outcome = exchange(&more).field("x-token", &token).run::<JwtAuth>();
    assert_eq!(
        (outcome.reached_backend, outcome.request.field("x-token")),
        (true, None)
    );
    for scheme in ["bearer", "BEARER"] {
        let outcome = exchange(&more)
            .field("authorization", format!("{scheme}  {token} "))
            .run::<JwtAuth>();
        assert_eq!(
            (
                outcome.reached_backend,
                outcome.request.field("authorization")
            ),
            (true, None)
        );
    }
    // With another scheme it is somebody else's.
    let other = exchange(&more)
        .field("authorization", "Basic YTpi")
        .field("x-token", &token)
        .run::<JwtAuth>();
    assert_eq!(other.request.field("authorization"), Some("Basic YTpi"));

    let unclear = (
        400,
        ", error=\"invalid_request\", error_description=\"the request has more than one token, or more than one field for it\"".to_owned(),
    );
    let twice = [
        exchange(&more)
            .field("x-token", &token)
            .field("cookie", format!("session={token}")),
        exchange(&more)
            .field("x-token", &token)
            .field("x-token", &token),
        exchange(&more)
            .field("authorization", format!("Bearer {token}"))
            .field("authorization", "Basic YTpi"),
        exchange(&more).target(&format!("/?access_token={token}&access_token=x")),
    ];
    for exchange in twice {
        assert_eq!(refusal(&exchange.run::<JwtAuth>()), unclear);
    }
    let odd = exchange(&more)
        .field(
            "authorization",
            [b"Bearer a.b.c".as_slice(), &[0xff]].concat(),
        )
        .run::<JwtAuth>();
    assert_eq!(refusal(&odd).0, 400);
}

#[test]
fn a_scope_that_is_missing_is_named() {
    let more = json!({ "scopes": ["orders.read", "orders.write"] });
    let outcome = bearer(
        exchange(&more),
        &good(1, &json!({ "scope": "orders.read" })),
    );
    let expected = ", error=\"insufficient_scope\", error_description=\"the token lacks a scope\", scope=\"orders.read orders.write\"";
    assert_eq!(refusal(&outcome), (403, expected.to_owned()));
}

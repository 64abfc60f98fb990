//! What is a token and what is none.

use serde_json::json;

use super::{encode, signed};
use crate::token::{Token, normal_type};

fn error(header: &str, claims: &str) -> &'static str {
    let text = format!("{}.{}.AAAA", encode(header), encode(claims));
    Token::read(&text).unwrap_err()
}

#[test]
fn its_parts_are_read() {
    let text = signed(
        1,
        &json!({ "alg": "ES256", "typ": "application/AT+jwt", "kid": "k" }),
        &json!({ "sub": "ann" }),
    );
    let token = Token::read(&text).unwrap();
    assert_eq!(token.typ.as_deref(), Some("at+jwt"));
    assert_eq!(token.kid.as_deref(), Some("k"));
    assert_eq!(token.claims["sub"], "ann");
    assert!(
        text.as_bytes().starts_with(token.message) && text.as_bytes()[token.message.len()] == b'.'
    );
    assert_eq!(normal_type("application/a/b"), "application/a/b");
}

#[test]
fn what_is_none_is_told() {
    for text in ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e"] {
        assert_eq!(
            Token::read(text).unwrap_err(),
            "the token does not have three parts",
            "{text}"
        );
    }
    assert_eq!(
        Token::read(&"a".repeat(20_000)).unwrap_err(),
        "the token is too long"
    );
    assert_eq!(
        Token::read("e30.e30.a=").unwrap_err(),
        "the signature is not base64url"
    );
    let es256 = r#"{"alg":"ES256"}"#;
    for header in [
        "",
        "[]",
        "null",
        r#"{"alg":"ES256"}x"#,
        r#"{"alg":"none","alg":"ES256"}"#,
        "\u{feff}{}",
    ] {
        assert_eq!(
            error(header, "{}"),
            "the header is not a JSON object",
            "{header}"
        );
    }
    for claims in [
        "",
        "[]",
        "1",
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"sub":"a"} {}"#,
    ] {
        assert_eq!(
            error(es256, claims),
            "the claims are not a JSON object",
            "{claims}"
        );
    }
    for header in [
        "{}",
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"es256"}"#,
        r#"{"alg":["ES256"]}"#,
        r#"{"alg":"ES512"}"#,
    ] {
        assert_eq!(
            error(header, "{}"),
            "the algorithm is not supported",
            "{header}"
        );
    }
    assert_eq!(
        error(r#"{"alg":"ES256","kid":1}"#, "{}"),
        "a header parameter is not text"
    );
    assert_eq!(
        error(r#"{"alg":"ES256","b64":false,"crit":["b64"]}"#, "{}"),
        "the token has a critical header parameter"
    );
}

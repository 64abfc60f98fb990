//! What is asked of the claims.

use serde_json::{Map, Value, json};

use super::NOW;
use crate::claims::{Audience, Lack, Rules, claim};
use crate::keys::Algorithm;
use crate::token::Token;

fn rules() -> Rules {
    Rules {
        leeway: 30,
        requires_exp: true,
        required: Vec::new(),
        values: Vec::new(),
        scopes: Vec::new(),
        types: Vec::new(),
    }
}

fn claims(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn check(rules: &Rules, audience: &Audience, value: Value, ms: u64) -> Result<(), Lack> {
    let Value::Object(claims) = value else {
        panic!("claims are an object, not {value}");
    };
    let token = Token {
        algorithm: Algorithm::ES256,
        kid: None,
        typ: Some("jwt".to_owned()),
        claims,
        message: b"",
        signature: Vec::new(),
    };
    rules.check(&token, audience, ms)
}

fn refused(rules: &Rules, value: Value) -> String {
    match check(rules, &Audience::Any, value, NOW * 1000) {
        Err(Lack::Invalid(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_is_good_between_its_times() {
    let at = |ms: u64| {
        check(
            &rules(),
            &Audience::Any,
            json!({ "nbf": NOW, "exp": NOW + 100 }),
            ms,
        )
    };
    let (first, last) = ((NOW - 30) * 1000, (NOW + 130) * 1000 - 1);
    assert_eq!(at(first), Ok(()));
    assert_eq!(
        at(first - 1),
        Err(Lack::Invalid("the token is not valid yet".to_owned()))
    );
    assert_eq!(at(last), Ok(()));
    assert_eq!(
        at(last + 1),
        Err(Lack::Invalid("the token has expired".to_owned()))
    );
    // A fraction, and times far away.
    assert_eq!(
        check(
            &rules(),
            &Audience::Any,
            json!({ "exp": NOW as f64 + 0.5 }),
            NOW * 1000
        ),
        Ok(())
    );
    assert_eq!(
        check(
            &rules(),
            &Audience::Any,
            json!({ "exp": 1e300, "nbf": -1 }),
            NOW * 1000
        ),
        Ok(())
    );
    for exp in [json!("2000000000"), json!(null), json!([1]), json!(true)] {
        assert_eq!(
            refused(&rules(), json!({ "exp": exp })),
            "the claim exp is not a time"
        );
    }
    assert_eq!(
        refused(&rules(), json!({})),
        "the token lacks the claim exp"
    );
    let forever = Rules {
        requires_exp: false,
        ..rules()
    };
    assert_eq!(
        check(&forever, &Audience::Any, json!({}), NOW * 1000),
        Ok(())
    );
    assert_eq!(
        refused(&forever, json!({ "exp": 1 })),
        "the token has expired"
    );
}

#[test]
fn the_audience_is_one_of_ours() {
    let ours = Audience::OneOf(vec!["api".to_owned(), "web".to_owned()]);
    let none = Audience::OneOf(Vec::new());
    let exp = NOW + 1;
    let cases = [
        (json!({ "exp": exp, "aud": "api" }), true, false),
        (json!({ "exp": exp, "aud": ["x", "web"] }), true, false),
        (json!({ "exp": exp, "aud": "ap" }), false, false),
        (json!({ "exp": exp, "aud": [] }), false, false),
        (json!({ "exp": exp, "aud": ["x", 1, null] }), false, false),
        (json!({ "exp": exp, "aud": { "api": true } }), false, false),
        (json!({ "exp": exp, "aud": null }), false, false),
        (json!({ "exp": exp }), false, true),
    ];
    for (value, with_ours, with_none) in cases {
        let is_good = |audience| check(&rules(), audience, value.clone(), NOW * 1000).is_ok();
        assert_eq!(
            (is_good(&ours), is_good(&none), is_good(&Audience::Any)),
            (with_ours, with_none, true),
            "{value}"
        );
    }
}

#[test]
fn claims_have_their_values() {
    let values = vec![
        ("email_verified".to_owned(), vec![json!(true)]),
        ("level".to_owned(), vec![json!(2), json!("high")]),
        ("/realm/roles".to_owned(), vec![json!("admin")]),
    ];
    let rules = Rules {
        values,
        required: vec!["sub".to_owned()],
        ..rules()
    };
    let with = |more: Value| {
        let mut all = json!({ "exp": NOW + 1, "sub": "ann", "email_verified": true, "level": 2.0, "realm": { "roles": ["user", "admin"] } });
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    };
    assert_eq!(
        check(&rules, &Audience::Any, with(json!({})), NOW * 1000),
        Ok(())
    );
    assert_eq!(
        check(
            &rules,
            &Audience::Any,
            with(json!({ "level": "high" })),
            NOW * 1000
        ),
        Ok(())
    );
    assert_eq!(
        refused(&rules, with(json!({ "sub": null }))),
        "the token lacks the claim sub"
    );
    for (name, value) in [
        ("email_verified", json!("true")),
        ("email_verified", json!(null)),
        ("level", json!("2")),
        ("level", json!([])),
        ("realm", json!({ "roles": "user" })),
        ("realm", json!("admin")),
    ] {
        let why = refused(&rules, with(json!({ name: value })));
        assert!(
            why.ends_with("does not have the wanted value") && why.contains(name),
            "{why}"
        );
    }
}

#[test]
fn scopes_are_there_as_a_whole() {
    let rules = Rules {
        scopes: vec!["a".to_owned(), "b.read".to_owned()],
        ..rules()
    };
    for (value, is_good) in [
        (json!({ "scope": "b.read a c" }), true),
        (json!({ "scp": ["a", "b.read"] }), true),
        (json!({ "scp": "a b.read" }), true),
        (json!({ "scope": "a", "scp": ["b.read"] }), true),
        (json!({ "scope": "a b.readall" }), false),
        (json!({ "scope": "a,b.read" }), false),
        (json!({}), false),
    ] {
        let mut all = value.clone();
        all["exp"] = json!(NOW + 1);
        let expected = if is_good { Ok(()) } else { Err(Lack::Scope) };
        assert_eq!(
            check(&rules, &Audience::Any, all, NOW * 1000),
            expected,
            "{value}"
        );
    }
}

#[test]
fn types_are_told_apart() {
    let rules = |typ: &str| Rules {
        types: vec![typ.to_owned()],
        ..rules()
    };
    assert_eq!(
        check(
            &rules("jwt"),
            &Audience::Any,
            json!({ "exp": NOW + 1 }),
            NOW * 1000
        ),
        Ok(())
    );
    assert_eq!(
        refused(&rules("at+jwt"), json!({ "exp": NOW + 1 })),
        "the token is of another type"
    );
}

#[test]
fn a_claim_is_found_by_name_or_pointer() {
    let all = claims(&json!({ "https://x/roles": 1, "a": { "b": { "c/d": [5] } }, "e~f": 2 }));
    for (name, expected) in [
        ("https://x/roles", Some(json!(1))),
        ("/a/b/c~1d/0", Some(json!(5))),
        ("/a/b", Some(json!({ "c/d": [5] }))),
        ("/e~0f", Some(json!(2))),
        ("a.b", None),
        ("/a/x", None),
        ("/", None),
    ] {
        assert_eq!(claim(&all, name).cloned(), expected, "{name}");
    }
}

//! What is masked, and what is not.

use bytes::Bytes;

use super::*;
use crate::message::coding::{Codings, Encoder};

fn masks() -> Masks {
    Masks::new(&RecordConfig::default())
}

fn masked(text: &str) -> String {
    String::from_utf8(masks().text(text.as_bytes()).into_owned()).unwrap()
}

/// A text, and what is kept of it.
const CASES: &[(&str, &str)] = &[
    (
        r#"{"password":"hunter2","a":1}"#,
        r#"{"password":"[masked]","a":1}"#,
    ),
    (
        r#"{"a":{"b":[{"clientSecret" : "x\"y"}]}}"#,
        r#"{"a":{"b":[{"clientSecret" : "[masked]"}]}}"#,
    ),
    (
        r#"{"pass\u0077ord":"x"}"#,
        r#"{"pass\u0077ord":"[masked]"}"#,
    ),
    // Fields, as echo servers and HTTP archives write them.
    (
        r#"[["authorization", "Bearer x"], ["accept", "a"], ["Cookie","b=\"c\""]]"#,
        r#"[["authorization", "[masked]"], ["accept", "a"], ["Cookie","[masked]"]]"#,
    ),
    (
        r#"{"Body":"[[\"X-Api-Key\",\"x\"]]"}"#,
        r#"{"Body":"[[\"X-Api-Key\",\"[masked]\"]]"}"#,
    ),
    (
        r#"[["authorization","Bearer x"#,
        r#"[["authorization","[masked]"#,
    ),
    (
        r#"{"required":["password","email","name"]}"#,
        r#"{"required":["password","email","name"]}"#,
    ),
    (
        r#"[{"name": "authorization", "value": "Bearer x"}, {"name":"accept","value":"a"}]"#,
        r#"[{"name": "authorization", "value": "[masked]"}, {"name":"accept","value":"a"}]"#,
    ),
    (
        r#"{"X-Vault-Token":"x","Accept":"a"}"#,
        r#"{"X-Vault-Token":"[masked]","Accept":"a"}"#,
    ),
    (r#"{"token":123,"b":2}"#, r#"{"token":"[masked]","b":2}"#),
    (
        r#"{"token":null,"api_key":true}"#,
        r#"{"token":null,"api_key":"[masked]"}"#,
    ),
    (
        r#"{"secret":{"a":["}",2]},"b":2}"#,
        r#"{"secret":"[masked]","b":2}"#,
    ),
    (
        r#"{"Body":"{\"password\":\"x\\\"y\",\"b\":1}","c":1}"#,
        r#"{"Body":"{\"password\":\"[masked]\",\"b\":1}","c":1}"#,
    ),
    (
        r#"{"Body":"{\"token\":5}"}"#,
        r#"{"Body":"{\"token\":\"[masked]\"}"}"#,
    ),
    (
        r#"5" disk {"password":"x"}"#,
        r#"5" disk {"password":"[masked]"}"#,
    ),
    (
        r#"{"a\\":"1","password":"x\\"}"#,
        r#"{"a\\":"1","password":"[masked]"}"#,
    ),
    (
        "data: {\"access_token\": \"x\"}\n\n",
        "data: {\"access_token\": \"[masked]\"}\n\n",
    ),
    (
        "{\"password\":\n  \"x\"}",
        "{\"password\":\n  \"[masked]\"}",
    ),
    ("a=1&password=x%20y&b=2", "a=1&password=[masked]&b=2"),
    (
        "/p?X-Amz-Signature=ab&x=1",
        "/p?X-Amz-Signature=[masked]&x=1",
    ),
    ("/p?X%2DAmz-Signature=ab", "/p?X%2DAmz-Signature=[masked]"),
    (
        r#"{"url":"http://h/?token=x\u0026sig=y"}"#,
        r#"{"url":"http://h/?token=[masked]\u0026sig=[masked]"}"#,
    ),
    (
        "<SecretAccessKey>x</SecretAccessKey>",
        "<SecretAccessKey>[masked]</SecretAccessKey>",
    ),
    (
        "<n:Token a='1'>x</n:Token>",
        "<n:Token a='1'>[masked]</n:Token>",
    ),
    (
        "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nx\ny\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n[masked]\r\n--b--",
    ),
];

#[test]
fn values_of_listed_names_are_masked_in_whatever_text() {
    for (text, expected) in CASES {
        assert_eq!(masked(text), *expected, "{text}");
    }
}

#[test]
fn other_names_are_left_alone() {
    for text in [
        r#"{"NextToken":"x","tokens":3,"passwordless":"x"}"#,
        "a=1&tokenize=2",
        "password",
        r#"{"password""#,
        "x = 5; y: 3",
        "<TokenList>x</TokenList><Token/>",
        "",
    ] {
        assert!(
            matches!(masks().text(text.as_bytes()), Cow::Borrowed(_)),
            "{text}"
        );
    }
}

#[test]
fn wherever_a_text_is_cut_off_nothing_of_a_secret_is_left() {
    let text = r#"{"a":"b","password":"hunter\"2","n":"{\"token\":\"hunter2\"}","secret":["hunter"],"u":"/?sig=hunter"}"#;
    for end in 0..=text.len() {
        let left = masked(&text[..end]);
        assert!(!left.contains("hu"), "{left}");
    }
}

#[test]
fn a_secret_in_several_pieces_is_masked_in_all_of_them() {
    let text = r#"{"a":1,"password":"hunter2","b":2}"#;
    for cut in 0..text.len() {
        for width in [1, 5, text.len()] {
            let mut pieces: Vec<Vec<u8>> = vec![text.as_bytes()[..cut].to_vec()];
            pieces.extend(text.as_bytes()[cut..].chunks(width).map(<[u8]>::to_vec));
            masks().pieces(&mut pieces.iter_mut().collect::<Vec<_>>());
            let left = String::from_utf8(pieces.concat()).unwrap();
            assert_eq!(
                left, r#"{"a":1,"password":"[masked]","b":2}"#,
                "{cut} {width}"
            );
        }
    }
}

#[test]
fn fields_are_masked_by_name_and_parameters_in_others() {
    let masks = masks();
    let value = |name: &str, value: &'static str| {
        String::from_utf8(masks.value(name.as_bytes(), value.as_bytes()).into_owned()).unwrap()
    };
    assert_eq!(value("Authorization", "Bearer x"), MASKED);
    assert_eq!(value("X-Api-Key", "x"), MASKED);
    assert_eq!(value("accept", "a/b;q=1"), "a/b;q=1");
    assert_eq!(
        value("location", "/?access_token=x"),
        "/?access_token=[masked]"
    );
    assert_eq!(masks.url("/?password=x&y=z"), "/?password=[masked]&y=z");
}

#[test]
fn the_configuration_adds_names_and_takes_the_usual_ones_away() {
    let config = RecordConfig {
        mask_fields: vec!["x-own".to_owned()],
        mask_keys: vec!["ssn".to_owned()],
        ..RecordConfig::default()
    };
    let all = Masks::new(&config);
    assert_eq!(&*all.value(b"X-Own", b"1"), MASKED.as_bytes());
    assert_eq!(&*all.text(br#"{"SSN":"1"}"#), br#"{"SSN":"[masked]"}"#);
    let own = Masks::new(&RecordConfig {
        mask_defaults: false,
        ..config
    });
    assert_eq!(&*own.value(b"X-Own", b"1"), MASKED.as_bytes());
    assert_eq!(&*own.value(b"cookie", b"1"), b"1");
    assert_eq!(&*own.text(br#"{"password":"1"}"#), br#"{"password":"1"}"#);
}

fn coded(coding: &str, text: &str) -> (Fields, Vec<u8>) {
    let value = http::HeaderValue::from_str(coding).unwrap();
    let fields: Fields = [("content-encoding", value)].into_iter().collect();
    let codings = Codings::read([coding.as_bytes()]).unwrap();
    let mut encoder = Encoder::new(&codings);
    encoder.push(text.to_owned().into());
    encoder.finish();
    let mut data = Vec::new();
    while let Some(bytes) = encoder.step().unwrap() {
        data.extend_from_slice(&bytes);
    }
    (fields, data)
}

fn taken(kept: &[u8]) -> Taken {
    Taken {
        kept: Bytes::copy_from_slice(kept),
        length: kept.len() as u64,
        complete: true,
        trailers: None,
    }
}

#[test]
fn bodies_with_codings_are_masked_within_them() {
    for coding in ["gzip", "br", "zstd", "deflate", "gzip, br"] {
        let (fields, data) = coded(coding, r#"{"password":"hunter2"}"#);
        let content = masks().content(&fields, &taken(&data));
        let Recoded::Decoded(decoded) =
            recode::decoded([coding.as_bytes()].into_iter(), &content.kept)
        else {
            panic!("{coding}")
        };
        assert_eq!(decoded.text, br#"{"password":"[masked]"}"#, "{coding}");
        assert_eq!(content.length, content.kept.len() as u64);

        let (fields, data) = coded(coding, r#"{"a":"b"}"#);
        assert_eq!(
            masks().content(&fields, &taken(&data)).kept,
            data,
            "{coding}"
        );
    }
}

#[test]
fn what_cannot_be_decoded_is_not_kept() {
    let fields: Fields = [("content-encoding", "rot13")].into_iter().collect();
    assert!(
        masks()
            .content(&fields, &taken(b"cnffjbeq"))
            .kept
            .is_empty()
    );
    let (fields, _) = coded("gzip", "");
    let content = masks().content(&fields, &taken(br#"{"password":"x"}"#));
    assert!(!String::from_utf8_lossy(&content.kept).contains("password"));
}

#[test]
fn lines_of_a_log_are_masked_as_heads_are_written_too() {
    let cases = [
        ("authorization: Bearer abc.def", "authorization: [masked]"),
        ("x-api-key: a, b\nnext", "x-api-key: [masked]\nnext"),
        (
            "sent cookie: \"a=1; b=2\" on",
            "sent cookie: \"[masked]\" on",
        ),
        ("password=hunter2 user=ada", "password=[masked] user=ada"),
        (
            "{\"token\":\"t\",\"a\":1}",
            "{\"token\":\"[masked]\",\"a\":1}",
        ),
        (
            "forwards Bearer eyJhbGciOi.x_y-z",
            "forwards Bearer [masked]",
        ),
        ("Basic authentication failed", "Basic authentication failed"),
        (
            "the token is missing: give one",
            "the token is missing: give one",
        ),
        ("plugin secret: refused", "plugin secret: [masked]"),
        ("12:00:01 token:x", "12:00:01 token:x"),
        ("user: ada", "user: ada"),
    ];
    for (text, expected) in cases {
        assert_eq!(masks().log(text), expected, "{text}");
    }
}

#[test]
fn a_body_that_is_kept_whole_has_its_new_length_and_one_that_is_not_its_own() {
    let (fields, text) = (Fields::new(), br#"{"password":"hunter2","a":1}"#);
    let whole = masks().content(&fields, &taken(text));
    assert_eq!(whole.kept, br#"{"password":"[masked]","a":1}"#);
    assert_eq!(whole.length, whole.kept.len() as u64);
    let part = Taken {
        length: 1000,
        ..taken(text)
    };
    assert_eq!(masks().content(&fields, &part).length, 1000);
    // What is binary is no text.
    let binary = b"\0{\"password\":\"x\"}";
    assert_eq!(masks().content(&fields, &taken(binary)).kept, binary);
}

#[test]
fn a_body_of_which_masking_loses_something_does_not_count_as_whole() {
    let chunked: Fields = [("content-encoding", "aws-chunked")].into_iter().collect();
    // More than is unpacked.
    let (gzip, large) = coded("gzip", &"abc ".repeat(2 << 20));
    let broken = br#"{"password":"x"}"#;
    for (fields, data) in [
        (&chunked, &b"4;chunk-signature=x"[..]),
        (&gzip, &large[..]),
        (&gzip, &broken[..]),
    ] {
        let content = masks().content(fields, &taken(data));
        let (kept, length) = (content.kept.len() as u64, content.length);
        assert!(kept < length, "{kept} of {length}");
        assert!(length >= data.len() as u64, "{length} of {}", data.len());
    }
    // Nothing can be lost of nothing.
    assert_eq!(masks().content(&chunked, &taken(b"")).length, 0);
}

#[test]
fn a_part_of_a_body_that_masks_make_longer_than_all_of_it_does_not_count_as_whole() {
    let text = br#"{"password":"x""#;
    let part = Taken {
        length: text.len() as u64 + 1,
        ..taken(text)
    };
    let content = masks().content(&Fields::new(), &part);
    assert_eq!(content.kept, br#"{"password":"[masked]""#);
    assert!((content.kept.len() as u64) < content.length);
}

//! What a text means to which type, and how mistakes are told.

use serde::Deserialize;

use super::*;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct All {
    name: String,
    limit: u64,
    share: f64,
    on: bool,
    maybe: Option<i8>,
    list: Vec<String>,
    table: std::collections::BTreeMap<String, u8>,
    pair: (u8, String),
    mode: Mode,
    code: Wrapped,
    any: Option<serde_json::Value>,
    letter: Option<char>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Off,
    Fast,
    Limited(u8),
}

#[derive(Debug, Default, Deserialize, PartialEq)]
struct Wrapped(u16);

fn read<T: DeserializeOwned>(settings: &[(&str, &str)]) -> Result<T, String> {
    let owned: Vec<_> = settings
        .iter()
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect();
    from_settings(&owned)
}

#[test]
fn a_text_means_what_the_type_wants() {
    let all: All = read(&[
        ("name", "12"),
        ("limit", "18446744073709551615"),
        ("share", "0.25"),
        ("on", "true"),
        ("maybe", "-3"),
        ("list", r#"["a","b"]"#),
        ("table", r#"{"a":1}"#),
        ("pair", r#"[1,"x"]"#),
        ("mode", "fast"),
        ("code", "403"),
        ("any", r#"{"a":null}"#),
        ("letter", "ß"),
    ])
    .unwrap();
    assert_eq!(
        all,
        All {
            name: "12".into(),
            limit: u64::MAX,
            share: 0.25,
            on: true,
            maybe: Some(-3),
            list: vec!["a".into(), "b".into()],
            table: [("a".to_owned(), 1)].into(),
            pair: (1, "x".into()),
            mode: Mode::Fast,
            code: Wrapped(403),
            any: Some(serde_json::json!({"a": null})),
            letter: Some('ß'),
        }
    );
    assert_eq!(
        read::<All>(&[("mode", r#"{"limited":3}"#)]).unwrap().mode,
        Mode::Limited(3)
    );
    assert_eq!(
        read::<All>(&[("any", "plain text")]).unwrap().any,
        Some("plain text".into())
    );
}

#[test]
fn a_mistake_is_named_with_key_value_and_expectation() {
    for (settings, error) in [
        (
            ("limit", "many"),
            r#"setting limit is "many": expected u64"#,
        ),
        (("on", "yes"), r#"setting on is "yes": expected a boolean"#),
        (
            ("mode", "slow"),
            r#"setting mode is "slow": expected one of off, fast, limited"#,
        ),
        (
            ("list", r#"["a",1]"#),
            r#"setting list is "[\"a\",1]": invalid type: integer `1`, expected a string at line 1 column 6"#,
        ),
        (
            ("list", "[] x"),
            r#"setting list is "[] x": trailing characters at line 1 column 4"#,
        ),
        (
            ("list", "a"),
            r#"setting list is "a": expected value at line 1 column 1"#,
        ),
        (
            ("limt", "1"),
            "setting limt is unknown: there are name, limit,",
        ),
    ] {
        let said = read::<All>(&[settings]).unwrap_err();
        assert!(said.starts_with(error), "{said}");
    }
}

#[test]
fn types_without_settings_and_required_settings() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Unit;
    #[derive(Debug, Deserialize, PartialEq)]
    struct Needs {
        key: String,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Map(std::collections::BTreeMap<String, String>);

    assert_eq!(read(&[]), Ok(Unit));
    assert_eq!(read(&[("ignored", "x")]), Ok(Unit));
    assert_eq!(read::<Needs>(&[]).unwrap_err(), "setting key is missing");
    assert_eq!(
        read(&[("key", "k"), ("more", "[")]),
        Ok(Needs { key: "k".into() })
    );
    assert_eq!(
        read(&[("a", "1")]),
        Ok(Map([("a".to_owned(), "1".to_owned())].into()))
    );
}

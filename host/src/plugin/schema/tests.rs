//! Schemas, good and hostile, and what settings are told.

use serde_json::json;

use super::*;
use crate::config::Setting;

fn settings(values: &Value) -> Settings {
    let setting = |(key, value): (&String, &Value)| {
        let (text, value) = (value.to_string(), value.clone());
        (key.clone(), Setting { text, value })
    };
    values.as_object().unwrap().iter().map(setting).collect()
}

fn schema(document: &Value) -> SettingsSchema {
    SettingsSchema::parse(document.to_string().as_bytes()).unwrap()
}

fn refused(document: &Value) -> String {
    SettingsSchema::parse(document.to_string().as_bytes()).unwrap_err()
}

/// As `schemars` makes them.
fn cors() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings",
        "type": "object",
        "properties": {
            "max_age": { "type": ["integer", "null"], "minimum": 0, "maximum": 86400 },
            "allow_origins": { "type": "array", "items": { "type": "string", "minLength": 1 }, "uniqueItems": true },
            "on": { "type": "boolean" },
            "rate": { "type": "number", "exclusiveMinimum": 0 },
            "mode": { "enum": ["open", "closed"] },
            "token": { "type": "string", "minLength": 8, "writeOnly": true },
            "name": { "type": "string", "pattern": "^[a-z]+$" },
            "account": { "anyOf": [{ "$ref": "#/$defs/Account" }, { "type": "null" }] },
            "rules": { "type": "array", "items": { "$ref": "#/$defs/Rule" } },
            "size": { "oneOf": [{ "type": "integer" }, { "type": "string" }] }
        },
        "additionalProperties": false,
        "required": ["allow_origins"],
        "$defs": {
            "Account": {
                "type": "object",
                "properties": { "client": { "type": "string" }, "backend": { "type": "string" } },
                "additionalProperties": false,
                "required": ["client", "backend"]
            },
            "Rule": {
                "type": "object",
                "properties": { "status": { "type": "integer" }, "path/x y": {} },
                "additionalProperties": { "type": "string" }
            }
        }
    })
}

#[test]
fn settings_that_fit_pass() {
    let schema = schema(&cors());
    for values in [
        json!({ "allow_origins": [] }),
        json!({
            "allow_origins": ["*"], "max_age": 600, "on": true, "rate": 0.5, "mode": "open", "token": "12345678",
            "name": "abc", "account": { "client": "1", "backend": "2" }, "rules": [{ "status": 1, "x": "y" }],
            "size": "1MiB"
        }),
    ] {
        assert_eq!(schema.check(&settings(&values)), Ok(()));
    }
}

/// Settings, and what is told of them.
fn mistaken() -> Vec<(Value, &'static str)> {
    let mut cases = flat();
    cases.extend(nested());
    cases
}

fn flat() -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({ "max_age": "1h" }),
            "settings.max_age: \"1h\": expected a number (integer)",
        ),
        (
            json!({ "max_age": 1.5 }),
            "settings.max_age: 1.5: expected a number (integer)",
        ),
        (
            json!({ "max_age": -1 }),
            "settings.max_age: -1: expected at least 0",
        ),
        (
            json!({ "max_age": 90000 }),
            "settings.max_age: 90000: expected at most 86400",
        ),
        (
            json!({ "allow_origins": "*" }),
            "settings.allow_origins: \"*\": expected a list (array)",
        ),
        (
            json!({ "allow_origins": ["a", 1] }),
            "settings.allow_origins[1]: 1: expected a text (string)",
        ),
        (
            json!({ "allow_origins": [""] }),
            "settings.allow_origins[0]: \"\": expected a text that is not empty",
        ),
        (
            json!({ "allow_origins": ["a", "a"] }),
            "settings.allow_origins: [\"a\",\"a\"]: expected items that differ from each other",
        ),
        (
            json!({ "on": "yes" }),
            "settings.on: \"yes\": expected true or false (boolean)",
        ),
        (
            json!({ "rate": 0 }),
            "settings.rate: 0: expected more than 0",
        ),
        (
            json!({ "mode": "opn" }),
            "settings.mode: \"opn\": expected one of \"open\", \"closed\"",
        ),
        (
            json!({ "name": "A" }),
            "settings.name: \"A\": expected a text that matches the pattern ^[a-z]+$",
        ),
        (
            json!({ "max_agee": 1 }),
            "settings.max_agee: unknown key; did you mean max_age?",
        ),
        (
            json!({ "token": "secret" }),
            "settings.token: expected at least 8 characters",
        ),
    ]
}

fn nested() -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({ "account": { "client": "1" } }),
            "settings.account.backend: missing; it is required",
        ),
        (
            json!({ "account": { "client": "1", "backend": "2", "bakend": "3" } }),
            "settings.account.bakend: unknown key; did you mean backend?",
        ),
        (
            json!({ "account": 5 }),
            "settings.account: 5: expected a table (object)",
        ),
        (
            json!({ "size": true }),
            "settings.size: true: expected a number (integer), or a text (string)",
        ),
        (
            json!({ "rules": [{}, { "status": "x" }] }),
            "settings.rules[1].status: \"x\": expected a number (integer)",
        ),
        (
            json!({ "rules": [{ "a b": 1 }] }),
            "settings.rules[0].\"a b\": 1: expected a text (string)",
        ),
    ]
}

#[test]
fn mistakes_name_key_value_and_what_was_expected() {
    let schema = schema(&cors());
    for (mut values, expected) in mistaken() {
        let all = values.as_object_mut().unwrap();
        all.entry("allow_origins").or_insert_with(|| json!([]));
        let said = schema.check(&settings(&values)).unwrap_err();
        assert_eq!(said.0, [expected], "{values}");
    }
    let said = schema.check(&Settings::default()).unwrap_err();
    assert_eq!(said.0, ["settings.allow_origins: missing; it is required"]);
    // All of them are told, up to a number.
    let many: serde_json::Map<_, _> = (0..50).map(|n| (format!("zzzz{n}"), json!(1))).collect();
    let said = schema.check(&settings(&Value::Object(many))).unwrap_err();
    assert_eq!(said.0.len(), 20);
}

#[test]
fn what_is_no_schema_is_refused() {
    assert!(
        SettingsSchema::parse(b"{")
            .unwrap_err()
            .contains("it is not JSON")
    );
    assert!(
        SettingsSchema::parse(b"\xff")
            .unwrap_err()
            .contains("it is not JSON")
    );
    let deep = "{\"not\":".repeat(200) + "true" + &"}".repeat(200);
    assert!(
        SettingsSchema::parse(deep.as_bytes())
            .unwrap_err()
            .contains("127 levels")
    );
    let large = vec![b' '; LARGEST + 1];
    assert!(
        SettingsSchema::parse(&large)
            .unwrap_err()
            .contains("at most 1 MiB")
    );
    let cases = [
        (
            json!({ "type": "strnig" }),
            "it is not a JSON Schema: at #/type",
        ),
        (
            json!({ "properties": 1 }),
            "it is not a JSON Schema: at #/properties",
        ),
        (json!([]), "it is not a JSON Schema"),
        (json!({ "pattern": "(" }), "it is not a JSON Schema"),
        // Such a pattern takes an engine whose time has no bound.
        (json!({ "pattern": "(a)\\1" }), "it is not a JSON Schema"),
        (json!({ "pattern": "(?=a)" }), "it is not a JSON Schema"),
        (
            json!({ "pattern": "((a{1,999}){1,999}){1,999}" }),
            "it is not a JSON Schema",
        ),
    ];
    for (document, expected) in cases {
        let said = refused(&document);
        assert!(said.starts_with(expected), "{document}: {said}");
    }
}

#[test]
fn a_schema_leads_nowhere_else() {
    let cases = [
        (
            json!({ "$ref": "https://example.com/schema.json" }),
            "a reference must lead to a place in the same schema",
        ),
        (
            json!({ "$ref": "file:///etc/passwd" }),
            "a reference must lead to",
        ),
        (
            json!({ "properties": { "a": { "$ref": "other.json#/a" } } }),
            "a reference must lead to",
        ),
        (json!({ "$ref": "#anchor" }), "a reference must lead to"),
        (
            json!({ "$ref": "#/$defs/none" }),
            "it refers to #/$defs/none, which is not in it",
        ),
        (
            json!({ "items": { "$dynamicRef": "#a" } }),
            "it has $dynamicRef at #/items",
        ),
        (
            json!({ "$defs": { "a": { "$id": "x" } } }),
            "it has an $id at #/$defs/a",
        ),
        (
            json!({ "$schema": "https://example.com/made-up" }),
            "it is not a JSON Schema",
        ),
    ];
    for (document, expected) in cases {
        let said = refused(&document);
        assert!(said.contains(expected), "{document}: {said}");
    }
    // A key of settings may have any name.
    schema(
        &json!({ "$id": "https://example.com/x", "properties": { "$ref": {}, "$id": { "type": "string" } } }),
    );
}

#[test]
fn a_schema_that_would_take_too_long_is_refused() {
    let mut bomb = json!({ "$defs": { "d40": {} }, "allOf": [{ "$ref": "#/$defs/d0" }] });
    for n in 0..40 {
        let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
        bomb["$defs"][format!("d{n}")] = json!({ "allOf": [next, next] });
    }
    assert!(refused(&bomb).contains("one value would be held against more than 10000 schemas"));
    assert!(refused(&json!({ "$ref": "#" })).contains("the schema at # refers to itself"));
    let ring = json!({ "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } } });
    assert!(refused(&ring).contains("refers to itself"));
    let mut chain = json!({ "$defs": { "d5000": {} } });
    for n in 0..5000 {
        chain["$defs"][format!("d{n}")] = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
    }
    assert!(refused(&chain).contains("refer to each other in a row"));
    let patterns: serde_json::Map<_, _> = (0..101).map(|n| (format!("^{n}$"), json!({}))).collect();
    assert!(refused(&json!({ "patternProperties": patterns })).contains("it has 101 patterns"));
    // A list of lists of … is about another value each time.
    let tree = schema(&json!({ "properties": { "t": { "$ref": "#/$defs/t" } },
        "$defs": { "t": { "type": "array", "items": { "$ref": "#/$defs/t" } } } }));
    assert_eq!(tree.check(&settings(&json!({ "t": [[], [[]]] }))), Ok(()));
    assert!(tree.check(&settings(&json!({ "t": [[], [1]] }))).is_err());
    // The engine of patterns is linear in what it looks at.
    let slow = schema(&json!({ "properties": { "a": { "pattern": "^(a+)+$" } } }));
    let text = "a".repeat(100_000) + "!";
    assert!(slow.check(&settings(&json!({ "a": text }))).is_err());
}

#[test]
fn the_file_goes_before_the_section() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.schema.json");
    let section = br#"{"required": ["section"]}"#;
    let said = |file: Option<&Path>, section: Option<&[u8]>| {
        let schema = SettingsSchema::of(file, section)?;
        Ok::<_, SchemaError>(schema.map(|schema| schema.check(&Settings::default()).unwrap_err().0))
    };
    assert_eq!(said(None, None).unwrap(), None);
    let missing = |key| Some(vec![format!("settings.{key}: missing; it is required")]);
    assert_eq!(said(None, Some(section)).unwrap(), missing("section"));
    std::fs::write(&file, r#"{"required": ["file"]}"#).unwrap();
    assert_eq!(said(Some(&file), Some(section)).unwrap(), missing("file"));
    std::fs::write(&file, "{").unwrap();
    let error = said(Some(&file), Some(section)).unwrap_err().to_string();
    assert!(
        error.contains("a.schema.json) can't be used: it is not JSON"),
        "{error}"
    );
    let error = said(None, Some(b"{")).unwrap_err().to_string();
    assert!(
        error.contains("(section tollgate:settings-schema) can't be used"),
        "{error}"
    );
}

//! What is shown of settings, and what becomes of what was shown.

use serde_json::json;

use super::*;
use crate::record::RecordConfig;

fn schema() -> Value {
    json!({
        "$defs": {"Key": {"type": "string", "format": "password"}},
        "properties": {
            "key": {"anyOf": [{"$ref": "#/$defs/Key"}, {"type": "null"}]},
            "peers": {"items": {"properties": {"name": {}, "pin": {"writeOnly": true}}}},
            "by_name": {"additionalProperties": {"$ref": "#/$defs/Key"}},
            "vault": {"writeOnly": true, "type": "object"},
            "replacement": {"type": "string"},
        },
    })
}

/// Calls with what tells the secrets of a plugin with this schema.
fn with<R>(schema: Option<&Value>, act: impl FnOnce(Secrets<'_>) -> R) -> R {
    let masks = Masks::new(&RecordConfig::default());
    act(Secrets {
        masks: &masks,
        schema,
        are_all: false,
    })
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn shown(settings: &Value) -> Value {
    let schema = schema();
    with(Some(&schema), |secrets| {
        Value::Object(secrets.shown(&map(settings)).settings)
    })
}

fn restored(new: &Value, now: &Value) -> Result<Value, String> {
    let schema = schema();
    let restored = with(Some(&schema), |secrets| {
        secrets.restored(map(new), &map(now))
    });
    restored.map(Value::Object).map_err(|Unknown(at)| at)
}

fn settings() -> Value {
    json!({
        "key": "k-1", "replacement": "[masked]", "age": 5,
        "peers": [{"name": "a", "pin": 1}, {"name": "b", "pin": 2}],
        "by_name": {"x": "s-1"}, "vault": {"inner": "s-2"},
        "clientSecret": "s-3", "tokens": {"token": ["s-4", {"deep": "s-5", "on": true}]},
        "password": "",
    })
}

#[test]
fn what_schema_or_key_says_is_masked_and_nothing_else() {
    let expected = json!({
        "key": "[masked]", "replacement": "[masked]", "age": 5,
        "peers": [{"name": "a", "pin": "[masked]"}, {"name": "b", "pin": "[masked]"}],
        "by_name": {"x": "[masked]"}, "vault": "[masked]",
        "clientSecret": "[masked]", "tokens": {"token": ["[masked]", {"deep": "[masked]", "on": true}]},
        "password": "",
    });
    assert_eq!(shown(&settings()), expected);
    let schema = schema();
    let masked = with(Some(&schema), |secrets| {
        secrets.shown(&map(&settings())).masked
    });
    let expected = [
        "/by_name/x",
        "/clientSecret",
        "/key",
        "/peers/0/pin",
        "/peers/1/pin",
        "/tokens/token/0",
        "/tokens/token/1/deep",
        "/vault",
    ];
    let mut sorted = masked.clone();
    sorted.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn while_nothing_is_known_everything_is_masked_but_what_is_on_or_off() {
    let masks = Masks::new(&RecordConfig::default());
    let secrets = Secrets {
        masks: &masks,
        schema: None,
        are_all: true,
    };
    let now = map(&json!({"a": "x", "b": [1, true], "c": {"d": ""}}));
    let shown = secrets.shown(&now);
    let expected = json!({"a": "[masked]", "b": ["[masked]", true], "c": {"d": ""}});
    assert_eq!(Value::Object(shown.settings.clone()), expected);
    assert_eq!(secrets.restored(shown.settings, &now).unwrap(), now);
}

#[test]
fn what_was_shown_is_what_it_was_again() {
    assert_eq!(
        restored(&shown(&settings()), &settings()).unwrap(),
        settings()
    );
}

#[test]
fn a_new_value_goes_before_a_mask_and_a_mask_never_becomes_a_value() {
    let now = settings();
    let mut new = shown(&now);
    new["key"] = json!("k-2");
    new["by_name"]["x"] = json!("s-9");
    let got = restored(&new, &now).unwrap();
    assert_eq!(
        (&got["key"], &got["by_name"]["x"]),
        (&json!("k-2"), &json!("s-9"))
    );
    assert_eq!(got["clientSecret"], "s-3");
    let unknown = [
        (json!({"by_name": {"y": "[masked]"}}), "/by_name/y"),
        (json!({"a/b~": {"secret": "[masked]"}}), "/a~1b~0/secret"),
        (json!({"password": "[masked]"}), "/password"),
        (
            json!({"peers": [{"name": "c", "pin": "[masked]"}]}),
            "/peers/0/pin",
        ),
    ];
    for (new, at) in unknown {
        assert_eq!(restored(&new, &now), Err(at.to_owned()), "{new}");
    }
}

#[test]
fn secrets_in_a_list_stay_with_their_items() {
    let peers = |peers: &[(&str, Value)]| {
        let peer = |(name, pin): &(&str, Value)| json!({"name": name, "pin": pin});
        json!({"peers": peers.iter().map(peer).collect::<Vec<_>>()})
    };
    let mask = json!("[masked]");
    let now = peers(&[("a", json!(1)), ("b", json!(2)), ("c", json!(3))]);
    let cases = [
        // Another order, one less, one more, one that has a new name.
        (
            vec![
                ("c", mask.clone()),
                ("a", mask.clone()),
                ("b", mask.clone()),
            ],
            vec![3, 1, 2],
        ),
        (vec![("b", mask.clone()), ("c", mask.clone())], vec![2, 3]),
        (
            vec![
                ("d", json!(4)),
                ("a", mask.clone()),
                ("b", mask.clone()),
                ("c", mask.clone()),
            ],
            vec![4, 1, 2, 3],
        ),
        (
            vec![
                ("a", mask.clone()),
                ("B", mask.clone()),
                ("c", mask.clone()),
            ],
            vec![1, 2, 3],
        ),
        (
            vec![("c", mask.clone()), ("b", mask.clone()), ("a", json!(9))],
            vec![3, 2, 9],
        ),
    ];
    for (new, pins) in cases {
        let got = restored(&peers(&new), &now).unwrap();
        let got: Vec<_> = got["peers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|peer| peer["pin"].clone())
            .collect();
        assert_eq!(json!(got), json!(pins), "{new:?}");
    }
    // Who it was can't be told: two changed, or two that look alike.
    let lost = peers(&[
        ("c", mask.clone()),
        ("d", mask.clone()),
        ("b", mask.clone()),
    ]);
    assert_eq!(restored(&lost, &now), Err("/peers/1/pin".to_owned()));
    let alike = json!({"secrets": ["x", "y"]});
    assert_eq!(
        restored(&json!({"secrets": [mask]}), &alike),
        Err("/secrets/0".to_owned())
    );
    assert_eq!(
        restored(&json!({"secrets": ["[masked]", "[masked]"]}), &alike).unwrap(),
        alike
    );
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = json!({"$ref": "#", "properties": {"a": {"$ref": "#"}}, "allOf": [{"$ref": "#"}, {"$ref": "#"}]});
    let now = map(&json!({"a": {"a": {"password": "x"}}}));
    let shown = with(Some(&schema), |secrets| secrets.shown(&now));
    assert_eq!(shown.masked, ["/a/a/password"]);
}

//! JSON as it is compared: the order of an object's keys and white space mean nothing, everything else does. Numbers
//! are as they are written and keys may come twice, so that no difference is lost by reading.

use std::fmt::Write as _;

use http::{HeaderMap, header};

use super::pattern;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    /// In the order in which the keys were written.
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    /// A number, `true`, `false` or `null`, as it was written.
    Other(String),
}

/// Whether a message with these fields holds JSON by its media type.
pub(super) fn is_announced(fields: &HeaderMap) -> bool {
    let value = fields.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    // AWS names its own `application/x-amz-json-1.0`.
    subtype == "json" || subtype.ends_with("+json") || subtype.starts_with("x-amz-json-")
}

/// A text as JSON; none if it isn't, or is nested too deeply for anybody to compare.
pub(super) fn parse(text: &[u8]) -> Option<Json> {
    // What is right and not too deep for `serde_json` needs no more checks below. It would itself lose digits of numbers.
    serde_json::from_slice::<serde_json::Value>(text).ok()?;
    let text = std::str::from_utf8(text).ok()?;
    let mut reader = Reader {
        rest: text.trim_ascii(),
    };
    reader.value()
}

/// Reads what is known to be JSON.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            b'{' => {
                let mut members = Vec::new();
                self.items(b'}', |reader| {
                    let key = reader.string()?;
                    reader.skip(b':')?;
                    members.push((key, reader.value()?));
                    Some(())
                })?;
                Some(Json::Object(members))
            }
            b'[' => {
                let mut items = Vec::new();
                self.items(b']', |reader| {
                    items.push(reader.value()?);
                    Some(())
                })?;
                Some(Json::Array(items))
            }
            b'"' => self.string().map(Json::String),
            _ => {
                let is_end = |c: char| c.is_ascii_whitespace() || ",]}".contains(c);
                let end = self.rest.find(is_end).unwrap_or(self.rest.len());
                Some(Json::Other(self.take(end).to_owned()))
            }
        }
    }

    /// What stands between an opening and a closing bracket, with commas between.
    fn items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(1);
        if self.peek()? == close {
            self.take(1);
            return Some(());
        }
        loop {
            item(self)?;
            let next = self.peek()?;
            self.take(1);
            if next == close {
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.peek()?;
        let mut escaped = false;
        let is_end = |byte: u8| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        };
        let length = self.rest.bytes().skip(1).position(is_end)? + 2;
        serde_json::from_str(self.take(length)).ok()
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        if self.peek()? != byte {
            return None;
        }
        self.take(1);
        Some(())
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.bytes().next()
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

/// Whether what came is as expected. A string that is one wildcard stands for a value of any kind, by its JSON text.
pub(super) fn meets(expected: &Json, came: &Json) -> bool {
    match (expected, came) {
        (Json::String(expected), Json::String(came)) => {
            pattern::meets(expected.as_bytes(), came.as_bytes())
        }
        (Json::String(expected), came) => {
            pattern::is_one_wildcard(expected.as_bytes())
                && pattern::meets(expected.as_bytes(), compact(came).as_bytes())
        }
        (Json::Other(expected), Json::Other(came)) => expected == came,
        (Json::Array(expected), Json::Array(came)) => {
            expected.len() == came.len() && expected.iter().zip(came).all(|(e, c)| meets(e, c))
        }
        (Json::Object(expected), Json::Object(came)) => {
            expected.len() == came.len()
                && pairs(expected, came).all(|(e, c)| e.is_some_and(|e| meets(e, c)))
        }
        _ => false,
    }
}

/// Each member that came with the expected one of the same key; of a key that comes twice the first with the first.
fn pairs<'j>(
    expected: &'j [(String, Json)],
    came: &'j [(String, Json)],
) -> impl Iterator<Item = (Option<&'j Json>, &'j Json)> {
    came.iter().enumerate().map(move |(at, (key, value))| {
        let before = came[..at].iter().filter(|(other, _)| other == key).count();
        let mut same = expected.iter().filter(|(other, _)| other == key);
        (same.nth(before).map(|(_, value)| value), value)
    })
}

/// What came in the order of what was expected, and beside it what was expected with what came wherever that was met: two
/// values whose texts differ where something came otherwise.
pub(super) fn aligned(expected: &Json, came: &Json) -> (Json, Json) {
    if meets(expected, came) {
        let came = in_order_of(expected, came);
        return (came.clone(), came);
    }
    match (expected, came) {
        (Json::Array(expected), Json::Array(came)) => {
            let both = expected.iter().zip(came).map(|(e, c)| aligned(e, c));
            let (mut left, mut right): (Vec<_>, Vec<_>) = both.unzip();
            left.extend(expected.iter().skip(came.len()).cloned());
            right.extend(came.iter().skip(expected.len()).cloned());
            (Json::Array(left), Json::Array(right))
        }
        (Json::Object(members), Json::Object(_)) => {
            let Json::Object(came) = in_order_of(expected, came) else {
                return (expected.clone(), came.clone());
            };
            let left = pairs(&came, members).zip(members);
            let left = left.map(|((came, value), (key, _))| {
                let shown = came.map_or_else(|| value.clone(), |came| aligned(value, came).0);
                (key.clone(), shown)
            });
            let right = pairs(members, &came).zip(&came);
            let right = right.map(|((expected, value), (key, _))| {
                let shown = expected.map_or_else(|| value.clone(), |e| aligned(e, value).1);
                (key.clone(), shown)
            });
            (Json::Object(left.collect()), Json::Object(right.collect()))
        }
        _ => (expected.clone(), came.clone()),
    }
}

/// What came, as an expectation that it meets: wildcards that it met stay, and what would be one means itself.
pub(super) fn kept(expected: Option<&Json>, came: &Json) -> Json {
    match (expected, came) {
        (Some(Json::Object(expected)), Json::Object(_)) => {
            let Json::Object(came) = in_order_of(&Json::Object(expected.clone()), came) else {
                return came.clone();
            };
            let members = pairs(expected, &came).zip(&came);
            let members = members.map(|((e, value), (key, _))| (key.clone(), kept(e, value)));
            Json::Object(members.collect())
        }
        (Some(Json::Array(expected)), Json::Array(came)) => {
            let items = came.iter().enumerate();
            Json::Array(
                items
                    .map(|(at, item)| kept(expected.get(at), item))
                    .collect(),
            )
        }
        (Some(expected), came) if meets(expected, came) => expected.clone(),
        (_, Json::String(text)) => {
            let escaped = pattern::escaped(text.as_bytes());
            Json::String(String::from_utf8_lossy(&escaped).into_owned())
        }
        (_, Json::Array(items)) => Json::Array(items.iter().map(|item| kept(None, item)).collect()),
        (_, Json::Object(members)) => {
            let members = members
                .iter()
                .map(|(key, value)| (key.clone(), kept(None, value)));
            Json::Object(members.collect())
        }
        (_, Json::Other(text)) => Json::Other(text.clone()),
    }
}

/// The same with the keys of objects in the order of another's, and those that it lacks behind them.
fn in_order_of(expected: &Json, came: &Json) -> Json {
    match (expected, came) {
        (Json::Object(expected), Json::Object(came)) => {
            let place = |key: &str| expected.iter().position(|(other, _)| other == key);
            let ordered = pairs(expected, came).zip(came);
            let mut members: Vec<_> = ordered
                .map(|((e, value), (key, _))| {
                    let value = e.map_or_else(|| value.clone(), |e| in_order_of(e, value));
                    (key.clone(), value)
                })
                .collect();
            members.sort_by_key(|(key, _)| place(key).unwrap_or(usize::MAX));
            Json::Object(members)
        }
        (Json::Array(expected), Json::Array(came)) => {
            let items = came.iter().enumerate();
            let items = items.map(|(at, item)| match expected.get(at) {
                Some(expected) => in_order_of(expected, item),
                None => item.clone(),
            });
            Json::Array(items.collect())
        }
        _ => came.clone(),
    }
}

/// Whether a wildcard, or braces that are written so as to be none, stand anywhere in it.
pub(super) fn has_pattern(json: &Json) -> bool {
    match json {
        Json::Object(members) => members.iter().any(|(_, value)| has_pattern(value)),
        Json::Array(items) => items.iter().any(has_pattern),
        Json::String(text) => pattern::is_pattern(text.as_bytes()),
        Json::Other(_) => false,
    }
}

/// Whether every regular expression in it is one.
///
/// # Errors
/// Says which isn't and why.
pub(super) fn check(json: &Json) -> Result<(), String> {
    match json {
        Json::Object(members) => members.iter().try_for_each(|(_, value)| check(value)),
        Json::Array(items) => items.iter().try_for_each(check),
        Json::String(text) => pattern::check(text.as_bytes()),
        Json::Other(_) => Ok(()),
    }
}

/// On lines, with two spaces for each level.
pub(super) fn pretty(json: &Json) -> String {
    let mut text = String::new();
    write(&mut text, json, Some(0));
    text
}

fn compact(json: &Json) -> String {
    let mut text = String::new();
    write(&mut text, json, None);
    text
}

/// Writing to a string never fails.
fn write(text: &mut String, json: &Json, depth: Option<usize>) {
    let inner = depth.map(|depth| depth + 1);
    let line = |text: &mut String, depth: Option<usize>| {
        if let Some(depth) = depth {
            let _ = write!(text, "\n{:1$}", "", depth * 2);
        }
    };
    match json {
        Json::Other(other) => text.push_str(other),
        Json::String(string) => {
            let _ = write!(text, "{}", serde_json::Value::from(string.as_str()));
        }
        Json::Array(items) if items.is_empty() => text.push_str("[]"),
        Json::Object(members) if members.is_empty() => text.push_str("{}"),
        Json::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                text.push(if number == 0 { '[' } else { ',' });
                line(text, inner);
                write(text, item, inner);
            }
            line(text, depth);
            text.push(']');
        }
        Json::Object(members) => {
            let colon = if depth.is_some() { ": " } else { ":" };
            for (number, (key, value)) in members.iter().enumerate() {
                text.push(if number == 0 { '{' } else { ',' });
                line(text, inner);
                let _ = write!(text, "{}{colon}", serde_json::Value::from(key.as_str()));
                write(text, value, inner);
            }
            line(text, depth);
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn order_and_white_space_mean_nothing_and_everything_else_does() {
        let text = r#" {"a": [1, {"b": "x\"}é\\"}, []], "c": {}, "d": null,"a":"2"} "#;
        let same = r#"{"c":{},"a":[1,{"b":"x\"}\u00e9\\"},[]],"a":"2",
            "d":null}"#;
        assert!(meets(&json(text), &json(same)) && meets(&json(same), &json(text)));
        let others = [
            r#"{"a":1}"#,
            r#"{"a":1.0,"b":2}"#,
            r#"{"a":"1","b":2}"#,
            r#"{"a":1,"b":2,"c":3}"#,
            r#"{"a":1,"b":2,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"[1,2]"#,
            "null",
        ];
        for other in others {
            assert!(!meets(&json(r#"{"a":1,"b":2}"#), &json(other)), "{other}");
            assert!(!meets(&json(other), &json(r#"{"a":1,"b":2}"#)), "{other}");
        }
        // As numbers of 64 bits these two would be the same.
        assert!(!meets(
            &json("9007199254740993.0"),
            &json("9007199254740992.0")
        ));
        assert!(!meets(&json("[1,2]"), &json("[2,1]")));
    }

    #[test]
    fn a_wildcard_stands_for_any_value() {
        let expected = json(
            r#"{"any": "{{any}}", "id": "i-{{re:[0-9]+}}", "n": "{{re:\\d+}}", "t": "{{open}}any}}"}"#,
        );
        let came = r#"{"any": {"x": [1]}, "id": "i-17", "n": 42, "t": "{{any}}"}"#;
        assert!(meets(&expected, &json(came)));
        for (from, to) in [
            ("i-17", "i-"),
            ("42", "true"),
            ("{{any}}", "x"),
            ("\"any\"", "\"eny\""),
        ] {
            assert!(!meets(&expected, &json(&came.replace(from, to))), "{to}");
        }
        assert!(!meets(&json(r#""a{{any}}""#), &json("1")));
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in ["", "{", "{\"a\": {{any}}}", "1 2", "\u{feff}1"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(deep.as_bytes()), None);
    }

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let expected =
            json(r#"{"id": "{{any}}", "b": [1, 2], "a": {"y": 1, "x": "{{uuid}}"}, "gone": 1}"#);
        let came = json(r#"{"new": 1, "a": {"x": "no", "y": 1}, "b": [1, 3, 4], "id": 7}"#);
        let (left, right) = aligned(&expected, &came);
        let left = pretty(&left);
        let right = pretty(&right);
        let expected = "{\n  \"id\": 7,\n  \"b\": [\n    1,\n    2\n  ],\n  \"a\": {\n    \"y\": 1,\n    \"x\": \"{{uuid}}\"\n  },\n  \"gone\": 1\n}";
        assert_eq!(left, expected);
        let expected = "{\n  \"id\": 7,\n  \"b\": [\n    1,\n    3,\n    4\n  ],\n  \"a\": {\n    \"y\": 1,\n    \"x\": \"no\"\n  },\n  \"new\": 1\n}";
        assert_eq!(right, expected);
    }

    #[test]
    fn what_came_is_written_with_the_wildcards_that_it_met() {
        let expected = json(r#"{"id": "{{any}}", "t": "{{uuid}}", "l": ["{{re:a}}"], "o": 1}"#);
        let came = json(
            r#"{"o": 2, "l": ["a", "{{any}}"], "t": "none", "id": 7, "n": {"z": "{{open}}"}}"#,
        );
        let written = kept(Some(&expected), &came);
        let text = compact(&written);
        assert_eq!(
            text,
            r#"{"id":"{{any}}","t":"none","l":["{{re:a}}","{{open}}any}}"],"o":2,"n":{"z":"{{open}}open}}"}}"#
        );
        assert!(meets(&json(&text), &came));
        assert!(has_pattern(&written) && !has_pattern(&came_without(&came)));
    }

    fn came_without(came: &Json) -> Json {
        match came {
            Json::Object(members) => Json::Object(members[..1].to_vec()),
            other => other.clone(),
        }
    }

    #[test]
    fn media_types_of_json() {
        let is = |value: &str| {
            let mut fields = HeaderMap::new();
            fields.insert(header::CONTENT_TYPE, value.parse().unwrap());
            is_announced(&fields)
        };
        for value in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "text/json",
            "application/problem+json",
            "application/x-amz-json-1.0",
        ] {
            assert!(is(value), "{value}");
        }
        for value in [
            "text/plain",
            "application/jsonp",
            "application/x-ndjson",
            "json",
        ] {
            assert!(!is(value), "{value}");
        }
        assert!(!is_announced(&HeaderMap::new()));
    }
}

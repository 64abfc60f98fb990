//! Replacing one value of a JSON object while everything else stays byte for byte.
//!
//! serde_json checks the text and says where the value is: a `RawValue` borrows it.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// A text that nests deeper is not taken for JSON.
const MOST_LEVELS: usize = 128;

/// The body with the value of its first member `name` replaced by `text` as a JSON string. None if the body is not one
/// valid JSON object, nests too deep, or has no such member. Names are compared as they are written.
pub(crate) fn replace(body: &[u8], name: &str, text: &str) -> Option<String> {
    let json = std::str::from_utf8(body).ok()?;
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = reader.deserialize_map(Find { name }).ok()?;
    reader.end().ok()?;
    let value = value.filter(|_| levels(json) <= MOST_LEVELS)?;
    let start = value.as_ptr().addr() - json.as_ptr().addr();
    let end = start + value.len();
    Some([&json[..start], &quoted(text), &json[end..]].concat())
}

/// Finds the value of the first member of this name.
struct Find<'a> {
    name: &'a str,
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        // To the end, since all of it must be JSON.
        while let Some((name, value)) = members.next_entry::<&RawValue, &RawValue>()? {
            let name = name
                .get()
                .strip_prefix('"')
                .and_then(|name| name.strip_suffix('"'));
            if found.is_none() && name == Some(self.name) {
                found = Some(value.get());
            }
        }
        Ok(found)
    }
}

/// How deep a valid JSON text nests.
fn levels(json: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_string => level -= 1,
            _ => {}
        }
    }
    deepest
}

/// A text as a JSON string, escaped no more than it must be.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\0'..' ' => quoted += &format!("\\u{:04x}", u32::from(c)),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_value_changes() {
        let cases = [
            (r#"{"greeting":"hi"}"#, Some(r#"{"greeting":"M"}"#)),
            (
                "\r\n\t { \"a\" : [1.0e+5,\"\\u0041\"] ,\"greeting\" : {\"greeting\":[]} , \"greeting\":1}\n",
                Some(
                    "\r\n\t { \"a\" : [1.0e+5,\"\\u0041\"] ,\"greeting\" : \"M\" , \"greeting\":1}\n",
                ),
            ),
            (r#"{"greeting":-0}"#, Some(r#"{"greeting":"M"}"#)),
            (
                r#"{"a":"\ud800","greeting":null}"#,
                Some(r#"{"a":"\ud800","greeting":"M"}"#),
            ),
            // Not there, or not by that name.
            (r#"{"a":{"greeting":1}}"#, None),
            (r#"{"greetin\u0067":1}"#, None),
            (r#"{"Greeting":1}"#, None),
            (r#"[{"greeting":1}]"#, None),
            (r#""greeting""#, None),
            // Not JSON.
            ("", None),
            (r#"{"greeting":1"#, None),
            (r#"{"greeting":1}}"#, None),
            (r#"{"greeting":1,}"#, None),
            (r#"{"greeting":1 "a":2}"#, None),
            (r#"{"greeting":NaN}"#, None),
            (r#"{"greeting":01}"#, None),
            (r#"{"greeting":1.}"#, None),
            (r#"{"greeting":+1}"#, None),
            (r#"{"greeting":1e}"#, None),
            (r#"{"greeting":"\x"}"#, None),
            (r#"{"greeting":"\u00g0"}"#, None),
            ("{\"greeting\":\"\n\"}", None),
            ("{\"greeting\":1,\"\n\":2}", None),
            ("\u{feff}{\"greeting\":1}", None),
            ("{\"greeting\":1}\u{a0}", None),
            ("{\"greeting\":1}\u{c}", None),
            (r#"{greeting:1}"#, None),
            (r#"{'greeting':1}"#, None),
            (r#"{"greeting":1/**/}"#, None),
        ];
        for (body, expected) in cases {
            assert_eq!(
                replace(body.as_bytes(), "greeting", "M").as_deref(),
                expected,
                "{body}"
            );
        }
        assert_eq!(replace(b"{\"greeting\":\"\xff\"}", "greeting", "M"), None);
    }

    #[test]
    fn there_is_an_end_to_nesting() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
            format!(r#"{{"a":{open}"]}}\"[{{"{close},"greeting":1}}"#)
        };
        assert!(replace(nested(128).as_bytes(), "greeting", "M").is_some());
        assert_eq!(replace(nested(129).as_bytes(), "greeting", "M"), None);
        assert_eq!(replace(nested(100_000).as_bytes(), "greeting", "M"), None);
    }

    #[test]
    fn a_string_is_escaped_no_more_than_it_must_be() {
        assert_eq!(
            quoted("a\"\\/ß\u{7f}\u{1f}\n\0😀"),
            "\"a\\\"\\\\/ß\u{7f}\\u001f\\u000a\\u0000😀\""
        );
    }
}

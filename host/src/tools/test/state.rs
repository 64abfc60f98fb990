//! What a plugin's state holds before an exchange and after it, as lines of TOML: `key = "value"`, `count = 3`,
//! `key = { value = "…", ttl = "60s" }`, `key = { base64 = "…" }`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use toml::de::DeValue;

use super::pattern;
use super::sections::time;
use crate::config;
use crate::config::file::{Mistakes, TomlTable, Value};

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: String,
    pub value: Bytes,
    /// How long it is still there; none if it does not expire.
    pub left: Option<Duration>,
}

/// What a key is expected to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpectedEntry {
    key: String,
    value: ExpectedValue,
    left: ExpectedTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ExpectedValue {
    /// With wildcards.
    Text(String),
    Exact(Bytes),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ExpectedTime {
    Forever,
    Exact(Duration),
    /// With wildcards.
    Text(String),
}

/// The state that a section `state` says, in the order of its keys.
pub(super) fn entries(table: &TomlTable<'_>, mistakes: &Mistakes) -> Vec<Entry> {
    let entry = |(key, value): (&str, Value<'_>)| {
        let written = Written::read(value, mistakes)?;
        let left = match written.ttl {
            Some(ttl) => Some(ttl.read(mistakes, time_to_live)?),
            None => None,
        };
        Some(Entry {
            key: key.to_owned(),
            value: match written.value {
                ExpectedValue::Text(text) => text.into(),
                ExpectedValue::Exact(bytes) => bytes,
            },
            left,
        })
    };
    let mut entries: Vec<_> = table.values().filter_map(entry).collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries
}

/// The state that a section `expect state` says, in the order of its keys.
pub(super) fn expected(table: &TomlTable<'_>, mistakes: &Mistakes) -> Vec<ExpectedEntry> {
    let entry = |(key, value): (&str, Value<'_>)| {
        let place = value.place.clone();
        let written = Written::read(value, mistakes)?;
        if let ExpectedValue::Text(text) = &written.value
            && let Err(problem) = pattern::check(text.as_bytes())
        {
            mistakes.add(place, problem);
            return None;
        }
        let left = match written.ttl {
            None => ExpectedTime::Forever,
            Some(ttl) if pattern::is_pattern(ttl.text.as_bytes()) => {
                let checked = |text: &str| pattern::check(text.as_bytes());
                ttl.read(mistakes, checked)?;
                ExpectedTime::Text(ttl.text)
            }
            Some(ttl) => ExpectedTime::Exact(ttl.read(mistakes, time_to_live)?),
        };
        Some(ExpectedEntry {
            key: key.to_owned(),
            value: written.value,
            left,
        })
    };
    let mut entries: Vec<_> = table.values().filter_map(entry).collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries
}

fn time_to_live(text: &str) -> Result<Duration, String> {
    let time = config::duration(text)?;
    match time.is_zero() {
        true => Err("must be greater than 0; leave out what is not there".to_owned()),
        false => Ok(time),
    }
}

/// What stands behind a key.
struct Written {
    value: ExpectedValue,
    ttl: Option<config::file::Scalar>,
}

impl Written {
    fn read(value: Value<'_>, mistakes: &Mistakes) -> Option<Self> {
        const SHAPES: &str = "a string, a whole number, or a table with `value` or `base64`, and `ttl` if it expires";
        match value.value {
            DeValue::String(_) => Some(Self::forever(value.text()?.text)),
            DeValue::Integer(_) => Some(Self::forever(value.number()?.text)),
            DeValue::Table(_) => {
                let mut table = value.table()?;
                let place = table.place.clone();
                let text = table.text_or_number("value");
                let base64 = table.text("base64");
                let ttl = table.text("ttl");
                let is_one = table.has("value") != table.has("base64");
                table.finish(&[]);
                let value = match (text, base64) {
                    _ if !is_one => {
                        let problem =
                            format!("expected {SHAPES}. (A key with a dot is written in quotes.)");
                        mistakes.add(place, problem);
                        return None;
                    }
                    (Some(text), _) => ExpectedValue::Text(text.text),
                    (None, base64) => {
                        let decoded = |text: &str| {
                            let bytes = BASE64.decode(text);
                            bytes.map_err(|error| format!("this is not base64: {error}"))
                        };
                        ExpectedValue::Exact(base64?.read(mistakes, decoded)?.into())
                    }
                };
                Some(Self { value, ttl })
            }
            _ => value.wrong(SHAPES),
        }
    }

    fn forever(text: String) -> Self {
        Self {
            value: ExpectedValue::Text(text),
            ttl: None,
        }
    }
}

impl ExpectedEntry {
    fn is_met(&self, came: &Entry) -> bool {
        self.key == came.key && self.value.is_met(&came.value) && self.left.is_met(came.left)
    }

    fn line(&self) -> String {
        line(&self.key, &self.value.written(), self.left.written())
    }
}

impl ExpectedValue {
    /// What came, meaning itself.
    fn of(came: &Bytes) -> Self {
        let is_plain =
            |text: &str| !text.contains(|c: char| c.is_control() && !"\n\r\t".contains(c));
        match std::str::from_utf8(came).ok().filter(|text| is_plain(text)) {
            Some(text) => {
                let escaped = pattern::escaped(text.as_bytes());
                Self::Text(String::from_utf8_lossy(&escaped).into_owned())
            }
            None => Self::Exact(came.clone()),
        }
    }

    fn is_met(&self, came: &Bytes) -> bool {
        match self {
            Self::Text(text) => pattern::meets(text.as_bytes(), came),
            Self::Exact(bytes) => bytes == came,
        }
    }

    /// The key of the value in a table, and the value.
    fn written(&self) -> (&'static str, String) {
        match self {
            Self::Text(text) => {
                let number: Option<i64> = text.parse().ok();
                let is_number = number.is_some_and(|number| number.to_string() == *text);
                let text = match is_number {
                    true => text.clone(),
                    false => quoted(text),
                };
                ("value", text)
            }
            Self::Exact(bytes) => ("base64", quoted(&BASE64.encode(bytes))),
        }
    }
}

impl ExpectedTime {
    fn of(came: Option<Duration>) -> Self {
        came.map_or(Self::Forever, Self::Exact)
    }

    fn is_met(&self, came: Option<Duration>) -> bool {
        match (self, came) {
            (Self::Forever, came) => came.is_none(),
            (Self::Exact(expected), came) => came == Some(*expected),
            (Self::Text(text), Some(came)) => {
                pattern::meets(text.as_bytes(), time(came).as_bytes())
            }
            (Self::Text(_), None) => false,
        }
    }

    fn written(&self) -> Option<String> {
        match self {
            Self::Forever => None,
            Self::Exact(left) => Some(quoted(&time(*left))),
            Self::Text(text) => Some(quoted(text)),
        }
    }
}

fn line(key: &str, (name, value): &(&'static str, String), ttl: Option<String>) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let key = match !key.is_empty() && key.chars().all(is_bare) {
        true => key.to_owned(),
        false => quoted(key),
    };
    match (ttl, *name) {
        (None, "value") => format!("{key} = {value}\n"),
        (None, name) => format!("{key} = {{ {name} = {value} }}\n"),
        (Some(ttl), name) => format!("{key} = {{ {name} = {value}, ttl = {ttl} }}\n"),
    }
}

/// A string of TOML. JSON's escapes are TOML's too, but for a character that JSON leaves as it is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

/// Whether what came is what was expected: the same keys, with their values and the time that they have left.
pub(super) fn are_met(expected: &[ExpectedEntry], came: &[Entry]) -> bool {
    let is_met = |(expected, came): (&ExpectedEntry, &Entry)| expected.is_met(came);
    expected.len() == came.len() && expected.iter().zip(came).all(is_met)
}

/// Both as text for a diff: the same where what came is as expected.
pub(super) fn shown(expected: &[ExpectedEntry], came: &[Entry]) -> (String, String) {
    let came_line = |came: &Entry| kept_line(&[], came);
    let expected_line = |expected: &ExpectedEntry| {
        let met = came.iter().find(|came| expected.is_met(came));
        met.map_or_else(|| expected.line(), came_line)
    };
    (
        expected.iter().map(expected_line).collect(),
        came.iter().map(came_line).collect(),
    )
}

/// What came, with the wildcards that it met.
pub(super) fn kept(expected: &[ExpectedEntry], came: &[Entry]) -> String {
    came.iter().map(|came| kept_line(expected, came)).collect()
}

fn kept_line(expected: &[ExpectedEntry], came: &Entry) -> String {
    let same = expected.iter().find(|expected| expected.key == came.key);
    let value = same.map(|same| &same.value);
    let value = value.filter(|value| value.is_met(&came.value));
    let left = same.map(|same| &same.left);
    let left = left.filter(|left| left.is_met(came.left));
    let (own_value, own_left) = (ExpectedValue::of(&came.value), ExpectedTime::of(came.left));
    line(
        &came.key,
        &value.unwrap_or(&own_value).written(),
        left.unwrap_or(&own_left).written(),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::file::TomlDocument;

    fn read<T>(
        text: &str,
        read: impl FnOnce(&TomlTable<'_>, &Mistakes) -> T,
    ) -> Result<T, Vec<String>> {
        let mistakes = Mistakes::default();
        let read = {
            let document = TomlDocument::parse(Path::new("p"), text, &mistakes);
            read(&document.root(), &mistakes)
        };
        let read = mistakes.or(read);
        read.map_err(|errors| errors.mistakes.iter().map(ToString::to_string).collect())
    }

    fn entry(key: &str, value: &'static [u8], left: Option<u64>) -> Entry {
        Entry {
            key: key.to_owned(),
            value: Bytes::from_static(value),
            left: left.map(Duration::from_millis),
        }
    }

    fn all() -> Vec<Entry> {
        vec![
            entry("", b"", None),
            entry(
                "a.b \"c\"\u{7f}",
                "{{any}} \u{7f}ü".as_bytes(),
                Some(90_000),
            ),
            entry("binary", b"\xff\0", Some(1)),
            entry("count", b"-3", None),
            entry("lines", b"a\r\n\tb", None),
            entry("nul", b"\0", None),
            entry("number", b"03", Some(1500)),
        ]
    }

    #[test]
    fn what_came_is_written_and_then_expected_and_then_there() {
        let text = kept(&[], &all());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[3], "count = -3");
        assert_eq!(lines[2], "binary = { base64 = \"/wA=\", ttl = \"1ms\" }");
        let expected = read(&text, expected).unwrap();
        assert!(are_met(&expected, &all()), "{text}");
        assert_eq!(kept(&expected, &all()), text);
        // Nothing is a wildcard in what is there before.
        let before = read(&text.replace("{{open}}any}}", "{{any}}"), entries);
        let mut told = all();
        told[1].value = Bytes::from_static("{{any}} \u{7f}ü".as_bytes());
        let mut before = before.unwrap();
        assert!(before[1].value.starts_with(b"{{any}}"));
        before[1].value = told[1].value.clone();
        assert_eq!(before, told);
    }

    #[test]
    fn every_difference_is_one() {
        let expect = |text: &str| read(text, expected).unwrap();
        let came = [entry("a", b"12", Some(60_000)), entry("b", b"x", None)];
        for (text, met) in [
            ("b = 'x'\na = { value = 12, ttl = '1m' }", true),
            (
                "b = '{{any}}'\na = { value = '{{re:[0-9]+}}', ttl = '{{any}}' }",
                true,
            ),
            ("b = 'x'\na = { base64 = 'MTI=', ttl = '60s' }", true),
            ("b = 'x'\na = 12", false),
            ("b = 'x'\na = { value = 13, ttl = '60s' }", false),
            ("b = 'x'\na = { value = 12, ttl = '61s' }", false),
            (
                "b = { value = 'x', ttl = '{{any}}' }\na = { value = 12, ttl = '60s' }",
                false,
            ),
            ("a = { value = 12, ttl = '60s' }", false),
            ("b = 'x'\na = { value = 12, ttl = '60s' }\nc = ''", false),
            ("b = 'x'\nc = { value = 12, ttl = '60s' }", false),
        ] {
            assert_eq!(are_met(&expect(text), &came), met, "{text}");
        }
        let (left, right) = shown(
            &expect("a = { value = '{{any}}', ttl = '1m' }\nc = 1"),
            &came,
        );
        assert_eq!(left, "a = { value = 12, ttl = \"60s\" }\nc = 1\n");
        assert_eq!(right, "a = { value = 12, ttl = \"60s\" }\nb = \"x\"\n");
        let kept = kept(
            &expect("a = { value = '{{re:[0-9]+}}', ttl = '9s' }"),
            &came,
        );
        assert_eq!(
            kept,
            "a = { value = \"{{re:[0-9]+}}\", ttl = \"60s\" }\nb = \"x\"\n"
        );
    }

    #[test]
    fn mistakes_say_where_and_what_to_do() {
        for (text, begin) in [
            (
                "a = true",
                "p:1: a = true: expected a string, a whole number, or a table",
            ),
            ("a.b = 1", "p:1: a.b: unknown key"),
            (
                "\na = { value = 1, base64 = '' }",
                "p:2: a: expected a string",
            ),
            (
                "a = { base64 = '?' }",
                "p:1: a.base64 = '?': this is not base64",
            ),
            (
                "a = { value = 1, ttl = 5 }",
                "p:1: a.ttl = 5: expected a string",
            ),
            (
                "a = { value = 1, ttl = '0s' }",
                "p:1: a.ttl = '0s': must be greater than 0",
            ),
            (
                "a = { value = 1, tll = '1s' }",
                "p:1: a.tll: unknown key; did you mean ttl?",
            ),
        ] {
            for told in [read(text, entries).err(), read(text, expected).err()] {
                let told = told.unwrap();
                assert!(
                    told.iter().any(|t| t.starts_with(begin)),
                    "{text}: {told:?}"
                );
            }
        }
        let told = read("a = '{{re:(}}'", expected).unwrap_err();
        assert_eq!(told, ["p:1: a = '{{re:(}}': {{re:(}}: unclosed group"]);
    }
}

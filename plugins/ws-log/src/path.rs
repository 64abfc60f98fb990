//! Paths to values in JSON: a part of JSONPath (RFC 9535).

use serde::Deserialize;

/// More segments than anybody writes; a walk goes no deeper.
const MOST_SEGMENTS: usize = 32;

/// `$`, then any number of `.name`, `['name']`, `[0]`, `.*` and `[*]`.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Path(pub Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Name(String),
    Index(usize),
    Any,
}

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no path that this plugin knows: `$`, then `.name`, `['name']`, `[0]`, `.*` or `[*]`, {MOST_SEGMENTS} \
                 of them at most"
            )
        };
        let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let (segment, behind) = segment(rest).ok_or_else(wrong)?;
            segments.push(segment);
            rest = behind;
        }
        match segments.len() {
            0..=MOST_SEGMENTS => Ok(Self(segments)),
            _ => Err(wrong()),
        }
    }
}

/// The first segment, and what is behind it.
fn segment(text: &str) -> Option<(Segment, &str)> {
    if let Some(rest) = text.strip_prefix('.') {
        if let Some(rest) = rest.strip_prefix('*') {
            return Some((Segment::Any, rest));
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let starts_well = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
        return starts_well.then(|| (Segment::Name(name.to_owned()), rest));
    }
    let rest = text.strip_prefix('[')?;
    for quote in ['\'', '"'] {
        if let Some(rest) = rest.strip_prefix(quote) {
            let (name, rest) = rest.split_once(quote)?;
            let name = (!name.contains('\\')).then(|| name.to_owned())?;
            return Some((Segment::Name(name), rest.strip_prefix(']')?));
        }
    }
    let (inside, rest) = rest.split_once(']')?;
    if inside == "*" {
        return Some((Segment::Any, rest));
    }
    let is_plain = inside.bytes().all(|byte| byte.is_ascii_digit())
        && (inside == "0" || !inside.starts_with('0'));
    let index = inside.parse().ok().filter(|_| is_plain)?;
    Some((Segment::Index(index), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_or_refused() {
        let name = |name: &str| Segment::Name(name.to_owned());
        for (text, expected) in [
            ("$", vec![]),
            ("$.type", vec![name("type")]),
            ("$['a b'][\"c\"]", vec![name("a b"), name("c")]),
            (
                "$.items[*].id",
                vec![name("items"), Segment::Any, name("id")],
            ),
            (
                "$[0].*[12]",
                vec![Segment::Index(0), Segment::Any, Segment::Index(12)],
            ),
        ] {
            assert_eq!(
                Path::try_from(text.to_owned()),
                Ok(Path(expected)),
                "{text}"
            );
        }
        let deep = format!("${}", ".a".repeat(33));
        for wrong in [
            "", "type", ".type", "$.", "$..a", "$[-1]", "$[01]", "$['a", "$[a]", "$.a-b", "$ .a",
            "$.1", "$['\\n']", "$[?@.a]", &deep,
        ] {
            assert!(Path::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}

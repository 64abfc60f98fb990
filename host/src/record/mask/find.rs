//! Where in a text the values are that must not be kept.

use std::cmp::Reverse;
use std::ops::Range;

use super::names::Names;

/// What stands in the place of a secret.
pub const MASKED: &str = "[masked]";

/// Bytes in front of a value in which its name is looked for.
const LONGEST_NAME: usize = 128;

/// Bytes between the name of a part of a form and its value.
const LONGEST_HEAD: usize = 1024;

/// A value to mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    at: Range<usize>,
    /// It stands without quotes where JSON has values: so many backslashes before each of those that it gets.
    quotes: Option<usize>,
    /// It goes on from a piece before this one.
    goes_on: bool,
}

impl Found {
    pub fn new(at: Range<usize>) -> Self {
        Self {
            at,
            quotes: None,
            goes_on: false,
        }
    }

    /// The part of it that is between these places, counted from the first of them.
    pub fn within(&self, start: usize, end: usize) -> Option<Self> {
        let at = self.at.start.max(start)..self.at.end.min(end);
        (at.start < at.end).then(|| Self {
            goes_on: at.start > self.at.start,
            at: at.start - start..at.end - start,
            quotes: self.quotes,
        })
    }
}

/// All of them, in their order; none meets another.
pub fn all(text: &[u8], keys: &Names) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    for sign in memchr::memchr3_iter(b':', b'=', b'<', text) {
        if sign < at {
            continue;
        }
        let value = match text[sign] {
            b':' => of_json(text, sign, keys),
            b'=' => of_form(text, sign, keys),
            _ => of_xml(text, sign, keys),
        };
        if let Some(value) = value.filter(|value| !value.at.is_empty()) {
            at = value.at.end.max(sign + 1);
            found.push(value);
        }
    }
    let pairs = pairs(text, keys);
    if !pairs.is_empty() {
        found.extend(pairs);
        apart(&mut found);
    }
    found
}

/// Puts them into their order, and leaves out those that meet one before them. Of those that begin together the longest stays.
pub fn apart(found: &mut Vec<Found>) {
    found.sort_by_key(|value| (value.at.start, Reverse(value.at.end)));
    let mut end = 0;
    found.retain(|value| {
        let is_apart = value.at.start >= end;
        end = end.max(value.at.end);
        is_apart
    });
}

/// Values in `["name", "value"]`: lists of fields are written so.
fn pairs(text: &[u8], keys: &Names) -> Vec<Found> {
    let brackets = memchr::memchr_iter(b'[', text);
    brackets
        .filter_map(|bracket| of_pair(text, bracket, keys))
        .collect()
}

fn of_pair(text: &[u8], bracket: usize, keys: &Names) -> Option<Found> {
    let start = skip_space(text, bracket + 1, true);
    let slashes = text[start..]
        .iter()
        .take_while(|byte| **byte == b'\\')
        .count();
    let string = |at: usize| {
        let start = skip_space(text, at, slashes > 0) + slashes;
        (text.get(start) == Some(&b'"')).then(|| start + 1..string_end(text, start + 1, slashes))
    };
    let behind = |end: usize| skip_space(text, (end + slashes + 1).min(text.len()), slashes > 0);
    let name = string(start)?;
    let comma = behind(name.end);
    if text.get(comma) != Some(&b',') || !keys.contains(&text[name]) {
        return None;
    }
    let value = string(comma + 1)?;
    // The list ends behind it, or the text does.
    let end = text.get(behind(value.end));
    (end.is_none_or(|byte| *byte == b']') && !value.is_empty()).then(|| Found::new(value))
}

/// The text with masks in the places of these.
pub fn replaced(text: &[u8], found: &[Found]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for value in found {
        out.extend_from_slice(&text[done..value.at.start]);
        if !value.goes_on {
            let quote = |out: &mut Vec<u8>| {
                if let Some(count) = value.quotes {
                    out.extend(std::iter::repeat_n(b'\\', count));
                    out.push(b'"');
                }
            };
            quote(&mut out);
            out.extend_from_slice(MASKED.as_bytes());
            quote(&mut out);
        }
        done = value.at.end;
    }
    out.extend_from_slice(&text[done..]);
    out
}

/// `"name": value`, where the colon is. Within strings of JSON there are backslashes before the quotes: 1, 3, 7, with each level.
fn of_json(text: &[u8], colon: usize, keys: &Names) -> Option<Found> {
    let before = &text[colon.saturating_sub(LONGEST_NAME)..colon];
    let before = before.trim_ascii_end();
    let name = before.strip_suffix(b"\"")?;
    let slashes = slashes_before(name, name.len());
    let name = &name[..name.len() - slashes];
    let quote = memchr::memrchr(b'"', name)?;
    let key = &name[quote + 1..];
    let is_one = keys.contains(key)
        || key.eq_ignore_ascii_case(b"value")
            && named_before(&name[..quote - slashes.min(quote)], slashes, keys);
    if !is_one {
        return None;
    }
    let start = skip_space(text, colon + 1, slashes > 0);
    let rest = &text[start..];
    let opening = rest.iter().take_while(|byte| **byte == b'\\').count();
    if rest.get(opening) == Some(&b'"') {
        let start = start + opening + 1;
        return Some(Found::new(start..string_end(text, start, slashes)));
    }
    if rest.starts_with(b"null") {
        return None;
    }
    let end = match rest.first()? {
        b'{' | b'[' => start + nested_end(rest, slashes),
        _ => {
            start
                + rest
                    .iter()
                    .position(|byte| is_end(*byte))
                    .unwrap_or(rest.len())
        }
    };
    Some(Found {
        quotes: Some(slashes),
        ..Found::new(start..end)
    })
}

/// Whether the text ends with `"name": "X",` where X is one of these names. HTTP archives have fields so.
fn named_before(text: &[u8], slashes: usize, keys: &Names) -> bool {
    let string = |text: &[u8]| -> Option<(usize, usize)> {
        let text = text.trim_ascii_end().strip_suffix(b"\"")?;
        let end = text.len() - slashes_before(text, text.len()).min(slashes);
        let quote = memchr::memrchr(b'"', &text[..end])?;
        Some((quote + 1, end))
    };
    let Some(rest) = text.trim_ascii_end().strip_suffix(b",") else {
        return false;
    };
    let Some((start, end)) = string(rest) else {
        return false;
    };
    if !keys.contains(&rest[start..end]) {
        return false;
    }
    let rest = rest[..start - 1 - slashes.min(start - 1)].trim_ascii_end();
    let Some(rest) = rest.strip_suffix(b":") else {
        return false;
    };
    let name = string(rest).map(|(start, end)| &rest[start..end]);
    name.is_some_and(|name| {
        [&b"name"[..], b"key"]
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it))
    })
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']' | b'"' | b'\\')
}

/// Where the string ends whose quotes have so many backslashes before them: at its quote, or where the text ends.
fn string_end(text: &[u8], start: usize, slashes: usize) -> usize {
    let mut at = start;
    while let Some(next) = memchr::memchr(b'"', &text[at..]) {
        let quote = at + next;
        let own = slashes_before(&text[start..], quote - start);
        // More of them belong to the string, by pairs of what one of its own backslashes takes.
        if own <= slashes || (own - slashes).is_multiple_of(2 * (slashes + 1)) {
            return quote - own.min(slashes);
        }
        at = quote + 1;
    }
    text.len()
}

fn slashes_before(text: &[u8], end: usize) -> usize {
    let before = text[..end].iter().rev();
    before.take_while(|byte| **byte == b'\\').count()
}

/// How long an object or a list is.
fn nested_end(text: &[u8], slashes: usize) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < text.len() {
        match text[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => {
                at = string_end(text, at + 1, slashes) + slashes;
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Behind white space, which is written as an escape within a string.
fn skip_space(text: &[u8], mut at: usize, escaped: bool) -> usize {
    loop {
        match &text[at.min(text.len())..] {
            [byte, ..] if byte.is_ascii_whitespace() => at += 1,
            [b'\\', b'n' | b'r' | b't', ..] if escaped => at += 2,
            _ => return at.min(text.len()),
        }
    }
}

/// `name=value` in a form, a URL, or a list of parameters, where the sign is.
fn of_form(text: &[u8], sign: usize, keys: &Names) -> Option<Found> {
    let before = &text[sign.saturating_sub(LONGEST_NAME)..sign];
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.%".contains(byte);
    let length = before
        .iter()
        .rev()
        .take_while(|byte| is_of_name(byte))
        .count();
    let mut name = &before[before.len() - length..];
    // What a `&` is within JSON or XML.
    for escape in [&b"u0026"[..], b"u003f", b"u003F"] {
        name = name.strip_prefix(escape).unwrap_or(name);
    }
    let start = sign + 1;
    let rest = &text[start..];
    if name == b"name" {
        return of_part(text, start, keys);
    }
    if !keys.contains(name) {
        return None;
    }
    if rest.first() == Some(&b'"') {
        return Some(Found::new(start + 1..string_end(text, start + 1, 0)));
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&\"'<>\\#;,".contains(byte);
    let end = rest.iter().position(ends);
    Some(Found::new(start..start + end.unwrap_or(rest.len())))
}

/// A part of a form with several parts, where its name is.
fn of_part(text: &[u8], start: usize, keys: &Names) -> Option<Found> {
    let rest = text[start..].strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    if !keys.contains(&rest[..end]) {
        return None;
    }
    let head = &rest[..rest.len().min(LONGEST_HEAD)];
    let blank = memchr::memmem::find(head, b"\r\n\r\n")?;
    let value = start + 1 + blank + 4;
    let end = memchr::memmem::find(&text[value..], b"\r\n--");
    Some(Found::new(value..end.map_or(text.len(), |end| value + end)))
}

/// `<name>value`, where the bracket is.
fn of_xml(text: &[u8], bracket: usize, keys: &Names) -> Option<Found> {
    let rest = &text[bracket + 1..];
    let end = memchr::memchr(b'>', &rest[..rest.len().min(LONGEST_NAME)])?;
    let name = rest[..end].split(u8::is_ascii_whitespace).next()?;
    let name = name.rsplit(|byte| *byte == b':').next()?;
    if !keys.contains(name) || rest[..end].ends_with(b"/") {
        return None;
    }
    let start = bracket + 1 + end + 1;
    let end = memchr::memchr(b'<', &text[start..]);
    Some(Found::new(start..end.map_or(text.len(), |end| start + end)))
}

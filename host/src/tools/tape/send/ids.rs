//! Ids that a server gave then and the ones that it gives now.
//!
//! A value that stands at the same place in both answers, differs, and looks like an id is a new name for the old one. In later requests
//! the old one is replaced wherever it stands by itself. The first name counts: lists may be in another order than they were.

use std::collections::{HashMap, HashSet};

use super::places::{self, Placed};
use crate::record::{Message, StartLine};

/// Bytes of an id that is no number, at least: shorter ones stand in too many places.
const SHORTEST: usize = 4;

/// Old names with their new ones.
#[derive(Debug, Default)]
pub struct Ids {
    /// Of letters, digits, `-` and `_`.
    words: HashMap<String, String>,
    /// Of digits, from places that are called ids.
    numbers: HashMap<String, String>,
    /// With other characters in them, such as `127.0.0.1:4566`; the longest first.
    texts: Vec<(String, String)>,
    /// All new ones.
    new: HashSet<String>,
}

impl Ids {
    pub fn len(&self) -> usize {
        self.words.len() + self.numbers.len() + self.texts.len()
    }

    /// Compares the answer of then with the one of now.
    pub fn learn(&mut self, then: &Message, now: &Message) {
        let new: HashMap<String, String> = places::values(now)
            .into_iter()
            .map(|it| (it.place, it.value))
            .collect();
        for old in places::values(then) {
            if let Some(new) = new.get(&old.place)
                && *new != old.value
            {
                self.compare(&old, new);
            }
        }
    }

    fn compare(&mut self, old: &Placed, new: &str) {
        let is_prose = |text: &str| text.is_empty() || text.contains(char::is_whitespace);
        if is_prose(&old.value) || is_prose(new) || is_time(&old.value) {
            return;
        }
        let (mut before, mut after) = (&old.value[..], new);
        if let (Some((authority, rest)), Some((other, behind))) =
            (authority_of(before), authority_of(after))
        {
            self.add(authority, other);
            (before, after) = (rest, behind);
        }
        let (parts, others) = (words(before), words(after));
        let is_alike = parts.len() == others.len()
            && parts
                .iter()
                .zip(&others)
                .all(|(one, other)| one.0 == other.0);
        let differ = || {
            let both = parts.iter().zip(&others);
            both.filter(|((_, before), (_, after))| before != after)
        };
        let is_id = |word: &str| looks_like_id(word, &old.name);
        if is_alike && differ().all(|((_, before), (_, after))| is_id(before) && !after.is_empty())
        {
            for ((_, before), (_, after)) in differ() {
                self.add(before, after);
            }
        } else if parts.len() > 1 && is_opaque(before, &old.name) {
            self.add(before, after);
        }
    }

    fn add(&mut self, old: &str, new: &str) {
        if old == new || self.new.contains(new) || self.new.contains(old) {
            return;
        }
        let is_number = old.bytes().all(|byte| byte.is_ascii_digit());
        let is_word = old.bytes().all(is_word_byte);
        let (old, new) = (old.to_owned(), new.to_owned());
        if is_word {
            let known = match is_number {
                true => &mut self.numbers,
                false => &mut self.words,
            };
            if known.contains_key(&old) {
                return;
            }
            known.insert(old, new.clone());
        } else {
            if self.texts.iter().any(|(known, _)| *known == old) {
                return;
            }
            self.texts.push((old, new.clone()));
            self.texts
                .sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        }
        self.new.insert(new);
    }

    /// Replaces what has a new name in target, fields and body. How often.
    pub fn rename(&self, request: &mut Message) -> usize {
        if self.len() == 0 {
            return 0;
        }
        let mut count = 0;
        if let StartLine::Request { target, .. } = &mut request.line {
            *target = self.renamed(target, true, &mut count);
        }
        let is_coded = request.field("content-encoding").is_some();
        let mut is_form = false;
        for field in &mut request.fields {
            let name = field.name.to_ascii_lowercase();
            if name == "content-type" {
                is_form = field
                    .value
                    .starts_with(b"application/x-www-form-urlencoded");
                continue;
            }
            let leaves = [
                "host",
                "content-length",
                "date",
                "user-agent",
                "authorization",
            ];
            if let (false, Ok(value)) =
                (leaves.contains(&&*name), std::str::from_utf8(&field.value))
            {
                field.value = self.renamed(value, false, &mut count).into_bytes();
            }
        }
        if !is_coded && let Ok(body) = std::str::from_utf8(&request.content.kept) {
            let body = self.renamed(body, is_form, &mut count).into_bytes();
            request.content.length = body.len() as u64;
            request.content.kept = body;
        }
        count
    }

    /// `is_encoded`: the text is percent-encoded, as targets and forms are.
    fn renamed(&self, text: &str, is_encoded: bool, count: &mut usize) -> String {
        self.with_texts(text, &self.texts, is_encoded, count)
    }

    /// Replaces the first of these texts, and in what is around it the others.
    fn with_texts(
        &self,
        text: &str,
        texts: &[(String, String)],
        is_encoded: bool,
        count: &mut usize,
    ) -> String {
        let Some(((old, new), others)) = texts.split_first() else {
            return self.with_words(text, is_encoded, count);
        };
        for (old, new) in [(old.clone(), new.clone()), (encoded(old), encoded(new))] {
            let found = text.match_indices(&old[..]);
            let mut found = found.filter(|(at, _)| stands_alone(text, *at, old.len()));
            if let Some((at, _)) = found.next() {
                *count += 1;
                let before = self.with_texts(&text[..at], others, is_encoded, count);
                let behind = self.with_texts(&text[at + old.len()..], texts, is_encoded, count);
                return before + &new + &behind;
            }
        }
        self.with_texts(text, others, is_encoded, count)
    }

    fn with_words(&self, text: &str, is_encoded: bool, count: &mut usize) -> String {
        let mut renamed = String::with_capacity(text.len());
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if is_encoded && is_escape(&bytes[at..]) {
                renamed.push_str(&text[at..at + 3]);
                at += 3;
                continue;
            }
            let end = at
                + bytes[at..]
                    .iter()
                    .take_while(|byte| is_word_byte(**byte))
                    .count();
            if end == at {
                let next = text[at..].chars().next().map_or(1, char::len_utf8);
                renamed.push_str(&text[at..at + next]);
                at += next;
                continue;
            }
            let word = &text[at..end];
            let number = self.numbers.get(word);
            let number = number.filter(|_| is_an_id(&text[..at], &text[end..]));
            match self.words.get(word).or(number) {
                Some(new) => {
                    *count += 1;
                    renamed.push_str(new);
                }
                None => renamed.push_str(word),
            }
            at = end;
        }
        renamed
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', one, other, ..] if one.is_ascii_hexdigit() && other.is_ascii_hexdigit())
}

/// The words of a text, each with what stands before it.
fn words(text: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let (mut start, mut rest) = (0, text);
    while !rest.is_empty() {
        let gap = rest.find(|c: char| c.is_ascii() && is_word_byte(c as u8));
        let gap = gap.unwrap_or(rest.len());
        let length = rest[gap..]
            .find(|c: char| !c.is_ascii() || !is_word_byte(c as u8))
            .unwrap_or(rest.len() - gap);
        words.push((&text[start..start + gap], &rest[gap..gap + length]));
        start += gap + length;
        rest = &text[start..];
    }
    words
}

/// Authority of a URL, and what stands behind it.
fn authority_of(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some(rest.split_at(rest.find('/').unwrap_or(rest.len())))
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// A date, with a time or without.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    bytes.len() >= 10 && digits(0..4) && bytes[4] == b'-' && digits(5..7) && bytes[7] == b'-'
}

/// Whether what is called so is an id, or leads to something.
fn is_called_id(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = [
        "id", "ids", "arn", "handle", "token", "key", "etag", "uuid", "location", "cookie", "url",
        "uri",
    ];
    ends.iter().any(|end| name.ends_with(end))
}

fn looks_like_id(word: &str, name: &str) -> bool {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return !word.is_empty() && is_called_id(name);
    }
    word.len() >= SHORTEST && (has_digit(word) || is_called_id(name))
}

/// Whether a text of several words is one name, such as base64. A decimal fraction is none.
fn is_opaque(text: &str, name: &str) -> bool {
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".,:-+eE".contains(&byte));
    text.len() >= SHORTEST && !is_number && (has_digit(text) || is_called_id(name))
}

/// Whether a number between these texts is a value by itself in a place where ids stand: a segment of a path, a value of a query or
/// form, or a value of JSON that is called an id.
fn is_an_id(before: &str, behind: &str) -> bool {
    let ends = behind.is_empty() || behind.starts_with(['/', '?', '&', '#', ';']);
    if (before.ends_with('/') || before.ends_with('=')) && ends {
        return true;
    }
    let ends = behind.trim_start().starts_with([',', '}', ']', '"']);
    let key = before.trim_end_matches('"').trim_end();
    let key = key.strip_suffix(':').map(str::trim_end);
    let key = key.and_then(|key| key.strip_suffix('"'));
    let key = key.map(|key| key.rsplit('"').next().unwrap_or(key));
    ends && key.is_some_and(is_called_id)
}

/// Whether a text at this place is no part of a longer word.
fn stands_alone(text: &str, at: usize, length: usize) -> bool {
    let bytes = text.as_bytes();
    let behind = bytes.get(at + length);
    let is_escaped = at >= 3 && is_escape(&bytes[at - 3..at]);
    let before = at.checked_sub(1).map(|at| bytes[at]);
    let begins = is_escaped || before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    begins && behind.is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// As in a query: all but unreserved characters is escaped (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{self, content, field, response};

    fn learned(pairs: &[(&str, &str)]) -> Ids {
        let mut ids = Ids::default();
        for (then, now) in pairs {
            let answer = |body: &str| response(200, Vec::new(), body.as_bytes());
            ids.learn(&answer(then), &answer(now));
        }
        ids
    }

    /// A request with this target, field and body, and what becomes of it.
    fn renamed(ids: &Ids, target: &str, value: &str, body: &str) -> (String, String, String) {
        let mut request = sample::exchange().request;
        request.line = StartLine::Request {
            method: "POST".to_owned(),
            target: target.to_owned(),
            authority: "h".to_owned(),
        };
        request.fields = vec![field("x-ref", value)];
        request.content = content(body.as_bytes());
        ids.rename(&mut request);
        let StartLine::Request { target, .. } = request.line else {
            unreachable!()
        };
        assert_eq!(request.content.length, request.content.kept.len() as u64);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            target,
            text(&request.fields[0].value),
            text(&request.content.kept),
        )
    }

    fn target(ids: &Ids, text: &str) -> String {
        renamed(ids, text, "", "").0
    }

    #[test]
    fn an_id_gets_its_new_name_wherever_it_stands_alone() {
        let ids = learned(&[(
            r#"{"id":"abc123def4","name":"shop","n":5}"#,
            r#"{"id":"zzz999yyy8","name":"shop","n":7}"#,
        )]);
        assert_eq!(ids.len(), 1);
        let (target, value, body) = renamed(
            &ids,
            "/restapis/abc123def4/x?arn=a%3Aabc123def4&abc123def45",
            "abc123def4",
            r#"{"a":"abc123def4","b":"xabc123def4","c":"arn:abc123def4/"}"#,
        );
        assert_eq!(
            target,
            "/restapis/zzz999yyy8/x?arn=a%3Azzz999yyy8&abc123def45"
        );
        assert_eq!(value, "zzz999yyy8");
        assert_eq!(
            body,
            r#"{"a":"zzz999yyy8","b":"xabc123def4","c":"arn:zzz999yyy8/"}"#
        );
    }

    #[test]
    fn places_of_fields_and_xml_count_too() {
        let mut ids = Ids::default();
        let then = response(
            201,
            vec![field("Location", "http://a:1/users/77")],
            b"<r><instanceId>i-0aaa</instanceId></r>",
        );
        let now = response(
            201,
            vec![field("Location", "http://b:2/users/78")],
            b"<r><instanceId>i-0bbb</instanceId></r>",
        );
        ids.learn(&then, &now);
        assert_eq!(target(&ids, "/users/77"), "/users/78");
        assert_eq!(
            target(&ids, "/users/77/77x?page=77"),
            "/users/78/77x?page=78"
        );
        assert_eq!(
            target(&ids, "/?InstanceId.1=i-0aaa&u=http%3A%2F%2Fa%3A1%2Fx"),
            "/?InstanceId.1=i-0bbb&u=http%3A%2F%2Fb%3A2%2Fx"
        );
        let (_, _, body) = renamed(
            &ids,
            "/",
            "",
            r#"{"userId": 77, "count": 77, "url": "http://a:1/q", "id":"77"}"#,
        );
        assert_eq!(
            body,
            r#"{"userId": 78, "count": 77, "url": "http://b:2/q", "id":"78"}"#
        );
    }

    #[test]
    fn what_is_no_id_keeps_its_name() {
        let ids = learned(&[(
            r#"{"status":"CREATING","at":"2026-11-30T08:00:00Z","count":7,"text":"queue q1 is new","created":1790000000,"v":"a1"}"#,
            r#"{"status":"ACTIVE","at":"2026-12-01T09:00:00Z","count":8,"text":"queue q2 is new","created":1790000999,"v":"b1"}"#,
        )]);
        assert_eq!(ids.len(), 0, "{ids:?}");
        let prices = learned(&[(
            r#"{"price":12.25,"at":1790000000.5}"#,
            r#"{"price":13.75,"at":1790000001.5}"#,
        )]);
        assert_eq!(prices.len(), 0, "{prices:?}");
    }

    #[test]
    fn the_first_name_counts_and_no_name_leads_in_a_circle() {
        let ids = learned(&[
            (r#"{"id":"aaaa1111"}"#, r#"{"id":"bbbb2222"}"#),
            (r#"{"id":"cccc3333"}"#, r#"{"id":"aaaa1111"}"#),
            // A list in another order.
            (
                r#"{"ids":["aaaa1111","cccc3333"]}"#,
                r#"{"ids":["aaaa1111","bbbb2222"]}"#,
            ),
        ]);
        assert_eq!(target(&ids, "/aaaa1111/cccc3333"), "/bbbb2222/aaaa1111");
    }

    #[test]
    fn what_is_opaque_is_renamed_as_a_whole() {
        let ids = learned(&[(
            r#"{"ReceiptHandle":"AQEB/x1+y==","Url":"http://127.0.0.1:4566/000/q"}"#,
            r#"{"ReceiptHandle":"BBBB99/z+w1=","Url":"http://127.0.0.1:9999/000/q"}"#,
        )]);
        let (_, _, body) = renamed(
            &ids,
            "/",
            "",
            r#"{"ReceiptHandle":"AQEB/x1+y==","Url":"http://127.0.0.1:4566/000/q"}"#,
        );
        assert_eq!(
            body,
            r#"{"ReceiptHandle":"BBBB99/z+w1=","Url":"http://127.0.0.1:9999/000/q"}"#
        );
        // Of which each part could not be renamed by itself.
        let alike = learned(&[(r#"{"Handle":"AQEB1/x+y="}"#, r#"{"Handle":"BBBB2/z+w="}"#)]);
        assert_eq!(
            target(&alike, "/?h=AQEB1%2Fx%2By%3D"),
            "/?h=BBBB2%2Fz%2Bw%3D"
        );
        assert_eq!(
            target(&ids, "/?h=AQEB%2Fx1%2By%3D%3D"),
            "/?h=BBBB99%2Fz%2Bw1%3D"
        );
    }
}

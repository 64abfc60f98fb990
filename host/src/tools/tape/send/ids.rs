//! Ids that a server gave then and the ones that it gives now.
//!
//! A value that stands at the same place in both answers, differs, and looks like an id is a new name for the old one. In later requests
//! the old one is replaced wherever it stands by itself. The first name counts: lists may be in another order than they were.

#[cfg(test)]
mod tests;
mod texts;

use std::collections::{HashMap, HashSet};

use self::texts::{Texts, is_escape};
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
    /// With other characters in them, such as `127.0.0.1:4566`.
    texts: Texts,
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
        } else if !self.texts.add(&old, &new) {
            return;
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

    /// Replaces texts, and words in what is around them. `is_encoded`: the text is percent-encoded, as targets and forms are.
    fn renamed(&self, text: &str, is_encoded: bool, count: &mut usize) -> String {
        if self.texts.len() == 0 {
            return self.with_words(text, is_encoded, count);
        }
        let mut renamed = String::with_capacity(text.len());
        let (mut done, mut at) = (0, 0);
        while at < text.len() {
            let Some((length, new)) = self.texts.longest(text, at) else {
                at += 1;
                continue;
            };
            renamed.push_str(&self.with_words(&text[done..at], is_encoded, count));
            renamed.push_str(new);
            *count += 1;
            at += length;
            done = at;
        }
        renamed.push_str(&self.with_words(&text[done..], is_encoded, count));
        renamed
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

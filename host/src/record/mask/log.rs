//! Where in a line of a log the values are that must not be shown: as in any text, and as heads are written: `authorization: …`,
//! `Bearer …`.

use super::find::{self, Found};
use super::names::Names;

/// Bytes in front of a colon in which a name is looked for.
const LONGEST_NAME: usize = 80;

/// What stands before credentials (RFC 9110, 11.4), and how long they are at least.
const SCHEMES: [&str; 4] = ["bearer", "basic", "negotiate", "token"];
const SHORTEST: usize = 8;

/// All of them, in their order; none meets another.
pub fn all(text: &[u8], keys: &Names) -> Vec<Found> {
    let mut found = find::all(text, keys);
    found.extend(memchr::memchr_iter(b':', text).filter_map(|colon| of_head(text, colon, keys)));
    found.extend(memchr::memchr_iter(b' ', text).filter_map(|space| of_scheme(text, space)));
    find::apart(&mut found);
    found
}

/// `name: value`, up to the end of the line: a value may have blanks, commas and semicolons.
fn of_head(text: &[u8], colon: usize, keys: &Names) -> Option<Found> {
    let before = &text[colon.saturating_sub(LONGEST_NAME)..colon];
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let length = before.iter().rev().take_while(|byte| is_of_name(byte));
    let name = &before[before.len() - length.count()..];
    if text.get(colon + 1) != Some(&b' ') || !keys.contains(name) {
        return None;
    }
    let rest = &text[colon + 1..];
    let start = rest.iter().position(|byte| *byte != b' ')?;
    let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    // What stands in quotes ends with them.
    let end = match rest[start] {
        quote @ (b'"' | b'\'') => match memchr::memchr(quote, &rest[start + 1..end]) {
            Some(length) => return Some(found(colon + 2 + start, length)),
            None => end,
        },
        _ => end,
    };
    (start < end).then(|| found(colon + 1 + start, end - start))
}

/// `Bearer value`, where the blank is.
fn of_scheme(text: &[u8], space: usize) -> Option<Found> {
    let before = &text[..space];
    let length = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphabetic());
    let scheme = &before[before.len() - length.count()..];
    if !SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known.as_bytes()))
    {
        return None;
    }
    let is_of_credentials = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    let rest = &text[space + 1..];
    let length = rest
        .iter()
        .take_while(|byte| is_of_credentials(byte))
        .count();
    // A word is none: "basic authentication".
    let is_word = rest[..length]
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || b"-.".contains(byte));
    (length >= SHORTEST && !is_word).then(|| found(space + 1, length))
}

fn found(start: usize, length: usize) -> Found {
    Found::new(start..start + length)
}

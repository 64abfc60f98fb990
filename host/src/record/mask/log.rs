//! Where in a line of a log the values are that must not be shown: as in any text, as heads are written (`authorization: …`,
//! `Bearer …`), and as settings are: `password = …`, `password:…`.

use std::ops::Range;

use super::find::{self, Found};
use super::names::Names;

/// Bytes in front of a sign in which a name is looked for.
const LONGEST_NAME: usize = 80;

/// What stands before credentials (RFC 9110, 11.4), and how long they are at least.
const SCHEMES: [&str; 4] = ["bearer", "basic", "negotiate", "token"];
const SHORTEST: usize = 8;

/// How long a value is at least that stands behind a colon without a blank or quotes.
const SHORTEST_JOINED: usize = 4;

/// All of them, in their order; none meets another.
pub fn all(text: &[u8], keys: &Names) -> Vec<Found> {
    let mut found = find::all(text, keys);
    found.extend(memchr::memchr_iter(b':', text).filter_map(|colon| of_head(text, colon, keys)));
    found.extend(memchr::memchr_iter(b'=', text).filter_map(|sign| of_setting(text, sign, keys)));
    found.extend(memchr::memchr_iter(b' ', text).filter_map(|space| of_scheme(text, space)));
    find::apart(&mut found);
    found
}

/// `name: value`, up to the end of the line: a value may have blanks, commas and semicolons. `name:value` is one word.
fn of_head(text: &[u8], colon: usize, keys: &Names) -> Option<Found> {
    let name = name_before(&text[..colon]);
    if !keys.contains(name) {
        return None;
    }
    let start = colon + 1;
    if text.get(start) == Some(&b' ') {
        let start = start + text[start..].iter().position(|byte| *byte != b' ')?;
        return value(text, start, |line| line.len()).map(Found::new);
    }
    // As in `crate::token::Kind` and `arn:aws:secretsmanager:…:secret:name`.
    let is_path = text[..colon - name.len()].ends_with(b":") || text[start..].starts_with(b":");
    if is_path {
        return None;
    }
    let length: fn(&[u8]) -> usize = match is_of_blanks(name) {
        true => |line: &[u8]| line.len(),
        false => word,
    };
    let joined = value(text, start, length)?;
    let is_quoted = joined.start > start;
    (is_quoted || joined.len() >= SHORTEST_JOINED).then(|| Found::new(joined))
}

/// `name = value`, where the sign is; the blanks may be missing.
fn of_setting(text: &[u8], sign: usize, keys: &Names) -> Option<Found> {
    let before = blanks(text[..sign].iter().rev());
    let name = name_before(&text[..sign - before]);
    let rest = &text[sign + 1..];
    // A comparison is none.
    if !keys.contains(name) || rest.starts_with(b"=") {
        return None;
    }
    let behind = blanks(rest.iter());
    // Nothing, and then what comes next: `password= user=ada`.
    if before == 0 && behind > 0 && is_pair(&rest[behind..]) {
        return None;
    }
    value(text, sign + 1 + behind, word).map(Found::new)
}

/// How many of these there are up to the first that is no blank.
fn blanks<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    bytes
        .take_while(|byte| matches!(**byte, b' ' | b'\t'))
        .count()
}

/// The name that the text ends with; may be empty.
fn name_before(text: &[u8]) -> &[u8] {
    let before = &text[text.len().saturating_sub(LONGEST_NAME)..];
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let length = before.iter().rev().take_while(|byte| is_of_name(byte));
    &before[before.len() - length.count()..]
}

/// Whether values of this name have blanks in them, quotes or none.
fn is_of_blanks(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(b"cookie") || name.ends_with(b"authorization")
}

/// The value that begins here: what stands in quotes, or else so much of the line.
fn value(text: &[u8], start: usize, length: fn(&[u8]) -> usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    let line = &rest[..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
    let (first, behind) = line.split_first()?;
    if !matches!(*first, b'"' | b'\'') {
        let length = length(line);
        return (length > 0).then(|| start..start + length);
    }
    Some(match quoted(behind, *first) {
        Some(length) => start + 1..start + 1 + length,
        None => start..start + line.len(),
    })
}

/// How long what stands before the closing quote is, if there is one. One behind a backslash of its own closes nothing.
fn quoted(text: &[u8], quote: u8) -> Option<usize> {
    memchr::memchr_iter(quote, text).find(|at| {
        let before = text[..*at].iter().rev();
        let slashes = before.take_while(|byte| **byte == b'\\').count();
        slashes.is_multiple_of(2)
    })
}

/// How long the word is that a line begins with. `Some("value")` is one.
fn word(line: &[u8]) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&\"'<>\\#;,".contains(byte);
    let end = line.iter().position(ends).unwrap_or(line.len());
    let is_opened = line[..end].ends_with(b"(");
    match line.get(end).copied() {
        Some(quote @ (b'"' | b'\'')) if is_opened => {
            let behind = &line[end + 1..];
            end + 1 + quoted(behind, quote).map_or(behind.len(), |length| length + 1)
        }
        _ => end,
    }
}

/// Whether the text begins with `name=value`. Signs at the end of a word are its own, as in base64.
fn is_pair(text: &[u8]) -> bool {
    let end = text.iter().position(u8::is_ascii_whitespace);
    let mut word = &text[..end.unwrap_or(text.len())];
    while let Some(shorter) = word.strip_suffix(b"=") {
        word = shorter;
    }
    !word.starts_with(b"\"") && !word.starts_with(b"'") && word.contains(&b'=')
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
    (length >= SHORTEST && !is_word).then(|| Found::new(space + 1..space + 1 + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::mask::names::KEYS;

    fn masked(text: &str) -> String {
        let keys = Names::new(KEYS.iter().map(|name| name.as_bytes()));
        let found = all(text.as_bytes(), &keys);
        String::from_utf8(find::replaced(text.as_bytes(), &found)).unwrap()
    }

    /// Of each the text and what is shown.
    fn check(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(masked(text), *expected, "{text}");
        }
    }

    #[test]
    fn what_is_quoted_ends_at_a_quote_of_its_own() {
        check(&[
            (
                r#"password: "ab\"cdef", a: 1"#,
                r#"password: "[masked]", a: 1"#,
            ),
            (
                r#"password: "ab\\", a: "x""#,
                r#"password: "[masked]", a: "x""#,
            ),
            (r#"password: 'a\'b' on"#, "password: '[masked]' on"),
            (r#"password: "ab\"cd"#, "password: [masked]"),
            (r#"password = "ab\"cdef" on"#, r#"password = "[masked]" on"#),
            ("password='a b' on", "password='[masked]' on"),
            (r#"password=Some("a b\"c") on"#, "password=[masked]) on"),
            (r#"password = Some("a b"#, "password = [masked]"),
            (
                r#"("password=abc" and "foo")"#,
                r#"("password=[masked]" and "foo")"#,
            ),
        ]);
    }

    #[test]
    fn blanks_around_the_sign_may_be() {
        check(&[
            ("password = hunter2 a = 1", "password = [masked] a = 1"),
            ("password =hunter2, a", "password =[masked], a"),
            ("password= hunter2== a", "password= [masked] a"),
            (
                "db.client_secret\t=\tx y",
                "db.client_secret\t=\t[masked] y",
            ),
            ("password= user=ada", "password= user=ada"),
            ("password=\nuser = ada", "password=\nuser = ada"),
            ("if token == other", "if token == other"),
            ("the token is = 5", "the token is = 5"),
        ]);
    }

    #[test]
    fn a_value_may_stand_at_its_colon() {
        check(&[
            (
                "user:ada password:hunter2 ok",
                "user:ada password:[masked] ok",
            ),
            (
                "{user:ada,password:\"a b\"}",
                "{user:ada,password:\"[masked]\"}",
            ),
            ("Cookie:a=1; b=2\nnext", "Cookie:[masked]\nnext"),
            ("token:x", "token:x"),
            ("crate::token::Kind", "crate::token::Kind"),
            (
                "arn:aws:sm:eu:000:secret:name",
                "arn:aws:sm:eu:000:secret:name",
            ),
            ("the token:\nnext", "the token:\nnext"),
        ]);
    }
}

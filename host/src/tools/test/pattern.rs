//! Wildcards in what is expected: `{{any}}`, `{{uuid}}` and `{{re:…}}` in a text stand for what may come there.
//!
//! Everything else in braces is text, and `{{open}}` stands for the two braces where a wildcard is meant to be text.

use std::fmt::Write as _;
use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// What two braces look like where they must not begin a wildcard.
const OPEN: &str = "{{open}}";

const UUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";

/// What stands in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wildcard<'t> {
    Any,
    Uuid,
    Regex(&'t str),
    Open,
}

/// Whether this text has a wildcard, or braces that are written so as to be none.
pub(super) fn is_pattern(text: &[u8]) -> bool {
    next(text).is_some()
}

/// Whether a text is one wildcard and nothing else.
pub(super) fn is_one_wildcard(text: &[u8]) -> bool {
    let found = next(text);
    found.is_some_and(|(range, wildcard)| range == (0..text.len()) && wildcard != Wildcard::Open)
}

/// Whether what came is as expected.
///
/// A regular expression that can't be compiled is text like any other: [`check`] has told of it where it could.
pub(super) fn meets(expected: &[u8], came: &[u8]) -> bool {
    if expected == came && !is_pattern(expected) {
        return true;
    }
    is_pattern(expected) && compile(expected).is_ok_and(|regex| regex.is_match(came))
}

/// Whether every regular expression of a text is one.
///
/// # Errors
/// Says which isn't and why.
pub(super) fn check(mut text: &[u8]) -> Result<(), String> {
    while let Some((range, wildcard)) = next(text) {
        if let Wildcard::Regex(regex) = wildcard {
            self::regex(regex).map_err(|error| format!("{{{{re:{regex}}}}}: {error}"))?;
        }
        text = &text[range.end..];
    }
    Ok(())
}

/// A text that means itself: what would be a wildcard in it begins with `{{open}}`.
pub(super) fn escaped(mut text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    while let Some((range, _)) = next(text) {
        escaped.extend_from_slice(&text[..range.start]);
        escaped.extend_from_slice(OPEN.as_bytes());
        text = &text[range.start + 2..];
    }
    escaped.extend_from_slice(text);
    escaped
}

/// The first wildcard of a text and where it stands, braces included.
fn next(text: &[u8]) -> Option<(Range<usize>, Wildcard<'_>)> {
    memchr::memmem::find_iter(text, b"{{").find_map(|start| {
        // Of three braces in a row the last two may be the ones.
        let starts = [start, start + 1];
        let starts = starts
            .into_iter()
            .filter(|at| text[*at..].starts_with(b"{{"));
        starts.into_iter().find_map(|start| {
            let (length, wildcard) = wildcard(&text[start + 2..])?;
            Some((start..start + 2 + length, wildcard))
        })
    })
}

/// What stands behind two braces, and its length with those that close it.
fn wildcard(text: &[u8]) -> Option<(usize, Wildcard<'_>)> {
    let words = [
        (&b"any}}"[..], Wildcard::Any),
        (b"uuid}}", Wildcard::Uuid),
        (b"open}}", Wildcard::Open),
    ];
    if let Some((word, wildcard)) = words.iter().find(|(word, _)| text.starts_with(word)) {
        return Some((word.len(), *wildcard));
    }
    let regex = text.strip_prefix(b"re:")?;
    let line = &regex[..memchr::memchr(b'\n', regex).unwrap_or(regex.len())];
    let mut end = memchr::memmem::find(line, b"}}")?;
    // A regular expression may end in a brace: `{{re:[0-9]{4}}}`.
    while line.get(end + 2) == Some(&b'}') {
        end += 1;
    }
    let regex = std::str::from_utf8(&line[..end]).ok()?;
    Some((b"re:".len() + end + 2, Wildcard::Regex(regex)))
}

/// All of a text as one regular expression.
fn compile(mut text: &[u8]) -> Result<Regex, String> {
    let mut whole = String::from(r"\A");
    while let Some((range, wildcard)) = next(text) {
        literal(&mut whole, &text[..range.start]);
        match wildcard {
            Wildcard::Any => whole.push_str("(?s:.*)"),
            Wildcard::Uuid => whole.push_str(UUID),
            Wildcard::Open => literal(&mut whole, b"{{"),
            Wildcard::Regex(text) => {
                // By itself, as an alternative that is open at its ends must not reach out of its braces.
                regex(text)?;
                let _ = write!(whole, "(?:{text})");
            }
        }
        text = &text[range.end..];
    }
    literal(&mut whole, text);
    whole.push_str(r"\z");
    regex(&whole)
}

fn literal(regex: &mut String, text: &[u8]) {
    for byte in text {
        // Writing to a string never fails.
        let _ = match byte.is_ascii_alphanumeric() {
            true => write!(regex, "{}", char::from(*byte)),
            false => write!(regex, r"\x{byte:02x}"),
        };
    }
}

/// Of bytes, as messages are; classes such as `\d` mean ASCII.
fn regex(text: &str) -> Result<Regex, String> {
    let bytes = syntax::Config::new().utf8(false).unicode(false);
    let regex = Regex::builder().syntax(bytes).build(text);
    regex.map_err(|error| match error.syntax_error() {
        Some(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
        None => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_what_may_come() {
        let id = "01234567-89ab-CDEF-0123-456789abcdef";
        let cases = [
            ("abc", "abc", true),
            ("abc", "abd", false),
            ("{{any}}", "", true),
            ("{{any}}", "a\nb", true),
            ("a{{any}}b", "a.b", true),
            ("a{{any}}b", "a.c", false),
            ("{{uuid}}", id, true),
            ("<{{uuid}}>", &id[1..], false),
            ("n={{re:[0-9]{4}}}", "n=2026", true),
            ("n={{re:[0-9]{4}}}", "n=202", false),
            ("n={{re:[0-9]{4}}}", "n=20267", false),
            ("{{re:a|b}}c", "a", false),
            ("{{re:a|b}}c", "bc", true),
            (r"{{re:\d+}} {{re:\w+}}", "12 ab_", true),
            // An alternative doesn't reach beyond its braces, nor does what is text mean more than itself.
            ("a.{{re:x}}", "a-x", false),
            ("{\"a\":{{any}}}", "{\"a\":[1]}", true),
            ("{{{any}}}", "{1}", true),
            ("{{name}} {{ any }}", "{{name}} {{ any }}", true),
            ("{{name}}", "x", false),
            ("{{open}}any}}", "{{any}}", true),
            ("{{open}}any}}", "x", false),
            ("{{open}}open}}", "{{open}}", true),
        ];
        for (expected, came, met) in cases {
            assert_eq!(
                meets(expected.as_bytes(), came.as_bytes()),
                met,
                "{expected} {came}"
            );
        }
        assert!(meets(b"\xff{{any}}\xfe", b"\xff\x80\xfe"));
        assert!(!meets(b"\xff{{any}}\xfe", b"\xff\x80\xff"));
    }

    #[test]
    fn what_is_escaped_means_itself() {
        for text in [
            "",
            "a",
            "{{any}}",
            "{{{any}}}",
            "{{re:(}}",
            "{{open}}",
            "{{open}}any}}",
            "{{x}}",
            "{{{{uuid}}",
        ] {
            let escaped = escaped(text.as_bytes());
            assert!(
                meets(&escaped, text.as_bytes()),
                "{text}: {}",
                escaped.escape_ascii()
            );
            assert!(!is_one_wildcard(&escaped), "{text}");
            for other in ["b", "aa", "{{any}} "] {
                assert!(!meets(&escaped, other.as_bytes()), "{text} {other}");
            }
        }
    }

    #[test]
    fn a_regular_expression_that_is_none_is_told() {
        let told = check(b"a{{re:[a-z]+}}b{{re:(x}}").unwrap_err();
        assert_eq!(told, "{{re:(x}}: unclosed group");
        assert!(check(b"{{re:a)(b}}").is_err());
        assert!(!meets(b"{{re:a)(b}}", b"ab"));
        assert_eq!(check(b"{{any}} {{re:a}} {{x:(}}"), Ok(()));
    }
}

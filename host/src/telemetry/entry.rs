//! What one entry of the log looks like, whatever is in it: nothing in its text can begin another entry.

use std::fmt::Write as _;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use crate::text;

/// Bytes of one entry.
const LONGEST: usize = 64 << 10;

/// An entry as it is written: it ends with its line, further lines of it are indented, and what could steer a terminal is
/// escaped. With `colours` the escape sequences stay: tracing-subscriber, which puts them in, takes them out of
/// everything that it is given.
pub fn finished(entry: &str, colours: bool) -> String {
    let entry = entry.trim_end_matches('\n');
    let mut finished = String::with_capacity(entry.len() + 1);
    for (at, c) in entry.char_indices() {
        if finished.len() >= LONGEST {
            // Writing to a string does not fail.
            let _ = write!(finished, "… ({} more bytes)", entry.len() - at);
            break;
        }
        match c {
            '\n' => finished += "\n    ",
            '\t' => finished.push(c),
            '\x1b' if colours => finished.push(c),
            c if text::is_unsafe(c) => finished.extend(c.escape_default()),
            c => finished.push(c),
        }
    }
    finished.push('\n');
    finished
}

/// A text of several lines that is no entry, with its last line's end.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if text::is_unsafe(c) && c != '\n' && c != '\t' {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped.push('\n');
    escaped
}

/// An entry that does not come through `tracing`, in the form of those that do.
pub fn of_our_own(level: &str, target: &str, text: &str) -> String {
    let mut entry = String::new();
    // It fails only where the text that it writes to does.
    let _ = SystemTime.format_time(&mut Writer::new(&mut entry));
    let _ = write!(entry, " {level} {target}: {text}");
    finished(&entry, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_another_entry() {
        let forged = "2026-01-01T00:00:00Z ERROR tollgate: forged";
        for end in ["\n", "\r", "\r\n", "\x0b", "\x0c", "\u{85}", "\u{2028}"] {
            let entry = finished(&format!("a{end}{forged}\n"), true);
            assert_eq!(
                entry.matches('\n').count() - usize::from(end.contains('\n')),
                1,
                "{entry:?}"
            );
            assert!(
                !entry.lines().any(|line| line.starts_with("2026")),
                "{entry:?}"
            );
            assert!(
                !entry.contains(['\r', '\x0b', '\x0c', '\u{85}', '\u{2028}']),
                "{entry:?}"
            );
        }
        assert_eq!(finished("a\n\n", false), "a\n");
        assert_eq!(
            finished("a\nb\tc\x1b[0m\n", false),
            "a\n    b\tc\\u{1b}[0m\n"
        );
        assert_eq!(
            finished("\x1b[32mINFO\x1b[0m\x07", true),
            "\x1b[32mINFO\x1b[0m\\u{7}\n"
        );
    }

    #[test]
    fn an_entry_is_bounded() {
        for c in ["x", "ü", "\n", "\x01"] {
            let entry = finished(&format!("{}.", c.repeat(LONGEST * 2)), false);
            assert!(entry.len() < LONGEST + 60, "{}", entry.len());
            assert!(entry.ends_with(" more bytes)\n"));
        }
    }

    #[test]
    fn our_own_look_like_the_others() {
        let entry = of_our_own("ERROR", "tollgate::x", "a\nb");
        let (time, rest) = entry.split_once(' ').unwrap();
        assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
        assert_eq!(rest, "ERROR tollgate::x: a\n    b\n");
    }
}

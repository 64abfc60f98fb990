//! Text from outside, made safe to show: plugins' error and log texts, names of exports, imports and functions, names of files.
//!
//! What is shown in a log, a terminal or an error message goes through one of these functions first: none of it can begin
//! a line of its own in the log, steer a terminal, show letters in another order than they stand, or fill a disk. They
//! leave clean text as it is, so cleaning twice does no harm.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// The most bytes of one text that are shown, the note on what was cut off included.
pub const LONGEST: usize = 8 << 10;

/// The same for a name.
pub const LONGEST_NAME: usize = 200;

/// Room for the note on what was cut off.
const NOTE: usize = 40;

/// One line: control characters, line ends among them, are written as escapes; tabs stay.
pub fn line(text: &str) -> Cow<'_, str> {
    clean(text, LONGEST, |c| c == '\t')
}

/// One or more lines: line ends stay, other control characters are written as escapes. No white space at the end.
pub fn lines(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    if text.contains("\r\n") {
        let unix = text.replace("\r\n", "\n");
        return Cow::Owned(clean(&unix, LONGEST, |c| c == '\t' || c == '\n').into_owned());
    }
    clean(text, LONGEST, |c| c == '\t' || c == '\n')
}

/// A name, of a function or an interface say: short, and without any control character.
pub fn name(text: &str) -> Cow<'_, str> {
    clean(text, LONGEST_NAME, |_| false)
}

/// A file's path. What is not UTF-8 in it is shown as U+FFFD.
pub fn path(path: &Path) -> String {
    let shown = path.to_string_lossy();
    clean(&shown, LONGEST, |_| false).into_owned()
}

/// Whether a character does something else than to stand where it is.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Separators of lines and paragraphs.
            '\u{2028}' | '\u{2029}'
            // Marks that change the direction in which text runs.
            | '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn clean(text: &str, most: usize, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if is_plain(&text.as_bytes()[..text.len().min(most + 1)]) {
        if text.len() <= most {
            return Cow::Borrowed(text);
        }
        let cut = most - NOTE;
        let (shown, more) = (&text[..cut], text.len() - cut);
        return Cow::Owned(format!("{shown}… ({more} more bytes)"));
    }
    let escapes = |c: char| is_unsafe(c) && !keep(c);
    if text.len() <= most && !text.contains(escapes) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len().min(most));
    // Where to cut if the rest turns out not to fit.
    let (mut cut, mut cut_from) = (0, 0);
    for (at, c) in text.char_indices() {
        if shown.len() + NOTE <= most {
            (cut, cut_from) = (shown.len(), at);
        }
        if escapes(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        if shown.len() > most {
            shown.truncate(cut);
            // Writing to a string does not fail.
            let _ = write!(shown, "… ({} more bytes)", text.len() - cut_from);
            break;
        }
    }
    Cow::Owned(shown)
}

/// Whether these are letters, digits and signs of ASCII alone, as in most texts: nothing to look at one by one. It looks at all of
/// them, which takes less time than to ask after each whether to go on.
fn is_plain(bytes: &[u8]) -> bool {
    let is_other = |byte: &u8| !(0x20..0x7f).contains(byte);
    !bytes.iter().fold(false, |seen, byte| seen | is_other(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        let cases = [
            ("plain ü\ttext", "plain ü\ttext"),
            ("a\nb\r\nc", "a\\nb\\r\\nc"),
            ("\x1b[31m\x07\0\x7f", "\\u{1b}[31m\\u{7}\\u{0}\\u{7f}"),
            ("\u{9b}31m\u{85}", "\\u{9b}31m\\u{85}"),
            ("\u{2028}\u{202e}\u{2066}", "\\u{2028}\\u{202e}\\u{2066}"),
            ("back\\slash", "back\\slash"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text), expected, "{text:?}");
        }
        assert!(matches!(line("plain"), Cow::Borrowed(_)));
        assert_eq!(name("a\tb\n"), "a\\tb\\n");
        assert_eq!(
            path(Path::new("p/a\n2026 ERROR x.wasm")),
            "p/a\\n2026 ERROR x.wasm"
        );
    }

    #[test]
    fn lines_keep_their_ends_and_nothing_else() {
        assert_eq!(
            lines("a\r\nb\n  c\x1b[0m\rd\n\n"),
            "a\nb\n  c\\u{1b}[0m\\rd"
        );
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        for letter in ["x", "ü", "\x1b", "\n"] {
            let text = letter.repeat(LONGEST * 3);
            for shown in [
                line(&text),
                name(&text),
                lines(&format!("{text}.")),
                path(Path::new(&text)).into(),
            ] {
                assert!(
                    shown.len() <= LONGEST,
                    "{} bytes of {letter:?}",
                    shown.len()
                );
                assert!(shown.contains("… ("), "{shown}");
                assert!(!shown.contains(['\x1b']), "{shown}");
            }
        }
        let long = "x".repeat(LONGEST_NAME + 1);
        assert_eq!(
            name(&long),
            format!("{}… (41 more bytes)", "x".repeat(LONGEST_NAME - NOTE))
        );
        assert_eq!(name(&long[1..]), &long[1..], "just fits");
    }

    #[test]
    fn cleaning_again_changes_nothing() {
        for text in [
            "a\nb\x1b",
            &"\n".repeat(LONGEST),
            &"ü".repeat(LONGEST * 2),
            "\u{202e}",
        ] {
            let once = line(text).into_owned();
            assert_eq!(line(&once), once);
            let once = name(text).into_owned();
            assert_eq!(name(&once), once);
            let once = lines(text).into_owned();
            assert_eq!(lines(&once), once);
        }
    }
}

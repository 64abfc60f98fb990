//! What a value may not do to the line that it stands in: end it, end its quotes, or steer a terminal.

use std::fmt::Write as _;

/// How the values of a line are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Escape {
    /// As nginx does it: `"`, `\`, control characters and bytes that are not ASCII as `\xXX`; `-` for a value that is not there.
    #[default]
    Default,
    /// As inside of a JSON string; nothing for a value that is not there. Bytes that are not UTF-8 become U+FFFD.
    Json,
}

impl Escape {
    /// Appends a value.
    pub fn push(self, line: &mut String, value: Option<&[u8]>) {
        match (self, value) {
            (Self::Default, None | Some([])) => line.push('-'),
            (Self::Json, None) => {}
            (Self::Default, Some(value)) => push_default(line, value),
            (Self::Json, Some(value)) => push_json(line, value),
        }
    }
}

fn push_default(line: &mut String, value: &[u8]) {
    for byte in value {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f..=0xff => {
                // Writing to a string does not fail.
                let _ = write!(line, "\\x{byte:02X}");
            }
            _ => line.push(char::from(*byte)),
        }
    }
}

fn push_json(line: &mut String, value: &[u8]) {
    for c in String::from_utf8_lossy(value).chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            // Control characters, also those above ASCII, and what some readers take for a line's end.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(escape: Escape, value: Option<&[u8]>) -> String {
        let mut line = String::new();
        escape.push(&mut line, value);
        line
    }

    #[test]
    fn no_value_ends_its_quotes_or_its_line() {
        let hostile: Vec<u8> = (0..=255).collect();
        let line = pushed(Escape::Default, Some(&hostile));
        assert!(line.bytes().all(|b| (0x20..0x7f).contains(&b)), "{line}");
        assert!(!line.contains('"') && line.contains(r"\x0A\x0B") && line.contains(r"\x22#"));

        let line = format!("\"{}\"", pushed(Escape::Json, Some(&hostile)));
        assert!(!line.contains(['\n', '\r', '\u{85}', '\u{2028}']));
        let read: String = serde_json::from_str(&line).unwrap();
        assert_eq!(read, String::from_utf8_lossy(&hostile));
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_a_hyphen() {
        assert_eq!(pushed(Escape::Default, None), "-");
        assert_eq!(pushed(Escape::Default, Some(b"")), "-");
        assert_eq!(pushed(Escape::Json, None), "");
        assert_eq!(pushed(Escape::Default, Some(b"a b")), "a b");
    }
}

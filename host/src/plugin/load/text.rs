//! WebAssembly text, so that a plugin can be written by hand and dropped in as it is.

use super::LoadError;

/// The binary of a text. It must be one `(module …)` or `(component …)`: the grammar allows bare fields too, but then
/// every beginning of the file is a file of its own, and a half-written plugin couldn't be told from a whole one.
pub(super) fn assemble(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let code = skip_comments(text);
    if code.is_empty() {
        return Err(fault(text, text.len(), "there are only comments so far"));
    }
    let form = code
        .strip_prefix('(')
        .map(skip_comments)
        .unwrap_or_default();
    if !(form.starts_with("module") || form.starts_with("component")) {
        return Err(fault(
            text,
            text.len() - code.len(),
            "expected `(module` or `(component`",
        ));
    }
    wat::parse_str(text).map_err(|error| translate(text, &error.to_string()))
}

/// The text behind leading white space and comments.
fn skip_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        match comment_len(text.as_bytes()) {
            Some(len) => text = &text[len..],
            None => return text,
        }
    }
}

/// The length of the comment that the text begins with: `;; …` to the end of the line or `(; … ;)`, which nests. One
/// that isn't closed has the length of the text.
fn comment_len(text: &[u8]) -> Option<usize> {
    if text.starts_with(b";;") {
        return Some(
            text.iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(text.len()),
        );
    }
    if !text.starts_with(b"(;") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(pair) = text.get(at..at + 2) {
        match pair {
            b"(;" => depth += 1,
            b";)" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return Some(at);
        }
    }
    Some(text.len())
}

/// Whether everything that was opened has been closed. Of one whole form no proper beginning is.
fn is_closed(text: &[u8]) -> bool {
    let (mut depth, mut at, mut forms) = (0_usize, 0, 0);
    while at < text.len() {
        let rest = &text[at..];
        at += match rest[0] {
            _ if let Some(len) = comment_len(rest) => len,
            b'"' => string_len(rest),
            b'(' => {
                depth += 1;
                1
            }
            b')' => {
                depth = depth.saturating_sub(1);
                forms += 1;
                1
            }
            _ => 1,
        };
    }
    depth == 0 && forms > 0
}

/// The length of a string literal with its quotes, or of the rest if it isn't closed.
fn string_len(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> LoadError {
    let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let (line, column) = position(&valid, valid.len());
    let unclosed = error.error_len().is_none();
    LoadError::Text {
        line,
        column,
        reason: "not UTF-8".into(),
        unclosed,
    }
}

fn fault(text: &str, offset: usize, reason: &str) -> LoadError {
    let (line, column) = position(text, offset);
    LoadError::Text {
        line,
        column,
        reason: reason.into(),
        unclosed: !is_closed(text.as_bytes()),
    }
}

/// Line and column of a byte offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// The assembler's error is a drawing over several lines with `--> file:line:column` in it, or ends with
/// `at file:line:column` when the line is too long to be drawn; a log wants one line.
fn translate(text: &str, drawing: &str) -> LoadError {
    let mut reason = drawing.lines().next().unwrap_or_default();
    let mut place = drawing
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("--> "));
    if place.is_none()
        && let Some((before, after)) = reason.rsplit_once(" at ")
    {
        (reason, place) = (before, Some(after));
    }
    let mut numbers = place
        .unwrap_or_default()
        .rsplit(':')
        .map_while(|number| number.parse().ok());
    let (column, line) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(1));
    LoadError::Text {
        line,
        column,
        reason: reason.into(),
        unclosed: !is_closed(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_line_and_column() {
        let long = format!("(module (func {} bogus))", "nop ".repeat(200));
        let cases: &[(&str, usize, usize, &str, bool)] = &[
            (
                "(module\n  (func (bogus)))",
                2,
                10,
                "unknown operator",
                false,
            ),
            ("(module\n  (func", 2, 8, "expected", true),
            ("(module\n  (fun", 2, 4, "expected valid module field", true),
            (
                "(module\n  (fun))",
                2,
                4,
                "expected valid module field",
                false,
            ),
            (
                "(module (data \"abc\\\"",
                1,
                21,
                "unexpected end-of-file",
                true,
            ),
            (
                "(module (data \"(\" ;; (\n (; ( ;) x))",
                2,
                10,
                "expected a string",
                false,
            ),
            (
                "(module (; (; ;) ",
                1,
                9,
                "unterminated block comment",
                true,
            ),
            (";; nothing yet", 1, 15, "only comments", true),
            ("(modu", 1, 1, "expected `(module`", true),
            ("(memory 1) (func)", 1, 1, "expected `(module`", false),
            (&long, 1, 816, "unknown operator", false),
        ];
        for (text, line, column, reason, unclosed) in cases {
            let error = assemble(text.as_bytes()).unwrap_err();
            let said = error.to_string();
            assert!(
                said.starts_with(&format!("WebAssembly text, line {line}, column {column}: ")),
                "{said}"
            );
            assert!(said.contains(reason) && said.lines().count() == 1, "{said}");
            assert_eq!(error.could_be_incomplete(), *unclosed, "{said}");
        }
    }

    #[test]
    fn comments_may_come_first() {
        let text = "\u{feff};; a plugin\n(; by (; hand ;) ;)\n( ;; of sorts\nmodule)";
        assert_eq!(assemble(text.as_bytes()).unwrap(), b"\0asm\x01\0\0\0");
        let error = assemble(b"(module)\n\xff").unwrap_err();
        assert!(
            matches!(
                error,
                LoadError::Text {
                    line: 2,
                    column: 1,
                    ..
                }
            ),
            "{error}"
        );
    }
}

//! Messages as lines of text: what is compared, and what is shown.

use std::fmt::Write as _;

use crate::record::{Field, Message, StartLine};

/// Characters of one line that are shown.
const LONGEST_LINE: usize = 4_000;

/// Text of bytes that should be text.
pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The head of a message, a line for each field; trailers follow behind an empty line.
pub fn head(message: &Message) -> Vec<String> {
    let mut lines = vec![start(&message.line)];
    let field = |field: &Field| cut(format!("{}: {}", field.name, lossy(&field.value)));
    lines.extend(message.fields.iter().map(field));
    if !message.trailers.is_empty() {
        lines.push(String::new());
        lines.extend(message.trailers.iter().map(field));
    }
    lines
}

/// The first line.
pub fn start(line: &StartLine) -> String {
    cut(match line {
        StartLine::Request {
            method,
            target,
            authority,
        } => match target.starts_with('/') && !authority.is_empty() {
            true => format!("{method} {target} ({authority})"),
            false => format!("{method} {target}"),
        },
        StartLine::Response { status } => status.to_string(),
    })
}

/// The lines of a text.
pub fn text(text: &str) -> Vec<String> {
    text.lines().map(|line| cut(line.to_owned())).collect()
}

/// Bytes as hex, sixteen a line, with the letters among them.
pub fn hex(bytes: &[u8], most: usize) -> Vec<String> {
    let line = |(number, row): (usize, &[u8])| {
        let mut line = format!("{:08x}  ", number * 16);
        for byte in row {
            // Writing to a string does not fail.
            let _ = write!(line, "{byte:02x} ");
        }
        line += &"   ".repeat(16 - row.len());
        let letter = |byte: &u8| match byte {
            0x20..=0x7e => char::from(*byte),
            _ => '.',
        };
        line.push(' ');
        line.extend(row.iter().map(letter));
        line
    };
    bytes.chunks(16).take(most).enumerate().map(line).collect()
}

fn cut(line: String) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        None => line,
        Some((end, _)) => format!("{}… ({} more bytes)", &line[..end], line.len() - end),
    }
}

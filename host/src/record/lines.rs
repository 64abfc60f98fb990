//! Messages as lines of text, and what differs between two of them.

use similar::{Algorithm, ChangeTag, TextDiff};

use super::content;
use super::message::{Content, Field, Message, StartLine};
use crate::text;

/// A message as lines: its start line, its fields, an empty one, its body, its trailers.
pub fn message_lines(message: &Message) -> Vec<String> {
    let mut lines = first_lines(message);
    let body = body_lines(message);
    if !body.is_empty() {
        lines.push(String::new());
        lines.extend(body);
    }
    lines.extend(last_lines(message));
    lines
}

/// What of it is not its body: the start line, the fields, the trailers.
pub fn head_lines(message: &Message) -> Vec<String> {
    let mut lines = first_lines(message);
    lines.extend(last_lines(message));
    lines
}

fn first_lines(message: &Message) -> Vec<String> {
    let mut lines = vec![match &message.line {
        StartLine::Request {
            method,
            target,
            authority,
        } => {
            let authority = if authority.is_empty() {
                String::new()
            } else {
                format!(" ({})", text::line(authority))
            };
            format!("{} {}{authority}", text::name(method), text::line(target))
        }
        StartLine::Response { status } => status.to_string(),
    }];
    lines.extend(message.fields.iter().map(field_line));
    lines
}

fn last_lines(message: &Message) -> Vec<String> {
    if message.trailers.is_empty() {
        return Vec::new();
    }
    let trailers = message.trailers.iter().map(field_line);
    std::iter::once("trailers".to_owned())
        .chain(trailers)
        .collect()
}

fn field_line(field: &Field) -> String {
    let value = String::from_utf8_lossy(&field.value);
    format!("{}: {}", text::name(&field.name), text::line(&value))
}

/// A body as lines: JSON with its line ends, other text as it is, without codings.
pub fn body_lines(message: &Message) -> Vec<String> {
    let Content {
        kept,
        length,
        complete,
    } = &message.content;
    let body = content::decoded(message);
    let mut lines = Vec::new();
    match std::str::from_utf8(&body) {
        Ok(shown) => {
            let json = serde_json::from_str::<serde_json::Value>(shown).ok();
            let json = json.filter(|json| json.is_object() || json.is_array());
            let pretty = json.and_then(|json| serde_json::to_string_pretty(&json).ok());
            let shown = pretty.as_deref().unwrap_or(shown);
            lines.extend(shown.lines().map(|line| text::line(line).into_owned()));
        }
        // What it was is not seen in a terminal; that it is another one must be.
        Err(_) => lines.push(format!(
            "({length} bytes, not text; XXH3 {:016x})",
            twox_hash::XxHash3_64::oneshot(&body)
        )),
    }
    if (kept.len() as u64) < *length {
        lines.push(format!(
            "… ({} more bytes, not kept)",
            length - kept.len() as u64
        ));
    }
    if !complete && *length > 0 {
        lines.push("(it did not come to its end)".to_owned());
    }
    lines
}

/// The lines that went and came.
pub fn differences(before: &[String], after: &[String]) -> Vec<(ChangeTag, String)> {
    if before == after {
        return Vec::new();
    }
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let after: Vec<&str> = after.iter().map(String::as_str).collect();
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(std::time::Duration::from_millis(500))
        .diff_slices(&before, &after);
    let changes = diff.iter_all_changes();
    let changes = changes.filter(|change| change.tag() != ChangeTag::Equal);
    changes
        .map(|change| (change.tag(), change.value().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    #[test]
    fn bodies_that_are_no_text_are_told_apart() {
        let body = |bytes: &[u8]| {
            let mut exchange = sample::exchange();
            exchange.request.content = sample::content(bytes);
            body_lines(&exchange.request)
        };
        assert_ne!(body(b"\xff\x00"), body(b"\xff\x01"));
        assert_eq!(body(br#"{"a":[1]}"#).len(), 5);
        assert_eq!(body(b"1"), ["1"]);
    }
}

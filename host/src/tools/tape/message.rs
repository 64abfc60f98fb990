//! Messages as lines of text, and what differs between two of them.

use similar::{Algorithm, ChangeTag, TextDiff};

use crate::record::{Content, Message, StartLine, content};
use crate::text;

/// A message as lines: its start line, its fields, an empty one, its body, its trailers.
pub fn message_lines(message: &Message) -> Vec<String> {
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
    let field = |field: &crate::record::Field| {
        let value = String::from_utf8_lossy(&field.value);
        format!("{}: {}", text::name(&field.name), text::line(&value))
    };
    lines.extend(message.fields.iter().map(field));
    let body = body_lines(message);
    if !body.is_empty() {
        lines.push(String::new());
        lines.extend(body);
    }
    if !message.trailers.is_empty() {
        lines.push("trailers".to_owned());
        lines.extend(message.trailers.iter().map(field));
    }
    lines
}

/// JSON with its line ends, other text as it is, without codings.
fn body_lines(message: &Message) -> Vec<String> {
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

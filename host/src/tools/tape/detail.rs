//! One exchange of a tape, whole: the request as it came, what each step changed, and the response.

use std::io::{self, Write};

use similar::{Algorithm, ChangeTag, TextDiff};

use super::lines::{self, FAINT, GREEN, RED, Style};
use crate::record::{
    Content, Ending, Fragment, Message, Performer, PieceFate, Recorded, Sender, StartLine, Step,
    StepOutcome, Transcript, content,
};
use crate::text;

/// Lines of one message, or of one difference, that are shown.
const MOST_LINES: usize = 200;

/// Pieces of a step that are shown.
const MOST_PIECES: usize = 50;

pub fn write(out: &mut impl Write, exchange: &Recorded, style: Style) -> io::Result<()> {
    writeln!(
        out,
        "exchange {:016x}: {} UTC, {}, {} from {}",
        exchange.id,
        lines::time(exchange.began),
        lines::duration(exchange.duration),
        text::name(&exchange.protocol),
        exchange.client,
    )?;
    if let Some(route) = &exchange.route {
        writeln!(out, "route {}", text::line(route))?;
    }
    writeln!(out, "\nrequest")?;
    write_lines(out, &message_lines(&exchange.request), "  ")?;
    for (index, step) in exchange.steps.iter().enumerate() {
        write_step(out, exchange, index, step, style)?;
    }
    match &exchange.ending {
        Ending::Complete => writeln!(out, "\ncomplete"),
        Ending::CutOff => writeln!(
            out,
            "\n{}",
            style.paint(RED, "cut off: the client left, or the response broke off")
        ),
        Ending::Failed(failure) => {
            let words = format!(
                "failed: the client got {} ({}): {}",
                failure.status,
                text::line(&failure.proxy_error),
                text::line(&failure.text)
            );
            writeln!(out, "\n{}", style.paint(RED, &words))
        }
    }
}

fn write_step(
    out: &mut impl Write,
    exchange: &Recorded,
    index: usize,
    step: &Step,
    style: Style,
) -> io::Result<()> {
    let performer = match &step.performer {
        Performer::Host => "host".to_owned(),
        Performer::Plugin {
            name,
            version,
            hook,
        } => {
            format!(
                "plugin {} {} ({})",
                text::name(name),
                text::name(hook),
                text::name(version)
            )
        }
        Performer::Backend { name, address } => match address {
            Some(address) => format!("backend {} at {}", text::name(name), text::name(address)),
            None => format!("backend {}", text::name(name)),
        },
    };
    let computing = step.computing.map_or(String::new(), |time| {
        format!(", {} computing", lines::duration(time))
    });
    let outcome = match &step.outcome {
        StepOutcome::Done if !step.changes() => ": changed nothing".to_owned(),
        StepOutcome::Done => String::new(),
        StepOutcome::Responded => ": answered itself".to_owned(),
        StepOutcome::Failed(why) => style.paint(RED, &format!(": failed: {}", text::line(why))),
        StepOutcome::Undone(why) => style.paint(
            RED,
            &format!(": failed, and its changes were undone: {}", text::line(why)),
        ),
        StepOutcome::Abandoned => style.paint(RED, ": the exchange ended while it ran"),
    };
    let indent = "  ".repeat(usize::from(step.depth));
    let duration = lines::duration(step.duration);
    writeln!(
        out,
        "\n{indent}{}. {performer}, {duration}{computing}{outcome}",
        index + 1
    )?;
    let (request, response) = exchange.before(index);
    let (request_after, response_after) = exchange.before(index + 1);
    if !step.request.is_unchanged() {
        writeln!(out, "   request")?;
        write_difference(out, Some(&request), Some(&request_after), style)?;
    }
    if !step.response.is_unchanged() {
        writeln!(out, "   response")?;
        write_difference(out, response.as_ref(), response_after.as_ref(), style)?;
    }
    write_pieces(out, step.transcript.as_ref())?;
    for call in &step.outbound {
        let result = match &call.result {
            Ok(status) => format!("{status}, {} bytes", call.length),
            Err(error) => text::line(error).into_owned(),
        };
        let took = lines::duration(call.duration);
        writeln!(
            out,
            "   calls {} {}: {result}, {took}",
            text::name(&call.method),
            text::line(&call.url)
        )?;
    }
    for line in &step.log {
        writeln!(
            out,
            "   logs {} {}",
            text::name(&line.level),
            text::line(&line.text)
        )?;
    }
    Ok(())
}

/// Only what differs, line by line.
fn write_difference(
    out: &mut impl Write,
    before: Option<&Message>,
    after: Option<&Message>,
    style: Style,
) -> io::Result<()> {
    let lines = |message: Option<&Message>| message.map(message_lines).unwrap_or_default();
    let (before, after) = (lines(before), lines(after));
    let changes = differences(&before, &after);
    for (tag, line) in changes.iter().take(MOST_LINES) {
        let (sign, colour) = match tag {
            ChangeTag::Delete => ('-', RED),
            ChangeTag::Insert => ('+', GREEN),
            ChangeTag::Equal => (' ', FAINT),
        };
        writeln!(
            out,
            "     {}",
            style.paint(colour, &format!("{sign} {line}"))
        )?;
    }
    if changes.len() > MOST_LINES {
        writeln!(out, "     … ({} more lines)", changes.len() - MOST_LINES)?;
    }
    Ok(())
}

/// The lines that went and came.
pub fn differences(before: &[String], after: &[String]) -> Vec<(ChangeTag, String)> {
    let slices = |lines: &[String]| lines.to_vec();
    let (before, after) = (slices(before), slices(after));
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

fn write_pieces(out: &mut impl Write, transcript: Option<&Transcript>) -> io::Result<()> {
    let Some(transcript) = transcript else {
        return Ok(());
    };
    for piece in transcript.pieces.iter().take(MOST_PIECES) {
        let sender = match piece.sender {
            Some(Sender::Client) => "from the client ",
            Some(Sender::Backend) => "from the backend ",
            Some(Sender::Plugin) => "from the plugin ",
            None => "",
        };
        let fate = match piece.fate {
            PieceFate::Keep => "kept",
            PieceFate::Replace if piece.went.is_empty() => "dropped",
            PieceFate::Replace => "replaced by",
            PieceFate::Stop => "stopped at",
            PieceFate::End => "end",
        };
        let went: Vec<String> = piece.went.iter().map(fragment).collect();
        writeln!(
            out,
            "   {sender}{} {fate} {}",
            fragment(&piece.came),
            went.join(" ")
        )?;
    }
    let more = transcript
        .count
        .saturating_sub(transcript.pieces.len().min(MOST_PIECES) as u64);
    match more {
        0 => Ok(()),
        more => writeln!(out, "   … ({more} more pieces)"),
    }
}

fn fragment(fragment: &Fragment) -> String {
    match std::str::from_utf8(&fragment.kept) {
        Ok(shown) => {
            let short: String = shown.chars().take(200).collect();
            let rest = if (short.len() as u64) < fragment.length {
                "…"
            } else {
                ""
            };
            format!("{:?}{rest}", short)
        }
        Err(_) => format!("({} bytes)", fragment.length),
    }
}

fn write_lines(out: &mut impl Write, all: &[String], indent: &str) -> io::Result<()> {
    for line in all.iter().take(MOST_LINES) {
        writeln!(out, "{}", format!("{indent}{line}").trim_end())?;
    }
    if all.len() > MOST_LINES {
        writeln!(out, "{indent}… ({} more lines)", all.len() - MOST_LINES)?;
    }
    Ok(())
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn shown(exchange: &Recorded) -> String {
        let mut out = Vec::new();
        write(&mut out, exchange, Style { has_colours: false }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_step_shows_what_it_changed() {
        let text = shown(&sample::exchange());
        let expected = [
            "exchange 00abcdef01234567: 2026-09-21 14:13:20.123 UTC, 1.5 ms, HTTP/1.1 from 192.0.2.7:50000\n",
            "\nrequest\n  POST /orders/7?x=1 (api.example.com:8443)\n  Host: api.example.com:8443\n",
            "\n1. plugin redact forward-request (0123456789ab), 1.2 ms: changed nothing\n",
            "\n2. backend orders at 127.0.0.1:4566, 1.2 ms\n   response\n     + 201\n     + Location: /orders/7\n",
            "\n3. plugin redact return-response (0123456789ab), 1.2 ms, 7 µs computing\n   response\n     - content-length: 14\n     + content-length: 12\n     - all 1234567890\n     + all [masked]\n",
            "   calls GET http://127.0.0.1/keys: 200, 11 bytes, 40 µs\n   logs info one secret\n",
            "\ncomplete\n",
        ];
        for part in expected {
            assert!(text.contains(part), "{part}\nin\n{text}");
        }
    }

    #[test]
    fn nothing_that_is_shown_steers_a_terminal() {
        let mut exchange = sample::exchange();
        exchange.request.fields.push(sample::field("x", "\x1b[2J"));
        exchange.request.content = sample::content(b"\x1b[31mred");
        exchange.steps[2].log[0].text = "\x1b]0;title\x07".to_owned();
        let text = shown(&exchange);
        assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text}");
    }

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

//! One exchange of a tape, whole: the request as it came, what each step changed, and the response.

use std::io::{self, Write};

use similar::ChangeTag;

use super::lines::{self, FAINT, GREEN, RED, Style};
use crate::record::lines::{differences, message_lines};
use crate::record::{
    Ending, Fragment, Message, Performer, PieceFate, Recorded, Sender, Step, StepOutcome,
    Transcript,
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
    let (performer, outcome) = (performer(&step.performer), outcome(step, style));
    let computing = step.computing.map_or(String::new(), |time| {
        format!(", {} computing", lines::duration(time))
    });
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
    write_calls_and_log(out, step)
}

fn write_calls_and_log(out: &mut impl Write, step: &Step) -> io::Result<()> {
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

fn performer(performer: &Performer) -> String {
    match performer {
        Performer::Host => "host".to_owned(),
        Performer::Plugin {
            name,
            version,
            hook,
        } => {
            let (name, hook) = (text::name(name), text::name(hook));
            format!("plugin {name} {hook} ({})", text::name(version))
        }
        Performer::Backend { name, address } => match address {
            Some(address) => format!("backend {} at {}", text::name(name), text::name(address)),
            None => format!("backend {}", text::name(name)),
        },
    }
}

/// What it came to, if there is something to tell.
fn outcome(step: &Step, style: Style) -> String {
    match &step.outcome {
        StepOutcome::Done if !step.changes() => ": changed nothing".to_owned(),
        StepOutcome::Done => String::new(),
        StepOutcome::Responded => ": answered itself".to_owned(),
        StepOutcome::Failed(why) => style.paint(RED, &format!(": failed: {}", text::line(why))),
        StepOutcome::Undone(why) => {
            let why = text::line(why);
            style.paint(
                RED,
                &format!(": failed, and its changes were undone: {why}"),
            )
        }
        StepOutcome::Abandoned => style.paint(RED, ": the exchange ended while it ran"),
    }
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
    // A part of a backend's body: what it is, the body says.
    if fragment.kept.is_empty() && fragment.length > 0 {
        return format!("({} bytes)", fragment.length);
    }
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
}

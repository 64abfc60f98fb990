//! What a what-if found, in words and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::run::Found;
use crate::record::Recorded;
use crate::text;
use crate::tools::tape::{CYAN, FAINT, GREEN, RED, Style};
use crate::what_if::{Of, Part};

/// One exchange that differs: `ID  METHOD URL  STATUS`.
pub fn line(out: &mut impl Write, then: &Recorded, found: &Found) -> io::Result<()> {
    let status = |status: Option<u16>| status.map_or("---".to_owned(), |it| it.to_string());
    let [before, after] = found.difference.status.map(status);
    let statuses = match before == after {
        true => before,
        false => format!("{before} → {after}"),
    };
    let (method, url) = (text::name(then.method()), then.url());
    let url = text::line(&url);
    writeln!(out, "{:016x}  {method} {url}  {statuses}", then.id)
}

/// The same with what differs, so many lines of each call.
pub fn write(
    out: &mut impl Write,
    then: &Recorded,
    found: &Found,
    most_lines: usize,
    style: Style,
) -> io::Result<()> {
    line(out, then, found)?;
    let masked = &found.masked;
    if !masked.is_empty() {
        let names = masked.iter().map(|name| text::name(name).into_owned());
        let names = names.collect::<Vec<_>>().join(", ");
        let words = format!("run with masked values: {names}");
        writeln!(out, "  {}", style.paint(FAINT, &words))?;
    }
    for part in &found.difference.parts {
        writeln!(out, "  {}", style.paint(CYAN, &title(part)))?;
        let mut of = Of::Outcome;
        for line in part.lines.iter().take(most_lines) {
            if line.of != of {
                of = line.of;
                writeln!(out, "    {}", style.paint(FAINT, name(of)))?;
            }
            let (sign, colour) = if line.is_now {
                ('+', GREEN)
            } else {
                ('-', RED)
            };
            let text = text::line(&line.text);
            writeln!(
                out,
                "    {}",
                style.paint(colour, &format!("{sign} {text}"))
            )?;
        }
        if part.lines.len() > most_lines {
            writeln!(out, "    … ({} more lines)", part.lines.len() - most_lines)?;
        }
    }
    Ok(())
}

fn title(part: &Part) -> String {
    let Some(call) = &part.call else {
        return "the response to the client".to_owned();
    };
    let (plugin, hook) = (text::name(&call.plugin), text::name(&call.hook));
    let versions = match &call.versions {
        [Some(then), Some(now)] if then == now => format!(" ({})", text::name(then)),
        [Some(then), Some(now)] => format!(" ({} → {})", text::name(then), text::name(now)),
        [Some(_), None] => ", which is not called any more".to_owned(),
        [None, _] => ", which was not called then".to_owned(),
    };
    format!("plugin {plugin} {hook}{versions}")
}

fn name(of: Of) -> &'static str {
    match of {
        Of::Request => "request",
        Of::Response => "response",
        Of::Outcome => "outcome",
    }
}

/// The same as JSON.
pub fn json(then: &Recorded, found: &Found) -> Value {
    let Found { difference, masked } = found;
    let part = |part: &Part| {
        let lines = part.lines.iter().map(|line| {
            let op = if line.is_now { "+" } else { "-" };
            json!({"of": name(line.of), "body": line.is_body, "op": op, "text": line.text})
        });
        let call = part.call.as_ref();
        json!({
            "plugin": call.map(|call| &call.plugin),
            "hook": call.map(|call| &call.hook),
            "versions": call.map(|call| json!({"then": call.versions[0], "now": call.versions[1]})),
            "lines": lines.collect::<Vec<_>>(),
        })
    };
    json!({
        "id": format!("{:016x}", then.id),
        "method": then.method(),
        "url": then.url(),
        "status": {"then": difference.status[0], "now": difference.status[1]},
        "masked": masked,
        "parts": difference.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

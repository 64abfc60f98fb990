//! What a what-if found, in words and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::difference::{Difference, Of, Part};
use crate::record::Recorded;
use crate::text;
use crate::tools::tape::{CYAN, FAINT, GREEN, RED, Style};

/// Lines of one part that are shown.
const MOST_LINES: usize = 100;

/// How many exchanges came to what.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub exchanges: u64,
    /// Of those that ran.
    pub differ: u64,
    /// They fail now and did not then. They differ, too.
    pub failed: u64,
    /// They could not be run again; by the reason.
    pub not_run: BTreeMap<String, u64>,
}

impl Counts {
    /// `1000 exchanges: 12 differ, 0 failed`
    pub fn words(&self) -> String {
        let exchanges = if self.exchanges == 1 {
            "exchange"
        } else {
            "exchanges"
        };
        let differ = if self.differ == 1 {
            "differs"
        } else {
            "differ"
        };
        let mut words = format!(
            "{} {exchanges}: {} {differ}, {} failed",
            self.exchanges, self.differ, self.failed
        );
        for (why, count) in &self.not_run {
            words += &format!(", {count} not run ({why})");
        }
        words
    }
}

/// One exchange that differs.
pub fn write(
    out: &mut impl Write,
    then: &Recorded,
    difference: &Difference,
    style: Style,
) -> io::Result<()> {
    let status = |status: Option<u16>| status.map_or("---".to_owned(), |it| it.to_string());
    let [before, after] = difference.status.map(status);
    let statuses = match before == after {
        true => before,
        false => format!("{before} → {after}"),
    };
    let (method, url) = (text::name(then.method()), then.url());
    writeln!(
        out,
        "{:016x}  {method} {}  {statuses}",
        then.id,
        text::line(&url)
    )?;
    for part in &difference.parts {
        writeln!(out, "  {}", style.paint(CYAN, &title(part)))?;
        let mut of = Of::Outcome;
        for line in part.lines.iter().take(MOST_LINES) {
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
        if part.lines.len() > MOST_LINES {
            writeln!(out, "    … ({} more lines)", part.lines.len() - MOST_LINES)?;
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
pub fn json(then: &Recorded, difference: &Difference) -> Value {
    let part = |part: &Part| {
        let lines = part.lines.iter().map(|line| {
            let op = if line.is_now { "+" } else { "-" };
            json!({"of": name(line.of), "op": op, "text": line.text})
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
        "parts": difference.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

//! `tollgate tape`: looks at tapes, takes exchanges out of them, makes HARs of them and them of HARs.

mod detail;
mod lines;
mod send;
mod source;

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;

pub use self::lines::{CYAN, FAINT, GREEN, RED, Style, is_plain};
pub use self::source::{Failure, Tape, filter};

use crate::cli::{
    TapeArgs, TapeCommand, TapeExportArgs, TapeGrepArgs, TapeImportArgs, TapeShowArgs,
};
use crate::record::filter::Filter;
use crate::record::har::{self, HarWriter};
use crate::record::tape::{self, Header};
use crate::record::{Summary, json};
use crate::text;

/// Runs the command.
pub fn tape(args: &TapeArgs) -> ExitCode {
    let done = match &args.command {
        TapeCommand::Send(args) => return send::send(args),
        TapeCommand::Show(args) => show(args),
        TapeCommand::Grep(args) => grep(args),
        TapeCommand::Export(args) => export(args),
        TapeCommand::Import(args) => import(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.told(),
    }
}

fn show(args: &TapeShowArgs) -> Result<(), Failure> {
    let words = args.filter.join(" ");
    let id = source::id(&words);
    let filter = match id {
        Some(_) => Filter::default(),
        None => source::filter(&words)?,
    };
    let out = io::stdout();
    let style = lines::Style {
        has_colours: out.is_terminal() && !is_plain(),
    };
    let mut out = io::BufWriter::new(out.lock());
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut tape = Tape::open(&args.tape)?;
    let mut shown = 0_u64;
    while left > 0
        && let Some(exchange) = tape.next()
    {
        // What is before the damage is shown before the error.
        let exchange = exchange.inspect_err(|_| drop(out.flush()))?;
        if id.is_some_and(|id| id != exchange.id) || !filter.matches(&exchange) {
            continue;
        }
        let written = match (id, args.json) {
            (None, true) => line_of_json(&mut out, &Summary::of(&exchange)),
            (Some(_), true) => line_of_json(&mut out, &json::whole(&exchange)),
            (None, false) => lines::write(&mut out, &exchange, style),
            (Some(_), false) => detail::write(&mut out, &exchange, style),
        };
        written.map_err(source::stdout)?;
        shown += 1;
        left -= 1;
    }
    out.flush().map_err(source::stdout)?;
    match id {
        Some(id) if shown == 0 => Err(Failure::new(
            &args.tape,
            format!("there is no exchange {id:016x}; `tollgate tape show` lists them"),
        )),
        _ => Ok(()),
    }
}

fn line_of_json(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn grep(args: &TapeGrepArgs) -> Result<(), Failure> {
    let filter = source::filter(&args.filter.join(" "))?;
    let mut from = Tape::open(&args.tape)?;
    let header = Header {
        created: from.created(),
    };
    let mut count = 0_u64;
    source::write(&args.output, |out| {
        out.write_all(&header.encode())
            .map_err(|error| Failure::new(&args.output, error))?;
        for exchange in &mut from {
            let exchange = exchange?;
            if filter.matches(&exchange) {
                append(out, &exchange, &args.output)?;
                count += 1;
            }
        }
        Ok(())
    })?;
    told(&args.output, count, "on the tape");
    Ok(())
}

fn export(args: &TapeExportArgs) -> Result<(), Failure> {
    let filter = source::filter(&args.filter.join(" "))?;
    let mut from = Tape::open(&args.tape)?;
    let mut count = 0_u64;
    source::write(&args.output, |out| {
        let failed = |error| Failure::new(&args.output, error);
        let mut har = HarWriter::begin(out).map_err(failed)?;
        for exchange in &mut from {
            let exchange = exchange?;
            if filter.matches(&exchange) {
                har.write(&exchange).map_err(failed)?;
                count += 1;
            }
        }
        har.finish().map_err(failed)?;
        Ok(())
    })?;
    told(&args.output, count, "in the HAR");
    Ok(())
}

fn import(args: &TapeImportArgs) -> Result<(), Failure> {
    let text = source::read(&args.har)?;
    let failed = |error: har::HarError| Failure::new(&args.har, error);
    let entries = har::parse(&text).map_err(failed)?.log.entries;
    let exchanges = entries.into_iter().zip(1..);
    let exchanges = exchanges.map(|(entry, number)| har::recorded(entry, number));
    let exchanges: Vec<_> = exchanges.collect::<Result<_, _>>().map_err(failed)?;
    let created = exchanges.iter().map(|exchange| exchange.began).min();
    let header = Header {
        created: created.unwrap_or(0),
    };
    source::write(&args.output, |out| {
        out.write_all(&header.encode())
            .map_err(|error| Failure::new(&args.output, error))?;
        for exchange in &exchanges {
            append(out, exchange, &args.output)?;
        }
        Ok(())
    })?;
    told(&args.output, exchanges.len() as u64, "on the tape");
    Ok(())
}

fn append(
    out: &mut dyn Write,
    exchange: &crate::record::Recorded,
    path: &Path,
) -> Result<(), Failure> {
    let record = tape::encode(exchange);
    let too_long = || {
        Failure::new(
            path,
            format!("the exchange {:016x} is too long for a tape", exchange.id),
        )
    };
    let record = record.ok_or_else(too_long)?;
    out.write_all(&record)
        .map_err(|error| Failure::new(path, error))
}

/// On stderr, as stdout may be the file.
fn told(path: &Path, count: u64, place: &str) {
    let exchanges = if count == 1 { "exchange" } else { "exchanges" };
    if path != Path::new("-") {
        eprintln!("{count} {exchanges} {place} {}", text::path(path));
    }
}

//! `tollgate what-if`: a tape through the chain as it is now, without a backend, and what differs from then.
//!
//! How exchanges are played is in [`crate::what_if`]; here are the tape, the plugins of a directory, and what is printed.

mod counts;
mod directory;
mod report;
mod run;

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::process::ExitCode;

use serde_json::json;

use self::counts::Counts;
pub use self::report::{line, write};
pub use self::run::{Found, Run, exchanges};
use super::exit::USAGE;
use super::tape::{self, Failure, Style};
use crate::cli::{RunArgs, WhatIfArgs};
use crate::config::{self, Config};
use crate::record::Recorded;
use crate::tools::log;

/// Lines of one call that are shown.
const MOST_LINES: usize = 100;

/// There are differences, as with `diff`.
const DIFFERS: u8 = 1;

/// It could not be found out, as with `diff`.
const TROUBLE: u8 = 2;

/// Runs the command.
pub fn what_if(args: &WhatIfArgs) -> ExitCode {
    let filter = match tape::filter(&args.filter.join(" ")) {
        Ok(filter) => filter,
        Err(failure) => return failure.told(),
    };
    let config = match configured(args) {
        Ok(config) => config,
        Err(words) => {
            eprintln!("tollgate: {words}");
            return ExitCode::from(USAGE);
        }
    };
    // What plugins log is none of this.
    log::start();
    let style = Style {
        has_colours: io::stdout().is_terminal() && !tape::is_plain(),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let exchanges = exchanges(&args.tape, &filter, usize::MAX);
    let found = exchanges
        .map_err(Failure::into_words)
        .and_then(|exchanges| compare(&config, &exchanges, args.json, style, &mut out));
    match found {
        Ok(counts) if counts.differ == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(DIFFERS),
        Err(words) => {
            eprintln!("tollgate: {words}");
            ExitCode::from(TROUBLE)
        }
    }
}

/// As `run` would have it.
fn configured(args: &WhatIfArgs) -> Result<Config, String> {
    let args = RunArgs {
        plugins: args.plugins.clone(),
        config: args.config.clone(),
        standard_components: args.standard_components,
        ..RunArgs::default()
    };
    let config = config::resolve(&args, |key| std::env::var_os(key));
    config.map_err(|errors| format!("the configuration has mistakes:\n{errors}"))
}

/// Runs the exchanges and writes what differs.
///
/// # Errors
/// When the plugins can't serve, or nothing can be written.
fn compare(
    config: &Config,
    exchanges: &[Recorded],
    as_json: bool,
    style: Style,
    out: &mut impl Write,
) -> Result<Counts, String> {
    let mut run = Run::new(config, exchanges)?;
    let mut differ = Vec::new();
    for then in exchanges {
        let Some(found) = run.next(then).flatten() else {
            continue;
        };
        match as_json {
            true => differ.push(report::json(then, &found)),
            false => {
                let written = write(out, then, &found, MOST_LINES, style);
                written.map_err(|error| error.to_string())?;
            }
        }
    }
    let counts = run.counts;
    let written = match as_json {
        true => writeln!(out, "{}", json!({"exchanges": differ, "counts": counts})),
        false => writeln!(out, "{}", counts.words()),
    };
    let written = written.and_then(|()| out.flush());
    written.map_err(|error| error.to_string())?;
    Ok(counts)
}

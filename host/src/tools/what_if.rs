//! `tollgate what-if`: a tape through the chain as it is now, without a backend, and what differs from then.
//!
//! Each exchange begins with the request as the first plugin got it, and meets the backend's recorded answer where it met the backend.
//! The plugins' state begins empty and lasts over the run; their clock follows the tape; what they send to other servers is refused.
//! What is masked on the tape is masked for them, too.

mod difference;
mod play;
mod report;
mod stage;

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use self::report::Counts;
use self::stage::Stage;
use super::exit::USAGE;
use super::tape::{self, Failure, Style, Tape};
use crate::cli::{RunArgs, WhatIfArgs};
use crate::config::{self, Config};
use crate::record::filter::Filter;
use crate::record::{Ending, Masks, Recorded};
use crate::tools::log;

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
    let exchanges = exchanges(&args.tape, &filter);
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

/// The exchanges of a tape that match, in the order in which they began.
///
/// # Errors
/// When the tape can't be read.
pub fn exchanges(tape: &Path, filter: &Filter) -> Result<Vec<Recorded>, Failure> {
    let mut exchanges = Vec::new();
    for exchange in Tape::open(tape)? {
        let exchange = exchange?;
        if filter.matches(&exchange) {
            exchanges.push(exchange);
        }
    }
    exchanges.sort_by_key(|exchange| exchange.began);
    Ok(exchanges)
}

/// Runs the exchanges and writes what differs.
///
/// # Errors
/// When the plugins can't serve, or nothing can be written.
pub fn compare(
    config: &Config,
    exchanges: &[Recorded],
    as_json: bool,
    style: Style,
    out: &mut impl Write,
) -> Result<Counts, String> {
    let began = exchanges.first().map_or(0, |exchange| exchange.began);
    let stage = Stage::new(config, Duration::from_micros(began))?;
    let masks = Masks::new(&config.record);
    let mut counts = Counts::default();
    let mut differ = Vec::new();
    let mut now = began;
    for then in exchanges {
        counts.exchanges += 1;
        stage.wait(then.began.saturating_sub(now));
        now = then.began.max(now);
        let found = match play::play(&stage, then, &masks) {
            Ok(played) => {
                let has_failed = |it: &Recorded| matches!(it.ending, Ending::Failed(_));
                counts.failed += u64::from(has_failed(&played) && !has_failed(then));
                difference::between(then, &played)
            }
            Err(why) => {
                *counts.not_run.entry(why.kind().to_owned()).or_default() += 1;
                continue;
            }
        };
        let Some(difference) = found else { continue };
        counts.differ += 1;
        match as_json {
            true => differ.push(report::json(then, &difference)),
            false => report::write(out, then, &difference, style).map_err(|it| it.to_string())?,
        }
    }
    let written = match as_json {
        true => writeln!(out, "{}", json!({"exchanges": differ, "counts": counts})),
        false => writeln!(out, "{}", counts.words()),
    };
    let written = written.and_then(|()| out.flush());
    written.map_err(|error| error.to_string())?;
    Ok(counts)
}

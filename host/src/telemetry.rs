//! The log: lines on stderr, chosen by a filter.
//!
//! Stdout is left to what a command prints. Colours are for terminals, and `NO_COLOR` turns them
//! off there too.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};

/// What is logged when nothing is said.
pub const DEFAULT_FILTER: &str = "info";

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "{origin}: {directive:?} is not a log filter; expected a level (off, error, warn, info, \
         debug, trace) or target=level, with commas between several"
    )]
    Filter {
        /// `--log` or `TOLLGATE_LOG`.
        origin: &'static str,
        directive: String,
    },
    #[error("the log was already started")]
    Started,
}

/// Starts the log with the filter of the flag, else of `TOLLGATE_LOG`, else `info`.
///
/// # Errors
/// When a filter can't be understood (either of the two, as with every other setting), or when this
/// process has a log already.
pub fn start(flag: Option<&str>) -> Result<(), TelemetryError> {
    let filter = filter(flag, |name| std::env::var_os(name))?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .compact()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && !plain)
        .with_env_filter(filter)
        .try_init()
        .map_err(|_| TelemetryError::Started)
}

/// The filter of the strongest source that has one. An empty variable counts as absent.
fn filter(
    flag: Option<&str>,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<EnvFilter, TelemetryError> {
    let flag = flag.map(|text| parse("--log", text)).transpose()?;
    let variable = env("TOLLGATE_LOG").filter(|value| !value.is_empty());
    let variable = variable.map(|value| parse("TOLLGATE_LOG", &value.to_string_lossy()));
    let variable = variable.transpose()?;
    match flag.or(variable) {
        Some(filter) => Ok(filter),
        None => parse("default", DEFAULT_FILTER),
    }
}

/// Reads directive by directive: the error of a whole filter doesn't say which of them it is.
fn parse(origin: &'static str, text: &str) -> Result<EnvFilter, TelemetryError> {
    let off = EnvFilter::builder().with_default_directive(LevelFilter::OFF.into());
    let mut filter = off.parse_lossy("");
    for directive in directives(text).map(str::trim) {
        if let Some(ours) = ours_alone(directive) {
            filter = ours.into_iter().fold(filter, EnvFilter::add_directive);
            continue;
        }
        let parsed = directive.parse::<Directive>().ok();
        let parsed = parsed.filter(|_| !directive.is_empty() && !is_misspelt_level(directive));
        let wrong = || TelemetryError::Filter {
            origin,
            directive: directive.to_owned(),
        };
        filter = filter.add_directive(parsed.ok_or_else(wrong)?);
    }
    Ok(filter)
}

/// A level beyond `info` alone is about this program and its plugins: wasmtime's compilers would drown them out. Theirs is
/// to be had by name, `cranelift=debug`.
fn ours_alone(directive: &str) -> Option<[Directive; 3]> {
    let level = directive.parse::<LevelFilter>().ok()?;
    let of = |target: &str| format!("{target}={level}").parse().ok();
    let beyond_info = level > LevelFilter::INFO;
    beyond_info.then_some([LevelFilter::INFO.into(), of("tollgate")?, of("plugin")?])
}

/// Whether this is a level with a slip in it. Left alone it would be taken for a target, and turn
/// off every other.
fn is_misspelt_level(directive: &str) -> bool {
    let word = directive.to_ascii_lowercase();
    let mut levels = ["off", "error", "warn", "info", "debug", "trace"].iter();
    levels.any(|level| strsim::damerau_levenshtein(&word, level) == 1)
}

/// The directives between the commas that are not inside a span's fields (`[span{a=1,b=2}]`).
fn directives(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(flag: Option<&str>, variable: Option<&str>) -> Result<String, String> {
        let env = |name: &str| {
            variable
                .filter(|_| name == "TOLLGATE_LOG")
                .map(OsString::from)
        };
        filter(flag, env)
            .map(|f| f.to_string())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn the_flag_wins_over_the_variable_over_the_default() {
        let cases = [
            (None, None, "info"),
            (None, Some(""), "info"),
            (None, Some("warn"), "warn"),
            (
                Some("debug"),
                Some("warn"),
                "tollgate=debug,plugin=debug,info",
            ),
            (Some("off"), None, "off"),
            (
                Some("warn, tollgate::plugin=debug"),
                None,
                "tollgate::plugin=debug,warn",
            ),
            (
                Some("[exchange{id=1,plugin=2}]=trace"),
                None,
                "off,[exchange{id=1,plugin=2}]=trace",
            ),
        ];
        for (flag, variable, expected) in cases {
            assert_eq!(
                filtered(flag, variable).as_deref(),
                Ok(expected),
                "{flag:?} {variable:?}"
            );
        }
    }

    #[test]
    fn a_bad_filter_says_which_part_and_where() {
        let cases = [
            (Some("loud=!"), None, "--log: \"loud=!\" "),
            (
                Some("info,tollgate=loud,warn"),
                None,
                "--log: \"tollgate=loud\" ",
            ),
            (Some(""), None, "--log: \"\" "),
            (Some("info,"), None, "--log: \"\" "),
            (None, Some("tollgate=5x"), "TOLLGATE_LOG: \"tollgate=5x\" "),
            (
                Some("info"),
                Some("tollgate=5x"),
                "TOLLGATE_LOG: \"tollgate=5x\" ",
            ),
        ];
        for (flag, variable, expected) in cases {
            let got = filtered(flag, variable).unwrap_err();
            assert!(got.starts_with(expected), "{got}");
        }
    }

    #[test]
    fn a_slip_in_a_level_is_no_target() {
        for word in ["inof", "Warm", "eror", "traec", "debugg", "ino"] {
            assert!(filtered(Some(word), None).is_err(), "{word}");
        }
        for word in ["INFO", "tollgate", "hyper", "3"] {
            assert!(filtered(Some(word), None).is_ok(), "{word}");
        }
    }
}

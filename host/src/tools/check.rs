//! `tollgate check`: what the loader thinks of files, and what they would cost.

mod examine;
mod findings;
mod imports;
mod report;
mod times;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::examine::Examiner;
use self::findings::{CheckRefusal, Findings};
use self::report::CheckedFile;
use super::exit::USAGE;
use crate::cli::{CheckArgs, RunArgs};
use crate::config::{self, Config};
use crate::plugin::watch::{self, PluginCandidate};
use crate::text;

/// Runs the command.
pub fn check(args: &CheckArgs) -> ExitCode {
    let refused = |words: String| {
        eprintln!("tollgate: {words}");
        ExitCode::from(USAGE)
    };
    let config = match args.config.as_deref().map(configured).transpose() {
        Ok(config) => config,
        Err(words) => return refused(words),
    };
    let files = match files(&args.files) {
        Ok(files) => files,
        Err(words) => return refused(words),
    };
    let examiner = match Examiner::new(config) {
        Ok(examiner) => examiner,
        Err(words) => {
            eprintln!("tollgate: {words}");
            return ExitCode::FAILURE;
        }
    };
    let mut out = io::stdout().lock();
    match all(&examiner, &files, args.json, &mut out).and_then(|good| out.flush().map(|()| good)) {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Whether all are good.
fn all(
    examiner: &Examiner,
    files: &[PluginCandidate],
    json: bool,
    out: &mut impl Write,
) -> io::Result<bool> {
    let mut all = Vec::with_capacity(files.len());
    for PluginCandidate { path, problem } in files {
        let (findings, result) = match problem {
            Some(problem) => (
                Findings::default(),
                Err(CheckRefusal::Place(problem.clone())),
            ),
            None => examiner.examine(path),
        };
        let checked = CheckedFile {
            file: path.display().to_string(),
            findings,
            error: result.err().map(|error| error.to_string()),
        };
        if !json {
            report::print(&checked, out)?;
        }
        all.push(checked);
    }
    if json {
        report::print_json(&all, out)?;
    }
    Ok(all.iter().all(|checked| checked.error.is_none()))
}

/// The configuration of this file alone, whatever the environment says.
fn configured(path: &Path) -> Result<Config, String> {
    let args = RunArgs {
        config: Some(path.to_owned()),
        ..RunArgs::default()
    };
    let nothing = |_: &str| None::<OsString>;
    config::resolve(&args, nothing)
        .map_err(|errors| format!("the configuration has mistakes:\n{errors}"))
}

/// The files as given, directories as the files in them that were meant to be plugins.
fn files(given: &[PathBuf]) -> Result<Vec<PluginCandidate>, String> {
    let mut files = Vec::new();
    for path in given {
        if path.is_dir() {
            files.extend(plugin_files(path)?);
        } else {
            let problem = watch::name_problem(path).map(|problem| problem.to_string());
            files.push(PluginCandidate {
                path: path.clone(),
                problem,
            });
        }
    }
    Ok(files)
}

fn plugin_files(directory: &Path) -> Result<Vec<PluginCandidate>, String> {
    let shown = text::path(directory);
    let files = watch::candidates(directory)
        .map_err(|error| format!("can't look into {shown}: {error}"))?;
    match files.is_empty() {
        true => Err(format!("no plugin files (*.wasm, *.wat) in {shown}")),
        false => Ok(files),
    }
}

//! `tollgate test`: a plugin's own component on cases kept as files, through the proxy's own chain, without a network.
//!
//! `plugin-sdk/TESTING.md` says what a file of cases looks like.

mod calls;
mod case;
mod compare;
mod failure_line;
mod har;
mod json;
mod lines;
mod meets;
mod message;
mod messages;
mod metrics;
mod pattern;
mod pieces;
mod read;
mod report;
mod run;
mod sections;
mod setup;
mod state;
mod subject;
#[cfg(test)]
mod tests;
mod timed;
mod update;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use self::case::{Case, CaseFile};
use self::report::{Outcome, Report};
use self::run::Got;
use self::sections::Mistake;
use self::setup::Bench;
use self::subject::{NoSubject, Subject};
use super::conditions::{self, Conditions};
use super::exit::USAGE;
use super::log::{self, PluginLines};
use crate::cli::TestArgs;
use crate::config::Settings;

/// What a case at least is, for those who have none.
const EXAMPLE: &str = "### request
GET / HTTP/1.1
host: example.com
";

/// Runs the command.
pub fn test(args: &TestArgs) -> ExitCode {
    let lines = log::start();
    match all(args, &lines) {
        Ok(report) => print(&report, args.json),
        Err((code, words)) => {
            eprintln!("tollgate: {words}");
            ExitCode::from(code)
        }
    }
}

/// The exit code and what to say.
type Refused = (u8, String);

fn all(args: &TestArgs, lines: &PluginLines) -> Result<Report, Refused> {
    let subject = subject::find(&args.plugin, args.cases.as_deref()).map_err(|error| {
        let code = match error {
            NoSubject::NotBuilt { .. } => 1,
            _ => USAGE,
        };
        (code, error.to_string())
    })?;
    if let Some(stale) = &subject.stale {
        eprintln!("tollgate: {stale}");
    }
    let flags = Flags::read(args)?;
    let files: Vec<_> = case_files(&subject)?
        .into_iter()
        .map(|path| (read(&path, &subject.conditions), path))
        .collect();
    let bench = Bench::new(&subject, args.no_cache, most_memory(&subject, &files))?;
    let failed = |words: String| (1, words);
    let mut report = Report {
        plugin: subject.name.clone(),
        ..Report::default()
    };
    let session = Session {
        bench,
        args,
        flags,
        lines,
    };
    for (file, path) in files {
        match file {
            Ok(file) => session
                .run_file(&file, &mut report)
                .map_err(|error| failed(format!("can't write {}: {error}", file.path.display())))?,
            Err(mistake) => {
                let mistaken = mistaken(&path, &mistake);
                match args.filter.as_deref() {
                    // The filter may name an entry of a HAR that can't be read.
                    Some(f) if !mistaken.name.contains(f) && !f.starts_with(&mistaken.name) => {
                        report.left_out += 1;
                    }
                    _ => report.results.push(mistaken),
                }
            }
        }
    }
    if report.results.is_empty() {
        let filter = args.filter.as_deref().unwrap_or_default();
        let words = format!(
            "no case has {filter:?} in its name ({} have not)",
            report.left_out
        );
        return Err(failed(words));
    }
    Ok(report)
}

/// The most linear memory that an instance may have in any of the cases, in bytes.
fn most_memory(subject: &Subject, files: &[(Result<CaseFile, Mistake>, PathBuf)]) -> u64 {
    let read = files.iter().filter_map(|(file, _)| file.as_ref().ok());
    let cases = read.flat_map(|file| &file.cases);
    let memory = cases.map(|case| case.conditions.limits.memory);
    memory.fold(subject.conditions.limits.memory, u64::max)
}

/// What flags say of all cases. None: nothing.
struct Flags {
    now: Option<Option<Duration>>,
    seed: Option<Option<u64>>,
}

impl Flags {
    fn read(args: &TestArgs) -> Result<Self, Refused> {
        let wrong =
            |flag: &'static str| move |expected: String| (USAGE, format!("--{flag}: {expected}"));
        let now = args.now.as_deref().map(conditions::now).transpose();
        let seed = args.seed.as_deref().map(conditions::seed).transpose();
        Ok(Self {
            now: now.map_err(wrong("now"))?,
            seed: seed.map_err(wrong("seed"))?,
        })
    }

    fn applied(&self, conditions: &Conditions) -> Conditions {
        let mut conditions = conditions.clone();
        conditions.now = self.now.unwrap_or(conditions.now);
        conditions.seed = self.seed.unwrap_or(conditions.seed);
        conditions
    }
}

fn print(report: &Report, json: bool) -> ExitCode {
    let mut out = io::stdout().lock();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let printed = match json {
        true => report.print_json(&mut out),
        false => {
            let colour = out.is_terminal() && !plain;
            report.print(&mut out, colour)
        }
    };
    match printed.and_then(|()| out.flush()) {
        Ok(()) if report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The settings of the cases in a directory, as far as they have any and can be read, with the case's name.
pub fn settings_of_cases(tests: &Path, conditions: &Conditions) -> Vec<(String, Settings)> {
    let files = fs::read_dir(tests).into_iter().flatten();
    let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| is_case(path));
    files.sort();
    let read = files
        .into_iter()
        .filter_map(|path| read(&path, conditions).ok());
    let case = |file: CaseFile| {
        let case = file.cases.into_iter().next()?;
        Some((case.name, case.conditions.settings?))
    };
    read.filter_map(case).collect()
}

fn is_case(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "http" || extension == "har")
}

/// The files of cases, sorted by name.
fn case_files(subject: &Subject) -> Result<Vec<PathBuf>, Refused> {
    let cases = &subject.cases;
    if cases.is_file() {
        return Ok(vec![cases.clone()]);
    }
    let entries = match fs::read_dir(cases) {
        Ok(entries) => entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err((1, format!("can't read {}: {error}", cases.display()))),
    };
    let mut files: Vec<PathBuf> = entries;
    files.retain(|path| is_case(path));
    files.sort();
    if files.is_empty() {
        let example = cases.join("first.http");
        let words = format!(
            "no cases (*.http, *.har) in {}; write this into {} and run `tollgate test --update` to see what comes:\n\n{EXAMPLE}",
            cases.display(),
            example.display()
        );
        return Err((1, words));
    }
    Ok(files)
}

fn read(path: &Path, conditions: &Conditions) -> Result<CaseFile, Mistake> {
    match path.extension() {
        Some(extension) if extension == "har" => har::read(path, conditions),
        _ => read::read(path, conditions),
    }
}

fn mistaken(path: &Path, mistake: &Mistake) -> report::Result {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    report::Result {
        name: name.strip_suffix(".http").unwrap_or(&name).to_owned(),
        file: path.display().to_string(),
        outcome: Outcome::Mistake(mistake.to_string()),
    }
}

/// One run of the command.
struct Session<'a> {
    bench: Bench,
    args: &'a TestArgs,
    flags: Flags,
    lines: &'a PluginLines,
}

impl Session<'_> {
    /// # Errors
    /// When the file can't be updated.
    fn run_file(&self, file: &CaseFile, report: &mut Report) -> io::Result<()> {
        let mut came: Vec<(&Case, Came)> = Vec::new();
        for case in &file.cases {
            let filter = self.args.filter.as_deref();
            if filter.is_some_and(|filter| !case.name.contains(filter)) {
                report.left_out += 1;
                continue;
            }
            let conditions = self.flags.applied(&case.conditions);
            came.push((case, self.bench.run(case, conditions, self.lines)));
        }
        if self.args.update {
            let came: Vec<_> = came.iter().filter_map(to_write).collect();
            if let Some(text) = update::updated(file, &came) {
                fs::write(&file.path, text)?;
                report.updated.push(file.path.display().to_string());
            }
        }
        for case in came {
            let written = to_write(&case).filter(|_| self.args.update);
            let updated = written.is_some_and(|case| update::updated(file, &[case]).is_some());
            let (case, came) = case;
            report.results.push(report::Result {
                name: case.name.clone(),
                file: file.path.display().to_string(),
                outcome: match updated {
                    true => Outcome::Updated,
                    false => judge(case, came),
                },
            });
        }
        Ok(())
    }
}

/// What came of the exchanges of a case, or why it could not be run.
type Came = Result<Vec<Got>, String>;

/// A case of which what came can be written. Where an outbound request had no answer, nothing came as it will.
fn to_write<'c>((case, came): &'c (&Case, Came)) -> Option<(&'c Case, &'c [Got])> {
    let came = came.as_ref().ok()?;
    let is_whole = came.iter().all(|got| got.calls.is_as_expected());
    is_whole.then_some((case, came))
}

fn judge(case: &Case, came: Came) -> Outcome {
    let came = match came {
        Ok(came) => came,
        Err(problem) => return Outcome::Mistake(problem),
    };
    let mut failures = Vec::new();
    for (number, (exchange, got)) in case.exchanges.iter().zip(&came).enumerate() {
        let number = (case.exchanges.len() > 1).then_some(number + 1);
        let failed = compare::compare(&exchange.expect, got).into_iter();
        failures.extend(failed.map(|failure| (number, failure)));
    }
    match failures.is_empty() {
        false => Outcome::Failed(failures),
        true if case.exchanges.iter().all(|e| e.expect.is_empty()) => Outcome::NothingExpected,
        true => Outcome::Ok,
    }
}

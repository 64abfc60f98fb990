//! `tollgate test`: a plugin's own component on cases kept as files, through the proxy's own chain, without a network.
//!
//! `plugin-sdk/TESTING.md` says what a file of cases looks like.

mod case;
mod compare;
mod har;
mod log;
mod message;
mod report;
mod run;
mod sections;
mod subject;
#[cfg(test)]
mod tests;
mod update;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Runtime;

use self::case::CaseFile;
use self::log::Lines;
use self::report::{Outcome, Report};
use self::run::Got;
use self::sections::Mistake;
use self::subject::{NoSubject, Subject};
use super::USAGE;
use crate::cli::{RunArgs, TestArgs};
use crate::config::{self, Limits, PluginConfig};
use crate::plugin::{Cache, Compiler, Engines, Facts, Guest, Resources, Stock, Workbench};

/// One thread calls the plugin. A seat for it, so that a call runs as it does in the proxy.
const THREADS: usize = 1;
const SEATS: usize = 2;

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

fn all(args: &TestArgs, lines: &Lines) -> Result<Report, Refused> {
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
    let files = case_files(&subject)?;
    let failed = |words: String| (1, words);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let plugin = Plugin::compile(&subject, args.no_cache, &runtime)?;
    let mut report = Report {
        plugin: subject.name.clone(),
        ..Report::default()
    };
    for path in files {
        match read(&path) {
            Ok(file) => run_file(&file, &plugin, args, &runtime, lines, &mut report)
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
    let is_case = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "http" || extension == "har")
    };
    let mut files: Vec<PathBuf> = entries.into_iter().filter(is_case).collect();
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

fn read(path: &Path) -> Result<CaseFile, Mistake> {
    match path.extension() {
        Some(extension) if extension == "har" => har::read(path),
        _ => case::read(path),
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

fn run_file(
    file: &CaseFile,
    plugin: &Plugin,
    args: &TestArgs,
    runtime: &Runtime,
    lines: &Lines,
    report: &mut Report,
) -> io::Result<()> {
    let mut came: Vec<(&case::Case, Got)> = Vec::new();
    for case in &file.cases {
        if args
            .filter
            .as_ref()
            .is_some_and(|filter| !case.name.contains(filter.as_str()))
        {
            report.left_out += 1;
            continue;
        }
        let guest = plugin.with(case.input.settings.clone());
        came.push((case, runtime.block_on(run::run(&guest, &case.input, lines))));
    }
    if args.update {
        let came: Vec<_> = came.iter().map(|(case, got)| (*case, got)).collect();
        if let Some(text) = update::updated(file, &came) {
            fs::write(&file.path, text)?;
            report.updated.push(file.path.display().to_string());
        }
    }
    for (case, got) in came {
        report.results.push(report::Result {
            name: case.name.clone(),
            file: file.path.display().to_string(),
            outcome: match args.update {
                true => Outcome::Ok,
                false => judge(case, &got),
            },
        });
    }
    Ok(())
}

fn judge(case: &case::Case, got: &Got) -> Outcome {
    let failures = compare::compare(&case.expect, got);
    match failures.is_empty() {
        false => Outcome::Failed(failures),
        true if case.expect.is_empty() => Outcome::NothingExpected,
        true => Outcome::Ok,
    }
}

/// The plugin, compiled once for all cases.
struct Plugin(Guest);

impl Plugin {
    fn compile(subject: &Subject, no_cache: bool, runtime: &Runtime) -> Result<Self, Refused> {
        let failed =
            |error: wasmtime::Error| (1, format!("can't start the WebAssembly engine: {error:#}"));
        let memory = Limits::default().memory;
        let engines = Engines::new(memory).map_err(failed)?;
        let bench = Workbench {
            compiler: Compiler::new(engines).map_err(failed)?,
            cache: cache(no_cache)?,
            resources: Resources::new(THREADS, SEATS),
            runtime: runtime.handle().clone(),
            stock: Stock::new(memory),
        };
        bench
            .build(&subject.name, &subject.file, config(Vec::new()))
            .map(Self)
            .map_err(|error| (1, format!("{}: {error}", subject.file.display())))
    }

    /// The plugin with these settings and nothing in its memory.
    fn with(&self, settings: Vec<(String, String)>) -> Arc<Guest> {
        let (name, hash) = (self.0.facts().name.clone(), self.0.facts().hash);
        let facts = Arc::new(Facts::new(name, hash, config(settings)));
        Arc::new(self.0.again(facts))
    }
}

/// Whoever tests a standard component wants it served.
fn config(settings: Vec<(String, String)>) -> PluginConfig {
    PluginConfig {
        settings,
        stock: true,
        ..PluginConfig::new(Limits::default())
    }
}

/// The cache that `tollgate run` would use here.
fn cache(no_cache: bool) -> Result<Option<Cache>, Refused> {
    const LOOKED_AT: [&str; 4] = [
        "TOLLGATE_CACHE_DIR",
        "TOLLGATE_NO_CACHE",
        "XDG_CACHE_HOME",
        "HOME",
    ];
    let args = RunArgs {
        no_cache,
        ..RunArgs::default()
    };
    let env = |name: &str| {
        LOOKED_AT
            .contains(&name)
            .then(|| std::env::var_os(name))
            .flatten()
    };
    let config = config::resolve(&args, env).map_err(|errors| (USAGE, errors.to_string()))?;
    let Some(directory) = config.cache.dir else {
        return Ok(None);
    };
    let opened = Cache::open(&directory, config.cache.max_bytes);
    Ok(opened
        .inspect_err(|error| tracing::warn!("no cache for compiled plugins: {error}"))
        .ok())
}

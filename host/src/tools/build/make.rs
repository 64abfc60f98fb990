//! One build from the recipe's steps to the component, and what people see of it.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Instant;
use std::{fs, io};

use super::cargo::CargoTarget;
use super::find::{self, FoundTools, MissingTools, expand, look, nearest};
use super::output::{self, Built, OutputError, Tryout};
use super::process::Runner;
use super::progress::BuildProgress;
use super::show;
use crate::tools::project::Project;
use crate::tools::project::recipe::Words;

/// Why there is nothing new. What a tool had to say, it has said itself.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{0}")]
    Missing(String),
    #[error("cannot run `{command}`: {source}")]
    Start { command: String, source: io::Error },
    #[error("`{command}` failed: {status}")]
    Failed { command: String, status: ExitStatus },
    #[error("`{command}` succeeded, but {tool} is still missing")]
    StillMissing { command: String, tool: String },
    #[error("cannot prepare {}: {source}", path.display())]
    Prepare { path: PathBuf, source: io::Error },
    #[error("cannot try the plugin out: {0}")]
    NoTrial(String),
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// How to build.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Commands are shown in full.
    pub verbose: bool,
    /// What is missing is installed first.
    pub install: bool,
    /// Function names are left out.
    pub strip: bool,
}

/// The tools of the first way that can be taken; installs what is missing if that is wanted.
///
/// # Errors
/// When a tool is missing or an installation fails.
pub fn tools(project: &Project, options: Options) -> Result<FoundTools, BuildError> {
    let runner = Runner::new(&project.dir);
    let lacking = match find::find(&project.recipe, &project.places, &runner) {
        Ok(found) => return Ok(found),
        Err(lacking) => lacking,
    };
    match nearest(&lacking) {
        Some(missing) if options.install => install(missing, project, &runner),
        _ => Err(BuildError::Missing(show::missing(project, &lacking))),
    }
}

/// Runs the steps and puts the component into `target`.
///
/// # Errors
/// When a step fails or what came of it is no plugin.
pub fn make(
    project: &Project,
    found: &FoundTools,
    target: &Path,
    options: Options,
    tryout: &Tryout,
) -> Result<Built, BuildError> {
    let made = project.dir.join(project.places.fill(&found.way.output));
    prepare(project, found, &made)?;
    let runner = Runner::new(&project.dir);
    let count = found.way.steps.len();
    let shared = found.way.cargo.as_ref().map(|cargo| {
        let path = |text: &str| PathBuf::from(project.places.fill(text));
        let (target, cache) = (path(&cargo.target), path(&cargo.cache));
        CargoTarget::begin(&project.dir, target, cache, &found.tools)
    });
    for (number, step) in (1..).zip(&found.way.steps) {
        let words = expand(&step.run, &found.tools, &project.places);
        let env: Vec<(String, String)> = step
            .env
            .iter()
            .map(|(name, value)| {
                let words = expand(std::slice::from_ref(value), &found.tools, &project.places);
                (name.clone(), words.join(" "))
            })
            .collect();
        eprintln!(
            "[{number}/{count}] {}",
            show::step(&words, &env, options.verbose, &found.tools)
        );
        let command = show::short(&words, &found.tools);
        let progress = BuildProgress::of(format!("[{number}/{count}] {command}"));
        let began = Instant::now();
        let status = runner
            .show(&words, &env)
            .map_err(|source| BuildError::Start {
                command: command.clone(),
                source,
            })?;
        drop(progress);
        let seconds = began.elapsed().as_secs_f32();
        if !status.success() {
            eprintln!("[{number}/{count}] failed after {seconds:.1} s");
            return Err(BuildError::Failed { command, status });
        }
        eprintln!("[{number}/{count}] done in {seconds:.1} s");
    }
    if let Some(shared) = shared {
        shared.keep();
    }
    Ok(output::finish(
        &made,
        target,
        project,
        options.strip,
        tryout,
    )?)
}

/// Makes the directory for results, with `parts/` for what is on the way to one (whoever serves `build/` would take it for a
/// plugin), and takes away what an earlier build left in it under the name of this one's: a tool
/// that makes nothing must not pass with that.
fn prepare(project: &Project, found: &FoundTools, made: &Path) -> Result<(), BuildError> {
    let directory = project.dir.join("build");
    let parts = directory.join("parts");
    fs::create_dir_all(&parts).map_err(|source| BuildError::Prepare {
        path: parts,
        source,
    })?;
    if found.way.steps.is_empty() || !made.starts_with(&directory) {
        return Ok(());
    }
    match fs::remove_file(made) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(BuildError::Prepare {
            path: made.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Installs the missing tools one after the other, as one may need the one before.
fn install(
    missing: &MissingTools<'_>,
    project: &Project,
    runner: &Runner,
) -> Result<FoundTools, BuildError> {
    let way = missing.way;
    let mut last: Option<(String, String)> = None;
    loop {
        let missing = match look(way, &project.places, runner) {
            Ok(found) => return Ok(found),
            Err(missing) => missing,
        };
        let Some(tool) = missing.missing.iter().find(|tool| !tool.install.is_empty()) else {
            return Err(BuildError::Missing(show::missing(project, &[missing])));
        };
        if let Some((name, command)) = last.take().filter(|(name, _)| *name == tool.name) {
            return Err(BuildError::StillMissing {
                command,
                tool: name,
            });
        }
        for words in &tool.install {
            run_install(words, runner)?;
        }
        let command = tool.install.last().map(|words| show::short(words, &[]));
        last = Some((tool.name.clone(), command.unwrap_or_default()));
    }
}

fn run_install(words: &Words, runner: &Runner) -> Result<(), BuildError> {
    eprintln!("installing: {}", show::line(words));
    let command = show::short(words, &[]);
    let progress = BuildProgress::of(command.clone());
    let status = runner.converse(words).map_err(|source| BuildError::Start {
        command: command.clone(),
        source,
    })?;
    drop(progress);
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Failed { command, status })
}

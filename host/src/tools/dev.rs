//! `tollgate dev`: whenever a plugin's source is saved, it is built, and the component is put where the proxy takes it
//! from. What fails leaves the last good one in place.

mod played;
mod watch;

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::build::find::FoundTools;
use super::build::make::{self, BuildError, Options};
use super::build::output::{self, OutputError, Tryout};
use super::build::show::quoted;
use super::build::{process, summary, warn};
use super::exit::USAGE;
use super::project::Project;
use super::project::snapshot::{Snapshot, Sources};
use crate::cli::DevArgs;
use crate::config::DEFAULT_PLUGINS;
use crate::plugin::beside;
use crate::plugin::watch as watch_names;
use played::PlayedTape;
use watch::Watch;

pub fn dev(args: &DevArgs) -> ExitCode {
    let project = match Project::read(&args.directory) {
        Ok(project) => project,
        Err(error) => {
            eprintln!("tollgate: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let options = Options {
        verbose: args.verbose,
        install: args.install,
        strip: false,
    };
    let plugins = plugins_directory(args.plugins.clone(), std::env::var_os("TOLLGATE_PLUGINS"));
    let tape = match PlayedTape::open(args, &plugins) {
        Ok(tape) => tape,
        Err(failure) => return failure.told(),
    };
    let session = DevSession::begin(project, plugins, tape, options);
    let Err(error) = session.and_then(DevSession::run);
    eprintln!("tollgate: {error}");
    ExitCode::FAILURE
}

/// Why nothing is built on save.
#[derive(Debug, thiserror::Error)]
enum DevError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
    #[error(
        "cannot watch the project's files: {0}; if it is a limit, raise fs.inotify.max_user_watches"
    )]
    Watch(#[from] notify::Error),
}

/// As `run` has it: flag over environment over default; an empty variable counts as absent.
fn plugins_directory(flag: Option<PathBuf>, variable: Option<OsString>) -> PathBuf {
    let variable = variable.filter(|path| !path.is_empty());
    flag.or(variable.map(PathBuf::from))
        .unwrap_or_else(|| DEFAULT_PLUGINS.into())
}

/// A project that is built again and again.
struct DevSession {
    /// As last read without a mistake.
    project: Project,
    /// None if a tool may be gone.
    tools: Option<FoundTools>,
    /// Where the proxy takes plugins from.
    plugins: PathBuf,
    /// What the plugins are shown after each save, if anything is.
    tape: Option<PlayedTape>,
    options: Options,
    tryout: Tryout,
    watch: Watch,
    sources: Sources,
}

impl DevSession {
    /// Without the tools there is no use in waiting for a save.
    fn begin(
        project: Project,
        plugins: PathBuf,
        tape: Option<PlayedTape>,
        options: Options,
    ) -> Result<DevSession, DevError> {
        process::stop_on_signals().map_err(DevError::Signals)?;
        let tools = make::tools(&project, options)?;
        eprintln!(
            "watching {} ({}); end with Ctrl-C. It is served by:  tollgate run --plugins {}",
            project.given.display(),
            project.language,
            quoted(&plugins.display().to_string())
        );
        Ok(DevSession {
            tools: Some(tools),
            tryout: Tryout::new(&project).map_err(BuildError::NoTrial)?,
            watch: Watch::new()?,
            sources: Sources::new(&project.dir, &project.recipe.watch, &plugins),
            project,
            plugins,
            tape,
            options,
        })
    }

    /// Until a signal ends the process.
    fn run(mut self) -> Result<Infallible, DevError> {
        let mut before = self.look()?;
        loop {
            self.build();
            let after = self.look()?;
            // What a build itself writes among the sources, it writes the same the next time.
            before = if after.has_content_of(&before) {
                self.saved(after)?
            } else {
                after
            };
        }
    }

    /// The sources as they are, when whatever happens to them later is noticed.
    fn look(&mut self) -> Result<Snapshot, DevError> {
        loop {
            let seen = self.sources.look();
            if !self.watch.update(seen.folders())? {
                return Ok(seen);
            }
        }
    }

    /// Waits until a source is another one than it was.
    fn saved(&mut self, mut before: Snapshot) -> Result<Snapshot, DevError> {
        loop {
            self.watch.wait();
            let now = self.look()?;
            let changed = now.changed_since(&before);
            if !changed.is_empty() {
                let names: Vec<_> = changed
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                eprintln!("changed: {}", names.join(", "));
                return Ok(now);
            }
            before = now;
        }
    }

    /// One build, with all that is to be said of it.
    fn build(&mut self) {
        match Project::read(&self.project.given) {
            Ok(project) => self.take(self.with_settings(project)),
            Err(error) => return eprintln!("tollgate: {error}; nothing was built"),
        }
        let target = self.plugins.join(format!("{}.wasm", self.project.name));
        match self.build_into(&target) {
            Ok(line) => {
                println!("{line}");
                self.play();
            }
            Err(error) => {
                if !matches!(error, BuildError::Failed { .. } | BuildError::Output(_)) {
                    self.tools = None;
                }
                let stays = if target.exists() {
                    "; the last good one stays in place"
                } else {
                    ""
                };
                eprintln!("tollgate: {error}{stays}");
            }
        }
    }

    /// The tape through the plugins as they are now.
    fn play(&mut self) {
        let Some(tape) = &mut self.tape else { return };
        if let Err(words) = tape.play(&mut std::io::stdout().lock()) {
            eprintln!("tollgate: the tape can't be run: {words}");
        }
    }

    /// For the trial, a project that says nothing of settings has those of the plugins directory, where it is going to serve.
    fn with_settings(&self, mut project: Project) -> Project {
        let code = self.plugins.join(format!("{}.wasm", project.name));
        let config = watch_names::config_beside(&code).filter(|path| path.exists());
        let Some(config) = config.filter(|_| project.conditions.settings.is_none()) else {
            return project;
        };
        match beside::read(&config, None) {
            Ok(keys) => project.conditions.settings = Some(keys.settings),
            Err(error) => eprintln!("tollgate: {error}; the trial goes on without its settings"),
        }
        project
    }

    /// The project as its description says now. What is known of its tools stays if nothing was said of them.
    fn take(&mut self, project: Project) {
        if project.recipe != self.project.recipe {
            self.tools = None;
            self.sources = Sources::new(&project.dir, &project.recipe.watch, &self.plugins);
        }
        self.project = project;
    }

    fn build_into(&mut self, target: &Path) -> Result<String, BuildError> {
        let tools = match self.tools.take() {
            Some(tools) => tools,
            None => make::tools(&self.project, self.options)?,
        };
        let tools = self.tools.insert(tools);
        let mut built = make::make(
            &self.project,
            tools,
            &self.project.component(),
            self.options,
            &self.tryout,
        )?;
        warn(&built);
        built.changed = copy(&built.path, target)?;
        target.clone_into(&mut built.path);
        let unchanged = if built.changed { "" } else { "  (unchanged)" };
        Ok(summary(&built) + unchanged)
    }
}

/// Puts the component into the plugins directory in one step, where that has another one.
fn copy(from: &Path, to: &Path) -> Result<bool, OutputError> {
    let copied = std::fs::read(from).and_then(|bytes| output::put(to, &bytes));
    copied.map_err(|source| OutputError::Write {
        path: to.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugins_directory_is_the_one_of_run() {
        let directory = |flag: Option<&str>, variable: Option<&str>| {
            plugins_directory(flag.map(PathBuf::from), variable.map(OsString::from))
        };
        assert_eq!(directory(None, None), Path::new("plugins"));
        assert_eq!(directory(None, Some("")), Path::new("plugins"));
        assert_eq!(directory(None, Some("env")), Path::new("env"));
        assert_eq!(directory(Some("flag"), Some("env")), Path::new("flag"));
    }
}

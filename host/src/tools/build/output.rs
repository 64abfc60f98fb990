//! What came of a build: made into a component, checked as the proxy checks it, and put where it belongs in one step.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::process;
use super::progress::BuildProgress;
use super::strip::stripped;
use crate::plugin::load::{self, DEFAULT_MAX_SIZE, LoadError, Loaded, SourceKind};
use crate::plugin::{PluginError, PluginKind};
use crate::text;
use crate::tools::lab::{self, Lab};
use crate::tools::log::{self, PluginLines};
use crate::tools::project::Project;
use crate::tools::trial::{self, Tried};

/// A component that keeps the contract, in its place.
#[derive(Debug)]
pub struct Built {
    pub path: PathBuf,
    pub bytes: usize,
    pub kind: PluginKind,
    /// What the language's tools had made.
    pub source: SourceKind,
    /// False if the same bytes were there already.
    pub changed: bool,
    /// What came of its first calls.
    pub tried: Tried,
}

/// What is needed for the trial of what was built.
pub struct Tryout {
    lab: Lab,
    lines: PluginLines,
}

impl Tryout {
    /// # Errors
    /// When the machine can't run plugins.
    pub fn new(project: &Project) -> Result<Self, String> {
        let lines = log::start();
        let cache = lab::cache(false).map_err(|errors| errors.to_string())?;
        let lab = Lab::new(cache, project.conditions.limits.memory)?;
        Ok(Self { lab, lines })
    }

    /// What the plugin prints is shown if its trial is worth a word.
    fn of(&self, project: &Project, component: &[u8]) -> Result<Tried, PluginError> {
        let _progress = BuildProgress::of("trying the plugin out".to_owned());
        self.lines.take();
        let tried = trial::of_project(&self.lab, project, component);
        let is_quiet = tried.as_ref().is_ok_and(|tried| tried.errors.is_empty());
        for line in self.lines.take().into_iter().filter(|_| !is_quiet) {
            eprintln!("plugin {}: {line}", project.name);
        }
        tried
    }
}

/// Why nothing could be put in place.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("the build made no {}, which the recipe names as its output", path.display())]
    Absent { path: PathBuf },
    #[error("{}: {}", path.display(), text::lines(&source.to_string()))]
    Refused { path: PathBuf, source: LoadError },
    #[error("the proxy would refuse this plugin: {}", text::lines(&.0.to_string()))]
    Trial(#[from] PluginError),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Takes the file that the tools made, tries it out as the proxy does, and puts the component into `target`.
///
/// # Errors
/// When it isn't a plugin or the proxy would refuse it, in the loader's words, or when it can't be written.
pub fn finish(
    made: &Path,
    target: &Path,
    project: &Project,
    strip: bool,
    tryout: &Tryout,
) -> Result<Built, OutputError> {
    if !made.exists() {
        return Err(OutputError::Absent {
            path: made.to_owned(),
        });
    }
    let loaded = load::read(made, DEFAULT_MAX_SIZE).and_then(load::load);
    let Loaded {
        component,
        kind,
        source,
        ..
    } = loaded.map_err(|source| OutputError::Refused {
        path: made.to_owned(),
        source,
    })?;
    let component = stripped(component, !strip);
    let tried = tryout.of(project, &component)?;
    let changed = put(target, &component)
        .and_then(|changed| {
            if !changed {
                // It is up to date, and nobody who compares times shall think otherwise.
                let file = File::options().append(true).open(target)?;
                file.set_modified(SystemTime::now())?;
            }
            Ok(changed)
        })
        .map_err(|source| OutputError::Write {
            path: target.to_owned(),
            source,
        })?;
    Ok(Built {
        path: target.to_owned(),
        bytes: component.len(),
        kind,
        source,
        changed,
        tried,
    })
}

/// Writes a file in one step, so that who looks sees the old bytes or the new ones; not at all if they are the same.
/// True if it was written.
///
/// # Errors
/// When the directory can't be made or the file not be written.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let _undisturbed = process::undisturbed();
    // Not a name that the proxy takes for a plugin.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = directory.join(format!(".{name}.{}", std::process::id()));
    let written = write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written.map(|()| true)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_in_one_step_and_only_if_it_differs() {
        use std::os::unix::fs::MetadataExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/a.wasm");
        assert!(put(&path, b"one").unwrap());
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        let first = inode(&path);
        let kept = File::open(&path).unwrap();
        assert!(!put(&path, b"one").unwrap());
        assert_eq!(inode(&path), first);
        assert!(put(&path, b"two").unwrap());
        // Another file by the same name: who had the old one open still has it whole.
        assert_ne!(inode(&path), first);
        assert_eq!(kept.metadata().unwrap().len(), 3);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_left_behind_when_writing_fails() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(put(&path, b"one").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

//! A look at the directory: which plugin files are in it, and in what state.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::change::Part;
use super::name::{FileName, judge, reserved_beside};
use crate::stamp::{FileId, Stamp};

/// What a look found.
#[derive(Debug)]
pub(super) enum Scan {
    Files {
        files: Vec<SeenFile>,
        /// Plugin files that are symbolic links, those that lead nowhere included.
        links: Vec<PathBuf>,
        /// What no plugin can be loaded from, with the reason and what to do.
        problems: Vec<(PathBuf, String)>,
    },
    NoDirectory,
    /// The look failed, so nothing is known: neither that files are there nor that they are gone.
    Unknown(io::Error),
}

/// What stands by the name of a plugin: a file, or what its place is taken by (a directory, a link that leads nowhere), which
/// the loader refuses with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenFile {
    /// Of the plugin.
    pub name: String,
    pub part: Part,
    pub path: PathBuf,
    /// None if it is there but its state can't be had now.
    pub identity: Option<Stamp>,
    /// How long ago it changed, by the file system's clock.
    pub age: Duration,
    /// Others of the same name that this one goes before.
    pub shadows: Vec<PathBuf>,
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    Plugins(PluginsDirectory),
    Files(Vec<PathBuf>),
}

/// A directory of plugins.
#[derive(Debug, Clone)]
pub(super) struct PluginsDirectory {
    pub path: PathBuf,
    /// The proxy's own configuration file, which is the configuration of no plugin should it stand there.
    pub proxy_config: Option<PathBuf>,
}

impl Scope {
    pub(super) fn scan(&self) -> Scan {
        match self {
            Scope::Plugins(directory) => scan(directory),
            Scope::Files(files) => Scan::Files {
                files: files.iter().filter_map(|file| see_one(file)).collect(),
                links: Vec::new(),
                problems: Vec::new(),
            },
        }
    }
}

/// A file on its own, if it is there.
fn see_one(path: &Path) -> Option<SeenFile> {
    let state = AtPath::of(path).filter(AtPath::may_be_a_file)?;
    Some(SeenFile {
        name: path.to_string_lossy().into_owned(),
        part: Part::Code,
        path: path.to_owned(),
        age: state.age(),
        identity: state.identity().ok(),
        shadows: Vec::new(),
    })
}

/// Looks at the files in a directory. It does not open any of them.
fn scan(directory: &PluginsDirectory) -> Scan {
    match list(directory) {
        Ok(listing) => {
            let Listing {
                named,
                mut links,
                mut problems,
            } = listing;
            links.sort();
            let files = named.into_iter();
            let files = files.filter_map(|((name, part), paths)| {
                let seen = see(name, part, paths, &mut problems)?;
                if part == Part::Code
                    && let Some((path, problem)) = reserved_beside(&seen.path, &seen.name)
                {
                    problems.push((path, problem.to_string()));
                }
                Some(seen)
            });
            let files = files.collect();
            problems.sort();
            Scan::Files {
                files,
                links,
                problems,
            }
        }
        Err(error) if is_absence(&error) => Scan::NoDirectory,
        Err(error) => Scan::Unknown(error),
    }
}

/// What is in a directory, by the names alone.
#[derive(Debug, Default)]
struct Listing {
    /// The files of a plugin by rank.
    named: BTreeMap<(String, Part), BTreeMap<usize, PathBuf>>,
    links: Vec<PathBuf>,
    problems: Vec<(PathBuf, String)>,
}

fn list(directory: &PluginsDirectory) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let file_at = |path: &Path| std::fs::metadata(path).ok().as_ref().map(FileId::from);
    let proxy_config = directory.proxy_config.as_deref().and_then(file_at);
    for entry in std::fs::read_dir(&directory.path)? {
        let entry = entry?;
        let path = entry.path();
        let (name, part, rank) = match judge(&entry.file_name()) {
            FileName::Other => continue,
            FileName::Misnamed(problem) => {
                listing.problems.push((path, problem.to_string()));
                continue;
            }
            FileName::Plugin { name, rank } => (name, Part::Code, rank),
            FileName::Config { .. } if proxy_config.is_some() && file_at(&path) == proxy_config => {
                continue;
            }
            FileName::Config { name } => (name, Part::Config, 0),
            FileName::Schema { name } => (name, Part::Schema, 0),
        };
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            listing.links.push(path.clone());
        }
        let files = listing.named.entry((name, part)).or_default();
        files.insert(rank, path);
    }
    check_entry(&directory.path)?;
    Ok(listing)
}

/// A directory that may be listed may still not be entered. Then nothing is known of the files in it.
fn check_entry(dir: &Path) -> io::Result<()> {
    match std::fs::metadata(dir.join(".")) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(io::Error::new(
            error.kind(),
            "it may be listed but not entered (it lacks the permission x)",
        )),
        done => done.map(|_| ()),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The first of these paths that is a file; if none is, the first that is there.
fn see(
    name: String,
    part: Part,
    paths: BTreeMap<usize, PathBuf>,
    problems: &mut Vec<(PathBuf, String)>,
) -> Option<SeenFile> {
    let states = paths.into_values();
    let states = states.filter_map(|path| AtPath::of(&path).map(|state| (path, state)));
    let (mut there, others): (Vec<_>, Vec<_>) =
        states.partition(|(_, state)| state.may_be_a_file());
    there.extend(others);
    let mut there = there.into_iter();
    let (path, state) = there.next()?;
    let age = state.age();
    let identity = match state.identity() {
        Ok(identity) => Some(identity),
        Err(error) => {
            let words = format!("{error}; a version of it that serves goes on");
            problems.push((path.clone(), words));
            None
        }
    };
    Some(SeenFile {
        name,
        part,
        path,
        identity,
        age,
        shadows: there.map(|(path, _)| path).collect(),
    })
}

/// What is at a path.
enum AtPath {
    File(Metadata),
    /// A directory, a device or the like.
    NoFile(Metadata),
    /// A link that can't be followed.
    Link(Metadata),
    Unknown(io::Error),
}

impl AtPath {
    /// None if there is nothing.
    fn of(path: &Path) -> Option<AtPath> {
        let error = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => return Some(AtPath::File(metadata)),
            Ok(metadata) => return Some(AtPath::NoFile(metadata)),
            Err(error) => error,
        };
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => Some(AtPath::Link(metadata)),
            _ if is_absence(&error) => None,
            _ => Some(AtPath::Unknown(error)),
        }
    }

    fn may_be_a_file(&self) -> bool {
        matches!(self, AtPath::File(_) | AtPath::Unknown(_))
    }

    fn age(&self) -> Duration {
        match self {
            AtPath::File(metadata) | AtPath::Link(metadata) => age(Stamp::from(metadata).ctime),
            AtPath::NoFile(_) | AtPath::Unknown(_) => Duration::ZERO,
        }
    }

    fn identity(self) -> io::Result<Stamp> {
        match self {
            AtPath::File(metadata) | AtPath::Link(metadata) => Ok(Stamp::from(&metadata)),
            AtPath::NoFile(metadata) => Ok(Stamp::of_no_file(&metadata)),
            AtPath::Unknown(error) => Err(error),
        }
    }
}

fn age((seconds, nanoseconds): (i64, i64)) -> Duration {
    let since_epoch = Duration::new(
        u64::try_from(seconds).unwrap_or(0),
        u32::try_from(nanoseconds).unwrap_or(0),
    );
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH + since_epoch)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_for_each_name_whatever_the_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.wat", "a.wat", "a.wasm", "a.cwasm", "b.txt"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        std::fs::create_dir(dir.path().join("c.wasm")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("b.wasm")).unwrap();
        std::fs::write(dir.path().join("UPPER.WAT"), "").unwrap();
        std::fs::write(dir.path().join("a.toml"), "").unwrap();
        std::fs::write(dir.path().join("proxy.toml"), "").unwrap();
        std::fs::write(dir.path().join("plugin.toml"), "").unwrap();
        let found = scan(&PluginsDirectory {
            path: dir.path().to_owned(),
            proxy_config: Some(dir.path().join("proxy.toml")),
        });
        let Scan::Files {
            files,
            links,
            problems,
        } = found
        else {
            panic!()
        };
        let path = |name: &str| dir.path().join(name);
        assert_eq!(links, [path("b.wasm")]);
        let misnamed: Vec<_> = problems.into_iter().map(|(path, _)| path).collect();
        assert_eq!(misnamed, [path("UPPER.WAT")]);
        let found: Vec<_> = files
            .into_iter()
            .map(|file| (file.name, file.path, file.shadows))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "a".into(),
                    path("a.wasm"),
                    vec![path("a.wat"), path("a.cwasm")]
                ),
                ("a".into(), path("a.toml"), vec![]),
                ("b".into(), path("b.wat"), vec![path("b.wasm")]),
                ("c".into(), path("c.wasm"), vec![]),
            ]
        );
    }

    #[test]
    fn a_directory_may_be_absent() {
        let dir = tempfile::tempdir().unwrap();
        let scan = |name| {
            scan(&PluginsDirectory {
                path: dir.path().join(name),
                proxy_config: None,
            })
        };
        assert!(matches!(scan("none"), Scan::NoDirectory));
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(matches!(scan("file"), Scan::NoDirectory));
    }
}

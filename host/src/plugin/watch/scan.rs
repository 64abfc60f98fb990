//! A look at the directory: which plugin files are in it, and in what state.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::identity::Identity;

/// What a look found.
#[derive(Debug)]
pub(super) enum Found {
    Files {
        files: Vec<Seen>,
        /// Plugin files that are symbolic links, those that lead nowhere included.
        links: Vec<PathBuf>,
    },
    NoDirectory,
    /// The look failed, so nothing is known: neither that files are there nor that they are gone.
    Unknown(io::Error),
}

/// A plugin file, one for each name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub name: String,
    pub path: PathBuf,
    /// None if the file is there but its state can't be had now.
    pub identity: Option<Identity>,
    /// How long ago it changed, by the file system's clock.
    pub age: Duration,
    /// Files of the same name that this one goes before.
    pub shadows: Vec<PathBuf>,
}

/// Extensions of plugin files, those that go before others of the same name first.
const EXTENSIONS: [&str; 3] = ["wasm", "wat", "cwasm"];

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    /// The plugin files in a directory.
    Plugins(PathBuf),
    Files(Vec<PathBuf>),
}

impl Scope {
    pub(super) fn scan(&self) -> Found {
        match self {
            Scope::Plugins(dir) => scan(dir),
            Scope::Files(files) => Found::Files {
                files: files.iter().filter_map(|file| see_one(file)).collect(),
                links: Vec::new(),
            },
        }
    }
}

/// A file on its own, if it is there.
fn see_one(path: &Path) -> Option<Seen> {
    let (identity, age) = state(path)?;
    Some(Seen {
        name: path.to_string_lossy().into_owned(),
        path: path.to_owned(),
        identity,
        age,
        shadows: Vec::new(),
    })
}

/// Looks at the files in a directory. It does not open any of them.
fn scan(dir: &Path) -> Found {
    match list(dir) {
        Ok((paths, mut links)) => {
            links.sort();
            Found::Files {
                files: choose(paths).into_iter().filter_map(see).collect(),
                links,
            }
        }
        Err(error) if is_absence(&error) => Found::NoDirectory,
        Err(error) => Found::Unknown(error),
    }
}

/// What is there by the name of a plugin, and which of it are links.
fn list(dir: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut paths, mut links) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if plugin_name(&path).is_none() {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            links.push(path.clone());
        }
        paths.push(path);
    }
    Ok((paths, links))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The name and the rank of a plugin file; none for other files.
fn plugin_name(path: &Path) -> Option<(&str, usize)> {
    let name = path.file_stem()?.to_str()?;
    let extension = path.extension()?;
    let rank = EXTENSIONS.iter().position(|known| extension == *known)?;
    (!name.starts_with('.')).then_some((name, rank))
}

/// Plugin files by name; where a name has several, in the order of preference.
fn choose(paths: Vec<PathBuf>) -> BTreeMap<String, Vec<PathBuf>> {
    let mut ranked: Vec<_> = paths
        .into_iter()
        .filter_map(|path| {
            plugin_name(&path)
                .map(|(name, rank)| (name.to_owned(), rank))
                .map(|key| (key, path))
        })
        .collect();
    ranked.sort();
    let mut names: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for ((name, _), path) in ranked {
        names.entry(name).or_default().push(path);
    }
    names
}

/// The first of these paths that is a file; a link that leads nowhere is none.
fn see((name, paths): (String, Vec<PathBuf>)) -> Option<Seen> {
    let mut files = paths
        .into_iter()
        .filter_map(|path| state(&path).map(|state| (path, state)));
    let (path, (identity, age)) = files.next()?;
    Some(Seen {
        name,
        path,
        identity,
        age,
        shadows: files.map(|(path, _)| path).collect(),
    })
}

/// None if there is no regular file.
fn state(path: &Path) -> Option<(Option<Identity>, Duration)> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            let identity = Identity::from(&metadata);
            Some((Some(identity), age(identity.ctime)))
        }
        Ok(_) => None,
        Err(error) if is_absence(&error) => None,
        Err(_) => Some((None, Duration::ZERO)),
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
    fn knows_plugin_files_by_name() {
        let cases = [
            ("a.wasm", Some(("a", 0))),
            ("a.b.wat", Some(("a.b", 1))),
            ("a.cwasm", Some(("a", 2))),
            (".a.wasm", None),
            (".#a.wasm", None),
            (".a.wasm.swp", None),
            ("a.wasm~", None),
            ("#a.wasm#", None),
            ("a.wasm.tmp", None),
            ("a.wasm.part", None),
            ("a.wasm.swp", None),
            ("wasm", None),
            (".wasm", None),
            ("a.txt", None),
        ];
        for (path, expected) in cases {
            assert_eq!(plugin_name(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn one_file_for_each_name_whatever_the_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.wat", "a.wat", "a.wasm", "a.cwasm", "b.txt"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        std::fs::create_dir(dir.path().join("c.wasm")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("b.wasm")).unwrap();
        let Found::Files { files, links } = scan(dir.path()) else {
            panic!()
        };
        let path = |name: &str| dir.path().join(name);
        assert_eq!(links, [path("b.wasm")]);
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
                ("b".into(), path("b.wat"), vec![]),
            ]
        );
    }

    #[test]
    fn a_directory_may_be_absent() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(scan(&dir.path().join("none")), Found::NoDirectory));
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(matches!(scan(&dir.path().join("file")), Found::NoDirectory));
    }
}

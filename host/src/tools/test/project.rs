//! What is tested: a plugin's directory or a plugin file, and where its cases are.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use crate::config::check_plugin_name;

/// Where cases are when nothing is said.
const CASES: &str = "tests";

/// The directories of a project in which there are no sources.
const NO_SOURCES: [&str; 4] = ["build", "node_modules", "target", "__pycache__"];

/// How deep sources are looked for, should links lead round in a circle.
const DEEPEST: usize = 8;

/// A plugin to test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Project {
    pub name: String,
    /// The plugin file. It is there.
    pub file: PathBuf,
    /// The directory of the cases, or one file of them.
    pub cases: PathBuf,
    /// A source that is newer than the plugin file, with what to do.
    pub stale: Option<String>,
}

/// Why there is nothing to test.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProjectError {
    #[error("{} is neither a directory nor a file", .0.display())]
    Nothing(PathBuf),
    #[error(
        "{}: {problem}; a plugin's directory has a plugin.toml with `name = \"NAME\"`, as `tollgate new` makes it",
        path.display()
    )]
    Manifest { path: PathBuf, problem: String },
    #[error("{} is not there; run `tollgate build {}`", file.display(), directory.display())]
    NotBuilt { file: PathBuf, directory: PathBuf },
}

/// Of `plugin.toml` what a test needs.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    tests: Option<PathBuf>,
}

/// What the arguments say to test.
pub(super) fn find(plugin: &Path, cases: Option<&Path>) -> Result<Project, ProjectError> {
    if plugin.is_file() {
        let directory = plugin.parent().unwrap_or(Path::new(""));
        return Ok(Project {
            name: name(plugin),
            file: plugin.to_owned(),
            cases: cases.map_or_else(|| directory.join(CASES), Path::to_owned),
            stale: None,
        });
    }
    if !plugin.is_dir() {
        return Err(ProjectError::Nothing(plugin.to_owned()));
    }
    let manifest = manifest(&plugin.join("plugin.toml"))?;
    let file = plugin.join("build").join(format!("{}.wasm", manifest.name));
    let tests = plugin.join(manifest.tests.unwrap_or(CASES.into()));
    if !file.is_file() {
        return Err(ProjectError::NotBuilt {
            file,
            directory: plugin.to_owned(),
        });
    }
    let newer = newer_source(plugin, &tests, &file);
    let stale = newer.map(|source| {
        format!(
            "{} is newer than {}; run `tollgate build {}`",
            source.display(),
            file.display(),
            plugin.display()
        )
    });
    Ok(Project {
        name: manifest.name,
        cases: cases.map_or(tests, Path::to_owned),
        file,
        stale,
    })
}

fn manifest(path: &Path) -> Result<Manifest, ProjectError> {
    let failed = |problem: String| ProjectError::Manifest {
        path: path.to_owned(),
        problem,
    };
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let manifest: Manifest =
        toml::from_str(&text).map_err(|error| failed(error.message().to_owned()))?;
    check_plugin_name(&manifest.name)
        .map_err(|error| failed(format!("name = {:?}: {error}", manifest.name)))?;
    Ok(manifest)
}

/// The name that a plugin file gives its plugin.
fn name(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The first source that was changed after the plugin was built. Words about it and its cases are no sources.
fn newer_source(directory: &Path, tests: &Path, built: &Path) -> Option<PathBuf> {
    let built = fs::metadata(built).and_then(|file| file.modified()).ok()?;
    newer_in(directory, tests, built, 0)
}

fn newer_in(directory: &Path, tests: &Path, built: SystemTime, depth: usize) -> Option<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths.into_iter().find_map(|path| {
        let name = path.file_name()?.to_str()?;
        if name.starts_with('.') || NO_SOURCES.contains(&name) || path == tests {
            return None;
        }
        let metadata = fs::metadata(&path).ok()?;
        if metadata.is_dir() {
            return (depth < DEEPEST).then(|| newer_in(&path, tests, built, depth + 1))?;
        }
        (!name.ends_with(".md") && metadata.modified().ok()? > built).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(path: &Path, text: &str, age: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        let time = SystemTime::now() - Duration::from_secs(age);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(time).unwrap();
    }

    #[test]
    fn a_directory_says_what_and_where() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let found = || find(root.path(), None);
        let error = found().unwrap_err().to_string();
        assert!(
            error.contains("plugin.toml") && error.contains("tollgate new"),
            "{error}"
        );
        write(&at("plugin.toml"), "name = 'a b'", 100);
        assert!(found().unwrap_err().to_string().contains("name = \"a b\""));
        write(&at("plugin.toml"), "name = 'ab'\nlanguage = 'zig'", 100);
        let error = found().unwrap_err().to_string();
        let expected = format!("run `tollgate build {}`", root.path().display());
        assert!(
            error.contains("ab.wasm is not there") && error.contains(&expected),
            "{error}"
        );
        write(&at("build/ab.wasm"), "", 50);
        let project = found().unwrap();
        assert_eq!((project.cases, project.stale), (at("tests"), None));
        write(&at("plugin.toml"), "name = 'ab'\ntests = '../shared'", 100);
        assert_eq!(found().unwrap().cases, at("../shared"));
        assert_eq!(
            find(root.path(), Some(Path::new("c"))).unwrap().cases,
            Path::new("c")
        );
    }

    #[test]
    fn a_source_that_is_newer_is_told() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        write(&at("plugin.toml"), "name = 'ab'", 100);
        write(&at("build/ab.wasm"), "", 50);
        for no_source in [
            "README.md",
            "tests/a.http",
            "build/x",
            "node_modules/x.js",
            ".git/x",
        ] {
            write(&at(no_source), "", 0);
        }
        write(&at("src/lib.rs"), "", 60);
        assert_eq!(find(root.path(), None).unwrap().stale, None);
        write(&at("src/deep/lib.rs"), "", 40);
        let stale = find(root.path(), None).unwrap().stale.unwrap();
        assert!(stale.contains("src/deep/lib.rs is newer than"), "{stale}");
        assert!(stale.contains("run `tollgate build"), "{stale}");
    }

    #[test]
    fn a_file_is_tested_by_what_lies_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("mark.wat");
        write(&file, "", 0);
        let project = find(&file, None).unwrap();
        assert_eq!(
            (&project.name[..], project.cases),
            ("mark", root.path().join("tests"))
        );
        assert!(matches!(
            find(&root.path().join("x"), None),
            Err(ProjectError::Nothing(_))
        ));
    }
}

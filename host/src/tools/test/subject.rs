//! What is tested: a plugin's directory or a plugin file, and where its cases are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::outbound;
use crate::plugin::beside::{self, PluginFileError};
use crate::plugin::watch;
use crate::tools::conditions::Conditions;
use crate::tools::project::snapshot::Sources;
use crate::tools::project::{self, Project};

/// Where the cases of a plugin file are when nothing is said.
const CASES: &str = "tests";

/// A plugin to test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub name: String,
    /// The plugin file. It is there.
    pub file: PathBuf,
    /// The directory of the cases, or one file of them.
    pub cases: PathBuf,
    /// What the project says of how its plugin is called.
    pub conditions: Conditions,
    /// A source that is newer than the plugin file, with what to do.
    pub stale: Option<String>,
}

/// Why there is nothing to test.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSubject {
    #[error("{} is neither a directory nor a file", .0.display())]
    Nothing(PathBuf),
    #[error(transparent)]
    Project(#[from] project::ProjectError),
    #[error(transparent)]
    Config(#[from] PluginFileError),
    #[error("{} is not there; run `tollgate build {}`", file.display(), directory.display())]
    NotBuilt { file: PathBuf, directory: PathBuf },
}

/// What the arguments say to test.
pub(super) fn find(plugin: &Path, cases: Option<&Path>) -> Result<Subject, NoSubject> {
    if plugin.is_file() {
        let directory = plugin.parent().unwrap_or(Path::new(""));
        return Ok(Subject {
            name: name(plugin),
            file: plugin.to_owned(),
            cases: cases.map_or_else(|| directory.join(CASES), Path::to_owned),
            conditions: beside_plugin(plugin)?,
            stale: None,
        });
    }
    if !plugin.is_dir() {
        return Err(NoSubject::Nothing(plugin.to_owned()));
    }
    let project = Project::read(plugin)?;
    let file = project.component();
    if !file.is_file() {
        return Err(NoSubject::NotBuilt {
            file,
            directory: plugin.to_owned(),
        });
    }
    let stale = newer_source(&project, &file).map(|source| {
        format!(
            "{} is newer than {}; run `tollgate build {}`",
            plugin.join(source).display(),
            file.display(),
            plugin.display()
        )
    });
    let tests = as_given(&project);
    Ok(Subject {
        name: project.name,
        cases: cases.map_or(tests, Path::to_owned),
        conditions: project.conditions,
        file,
        stale,
    })
}

/// What the file beside a plugin says of how it is called.
fn beside_plugin(plugin: &Path) -> Result<Conditions, PluginFileError> {
    let conditions = Conditions::default();
    let Some(path) = watch::config_beside(plugin).filter(|path| path.exists()) else {
        return Ok(conditions);
    };
    let keys = beside::read(&path, None)?;
    let http = keys.allow.http;
    let private = keys.allow.http_private.unwrap_or_default();
    Ok(Conditions {
        calls: http.map(|http| outbound::Allow::new(http, private)),
        backends: keys.allow.backends.unwrap_or_default(),
        limits: keys.limits.limits(conditions.limits),
        settings: Some(keys.settings),
        ..conditions
    })
}

/// The directory of the cases, named as the project was.
fn as_given(project: &Project) -> PathBuf {
    match project.tests.strip_prefix(&project.dir) {
        Ok(inside) if project.given == Path::new(".") => inside.to_owned(),
        Ok(inside) => project.given.join(inside),
        Err(_) => project.tests.clone(),
    }
}

/// The name that a plugin file gives its plugin.
fn name(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The source that was written last, if that was after the build.
fn newer_source(project: &Project, built: &Path) -> Option<PathBuf> {
    let built = fs::metadata(built).and_then(|file| file.modified()).ok()?;
    // The cases are none, whatever the globs say.
    let sources = Sources::new(&project.dir, &project.recipe.watch, &project.tests);
    let (source, written) = sources.look().newest()?;
    (written > built).then_some(source)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

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
        write(&at("plugin.toml"), "name = 'ab'\nlanguage = 'wat'", 100);
        let error = found().unwrap_err().to_string();
        let expected = format!("run `tollgate build {}`", root.path().display());
        assert!(
            error.contains("ab.wasm is not there") && error.contains(&expected),
            "{error}"
        );
        write(&at("build/ab.wasm"), "", 50);
        let subject = found().unwrap();
        assert_eq!((subject.cases, subject.stale), (at("tests"), None));
        let elsewhere = "name = 'ab'\nlanguage = 'wat'\ntests = '../shared'";
        write(&at("plugin.toml"), elsewhere, 100);
        assert_eq!(found().unwrap().cases, at("../shared"));
        let cases = find(root.path(), Some(Path::new("c"))).unwrap().cases;
        assert_eq!(cases, Path::new("c"));
    }

    #[test]
    fn a_source_that_is_newer_is_told() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let manifest = "name = 'ab'\nlanguage = 'own'\n[build]\nwatch = ['**/*.x']\n\
            [[build.ways]]\nname = 'own'\noutput = { file = 'a.x' }";
        write(&at("plugin.toml"), manifest, 100);
        write(&at("build/ab.wasm"), "", 50);
        for no_source in ["README.md", "tests/a.x", "build/a.x", ".git/a.x"] {
            write(&at(no_source), "", 0);
        }
        write(&at("src/a.x"), "", 60);
        assert_eq!(find(root.path(), None).unwrap().stale, None);
        write(&at("src/deep/b.x"), "", 30);
        write(&at("src/c.x"), "", 40);
        let stale = find(root.path(), None).unwrap().stale.unwrap();
        assert!(stale.contains("src/deep/b.x is newer than"), "{stale}");
        assert!(stale.contains("run `tollgate build"), "{stale}");
    }

    #[test]
    fn a_file_is_tested_by_what_lies_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("mark.wat");
        write(&file, "", 0);
        let config = root.path().join("mark.toml");
        write(&config, "limits.body = 5\n[settings]\na = 'b'", 0);
        let conditions = find(&file, None).unwrap().conditions;
        assert_eq!(
            (conditions.settings, conditions.limits.body),
            (Some([("a", "b")].into()), 5)
        );
        assert_eq!((conditions.calls, conditions.backends.len()), (None, 0));
        let allow = "[allow]\nhttp = ['https://a.example']\nbackends = ['b']";
        write(&config, allow, 0);
        let conditions = find(&file, None).unwrap().conditions;
        let granted = outbound::Destination::parse("https://a.example").unwrap();
        let granted = outbound::Allow::new(vec![granted], Vec::new());
        assert_eq!(conditions.calls, Some(granted));
        assert_eq!(conditions.backends, ["b"]);
        write(&config, "ordr = 1", 0);
        assert!(matches!(find(&file, None), Err(NoSubject::Config(_))));
        fs::remove_file(&config).unwrap();
        let subject = find(&file, None).unwrap();
        assert_eq!(subject.conditions.settings, None);
        assert_eq!(
            (&subject.name[..], subject.cases),
            ("mark", root.path().join("tests"))
        );
        let nothing = find(&root.path().join("x"), None);
        assert!(matches!(nothing, Err(NoSubject::Nothing(_))));
    }
}

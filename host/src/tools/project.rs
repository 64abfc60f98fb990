//! A plugin's project: a directory with `plugin.toml`, which says the name, the language and where the cases are.

pub mod placeholders;
pub mod recipe;
pub mod snapshot;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::file::{Mistakes, TomlDocument, TomlTable};
use crate::config::{ConfigErrors, check_plugin_name};
use crate::tools::conditions::Conditions;
use crate::tools::templates;
use placeholders::{BuildPlaces, NotText};
use recipe::Recipe;

/// The file that makes a directory a project.
pub const MANIFEST: &str = "plugin.toml";

/// Keys of tables, for people who write them at the top.
const IN_TABLES: [&str; 8] = [
    "build.ways",
    "build.watch",
    "test.settings",
    "test.limits",
    "test.now",
    "test.seed",
    "test.allow",
    "test.pieces",
];

/// What is known of a project before anything is built.
#[derive(Debug, Clone)]
pub struct Project {
    /// As it was named.
    pub given: PathBuf,
    /// The same, absolute.
    pub dir: PathBuf,
    pub name: String,
    pub language: String,
    /// The directory of the cases for `tollgate test`, absolute.
    pub tests: PathBuf,
    /// How its plugin is called by tools.
    pub conditions: Conditions,
    pub recipe: Recipe,
    pub places: BuildPlaces,
}

/// Why a directory can't be built.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error(
        "{} has no {MANIFEST}; name a plugin's directory, or make one with `tollgate new`",
        dir.display()
    )]
    Absent { dir: PathBuf },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the plugin's description has mistakes:\n{0}")]
    Mistakes(#[from] ConfigErrors),
    #[error(transparent)]
    NotText(#[from] NotText),
    #[error("no place for tools: set TOLLGATE_TOOLS to a directory, or HOME")]
    NoHome,
}

/// What `plugin.toml` says.
#[derive(Debug, Default)]
struct Manifest {
    name: String,
    language: String,
    tests: String,
    conditions: Conditions,
    recipe: Option<Recipe>,
}

impl Project {
    /// Reads the project in a directory.
    ///
    /// # Errors
    /// When there is none, or with every mistake in what it says.
    pub fn read(dir: &Path) -> Result<Project, ProjectError> {
        let path = dir.join(MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ProjectError::Absent {
                dir: dir.to_owned(),
            },
            _ => ProjectError::Read {
                path: path.clone(),
                source,
            },
        })?;
        let manifest = Manifest::parse(&path, &text)?;
        let recipe = match manifest.recipe {
            Some(recipe) => recipe,
            None => built_in(&manifest.language)?,
        };
        let given = dir.to_owned();
        let dir = std::path::absolute(dir).map_err(|source| ProjectError::Read { path, source })?;
        let tools = tools_directory(|name| std::env::var_os(name)).ok_or(ProjectError::NoHome)?;
        Ok(Project {
            given,
            tests: dir.join(manifest.tests),
            places: BuildPlaces::new(&dir, &manifest.name, &tools)?,
            dir,
            name: manifest.name,
            language: manifest.language,
            conditions: manifest.conditions,
            recipe,
        })
    }

    /// Where the component goes unless somebody says otherwise.
    pub fn component(&self) -> PathBuf {
        self.given.join("build").join(format!("{}.wasm", self.name))
    }
}

impl Manifest {
    fn parse(path: &Path, text: &str) -> Result<Manifest, ConfigErrors> {
        let mistakes = Mistakes::default();
        let manifest = {
            let document = TomlDocument::parse(path, text, &mistakes);
            // What is not TOML has no keys to speak of.
            if mistakes.is_empty() {
                Manifest::read(document.root(), &mistakes)
            } else {
                Manifest::default()
            }
        };
        mistakes.or(manifest)
    }

    fn read(mut root: TomlTable<'_>, mistakes: &Mistakes) -> Manifest {
        for key in ["name", "language"] {
            if !root.has(key) {
                mistakes.add(root.place.clone(), format!("`{key}` is missing"));
            }
        }
        let recipe = root
            .table("build")
            .map(|build| Recipe::read(build, mistakes));
        let known = |text: &str| match templates::find(text) {
            Some(language) => Ok(language.to_owned()),
            None if recipe.is_some() => Ok(text.to_owned()),
            None => Err(format!(
                "{}; or say in [build] how it is built",
                templates::unknown_language(text)
            )),
        };
        let language = root
            .text("language")
            .and_then(|entry| entry.read(mistakes, known));
        let name = root.text("name").and_then(|entry| {
            entry.read(mistakes, |text| match check_plugin_name(text) {
                Ok(()) => Ok(text.to_owned()),
                Err(problem) => Err(problem.to_string()),
            })
        });
        let tests = root.text("tests").map(|entry| entry.text);
        let conditions = root
            .table("test")
            .map(|test| Conditions::of_project(test, mistakes));
        root.finish(&IN_TABLES);
        Manifest {
            name: name.unwrap_or_default(),
            language: language.unwrap_or_default(),
            tests: tests.unwrap_or_else(|| "tests".to_owned()),
            conditions: conditions.unwrap_or_default(),
            recipe,
        }
    }
}

/// The recipe that comes with tollgate; the language is one that it knows.
fn built_in(language: &str) -> Result<Recipe, ConfigErrors> {
    let path = Path::new("host/templates")
        .join(language)
        .join("recipe.toml");
    Recipe::parse(&path, templates::recipe(language).unwrap_or_default())
}

/// Where the tools are that several projects share: named, else in the user's cache.
fn tools_directory(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| env(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(given) = path("TOLLGATE_TOOLS") {
        return std::path::absolute(given).ok();
    }
    let absolute = |name| path(name).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("tollgate/tools"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let error = Manifest::parse(Path::new("p/plugin.toml"), text).unwrap_err();
        error.mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_manifest_needs_two_keys() {
        let text = "name = \"my-plugin\"\nlanguage = \"wat\"\n";
        let manifest = Manifest::parse(Path::new("plugin.toml"), text).unwrap();
        assert_eq!(manifest.name, "my-plugin");
        assert_eq!(manifest.language, "wat");
        assert_eq!(manifest.tests, "tests");
        assert!(manifest.recipe.is_none());
        let text =
            "name = \"x\"\nlanguage = \"cobol\"\ntests = \"../t\"\n[[build.ways]]\nname = \"a\"";
        let manifest = Manifest::parse(Path::new("plugin.toml"), text).unwrap();
        assert_eq!(manifest.tests, "../t");
        assert_eq!(manifest.language, "cobol");
        assert_eq!(manifest.recipe.unwrap().ways.len(), 1);
    }

    #[test]
    fn every_mistake_is_told_with_file_line_and_key() {
        assert_eq!(
            mistakes(""),
            [
                "p/plugin.toml: `name` is missing",
                "p/plugin.toml: `language` is missing"
            ]
        );
        let told = mistakes("name = \"a b\"\nlanguage = \"wta\"\ntets = 1\n");
        assert!(
            told[0].starts_with("p/plugin.toml:1: name = \"a b\": a plugin's name has"),
            "{told:?}"
        );
        assert!(
            told[1].starts_with(
                "p/plugin.toml:2: language = \"wta\": unknown language `wta`, did you mean wat?"
            ),
            "{told:?}"
        );
        assert_eq!(
            told[2],
            "p/plugin.toml:3: tets: unknown key; did you mean tests?"
        );
        assert_eq!(told.len(), 3);
        let told = mistakes("name = ");
        assert!(
            told.len() == 1 && told[0].starts_with("p/plugin.toml:1: "),
            "{told:?}"
        );
    }

    #[test]
    fn a_project_that_is_not_there_is_said_to_be_absent() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_owned(), dir.path().join("none")] {
            let error = Project::read(&path).unwrap_err().to_string();
            assert!(
                error.contains("has no plugin.toml") && error.contains("tollgate new"),
                "{error}"
            );
        }
    }

    #[test]
    fn tools_are_shared_in_the_cache_unless_named() {
        let place = |set: &[(&str, &str)]| {
            let find = |name: &str| {
                set.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value.into())
            };
            tools_directory(find)
        };
        assert_eq!(
            place(&[("TOLLGATE_TOOLS", "/t"), ("HOME", "/h")]),
            Some("/t".into())
        );
        assert_eq!(
            place(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]),
            Some("/c/tollgate/tools".into())
        );
        assert_eq!(
            place(&[
                ("TOLLGATE_TOOLS", ""),
                ("XDG_CACHE_HOME", "relative"),
                ("HOME", "/h")
            ]),
            Some("/h/.cache/tollgate/tools".into())
        );
        assert_eq!(place(&[]), None);
    }

    #[test]
    fn the_recipes_that_come_with_tollgate_are_right() {
        let languages = templates::languages();
        assert!(languages.contains(&"wat"), "{languages:?}");
        for language in languages {
            if let Err(mistakes) = built_in(language) {
                panic!("{mistakes}");
            }
        }
    }
}

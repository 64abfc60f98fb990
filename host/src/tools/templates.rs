//! What comes with tollgate for each language: templates, the recipe by which they are built, and the helper library.
//! `host/build.rs` puts them into the program.

mod rust;

use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, File, include_dir};

use crate::config::nearest_name;

static TEMPLATES: Dir<'_> = include_dir!("$OUT_DIR/templates");
/// A folder for each language that has a library.
static LIBRARIES: Dir<'_> = include_dir!("$OUT_DIR/sdk");

/// What a language's templates have in common; not a kind.
const COMMON: &str = "common";

/// What people also call the languages.
const ALIASES: [(&str, &str); 13] = [
    ("as", "assemblyscript"),
    ("c++", "cpp"),
    ("cxx", "cpp"),
    ("ecmascript", "js"),
    ("golang", "go"),
    ("javascript", "js"),
    ("node", "js"),
    ("py", "python"),
    ("python3", "python"),
    ("rs", "rust"),
    ("typescript", "ts"),
    ("wast", "wat"),
    ("webassembly", "wat"),
];

/// A file of a template or a library: path, content.
pub type TemplateFile = (PathBuf, Vec<u8>);

/// The languages that can be built, sorted.
pub fn languages() -> Vec<&'static str> {
    let folders = TEMPLATES.dirs();
    let mut names: Vec<&str> = folders
        .filter(|folder| folder.get_file(folder.path().join("recipe.toml")).is_some())
        .map(|folder| name(folder.path()))
        .collect();
    names.sort_unstable();
    names
}

/// The language of this name or alias, in any letters.
pub fn find(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == text);
    let text = alias.map_or(text.as_str(), |(_, language)| language);
    languages().into_iter().find(|language| *language == text)
}

/// What to say when [`find`] finds nothing.
pub fn unknown_language(text: &str) -> String {
    let known = languages();
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    let names = known.iter().copied().chain(aliases);
    unknown("language", text, nearest_name(text, names), &known)
}

/// The text of a language's recipe.
pub fn recipe(language: &str) -> Option<&'static str> {
    let file = TEMPLATES.get_file(Path::new(language).join("recipe.toml"))?;
    file.contents_utf8()
}

/// The templates of a language, the smallest first.
pub fn kinds(language: &str) -> Vec<&'static str> {
    let folder = TEMPLATES.get_dir(language);
    let folders = folder.into_iter().flat_map(Dir::dirs);
    let mut kinds: Vec<&str> = folders
        .map(|folder| name(folder.path()))
        .filter(|kind| *kind != COMMON)
        .collect();
    kinds.sort_by_key(|kind| (*kind != "minimal", *kind));
    kinds
}

/// What to say when a language has no such template.
pub fn unknown_kind(language: &str, text: &str) -> String {
    let known = kinds(language);
    let nearest = nearest_name(text, known.iter().copied());
    unknown(&format!("{language} template"), text, nearest, &known)
}

/// The files of a template, those that the language's templates have in common among them. None if there is no such
/// template.
pub fn files(language: &str, kind: &str) -> Option<Vec<TemplateFile>> {
    let folder = TEMPLATES.get_dir(Path::new(language).join(kind))?;
    let common = TEMPLATES.get_dir(Path::new(language).join(COMMON));
    let mut files = contents(folder);
    for (path, content) in common.map(contents).unwrap_or_default() {
        if files.iter().all(|(own, _)| *own != path) {
            files.push((path, content));
        }
    }
    Some(files)
}

/// The helper library of a language, as it stands in a project; empty if there is none.
pub fn library(language: &str) -> Vec<TemplateFile> {
    let files = LIBRARIES
        .get_dir(language)
        .map(contents)
        .unwrap_or_default();
    if language == "rust" {
        files.into_iter().map(rust::standalone).collect()
    } else {
        files
    }
}

/// The files in a folder and the folders in it, by their path in it.
fn contents(folder: &Dir<'static>) -> Vec<TemplateFile> {
    fn walk<'f>(folder: &'f Dir<'static>, files: &mut Vec<&'f File<'static>>) {
        for entry in folder.entries() {
            match entry {
                DirEntry::Dir(folder) => walk(folder, files),
                DirEntry::File(file) => files.push(file),
            }
        }
    }
    let mut files = Vec::new();
    walk(folder, &mut files);
    let inside = |path: &Path| path.strip_prefix(folder.path()).unwrap_or(path).to_owned();
    let files = files.into_iter();
    files
        .map(|file| (inside(file.path()), file.contents().to_vec()))
        .collect()
}

/// Names in this repository are text.
fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
}

fn unknown(what: &str, text: &str, nearest: Option<&str>, known: &[&str]) -> String {
    let question = nearest.map(|name| format!(", did you mean {name}?"));
    format!(
        "unknown {what} `{text}`{} there are {}",
        question.as_deref().unwrap_or(";"),
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_by_name_and_alias() {
        assert_eq!(find("wat"), Some("wat"));
        assert_eq!(find("WebAssembly"), Some("wat"));
        assert_eq!(find("cobol"), None);
        assert_eq!(find(""), None);
        assert_eq!(find("templates"), None);
    }

    #[test]
    fn what_is_unknown_is_answered_with_what_there_is() {
        let told = unknown_language("watt");
        assert!(
            told.starts_with("unknown language `watt`, did you mean wat? there are "),
            "{told}"
        );
        assert!(told.contains("wat"), "{told}");
        assert!(unknown_language("cobol").starts_with("unknown language `cobol`; there are "));
        let told = unknown_kind("wat", "minimum");
        assert!(
            told.starts_with(
                "unknown wat template `minimum`, did you mean minimal? there are minimal"
            ),
            "{told}"
        );
    }

    #[test]
    fn a_template_has_its_own_files_and_the_common_ones() {
        assert_eq!(kinds("wat")[0], "minimal");
        assert!(!kinds("wat").contains(&COMMON));
        let files = files("wat", "minimal").unwrap();
        assert!(
            files
                .iter()
                .any(|(path, content)| path == Path::new("README.md") && !content.is_empty())
        );
        assert!(super::files("wat", "none").is_none() && super::files("none", "minimal").is_none());
    }

    /// `new` writes these itself; one from a template would be overwritten, or would overwrite it.
    #[test]
    fn no_template_brings_what_every_project_gets() {
        for language in languages() {
            for kind in kinds(language) {
                for (path, _) in files(language, kind).unwrap() {
                    let first = path.components().next().unwrap().as_os_str();
                    let taken = ["plugin.toml", "wit", "tollgate", "build", "recipe.toml"];
                    assert!(
                        taken.iter().all(|taken| first != *taken),
                        "{language}/{kind}: {}",
                        path.display()
                    );
                }
            }
        }
    }

    #[test]
    fn libraries_are_source_and_nothing_else() {
        let rust = library("rust");
        for path in [
            "Cargo.toml",
            "src/lib.rs",
            "src/in_hand/message.rs",
            "README.md",
        ] {
            assert!(
                rust.iter().any(|(there, _)| there == Path::new(path)),
                "{path}"
            );
        }
        assert!(library("wat").is_empty());
        for folder in LIBRARIES.dirs() {
            for (path, _) in library(name(folder.path())) {
                let made = [
                    "target",
                    "build",
                    "node_modules",
                    "__pycache__",
                    "tests",
                    "test.sh",
                ];
                let parts: Vec<_> = path.iter().collect();
                assert!(
                    parts
                        .iter()
                        .all(|part| made.iter().all(|made| part != made)),
                    "{}",
                    path.display()
                );
            }
        }
    }
}

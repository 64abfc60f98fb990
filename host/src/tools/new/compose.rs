//! The files of a new project: a template with the plugin's name in it, the contract, the helper library.

use std::path::{Path, PathBuf};

use crate::plugin::load;
use crate::tools::project::placeholders::crate_name;
use crate::tools::project::recipe::Recipe;
use crate::tools::templates::{self, TemplateFile};

/// What builds leave behind, in whatever language; used where a template has no `.gitignore` of its own.
const GITIGNORE: &str = "/build/\n/plugins/\n/target/\nnode_modules/\n.zig-cache/\n__pycache__/\n";

/// Whether this can be the name of a new plugin, and so of a package in every language.
///
/// # Errors
/// Says what a name looks like, with one that would do.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    let is_good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(is_word)
        && name.len() <= 64;
    if is_good {
        return Ok(());
    }
    let would_do = kebab(name).map_or_else(String::new, |name| format!(", such as {name}"));
    Err(format!(
        "`{name}` can't be the name of a plugin: it has 1 to 64 lower-case letters and digits, with single `-` between \
         words, and begins with a letter{would_do}"
    ))
}

/// The files of a project by their path in it, sorted; none if there is no such template.
pub fn project(language: &str, kind: &str, name: &str) -> Option<Vec<TemplateFile>> {
    let template = templates::files(language, kind)?;
    let mut files: Vec<TemplateFile> = template
        .into_iter()
        .map(|(path, content)| (file_name(&path, name), fill(content, name)))
        .collect();
    if files
        .iter()
        .all(|(path, _)| path != Path::new(".gitignore"))
    {
        files.push((PathBuf::from(".gitignore"), GITIGNORE.into()));
    }
    files.push((
        PathBuf::from("plugin.toml"),
        manifest(language, name).into(),
    ));
    let contract = load::contract_files();
    files.extend(contract.map(|(path, text)| (Path::new("wit").join(path), text.into())));
    let library = templates::library(&library_of(language)).into_iter();
    files.extend(library.map(|(path, content)| (Path::new("tollgate").join(path), content)));
    files.sort();
    Some(files)
}

fn manifest(language: &str, name: &str) -> String {
    format!(
        "# What `tollgate build`, `dev` and `test` know of this plugin.\nname = \"{name}\"\nlanguage = \"{language}\"\n"
    )
}

/// The language whose library this one uses: its own, unless the recipe names another. (A test reads every recipe.)
fn library_of(language: &str) -> String {
    let text = templates::recipe(language).unwrap_or_default();
    let recipe = Recipe::parse(Path::new("recipe.toml"), text).ok();
    let named = recipe.and_then(|recipe| recipe.sdk);
    named.unwrap_or_else(|| language.to_owned())
}

/// `X.in` is written as `X`: tools that look into the templates' folder must not take it for theirs.
fn file_name(path: &Path, name: &str) -> PathBuf {
    let text = path.to_string_lossy();
    let text = text.strip_suffix(".in").unwrap_or(&text);
    PathBuf::from(fill_text(text, name))
}

/// The content with the plugin's name in it; as it is if it isn't text.
fn fill(content: Vec<u8>, name: &str) -> Vec<u8> {
    match String::from_utf8(content) {
        Ok(text) => fill_text(&text, name).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

fn fill_text(text: &str, name: &str) -> String {
    text.replace("{{name}}", name)
        .replace("{{crate}}", &crate_name(name))
}

/// The nearest name that would do, if there is one.
fn kebab(name: &str) -> Option<String> {
    let mut text = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            text.push('-');
        }
        text.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        });
        before = c;
    }
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    let joined = words.join("-");
    let kebab = match joined.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("plugin-{joined}"),
        false => joined,
    };
    (!kebab.is_empty() && kebab.len() <= 64).then_some(kebab)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "hello", "my-plugin-2", &"x".repeat(64)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let cases = [
            ("MyPlugin", Some("my-plugin")),
            ("my_plugin", Some("my-plugin")),
            ("my--plugin-", Some("my-plugin")),
            ("2fast", Some("plugin-2fast")),
            ("1st", Some("plugin-1st")),
            ("../x", Some("x")),
            ("a/b.wasm", Some("a-b-wasm")),
            ("", None),
            ("42", Some("plugin-42")),
        ];
        for (name, would_do) in cases {
            let told = check_name(name).unwrap_err();
            let ending =
                would_do.map_or("with a letter".to_owned(), |name| format!("such as {name}"));
            assert!(told.ends_with(&ending), "{told}");
            assert!(would_do.is_none_or(|name| check_name(name).is_ok()));
        }
        assert!(check_name(&"x".repeat(65)).is_err());
    }

    #[test]
    fn the_name_gets_into_files_and_their_names() {
        let path = file_name(Path::new("src/{{crate}}.c.in"), "my-plugin");
        assert_eq!(path, Path::new("src/my_plugin.c"));
        assert_eq!(
            file_name(Path::new("Cargo.toml.in"), "x"),
            Path::new("Cargo.toml")
        );
        assert_eq!(
            fill(b"{{name}} {{crate}} {name}".to_vec(), "a-b"),
            b"a-b a_b {name}"
        );
        assert_eq!(fill(b"\xff{{name}}".to_vec(), "a-b"), b"\xff{{name}}");
    }

    #[test]
    fn a_project_is_complete() {
        let files = project("wat", "minimal", "my-plugin").unwrap();
        let text = |name: &str| {
            let (_, content) = files
                .iter()
                .find(|(path, _)| path == Path::new(name))
                .unwrap();
            std::str::from_utf8(content).unwrap()
        };
        assert!(text("plugin.toml").contains("name = \"my-plugin\"\nlanguage = \"wat\"\n"));
        assert!(text(".gitignore").contains("/build/"));
        assert!(text("wit/world.wit").contains("world plugin"));
        assert!(text("wit/deps/wasi-config/store.wit").contains("package wasi:config"));
        assert!(project("wat", "none", "x").is_none());
    }

    /// In every language: no placeholder is left, and no file by two names.
    #[test]
    fn nothing_is_left_to_fill_in() {
        for language in templates::languages() {
            for kind in templates::kinds(language) {
                let files = project(language, kind, "my-plugin").unwrap();
                for (path, content) in &files {
                    let text = String::from_utf8_lossy(content);
                    let left = ["{{name}}", "{{crate}}"]
                        .iter()
                        .any(|left| text.contains(left));
                    assert!(!left, "{language}/{kind}/{}", path.display());
                }
                let mut paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
                paths.dedup();
                assert_eq!(paths.len(), files.len(), "{language}/{kind}");
            }
        }
    }
}

//! What stands in braces in a recipe: `{build}` is a path or a name of the project, `{zig}` the command of a tool.
//!
//! Only a lower-case name in braces is a placeholder, and not after `$`, so that shell and JSON can be written as
//! they are.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// The placeholders that every recipe has.
pub const PLACES: [&str; 7] = ["dir", "build", "wit", "sdk", "tools", "name", "crate"];

/// What the placeholders stand for in one project. Paths are absolute.
#[derive(Debug, Clone)]
pub struct BuildPlaces {
    values: [String; 7],
}

/// A path that can't be an argument everywhere.
#[derive(Debug, thiserror::Error)]
#[error("the path {} is not UTF-8, which not every tool takes; move the project", path.display())]
pub struct NotText {
    path: PathBuf,
}

impl BuildPlaces {
    /// Of the project in this directory, which is absolute, with this name; `tools` is shared between projects.
    ///
    /// # Errors
    /// When a path is not UTF-8.
    pub fn new(dir: &Path, name: &str, tools: &Path) -> Result<BuildPlaces, NotText> {
        let text = |path: &Path| match path.to_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(NotText {
                path: path.to_owned(),
            }),
        };
        Ok(BuildPlaces {
            values: [
                text(dir)?,
                text(&dir.join("build"))?,
                text(&dir.join("wit"))?,
                text(&dir.join("tollgate"))?,
                text(tools)?,
                name.to_owned(),
                crate_name(name),
            ],
        })
    }

    pub fn get(&self, placeholder: &str) -> Option<&str> {
        let at = PLACES.iter().position(|place| *place == placeholder)?;
        Some(&self.values[at])
    }

    /// The word with each placeholder replaced; those of tools stay.
    pub fn fill(&self, word: &str) -> String {
        let mut filled = String::with_capacity(word.len());
        let mut end = 0;
        for (range, name) in placeholders(word) {
            if let Some(value) = self.get(name) {
                filled.push_str(&word[end..range.start]);
                filled.push_str(value);
                end = range.end;
            }
        }
        filled.push_str(&word[end..]);
        filled
    }
}

/// As the languages that take no `-` in names have it.
pub fn crate_name(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

/// The tool that a word stands for: all of the word is its placeholder.
pub fn tool_of(word: &str) -> Option<&str> {
    let mut found = placeholders(word);
    let (range, name) = found.next()?;
    (range == (0..word.len()) && !PLACES.contains(&name)).then_some(name)
}

/// Whether every placeholder of a word is known and stands where it may.
///
/// # Errors
/// Says which isn't, and what there is.
pub fn check(word: &str, tools: &[&str]) -> Result<(), String> {
    for (range, name) in placeholders(word) {
        if PLACES.contains(&name) {
            continue;
        }
        if !tools.contains(&name) {
            let known: Vec<String> = PLACES
                .iter()
                .chain(tools)
                .map(|name| format!("{{{name}}}"))
                .collect();
            return Err(format!(
                "unknown placeholder {{{name}}}; there are {}",
                known.join(" ")
            ));
        }
        if range != (0..word.len()) {
            return Err(format!(
                "{{{name}}} stands for the words of a command, so it must be a word by itself"
            ));
        }
    }
    Ok(())
}

/// Whether this can stand in braces.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
}

/// The placeholders of a word, each with where it stands, braces included.
fn placeholders(word: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    word.match_indices('{').filter_map(|(start, _)| {
        let end = start + word[start..].find('}')?;
        let name = &word[start + 1..end];
        let is_one = is_name(name) && !word[..start].ends_with('$');
        is_one.then_some((start..end + 1, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> BuildPlaces {
        BuildPlaces::new(Path::new("/p"), "my-plugin", Path::new("/t")).unwrap()
    }

    #[test]
    fn placeholders_are_filled_in() {
        let cases = [
            ("{build}/core.wasm", "/p/build/core.wasm"),
            ("-I{sdk}:{wit}", "-I/p/tollgate:/p/wit"),
            ("{dir}", "/p"),
            ("{tools}/bin/{name}_{crate}", "/t/bin/my-plugin_my_plugin"),
            ("nothing", "nothing"),
            // Not ours: a shell's variable, a tool, JSON, an open brace.
            (
                "${dir} {zig} {\"a\": 1} { dir }",
                "${dir} {zig} {\"a\": 1} { dir }",
            ),
            ("{dir", "{dir"),
            ("{{name}}", "{my-plugin}"),
        ];
        for (word, filled) in cases {
            assert_eq!(places().fill(word), filled, "{word}");
        }
    }

    #[test]
    fn a_tool_is_a_word_by_itself() {
        assert_eq!(tool_of("{zig}"), Some("zig"));
        for word in ["{dir}", "{zig} ", "zig", "${zig}", "{zig}{zig}"] {
            assert_eq!(tool_of(word), None, "{word}");
        }
    }

    #[test]
    fn what_stands_in_braces_must_be_known() {
        assert_eq!(check("{dir}/{wit} ${x} {A} {}", &["zig"]), Ok(()));
        assert_eq!(check("{zig}", &["zig"]), Ok(()));
        let unknown = check("{zag}", &["zig"]).unwrap_err();
        assert_eq!(
            unknown,
            "unknown placeholder {zag}; there are {dir} {build} {wit} {sdk} {tools} {name} {crate} {zig}"
        );
        let inside = check("-x={zig}", &["zig"]).unwrap_err();
        assert!(inside.contains("a word by itself"), "{inside}");
    }

    #[test]
    fn a_path_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff"));
        assert!(BuildPlaces::new(odd, "x", Path::new("/t")).is_err());
    }
}

//! Which plugins there are: the tour in each language, or files that somebody names.

use std::fs;
use std::path::{Path, PathBuf};

/// A plugin that was built.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// As its folder is named: `assemblyscript`.
    pub language: String,
    pub file: PathBuf,
    /// Where it was built.
    pub project: PathBuf,
}

/// The named plugins, or all of the tour that are built; those that aren't are told. Languages in the order of the alphabet.
///
/// # Errors
/// When a named one isn't there, or there is none at all.
pub fn find(root: &Path, named: &[String]) -> Result<Vec<Found>, String> {
    let tour = root.join("plugins/tour");
    if !named.is_empty() {
        return named.iter().map(|name| found(&tour, name)).collect();
    }
    let entries =
        fs::read_dir(&tour).map_err(|error| format!("can't read {}: {error}", tour.display()))?;
    let mut languages: Vec<String> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("plugin.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    languages.sort();
    let mut built = Vec::new();
    for language in languages {
        match found(&tour, &language) {
            Ok(plugin) => built.push(plugin),
            Err(why) => eprintln!("languages: left out: {why}"),
        }
    }
    match built.is_empty() {
        true => Err(format!(
            "nothing is built in {}: run `make plugins-all`",
            tour.display()
        )),
        false => Ok(built),
    }
}

fn found(tour: &Path, name: &str) -> Result<Found, String> {
    let plugin = if Path::new(name).extension().is_some() {
        let file = PathBuf::from(name);
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let language = stem.strip_prefix("tour-").unwrap_or(&stem).to_owned();
        let project = tour.join(&language);
        Found {
            language,
            file,
            project,
        }
    } else {
        let project = tour.join(name);
        Found {
            language: name.to_owned(),
            file: component(&project)?,
            project,
        }
    };
    match plugin.file.is_file() {
        true => Ok(plugin),
        false => Err(format!(
            "there is no {}; `tollgate build {}` makes it",
            plugin.file.display(),
            plugin.project.display()
        )),
    }
}

/// Where the component of a project is, by the name in its `plugin.toml`.
fn component(project: &Path) -> Result<PathBuf, String> {
    let path = project.join("plugin.toml");
    let wrong = |why: String| format!("{}: {why}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let manifest: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let name = manifest.get("name").and_then(toml::Value::as_str);
    let name = name.ok_or_else(|| wrong("`name` is missing".to_owned()))?;
    Ok(project.join(format!("build/{name}.wasm")))
}

/// The language as people write it.
pub fn title(language: &str) -> String {
    let known = match language {
        "assemblyscript" => "AssemblyScript",
        "c" => "C",
        "cpp" => "C++",
        "go" => "Go",
        "js" => "JavaScript",
        "python" => "Python",
        "rust" => "Rust",
        "ts" => "TypeScript",
        "wat" => "WAT",
        "zig" => "Zig",
        other => other,
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_found_by_language_and_by_file() {
        let root = tempfile::tempdir().unwrap();
        let tour = root.path().join("plugins/tour");
        for language in ["c", "zig", "wat"] {
            fs::create_dir_all(tour.join(language).join("build")).unwrap();
            let manifest = format!("name = \"tour-{language}\"");
            fs::write(tour.join(language).join("plugin.toml"), manifest).unwrap();
        }
        assert!(
            find(root.path(), &[])
                .unwrap_err()
                .contains("nothing is built")
        );
        for language in ["c", "wat"] {
            fs::write(
                tour.join(format!("{language}/build/tour-{language}.wasm")),
                "",
            )
            .unwrap();
        }
        let languages: Vec<_> = find(root.path(), &[])
            .unwrap()
            .into_iter()
            .map(|found| found.language)
            .collect();
        assert_eq!(languages, ["c", "wat"]);
        assert!(
            find(root.path(), &["zig".into()])
                .unwrap_err()
                .contains("tour-zig.wasm")
        );
        let file = tour.join("c/build/tour-c.wasm");
        let by_file = find(root.path(), &[file.to_str().unwrap().to_owned()]).unwrap();
        assert_eq!(by_file, find(root.path(), &["c".into()]).unwrap());
    }
}

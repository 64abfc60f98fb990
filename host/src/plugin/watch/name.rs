//! What a file's name says about it, before anybody looks at the file. The watcher and `tollgate check` ask the same function.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::config::{PluginNameError, check_plugin_name};
use crate::text;

/// Extensions of plugin files, those that go before others of the same name first.
const EXTENSIONS: [&str; 3] = ["wasm", "wat", "cwasm"];

/// The extension of a plugin's configuration.
const CONFIG: &str = "toml";

/// What the name of the schema of a plugin's settings ends with.
const SCHEMA: &str = ".schema.json";

/// Stems of TOML files that other programs look for, so that they are the configuration of no plugin: those of a project that
/// `tollgate build` builds, of cargo and of Python.
const OTHERS: [&str; 3] = ["plugin", "Cargo", "pyproject"];

/// What a file is by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileName {
    /// No plugin, and nobody can have meant it to be one.
    Other,
    Plugin {
        name: String,
        /// Of several files with one name that of the lowest rank is taken.
        rank: usize,
    },
    /// The configuration of the plugin with this name.
    Config { name: String },
    /// The schema of the settings of the plugin with this name.
    Schema { name: String },
    /// Somebody seems to have meant it to be a plugin.
    Misnamed(NameProblem),
}

/// Why no plugin is loaded from a file of this name, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    #[error("its name is not UTF-8; rename the file")]
    NotUtf8,
    #[error("its extension must be in lower case; rename it to {0}")]
    Letters(String),
    #[error("{0}; rename the file")]
    Name(PluginNameError),
    #[error(
        "it is not read as the configuration of the plugin {0}, because files of this name are what other programs look for; \
         rename the plugin, or put its configuration into the table [plugin.{0}] of the configuration file"
    )]
    Reserved(String),
    #[error("the proxy loads only files that are named NAME.wasm or NAME.wat; rename the file")]
    Other,
}

/// What a file is by its name, without its directory.
pub(super) fn judge(file: &OsStr) -> FileName {
    if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(SCHEMA)) {
        return match check_plugin_name(name) {
            Ok(()) => FileName::Schema {
                name: name.to_owned(),
            },
            Err(_) => FileName::Other,
        };
    }
    let path = Path::new(file);
    let (Some(stem), Some(extension)) = (path.file_stem(), path.extension()) else {
        return FileName::Other;
    };
    if file.as_bytes().starts_with(b".") {
        return FileName::Other;
    }
    if extension.eq_ignore_ascii_case(CONFIG) {
        return judge_config(stem, extension == CONFIG);
    }
    let rank = EXTENSIONS
        .iter()
        .position(|known| extension.eq_ignore_ascii_case(known));
    let Some(rank) = rank else {
        return FileName::Other;
    };
    let Some(name) = stem.to_str() else {
        return FileName::Misnamed(NameProblem::NotUtf8);
    };
    if let Err(error) = check_plugin_name(name) {
        return FileName::Misnamed(NameProblem::Name(error));
    }
    if extension != EXTENSIONS[rank] {
        let lower = format!("{name}.{}", EXTENSIONS[rank]);
        return FileName::Misnamed(NameProblem::Letters(text::name(&lower).into_owned()));
    }
    FileName::Plugin {
        name: name.to_owned(),
        rank,
    }
}

/// What a TOML file is. One whose name no plugin can have is somebody else's.
fn judge_config(stem: &OsStr, is_lower: bool) -> FileName {
    let name = stem.to_str().filter(|name| check_plugin_name(name).is_ok());
    match name {
        None => FileName::Other,
        Some(name) if OTHERS.contains(&name) => FileName::Other,
        Some(name) if !is_lower => {
            let lower = format!("{name}.{CONFIG}");
            FileName::Misnamed(NameProblem::Letters(lower))
        }
        Some(name) => FileName::Config {
            name: name.to_owned(),
        },
    }
}

/// Where the configuration of a plugin stands, if it has a file of its own: beside this file of its code. None for one that
/// can't have such a file.
pub fn config_beside(code: &Path) -> Option<PathBuf> {
    let path = code.with_extension(CONFIG);
    match judge(path.file_name()?) {
        FileName::Config { .. } => Some(path),
        _ => None,
    }
}

/// Where the schema of a plugin's settings stands, if it has a file of its own: beside this file of its code.
pub fn schema_beside(code: &Path) -> Option<PathBuf> {
    let path = code.with_extension(SCHEMA.trim_start_matches('.'));
    match judge(path.file_name()?) {
        FileName::Schema { .. } => Some(path),
        _ => None,
    }
}

/// What stands beside the code of a plugin and looks like its configuration, but is not.
pub(super) fn reserved_beside(code: &Path, name: &str) -> Option<(PathBuf, NameProblem)> {
    let path = code.with_extension(CONFIG);
    let is_reserved = OTHERS.contains(&name) && path.exists();
    is_reserved.then(|| (path, NameProblem::Reserved(name.to_owned())))
}

/// Why no plugin would be loaded from a file of this name; none if one would.
pub fn name_problem(path: &Path) -> Option<NameProblem> {
    match judge(path.file_name().unwrap_or_default()) {
        FileName::Plugin { .. } => None,
        FileName::Misnamed(problem) => Some(problem),
        FileName::Other | FileName::Config { .. } | FileName::Schema { .. } => {
            Some(NameProblem::Other)
        }
    }
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
            let expected = match expected {
                Some((name, rank)) => FileName::Plugin {
                    name: name.to_owned(),
                    rank,
                },
                None => FileName::Other,
            };
            assert_eq!(judge(OsStr::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn knows_configuration_by_name() {
        let cases = [
            ("a.toml", Some("a")),
            ("a.b.toml", Some("a.b")),
            ("plugin.toml", None),
            ("Cargo.toml", None),
            ("-a.toml", None),
            (".a.toml", None),
            ("a.toml~", None),
            ("a.toml.tmp", None),
            (".a.toml.swp", None),
            ("#a.toml#", None),
            ("a.wasm.toml", None),
            ("toml", None),
        ];
        let schema = |name: &str| FileName::Schema { name: name.into() };
        assert_eq!(judge(OsStr::new("a.b.schema.json")), schema("a.b"));
        for other in [
            "schema.json",
            ".schema.json",
            "a.json",
            "a.schema.json~",
            ".a.schema.json",
        ] {
            assert_eq!(judge(OsStr::new(other)), FileName::Other, "{other}");
        }
        let beside = schema_beside(Path::new("x/a.b.wasm"));
        assert_eq!(beside, Some("x/a.b.schema.json".into()));
        for (file, name) in cases {
            let name = name.map(str::to_owned);
            let expected = name.map_or(FileName::Other, |name| FileName::Config { name });
            assert_eq!(judge(OsStr::new(file)), expected, "{file}");
        }
        let FileName::Misnamed(problem) = judge(OsStr::new("a.TOML")) else {
            panic!()
        };
        assert!(problem.to_string().contains("rename it to a.toml"));
        let beside = |code| config_beside(Path::new(code));
        assert_eq!(beside("x/a.wasm"), Some("x/a.toml".into()));
        assert_eq!(beside("x/a.b.wat"), Some("x/a.b.toml".into()));
        assert_eq!(beside("x/plugin.wasm"), None);
    }

    #[test]
    fn what_was_meant_to_be_a_plugin_is_told_from_other_files() {
        let cases: &[(&[u8], &str)] = &[
            (
                b"UPPER.WAT",
                "must be in lower case; rename it to UPPER.wat",
            ),
            (b"a.Wasm", "rename it to a.wasm"),
            (b"bad-\xff.wasm", "not UTF-8"),
            (b"bad-\xff.WASM", "not UTF-8"),
            ("café.wat".as_bytes(), "letters, digits"),
            (b"-dash.wat", "letters, digits"),
            (b"a\nb.wat", "letters, digits"),
            (b"a.wasm.wat", "rename the file"),
            (b"a.WASM.wat", "rename the file"),
        ];
        for (file, expected) in cases {
            let FileName::Misnamed(problem) = judge(OsStr::from_bytes(file)) else {
                panic!("{}", file.escape_ascii())
            };
            let said = problem.to_string();
            assert!(said.contains(expected) && said.contains("rename"), "{said}");
        }
    }
}

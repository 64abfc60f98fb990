//! What a file's name says about it, before anybody looks at the file. The watcher and `tollgate check` ask the same function.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::config::{PluginNameError, check_plugin_name};
use crate::text;

/// Extensions of plugin files, those that go before others of the same name first.
const EXTENSIONS: [&str; 3] = ["wasm", "wat", "cwasm"];

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
    #[error("the proxy loads only files that are named NAME.wasm or NAME.wat; rename the file")]
    Other,
}

/// What a file is by its name, without its directory.
pub(super) fn judge(file: &OsStr) -> FileName {
    let path = Path::new(file);
    let (Some(stem), Some(extension)) = (path.file_stem(), path.extension()) else {
        return FileName::Other;
    };
    let rank = EXTENSIONS
        .iter()
        .position(|known| extension.eq_ignore_ascii_case(known));
    let Some(rank) = rank.filter(|_| !file.as_bytes().starts_with(b".")) else {
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

/// Why no plugin would be loaded from a file of this name; none if one would.
pub fn name_problem(path: &Path) -> Option<NameProblem> {
    match judge(path.file_name().unwrap_or_default()) {
        FileName::Plugin { .. } => None,
        FileName::Misnamed(problem) => Some(problem),
        FileName::Other => Some(NameProblem::Other),
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

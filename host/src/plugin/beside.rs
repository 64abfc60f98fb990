//! `NAME.toml`: what a file beside a plugin says of it.

mod edit;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::watch::PluginFiles;
use crate::config::{self, Config, ConfigErrors, PluginKeys};
use crate::stamp::Stamp;
use crate::text;

pub use edit::{EditError, FileChange};

/// Bytes of such a file. Lists of a hundred thousand words are less.
const LARGEST: u64 = 4 << 20;

/// What is known of such a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Beside {
    /// There is none.
    Absent,
    Keys(Box<PluginKeys>),
    /// It is there and can't be read, or has mistakes. It names its plugin all the same.
    Unknown,
}

impl Beside {
    pub fn keys(&self) -> Option<&PluginKeys> {
        match self {
            Beside::Keys(keys) => Some(keys),
            Beside::Absent | Beside::Unknown => None,
        }
    }
}

/// Why nothing is known of what such a file says.
#[derive(Debug, thiserror::Error)]
pub enum PluginFileError {
    #[error("{}: {problem}", text::path(path))]
    Unreadable { path: PathBuf, problem: String },
    #[error("{}: changed while it was read", text::path(path))]
    Changed { path: PathBuf },
    #[error("its configuration has mistakes:\n{0}")]
    Mistakes(ConfigErrors),
}

/// Reads such a file. Blocks. `backends` are the names that it may grant; none if nobody knows them.
///
/// # Errors
/// When it can't be read, and all mistakes in it.
pub fn read(
    path: &Path,
    backends: Option<&BTreeSet<String>>,
) -> Result<PluginKeys, PluginFileError> {
    let stamp = || fs::metadata(path).ok().as_ref().map(Stamp::from);
    let before = stamp();
    let text = config::read_file(path, LARGEST, "TOML").map_err(|problem| {
        PluginFileError::Unreadable {
            path: path.to_owned(),
            problem,
        }
    })?;
    if stamp() != before {
        return Err(PluginFileError::Changed {
            path: path.to_owned(),
        });
    }
    config::plugin_file(path, &text, backends).map_err(PluginFileError::Mistakes)
}

/// What the files beside plugins say, by name, and what is wrong with the others, which get a row without keys. Blocks.
pub fn read_all(
    plugins: &BTreeMap<String, PluginFiles>,
    config: &Config,
) -> (BTreeMap<String, PluginKeys>, Vec<(String, PluginFileError)>) {
    let backends = config.backend_names();
    let (mut all, mut errors) = (BTreeMap::new(), Vec::new());
    for (name, files) in plugins {
        let Some(path) = &files.config else { continue };
        let keys = read(path, Some(&backends)).unwrap_or_else(|error| {
            errors.push((name.clone(), error));
            PluginKeys::default()
        });
        all.insert(name.clone(), keys);
    }
    (all, errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_file_and_where() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        let said = |text: &str| {
            fs::write(&path, text).unwrap();
            let backends = BTreeSet::from(["users".to_owned()]);
            read(&path, Some(&backends)).unwrap_err().to_string()
        };
        let cases = [
            ("order = ", "a.toml:1: "),
            (
                "\nordr = 1",
                "a.toml:2: ordr: unknown key; did you mean order?",
            ),
            (
                "order = 'x'",
                "a.toml:1: order = 'x': expected a whole number",
            ),
            ("[limits]\nmemory = 'x'", "a.toml:2: limits.memory = 'x'"),
            (
                "[allow]\nbackends = ['users', 'user']",
                "a.toml:2: allow.backends = 'user': unknown backend; did you mean \"users\"?",
            ),
            (
                "[plugin.a]\norder = 1",
                "a.toml:1: plugin: unknown key; in this file the keys of",
            ),
            (
                "[settings]\nx = nan",
                "a.toml:2: settings.x = nan: expected a finite number",
            ),
        ];
        for (text, expected) in cases {
            let said = said(text);
            assert!(said.contains(expected), "{said}");
        }
        let large = "#".repeat(usize::try_from(LARGEST).unwrap() + 1);
        assert!(said(&large).contains("larger than 4 MiB"));
        fs::remove_file(&path).unwrap();
        let said = || read(&path, None).unwrap_err().to_string();
        assert!(said().ends_with("a.toml: no such file"), "{}", said());
        fs::create_dir(&path).unwrap();
        assert!(said().contains("a.toml: this is a directory"), "{}", said());
    }
}

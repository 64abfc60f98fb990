//! What a watcher tells.

use std::path::{Path, PathBuf};

/// What happened to the directory and the plugin files in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Whether the directory is there: comes first of all, and again whenever that changes.
    Directory { present: bool },
    /// One of a plugin's files is new, has gone, or may have another content (a mere `touch` counts too: compare hashes).
    Upsert {
        /// The files' name without their extensions.
        name: String,
        files: PluginFiles,
        /// Whether a fault in the files may be reported yet; see the documentation of [`watch`](super). After an `Upsert` with
        /// `false` one with `true` follows unless a file changes or goes first.
        settled: bool,
    },
    /// Nothing has been there by the name of the plugin for a moment, with or without the directory. A link that leads nowhere,
    /// or what is no regular file, is an `Upsert`: nobody has taken the plugin away. Neither have they while its configuration
    /// is there.
    Removed { name: String },
    /// Every file that was there at the start has had its `Upsert`. Comes once, also without a directory.
    Ready,
}

/// What a file is to its plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `NAME.wasm` or `NAME.wat`.
    Code,
    /// `NAME.toml`.
    Config,
    /// `NAME.schema.json`.
    Schema,
}

/// The files of one plugin that are there: in the watched directory as it was given; links are not resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginFiles {
    pub code: Option<PathBuf>,
    pub config: Option<PathBuf>,
    pub schema: Option<PathBuf>,
}

impl PluginFiles {
    pub fn set(&mut self, part: Part, path: PathBuf) {
        match part {
            Part::Code => self.code = Some(path),
            Part::Config => self.config = Some(path),
            Part::Schema => self.schema = Some(path),
        }
    }

    /// The file that is named where the plugin's files are meant.
    pub fn first(&self) -> &Path {
        let first = self.code.as_deref().or(self.config.as_deref());
        first.unwrap_or(Path::new(""))
    }
}

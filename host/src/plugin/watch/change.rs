//! What a watcher tells.

use std::path::PathBuf;

/// What happened to the directory and the plugin files in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Whether the directory is there: comes first of all, and again whenever that changes.
    Directory { present: bool },
    /// The file is new or may have another content (a mere `touch` counts too: compare hashes).
    Upsert {
        /// The file's name without its extension.
        name: String,
        /// In the watched directory as it was given; links are not resolved.
        path: PathBuf,
        /// Whether a fault in the file may be reported yet; see the documentation of [`watch`](super). After an `Upsert` with
        /// `false` one with `true` follows unless the file changes or goes first.
        settled: bool,
    },
    /// Nothing has been there by the name of the plugin for a moment, with or without the directory. A link that leads nowhere,
    /// or what is no regular file, is an `Upsert`: nobody has taken the plugin away.
    Removed { name: String },
    /// Every file that was there at the start has had its `Upsert`. Comes once, also without a directory.
    Ready,
}

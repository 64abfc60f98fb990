//! The sources of a project as they are at one moment, to tell whether a build is due.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::plugin::ContentHash;
use crate::stamp::{FileId, Written};

/// What every project has, whatever its language.
const ALWAYS: [&str; 3] = ["plugin.toml", "wit/**", "tollgate/**"];

/// Folders that tools make; so are all whose names begin with a dot. Nobody writes sources there.
const MADE: [&str; 6] = [
    "target",
    "node_modules",
    "__pycache__",
    "zig-out",
    "venv",
    "coverage",
];

/// Which files are sources, and where they are looked for.
#[derive(Debug)]
pub struct Sources {
    dir: PathBuf,
    globs: GlobSet,
    /// Folders with what builds make.
    outputs: Vec<PathBuf>,
}

/// What was seen.
#[derive(Debug)]
pub struct Snapshot {
    /// By their path in the project.
    files: BTreeMap<PathBuf, SeenSource>,
    /// Where a source is or could be.
    folders: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SeenSource {
    content: ContentHash,
    /// Who saves the same once more wants a build.
    file: FileId,
    written: Written,
}

impl Sources {
    /// The files of the project in `dir` that one of the globs names, but nothing in `plugins`. The globs are good, a
    /// recipe was read from them.
    pub fn new(dir: &Path, globs: &[String], plugins: &Path) -> Sources {
        let mut set = GlobSetBuilder::new();
        for glob in ALWAYS.into_iter().chain(globs.iter().map(String::as_str)) {
            if let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() {
                set.add(glob);
            }
        }
        let outputs = [dir.join("build"), plugins.to_owned()];
        Sources {
            dir: dir.to_owned(),
            globs: set.build().unwrap_or_default(),
            outputs: outputs
                .iter()
                .filter_map(|path| std::path::absolute(path).ok())
                .collect(),
        }
    }

    pub fn look(&self) -> Snapshot {
        let mut seen = Snapshot {
            files: BTreeMap::new(),
            folders: BTreeSet::new(),
        };
        self.walk(&self.dir, &mut Vec::new(), &mut seen);
        seen
    }

    /// Follows links; `above` are the real folders that lead here, so that none is walked within itself. What can't be
    /// read isn't there.
    fn walk(&self, folder: &Path, above: &mut Vec<PathBuf>, seen: &mut Snapshot) {
        let Ok(real) = folder.canonicalize() else {
            return;
        };
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        if above.contains(&real) {
            return;
        }
        seen.folders.insert(folder.to_owned());
        above.push(real);
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            if metadata.is_dir() {
                if !self.is_made(&path) {
                    self.walk(&path, above, seen);
                }
            } else if let Some(file) = self.see(&path, &metadata) {
                seen.files.insert(inside(&self.dir, &path).to_owned(), file);
            }
        }
        above.pop();
    }

    fn see(&self, path: &Path, metadata: &Metadata) -> Option<SeenSource> {
        if !metadata.is_file() || !self.globs.is_match(inside(&self.dir, path)) {
            return None;
        }
        Some(SeenSource {
            content: ContentHash::of(&fs::read(path).ok()?),
            file: metadata.into(),
            written: metadata.into(),
        })
    }

    fn is_made(&self, folder: &Path) -> bool {
        let name = folder.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b".")
            || MADE.iter().any(|made| name == *made)
            || self.outputs.iter().any(|output| output == folder)
    }
}

impl Snapshot {
    pub fn folders(&self) -> &BTreeSet<PathBuf> {
        &self.folders
    }

    /// The file that was written last, by its path in the project, and when.
    pub fn newest(&self) -> Option<(PathBuf, SystemTime)> {
        let files = self.files.iter();
        let (path, seen) = files.max_by_key(|(_, seen)| seen.written.mtime)?;
        Some((path.clone(), seen.written.time()?))
    }

    /// Whether there are the same files with the same bytes, however often they were written.
    pub fn has_content_of(&self, other: &Snapshot) -> bool {
        let content = |(path, seen): (&PathBuf, &SeenSource)| (path.clone(), seen.content);
        self.files
            .iter()
            .map(content)
            .eq(other.files.iter().map(content))
    }

    /// The files that were written, came or went.
    pub fn changed_since(&self, before: &Snapshot) -> Vec<PathBuf> {
        let paths: BTreeSet<&PathBuf> = self.files.keys().chain(before.files.keys()).collect();
        let changed = paths
            .into_iter()
            .filter(|path| self.files.get(*path) != before.files.get(*path));
        changed.cloned().collect()
    }
}

fn inside<'p>(dir: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(dir).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            write(dir.path(), file, file);
        }
        dir
    }

    fn write(dir: &Path, file: &str, content: &str) {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn sources(dir: &Path) -> Sources {
        let globs = ["*.zig", "src/**/*.c"].map(str::to_owned);
        Sources::new(dir, &globs, &dir.join("plugins"))
    }

    #[test]
    fn sources_are_what_the_globs_name_outside_of_what_is_made() {
        let dir = project(&[
            "plugin.toml",
            "a.zig",
            "deep/b.zig",
            "src/c.c",
            "src/deep/d.c",
            "e.c",
            "wit/deps/x/f.wit",
            "tollgate/g.h",
            "tollgate/node_modules/h.h",
            "tollgate/.cache/i.h",
            "build/j.zig",
            "src/build/k.c",
            "plugins/l.zig",
            "src/target/m.c",
            "README.md",
        ]);
        let seen = sources(dir.path()).look();
        let files: Vec<&str> = seen
            .files
            .keys()
            .map(|path| path.to_str().unwrap())
            .collect();
        let expected = [
            "a.zig",
            "plugin.toml",
            "src/build/k.c",
            "src/c.c",
            "src/deep/d.c",
            "tollgate/g.h",
            "wit/deps/x/f.wit",
        ];
        assert_eq!(files, expected);
        assert!(seen.folders().contains(&dir.path().join("deep")));
        for made in ["build", "plugins", "src/target", "tollgate/node_modules"] {
            assert!(!seen.folders().contains(&dir.path().join(made)), "{made}");
        }
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let (dir, library) = (project(&["a.zig"]), project(&["lib.h"]));
        std::os::unix::fs::symlink(library.path(), dir.path().join("tollgate")).unwrap();
        std::os::unix::fs::symlink(dir.path(), library.path().join("back")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("b.zig")).unwrap();
        let seen = sources(dir.path()).look();
        let files: Vec<&str> = seen
            .files
            .keys()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(files, ["a.zig", "tollgate/lib.h"]);
        assert!(seen.folders().contains(&dir.path().join("tollgate")));
    }

    #[test]
    fn a_save_is_a_change_and_the_same_bytes_are_the_same_content() {
        let dir = project(&["a.zig", "src/b.c"]);
        let sources = sources(dir.path());
        let first = sources.look();
        assert!(sources.look().changed_since(&first).is_empty());

        write(dir.path(), "next", "a.zig");
        fs::rename(dir.path().join("next"), dir.path().join("a.zig")).unwrap();
        let same = sources.look();
        assert_eq!(same.changed_since(&first), [Path::new("a.zig")]);
        assert!(same.has_content_of(&first));

        fs::remove_file(dir.path().join("src/b.c")).unwrap();
        write(dir.path(), "src/c.c", "new");
        let other = sources.look();
        assert_eq!(
            other.changed_since(&same),
            [Path::new("src/b.c"), Path::new("src/c.c")]
        );
        assert!(!other.has_content_of(&same));

        write(dir.path(), "src/c.c", "neu");
        assert!(!sources.look().has_content_of(&other));
    }
}

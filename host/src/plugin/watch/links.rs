//! The places where the meaning of a path can change: the directories that must be watched to see it.
//!
//! A path leads through symbolic links, and each of them can be switched (Kubernetes renames `..data`, deployments
//! rename `current`). For inotify a watch belongs to a directory, not to a path, so all places are real paths.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Where a path leads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Trail {
    /// Real paths of every link on the way and of the end, or of what is missing. An event that names one of them may
    /// change where the path leads; it happens in the parent directory.
    pub places: BTreeSet<PathBuf>,
    /// The real path of the end; none if something on the way is missing.
    pub end: Option<PathBuf>,
}

/// As the kernel does (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Follows an absolute path.
pub(super) fn follow(path: &Path) -> Trail {
    let mut trail = Trail::default();
    let mut at = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = names(path);
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let place = at.join(&name);
        match std::fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() && links < MOST_LINKS => {
                links += 1;
                let target = std::fs::read_link(&place).unwrap_or_default();
                trail.places.insert(place);
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                for name in names(&target).into_iter().rev() {
                    rest.push_front(name);
                }
            }
            Ok(metadata) if !metadata.is_symlink() => at = place,
            _ => {
                trail.places.insert(place);
                return trail;
            }
        }
    }
    trail.places.insert(at.clone());
    trail.end = Some(at);
    trail
}

fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn follows_links_as_the_system_does() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("v1/deep")).unwrap();
        std::fs::write(root.join("v1/a.wasm"), "").unwrap();
        symlink("v1", root.join("current")).unwrap();
        symlink(root.join("current/deep"), root.join("v1/there")).unwrap();
        symlink("v1/there/../a.wasm", root.join("a.wasm")).unwrap();
        let trail = follow(&root.join("a.wasm"));
        assert_eq!(trail.end, Some(root.join("a.wasm").canonicalize().unwrap()));
        let expected = ["a.wasm", "current", "v1/a.wasm", "v1/there"];
        assert!(
            trail
                .places
                .iter()
                .eq(expected.map(|name| root.join(name)).iter()),
            "{trail:?}"
        );
    }

    #[test]
    fn stops_at_what_is_missing_and_at_loops() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let trail = follow(&root.join("none/deeper/a.wasm"));
        assert_eq!(
            trail,
            Trail {
                places: [root.join("none")].into(),
                end: None
            }
        );
        symlink("loop", root.join("loop")).unwrap();
        let trail = follow(&root.join("loop/a.wasm"));
        assert_eq!(
            trail,
            Trail {
                places: [root.join("loop")].into(),
                end: None
            }
        );
    }
}

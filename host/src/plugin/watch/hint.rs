//! What an event of the file system means to us: perhaps that a look is due, perhaps a hint about one file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind};

use crate::stamp::FileId;

/// What an event says about one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    Written,
    /// By one who had opened it for writing.
    Closed,
    /// It came to its place by a rename.
    Moved,
}

/// Whether an event can be the trace of a change. Opening and reading is not: our own looks would call for further ones.
pub(super) fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        _ => true,
    }
}

/// What inotify's events say about single files. (Other systems don't tell when a file is closed, so there a write must
/// not be taken for the beginning of a wait.)
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Files that have been written and not closed, by the name of the event. When the event of closing comes, the file
    /// may have another name already.
    writing: HashMap<PathBuf, FileId>,
}

/// Beyond that many files in writing something is wrong, and forgetting them costs only a little time.
const MOST_WRITING: usize = 1000;

impl Hints {
    /// As [`of`](Self::of), for an event about a file that is no plugin by its name: nobody looks at it again for each piece
    /// that is written, since it may be a log.
    pub fn of_other(&mut self, event: &Event) -> Option<(FileId, Hint)> {
        let path = event.paths.last()?;
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_)) if self.writing.contains_key(path) => None,
            // Another file has this name now.
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                self.writing.remove(path);
                None
            }
            _ => self.of(event),
        }
    }

    pub fn of(&mut self, event: &Event) -> Option<(FileId, Hint)> {
        let path = event.paths.last()?;
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_)) => {
                let file = file_at(path)?;
                if self.writing.len() > MOST_WRITING {
                    self.writing.clear();
                }
                self.writing.insert(path.clone(), file);
                Some((file, Hint::Written))
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                let file = self.writing.remove(path).or_else(|| file_at(path))?;
                Some((file, Hint::Closed))
            }
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
                Some((file_at(path)?, Hint::Moved))
            }
            _ => None,
        }
    }

    pub fn forget(&mut self) {
        self.writing.clear();
    }
}

fn file_at(path: &Path) -> Option<FileId> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    metadata.is_file().then(|| FileId::from(&metadata))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange};

    use super::*;

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

    #[test]
    fn reading_is_no_change() {
        assert!(!is_change(&EventKind::Access(AccessKind::Open(
            AccessMode::Any
        ))));
        assert!(!is_change(&EventKind::Access(AccessKind::Close(
            AccessMode::Read
        ))));
        assert!(is_change(&CLOSED) && is_change(&EventKind::Create(CreateKind::File)));
    }

    #[test]
    fn of_a_file_beside_the_plugins_the_first_write_and_the_closing_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        std::fs::write(&path, "x").unwrap();
        let event = |kind| Event::new(kind).add_path(path.clone());
        let mut hints = Hints::default();
        let (file, hint) = hints.of_other(&event(WRITTEN)).unwrap();
        assert_eq!(hint, Hint::Written);
        assert_eq!(hints.of_other(&event(WRITTEN)), None);
        // The next log of that name.
        std::fs::rename(&path, dir.path().join("access.log.1")).unwrap();
        std::fs::write(&path, "y").unwrap();
        assert_eq!(
            hints.of_other(&event(EventKind::Create(CreateKind::File))),
            None
        );
        let (next, hint) = hints.of_other(&event(WRITTEN)).unwrap();
        assert!(next != file && hint == Hint::Written);
        assert_eq!(hints.of_other(&event(CLOSED)), Some((next, Hint::Closed)));
    }

    #[test]
    fn a_file_is_known_to_be_closed_after_it_was_renamed() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("tmp"), dir.path().join("a.wasm"));
        std::fs::write(&old, "x").unwrap();
        let event = |kind, path: &Path| Event::new(kind).add_path(path.to_owned());
        let mut hints = Hints::default();
        let (file, hint) = hints.of(&event(WRITTEN, &old)).unwrap();
        assert_eq!(hint, Hint::Written);
        std::fs::rename(&old, &new).unwrap();
        assert_eq!(hints.of(&event(CLOSED, &old)), Some((file, Hint::Closed)));
        assert_eq!(hints.of(&event(CLOSED, &old)), None);
        let moved = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        assert_eq!(hints.of(&event(moved, &new)), Some((file, Hint::Moved)));
    }
}

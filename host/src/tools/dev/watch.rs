//! Says that something may have happened in the folders of the sources; what, the next look tells.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// How long nothing must happen before a save counts as done: editors write several files one after the other.
const QUIET: Duration = Duration::from_millis(50);

/// Where something happens all the time, a look is due all the same.
const LONGEST: Duration = Duration::from_millis(500);

pub(super) struct Watch {
    system: RecommendedWatcher,
    events: Receiver<Event>,
    folders: BTreeSet<PathBuf>,
}

impl Watch {
    pub fn new() -> notify::Result<Watch> {
        let (sender, events) = channel();
        let system = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // What was lost may have been anything.
            let event = event.unwrap_or_else(|_| Event::new(EventKind::Any));
            if is_change(&event.kind) {
                // It fails only when nobody waits any more.
                let _ = sender.send(event);
            }
        })?;
        Ok(Watch {
            system,
            events,
            folders: BTreeSet::new(),
        })
    }

    /// Watches these folders and no others. True if some are new: what is in them may have changed before.
    pub fn update(&mut self, folders: &BTreeSet<PathBuf>) -> notify::Result<bool> {
        for folder in self.folders.difference(folders) {
            // The system may have dropped it by itself, if the folder is gone.
            let _ = self.system.unwatch(folder);
        }
        self.folders.retain(|folder| folders.contains(folder));
        let mut has_new = false;
        for folder in folders {
            if self.folders.contains(folder) {
                continue;
            }
            match self.system.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.folders.insert(folder.clone());
                    has_new = true;
                }
                Err(error) if folder.exists() => return Err(error),
                // Gone since the look. The folder that it was in tells of the next one.
                Err(_) => {}
            }
        }
        Ok(has_new)
    }

    /// Waits until something has happened and nothing more does.
    pub fn wait(&mut self) {
        let Ok(first) = self.events.recv() else {
            // The watcher lives as long as this, so its sender does too.
            return;
        };
        self.note(&first);
        let began = Instant::now();
        while began.elapsed() < LONGEST {
            match self.events.recv_timeout(QUIET) {
                Ok(event) => self.note(&event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// A folder that goes takes its watch with it, even if another one comes by its name.
    fn note(&mut self, event: &Event) {
        let goes = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) | EventKind::Any
        );
        if !goes {
            return;
        }
        for path in &event.paths {
            if self.folders.remove(path) {
                let _ = self.system.unwatch(path);
            }
        }
    }
}

/// A look reads all the sources, and must not be the reason for the next one.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

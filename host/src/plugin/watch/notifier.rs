//! Keeps the system's watches on the directories where something can happen to the plugins, while these directories
//! come, go and are exchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::SystemTime;

use notify::event::ModifyKind;
use notify::{
    ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, WatcherKind,
};

use super::hint;
use super::links::{Trail, follow};
use super::name::{FileName, judge};
use super::wake::Wake;
use crate::stamp::FileId;
use crate::{essential, text};

/// Watches and what they are for.
pub(super) struct Notifier {
    system: RecommendedWatcher,
    /// Real paths of watched directories. The state tells an exchanged directory from the one that is watched; none if
    /// watching it failed.
    watched: BTreeMap<PathBuf, Option<DirectoryId>>,
    /// Places outside the plugins directory whose change concerns us.
    places: BTreeSet<PathBuf>,
    /// The real path of the plugins directory.
    plugins: Option<PathBuf>,
    has_complained: bool,
}

/// What an event can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    None,
    /// It is about a file beside the plugins, which can become one by a rename while somebody still writes to it.
    Writer,
    /// A look is due.
    Look,
}

/// Inode numbers are soon used again, so the time of birth belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DirectoryId(FileId, Option<SystemTime>);

impl DirectoryId {
    fn of(path: &Path) -> Option<DirectoryId> {
        let metadata: Metadata = path.metadata().ok().filter(Metadata::is_dir)?;
        Some(DirectoryId(
            FileId::from(&metadata),
            metadata.created().ok(),
        ))
    }
}

impl Notifier {
    /// Sends events to the worker from now on.
    pub fn new(messages: Sender<Wake>) -> notify::Result<Notifier> {
        let hear = move |event: notify::Result<Event>| {
            let message = match event {
                Ok(event) if !hint::is_change(&event.kind) => return,
                Ok(event) => Wake::Event(event),
                Err(_) => Wake::EventsLost,
            };
            // It fails only if the worker has ended.
            let _ = messages.send(message);
        };
        let system = notify::recommended_watcher(move |event| {
            essential::call("file events", || hear(event));
        })?;
        Ok(Notifier {
            system,
            watched: BTreeMap::new(),
            places: BTreeSet::new(),
            plugins: None,
            has_complained: false,
        })
    }

    /// Whether events tell when a file is closed.
    pub fn tells_closing() -> bool {
        RecommendedWatcher::kind() == WatcherKind::Inotify
    }

    /// Brings the watches up to date; call it before a look, so that what happens later is an event.
    /// `dir` holds the plugins; `files` are others, or links in it.
    pub fn update(&mut self, dir: Option<&Path>, files: &[PathBuf]) {
        let mut wanted = BTreeSet::new();
        self.plugins = None;
        self.places.clear();
        if let Some(dir) = dir {
            let mut trail = follow(dir);
            if let Some(end) = &trail.end {
                // A directory that is there tells itself when it goes. Its parent would tell of every file beside it, and a
                // log that grows there costs a wake-up for each line.
                trail.places.remove(end);
                wanted.insert(end.clone());
            }
            self.plugins = trail.end.clone();
            self.want(trail, &mut wanted);
        }
        for file in files {
            self.want(follow(file), &mut wanted);
        }
        self.watch_exactly(wanted);
    }

    fn want(&mut self, trail: Trail, wanted: &mut BTreeSet<PathBuf>) {
        wanted.extend(
            trail
                .places
                .iter()
                .filter_map(|place| place.parent().map(Path::to_owned)),
        );
        self.places.extend(trail.places);
    }

    fn watch_exactly(&mut self, wanted: BTreeSet<PathBuf>) {
        let unwanted: Vec<PathBuf> = self
            .watched
            .keys()
            .filter(|path| !wanted.contains(*path))
            .cloned()
            .collect();
        for path in unwanted {
            self.unwatch(&path);
        }
        for path in wanted {
            let state = DirectoryId::of(&path);
            if self
                .watched
                .get(&path)
                .is_some_and(|known| state.is_some() && *known == state)
            {
                continue;
            }
            self.unwatch(&path);
            let result = self.system.watch(&path, RecursiveMode::NonRecursive);
            let state = state.filter(|_| result.is_ok());
            self.complain(&path, result);
            self.watched.insert(path, state);
        }
    }

    fn unwatch(&mut self, path: &Path) {
        if self.watched.remove(path).is_some() {
            // The system has dropped the watch already if the directory is gone.
            let _ = self.system.unwatch(path);
        }
    }

    /// Once; the looks every interval go on.
    fn complain(&mut self, path: &Path, result: notify::Result<()>) {
        if let Err(error) = result
            && path.exists()
            && !std::mem::replace(&mut self.has_complained, true)
        {
            let advice = match error.kind {
                ErrorKind::MaxFilesWatch => "; raise fs.inotify.max_user_watches (sysctl)",
                _ => "",
            };
            tracing::warn!(
                "{}: cannot watch it for events ({}), so it is looked at in intervals and changes are seen later{advice}",
                text::path(path),
                text::line(&error.to_string())
            );
        }
    }

    /// What an event can mean for the plugins. Parents are watched too, and in `/tmp` much happens.
    pub fn concern(&mut self, event: &Event) -> Concern {
        if event.need_rescan() {
            return Concern::Look;
        }
        let mut concern = Concern::None;
        for path in &event.paths {
            let leaves = matches!(
                event.kind,
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
            );
            let is_watched = self.watched.contains_key(path);
            if leaves && is_watched {
                // The watch goes with its directory, even if that comes back or the next one looks the same.
                self.watched.insert(path.clone(), None);
            }
            let is_inside = path.parent() == self.plugins.as_deref();
            let is_other = || judge(path.file_name().unwrap_or_default()) == FileName::Other;
            if is_watched || self.places.contains(path) || (is_inside && !is_other()) {
                return Concern::Look;
            }
            if is_inside {
                concern = Concern::Writer;
            }
        }
        concern
    }
}

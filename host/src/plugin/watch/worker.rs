//! The thread behind a watcher: waits for events or the time, looks, and passes on what the settler decides.
//!
//! A thread and not a task, because looking blocks, for long if a network file system is away.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::change::Change;
use super::hint::Hints;
use super::notifier::{Concern, Notifier};
use super::remarks::Remarks;
use super::scan::{Scan, Scope};
use super::settle::{Settler, Timing};
use super::wake::Wake;
use crate::config::WatchMode;
use crate::{essential, text};

/// Starts the thread. It ends by [`Wake::Stop`], or when nobody receives changes any more.
pub(super) fn spawn(
    scope: Scope,
    mode: WatchMode,
    interval: Duration,
    changes: mpsc::Sender<Change>,
) -> io::Result<Sender<Wake>> {
    let (sender, messages) = channel();
    let to_worker = sender.clone();
    essential::thread("watch", move || {
        Worker::new(scope, mode, interval, to_worker).run(&messages, &changes);
    })?;
    Ok(sender)
}

struct Worker {
    scope: Scope,
    mode: WatchMode,
    interval: Duration,
    notifier: Option<Notifier>,
    hints: Hints,
    settler: Settler,
    /// Plugin files that are symbolic links.
    links: Vec<PathBuf>,
    remarks: Remarks,
}

impl Worker {
    fn new(scope: Scope, mode: WatchMode, interval: Duration, messages: Sender<Wake>) -> Worker {
        let notifier = match mode {
            WatchMode::Events => notifier_or_warning(&scope, messages),
            WatchMode::Poll | WatchMode::Off => None,
        };
        let timing = match &notifier {
            _ if mode == WatchMode::Off => Timing::OFF,
            Some(_) if Notifier::tells_closing() => Timing::EVENTS,
            _ => Timing::POLL,
        };
        Worker {
            scope,
            mode,
            interval,
            notifier,
            hints: Hints::default(),
            settler: Settler::new(timing),
            links: Vec::new(),
            remarks: Remarks::default(),
        }
    }

    fn run(mut self, messages: &Receiver<Wake>, changes: &mpsc::Sender<Change>) {
        loop {
            let now = Instant::now();
            for change in self.look(now) {
                if changes.blocking_send(change).is_err() {
                    return;
                }
            }
            if self.mode == WatchMode::Off {
                return;
            }
            let next_look = now + self.interval;
            let wake_at = self
                .settler
                .wake_at()
                .map_or(next_look, |at| at.min(next_look));
            if !self.wait(messages, wake_at) {
                return;
            }
        }
    }

    fn look(&mut self, now: Instant) -> Vec<Change> {
        self.update_watches();
        let found = self.scope.scan();
        if let Scope::Plugins(directory) = &self.scope {
            self.remarks.make(&directory.path, &found);
        }
        if self.notifier.is_some()
            && let Scan::Files { links, .. } = &found
            && *links != self.links
        {
            // A look counts only if what happens after it is an event.
            self.links.clone_from(links);
            self.update_watches();
            return self.settler.look(now, self.scope.scan());
        }
        self.settler.look(now, found)
    }

    fn update_watches(&mut self) {
        let Some(notifier) = &mut self.notifier else {
            return;
        };
        match &self.scope {
            Scope::Plugins(directory) => {
                let dir = absolute(&directory.path);
                let names = self.links.iter().filter_map(|link| link.file_name());
                let links: Vec<PathBuf> = names.map(|name| dir.join(name)).collect();
                notifier.update(Some(&dir), &links);
            }
            Scope::Files(files) => {
                let files: Vec<PathBuf> = files.iter().map(|file| absolute(file)).collect();
                notifier.update(None, &files);
            }
        }
    }

    /// Sleeps until something concerns us or the time has come. False means to stop.
    fn wait(&mut self, messages: &Receiver<Wake>, wake_at: Instant) -> bool {
        loop {
            let timeout = wake_at.saturating_duration_since(Instant::now());
            let mut must_look = match messages.recv_timeout(timeout) {
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(message) => self.note(message),
                Err(RecvTimeoutError::Timeout) => return true,
            };
            while let Ok(message) = messages.try_recv() {
                if matches!(message, Wake::Stop) {
                    return false;
                }
                must_look |= self.note(message);
            }
            if must_look {
                return true;
            }
        }
    }

    /// Whether a look is due now.
    fn note(&mut self, message: Wake) -> bool {
        let Wake::Event(event) = message else {
            self.forget_hints();
            return true;
        };
        let concern = self
            .notifier
            .as_mut()
            .map_or(Concern::None, |notifier| notifier.concern(&event));
        if event.need_rescan() {
            self.forget_hints();
        } else if Notifier::tells_closing() {
            let hint = match concern {
                Concern::None => None,
                Concern::Writer => self.hints.of_other(&event),
                Concern::Look => self.hints.of(&event),
            };
            if let Some((file, hint)) = hint {
                self.settler.hint(Instant::now(), file, hint);
            }
        }
        concern == Concern::Look
    }

    fn forget_hints(&mut self) {
        self.hints.forget();
        self.settler.forget_hints();
    }
}

fn notifier_or_warning(scope: &Scope, messages: Sender<Wake>) -> Option<Notifier> {
    match Notifier::new(messages) {
        Ok(notifier) => Some(notifier),
        Err(error) => {
            let what = match scope {
                Scope::Plugins(_) => "plugins",
                Scope::Files(_) => "the configuration and its files",
            };
            let error = text::line(&error.to_string()).into_owned();
            tracing::warn!(
                "no file system events ({error}), so {what} are looked at in intervals and changes are seen later; raise \
                 fs.inotify.max_user_instances (sysctl) if that is the cause"
            );
            None
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, Flag, ModifyKind, RemoveKind};
    use notify::{Event, EventKind};

    use super::*;
    use crate::plugin::watch::scan::PluginsDirectory;

    fn plugins(dir: &Path) -> Scope {
        Scope::Plugins(PluginsDirectory {
            path: dir.to_owned(),
            proxy_config: None,
        })
    }

    /// Else what happens to them before the next look, which may be far away, would be missed.
    #[test]
    fn linked_files_are_watched_from_the_first_look_on() {
        let root = tempfile::tempdir().unwrap();
        let (dir, target) = (
            root.path().join("plugins"),
            root.path().join("store/a.wasm"),
        );
        std::fs::create_dir(&dir).unwrap();
        std::fs::create_dir(root.path().join("store")).unwrap();
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, dir.join("a.wasm")).unwrap();
        let (sender, messages) = channel();
        let mut worker = Worker::new(
            plugins(&dir),
            WatchMode::Events,
            Duration::from_secs(3600),
            sender,
        );
        worker.look(Instant::now());
        std::fs::write(&target, "new").unwrap();
        let bound = Duration::from_secs(30);
        let next = || {
            messages
                .recv_timeout(bound)
                .expect("there is an event about the file")
        };
        while !worker.note(next()) {}
    }

    /// The kernel's queue of events is bounded, and what it drops may have been the closing of a file.
    #[test]
    fn lost_events_are_made_up_for_by_a_look() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.wasm");
        std::fs::write(&path, "x").unwrap();
        let hour = Duration::from_secs(3600);
        let scope = plugins(root.path());
        let mut worker = Worker::new(scope, WatchMode::Events, hour, channel().0);
        let start = Instant::now();
        worker.look(start);
        std::fs::write(&path, "xy").unwrap();
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(worker.note(Wake::Event(Event::new(written).add_path(path))));
        let later = start + Duration::from_secs(3);
        assert_eq!(worker.look(later), [], "its writer has not closed it");
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(worker.note(Wake::Event(lost)));
        assert!(!worker.look(later + Duration::from_secs(1)).is_empty());
    }

    /// A log that is written there costs no look for each of its lines.
    #[test]
    fn other_files_in_the_directory_call_for_no_look() {
        let root = tempfile::tempdir().unwrap();
        let hour = Duration::from_secs(3600);
        let scope = plugins(root.path());
        let mut worker = Worker::new(scope, WatchMode::Events, hour, channel().0);
        worker.look(Instant::now());
        let mut asks = |kind, name: &str| {
            let path = root.path().canonicalize().unwrap().join(name);
            worker.note(Wake::Event(Event::new(kind).add_path(path)))
        };
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        for name in [
            "access.log",
            ".a.wasm",
            "a.wasm~",
            "a.wasm.tmp",
            "wasm",
            "Cargo.toml",
        ] {
            assert!(!asks(written, name), "{name}");
            assert!(!asks(EventKind::Remove(RemoveKind::File), name), "{name}");
        }
        for name in ["a.wasm", "a.wat", "A.WASM", "a.cwasm", "a.toml"] {
            assert!(asks(written, name), "{name}");
        }
    }
}

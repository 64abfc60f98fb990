//! When a change is reported: a pure decision about looks, hints and the time.
//!
//! Every decision follows a fresh look, so what is reported was there a moment ago. The caller looks again when
//! [`Settler::wake_at`] says so, after every hint, and every interval.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::change::Change;
use super::hint::Hint;
use super::scan::{Scan, SeenFile};
use crate::stamp::{FileId, Stamp};

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// Until a file is tried that its writer has closed or that was renamed: some tools write, close and go on writing.
    pub closed: Duration,
    /// Until a file is tried that came in one piece (switched link), or that nobody has written to yet.
    pub quick: Duration,
    /// Until a file is tried that was changed in place without a sign of its writer.
    pub plain: Duration,
    /// How long to believe, after a write, that the writer still has the file open.
    pub held: Duration,
    /// How long a file must stay the same to be settled.
    pub quiet: Duration,
    /// How long a file must be gone to be removed: editors delete and create.
    pub gone: Duration,
    /// The same for the whole directory: a deployment may exchange it in two steps.
    pub directory_gone: Duration,
}

impl Timing {
    pub const EVENTS: Timing = Timing {
        closed: Duration::from_millis(2),
        quick: Duration::from_millis(10),
        plain: Duration::from_millis(50),
        held: Duration::from_secs(10),
        quiet: Duration::from_secs(2),
        gone: Duration::from_millis(150),
        directory_gone: Duration::from_secs(1),
    };
    /// Without events nothing tells a rename from a beginning copy.
    pub const POLL: Timing = Timing {
        closed: Timing::EVENTS.plain,
        quick: Timing::EVENTS.plain,
        ..Timing::EVENTS
    };
    /// When there is one look only.
    pub const OFF: Timing = Timing {
        quiet: Duration::ZERO,
        ..Timing::EVENTS
    };
}

/// Turns looks and hints into changes.
#[derive(Debug)]
pub(super) struct Settler {
    timing: Timing,
    files: BTreeMap<String, SettlingFile>,
    hints: HashMap<FileId, (Hint, Instant)>,
    directory: Directory,
    is_ready: bool,
    wake_at: Option<Instant>,
}

#[derive(Debug)]
enum Directory {
    /// Before the first look.
    Unknown,
    Present,
    MissingSince(Instant),
    Absent,
}

#[derive(Debug)]
struct SettlingFile {
    path: PathBuf,
    identity: Stamp,
    /// When this path or identity was first seen.
    changed_at: Instant,
    missing_since: Option<Instant>,
    reported: Option<Reported>,
}

#[derive(Debug)]
struct Reported {
    path: PathBuf,
    identity: Stamp,
    settled: bool,
}

enum SettlingStep {
    Report { settled: bool },
    Remove,
    WaitUntil(Instant),
    Rest,
}

impl Settler {
    pub fn new(timing: Timing) -> Settler {
        Settler {
            timing,
            files: BTreeMap::new(),
            hints: HashMap::new(),
            directory: Directory::Unknown,
            is_ready: false,
            wake_at: None,
        }
    }

    /// When the next look is due even if nothing happens.
    pub fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Takes note of an event.
    pub fn hint(&mut self, now: Instant, file: FileId, hint: Hint) {
        if hint == Hint::Moved && self.held_until(file).is_some_and(|until| now < until) {
            // Its writer may have it open under the new name.
            return;
        }
        self.hints.insert(file, (hint, now));
    }

    /// Events have been lost, so a file that seems to be held open may have been closed.
    pub fn forget_hints(&mut self) {
        self.hints.clear();
    }

    /// Takes note of a look and says what is to be reported.
    pub fn look(&mut self, now: Instant, found: Scan) -> Vec<Change> {
        self.hints.retain(|_, (_, at)| now < *at + self.timing.held);
        self.wake_at = None;
        let first = matches!(self.directory, Directory::Unknown);
        let mut changes = match found {
            Scan::Files { files, .. } => self.see_files(now, files, first),
            Scan::NoDirectory => self.see_no_directory(now, first),
            Scan::Unknown(_) => Vec::new(),
        };
        if !std::mem::replace(&mut self.is_ready, true) {
            changes.push(Change::Ready);
        }
        changes
    }

    fn see_files(&mut self, now: Instant, seen: Vec<SeenFile>, first: bool) -> Vec<Change> {
        let was_present = matches!(
            self.directory,
            Directory::Present | Directory::MissingSince(_)
        );
        self.directory = Directory::Present;
        for (name, file) in &mut self.files {
            if !seen.iter().any(|seen| seen.name == *name) {
                file.missing_since.get_or_insert(now);
            }
        }
        for seen in seen {
            self.see_file(now, seen, first);
        }
        let mut changes = if was_present {
            Vec::new()
        } else {
            vec![Change::Directory { present: true }]
        };
        self.step_files(now, first, &mut changes);
        changes
    }

    fn see_file(&mut self, now: Instant, seen: SeenFile, first: bool) {
        let known = self.files.get_mut(&seen.name);
        let Some(identity) = seen.identity else {
            // There, but in which state can't be said: it stays what it was.
            if let Some(file) = known {
                file.missing_since = None;
            }
            return;
        };
        match known {
            Some(file) => {
                file.missing_since = None;
                if file.identity != identity || file.path != seen.path {
                    (file.path, file.identity, file.changed_at) = (seen.path, identity, now);
                }
            }
            None => {
                let age = if first { seen.age } else { Duration::ZERO };
                let changed_at = now.checked_sub(age).unwrap_or(now);
                let file = SettlingFile {
                    path: seen.path,
                    identity,
                    changed_at,
                    missing_since: None,
                    reported: None,
                };
                self.files.insert(seen.name, file);
            }
        }
    }

    fn see_no_directory(&mut self, now: Instant, first: bool) -> Vec<Change> {
        let since = match self.directory {
            Directory::Absent => return Vec::new(),
            Directory::MissingSince(since) => since,
            Directory::Unknown | Directory::Present => now,
        };
        if !first && now < since + self.timing.directory_gone {
            self.directory = Directory::MissingSince(since);
            self.wake_at = Some(since + self.timing.directory_gone);
            return Vec::new();
        }
        self.directory = Directory::Absent;
        let mut changes = vec![Change::Directory { present: false }];
        for (name, file) in std::mem::take(&mut self.files) {
            changes.extend(file.reported.map(|_| Change::Removed { name }));
        }
        changes
    }

    fn step_files(&mut self, now: Instant, first: bool, changes: &mut Vec<Change>) {
        let names: Vec<String> = self.files.keys().cloned().collect();
        for name in names {
            loop {
                match self.step(&self.files[&name], now, first) {
                    SettlingStep::Report { settled } => changes.extend(self.report(&name, settled)),
                    SettlingStep::Remove => {
                        let reported = self.files.remove(&name).and_then(|file| file.reported);
                        changes.extend(reported.map(|_| Change::Removed { name }));
                        break;
                    }
                    SettlingStep::WaitUntil(at) => {
                        self.wake_at = Some(self.wake_at.map_or(at, |other| other.min(at)));
                        break;
                    }
                    SettlingStep::Rest => break,
                }
            }
        }
    }

    /// What is to be done about a file now.
    fn step(&self, file: &SettlingFile, now: Instant, first: bool) -> SettlingStep {
        let timing = &self.timing;
        if let Some(since) = file.missing_since {
            let due = since + timing.gone;
            return if now < due {
                SettlingStep::WaitUntil(due)
            } else {
                SettlingStep::Remove
            };
        }
        let reported = file
            .reported
            .as_ref()
            .filter(|last| last.identity == file.identity && last.path == file.path);
        if reported.is_some_and(|last| last.settled) {
            return SettlingStep::Rest;
        }
        let is_new = reported.is_none();
        let settled_at = file.changed_at + timing.quiet;
        let due = match self.held_until(file.identity.file) {
            Some(until) => until,
            None if is_new => file.changed_at + self.delay(file),
            None => settled_at,
        };
        if now < due && !(is_new && first) {
            return SettlingStep::WaitUntil(due);
        }
        SettlingStep::Report {
            settled: now >= settled_at || self.hint_of(file) == Some(Hint::Moved),
        }
    }

    /// How long a new state must last before it is tried.
    fn delay(&self, file: &SettlingFile) -> Duration {
        let same_file = file
            .reported
            .as_ref()
            .is_some_and(|last| last.identity.file == file.identity.file);
        match self.hint_of(file) {
            Some(_) => self.timing.closed,
            None if same_file => self.timing.plain,
            None => self.timing.quick,
        }
    }

    fn hint_of(&self, file: &SettlingFile) -> Option<Hint> {
        self.hints.get(&file.identity.file).map(|(hint, _)| *hint)
    }

    /// Until when to believe that somebody still writes the file.
    fn held_until(&self, file: FileId) -> Option<Instant> {
        match self.hints.get(&file) {
            Some((Hint::Written, at)) => Some(*at + self.timing.held),
            _ => None,
        }
    }

    fn report(&mut self, name: &str, settled: bool) -> Option<Change> {
        let file = self.files.get_mut(name)?;
        file.reported = Some(Reported {
            path: file.path.clone(),
            identity: file.identity,
            settled,
        });
        Some(Change::Upsert {
            name: name.to_owned(),
            path: file.path.clone(),
            settled,
        })
    }
}

#[cfg(test)]
mod tests;

//! When a change is reported: a pure decision about looks, hints and the time.
//!
//! Every decision follows a fresh look, so what is reported was there a moment ago. The caller looks again when
//! [`Settler::wake_at`] says so, after every hint, and every interval.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::change::{Change, Part, PluginFiles};
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
    plugins: BTreeMap<String, SettlingPlugin>,
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

/// The files of one plugin. They are reported together, when none of them is about to change any more.
#[derive(Debug, Default)]
struct SettlingPlugin {
    /// Those that are there, or were a moment ago.
    files: BTreeMap<Part, SettlingFile>,
    reported: Option<Reported>,
}

#[derive(Debug)]
struct SettlingFile {
    path: PathBuf,
    identity: Stamp,
    /// When this path or identity was first seen.
    changed_at: Instant,
    missing_since: Option<Instant>,
}

#[derive(Debug)]
struct Reported {
    files: BTreeMap<Part, (PathBuf, Stamp)>,
    settled: bool,
}

impl SettlingPlugin {
    /// Forgets files that have been missing for long enough.
    fn drop_missing(&mut self, now: Instant, gone: Duration) {
        self.files
            .retain(|_, file| file.missing_since.is_none_or(|since| now < since + gone));
    }

    /// The files as they are now.
    fn state(&self) -> BTreeMap<Part, (PathBuf, Stamp)> {
        let files = self.files.iter();
        files
            .map(|(part, file)| (*part, (file.path.clone(), file.identity)))
            .collect()
    }

    /// What was reported last of one of them.
    fn reported_of(&self, part: Part) -> Option<&(PathBuf, Stamp)> {
        self.reported.as_ref()?.files.get(&part)
    }

    /// Those that are not as they were reported.
    fn changed(&self) -> impl Iterator<Item = (Part, &SettlingFile)> {
        let files = self.files.iter();
        let changed = files.filter(|(part, file)| {
            let reported = self.reported_of(**part);
            reported.is_none_or(|(path, identity)| *path != file.path || *identity != file.identity)
        });
        changed.map(|(part, file)| (*part, file))
    }

    fn has(&self, part: Part) -> bool {
        self.files.contains_key(&part) || self.reported_of(part).is_some()
    }

    fn is_any(&self) -> bool {
        [Part::Code, Part::Config]
            .iter()
            .any(|part| self.files.contains_key(part))
    }
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
            plugins: BTreeMap::new(),
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
        for (name, plugin) in &mut self.plugins {
            for (part, file) in &mut plugin.files {
                let is_seen = |seen: &SeenFile| seen.name == *name && seen.part == *part;
                if !seen.iter().any(is_seen) {
                    file.missing_since.get_or_insert(now);
                }
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
        self.step_plugins(now, first, &mut changes);
        changes
    }

    fn see_file(&mut self, now: Instant, seen: SeenFile, first: bool) {
        let plugin = self.plugins.entry(seen.name).or_default();
        let known = plugin.files.get_mut(&seen.part);
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
                };
                plugin.files.insert(seen.part, file);
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
        for (name, plugin) in std::mem::take(&mut self.plugins) {
            changes.extend(plugin.reported.map(|_| Change::Removed { name }));
        }
        changes
    }

    fn step_plugins(&mut self, now: Instant, first: bool, changes: &mut Vec<Change>) {
        let names: Vec<String> = self.plugins.keys().cloned().collect();
        for name in names {
            if let Some(plugin) = self.plugins.get_mut(&name) {
                plugin.drop_missing(now, self.timing.gone);
            }
            loop {
                match self.step(&self.plugins[&name], now, first) {
                    SettlingStep::Report { settled } => changes.extend(self.report(&name, settled)),
                    SettlingStep::Remove => {
                        let reported = self.plugins.remove(&name);
                        let reported = reported.and_then(|plugin| plugin.reported);
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

    /// What is to be done about a plugin now.
    fn step(&self, plugin: &SettlingPlugin, now: Instant, first: bool) -> SettlingStep {
        let timing = &self.timing;
        let missing = plugin.files.values().filter_map(|file| file.missing_since);
        if let Some(since) = missing.min() {
            return SettlingStep::WaitUntil(since + timing.gone);
        }
        let files = plugin.files.values().map(|file| file.changed_at).max();
        // A schema alone names nothing.
        let Some(changed_at) = files.filter(|_| plugin.is_any()) else {
            return SettlingStep::Remove;
        };
        let state = plugin.state();
        let reported = plugin.reported.as_ref();
        let reported = reported.filter(|last| last.files == state);
        if reported.is_some_and(|last| last.settled) {
            return SettlingStep::Rest;
        }
        let is_new = reported.is_none();
        let settled_at = changed_at + timing.quiet;
        let held = plugin.files.values();
        let held = held.filter_map(|file| self.held_until(file.identity.file));
        let changed = plugin.changed();
        let due = match held.max() {
            Some(until) => until,
            None if is_new => changed
                .map(|(part, file)| file.changed_at + self.delay(plugin, part, file))
                .max()
                // One has gone.
                .unwrap_or(now),
            None => settled_at,
        };
        if now < due && !(is_new && first) {
            return SettlingStep::WaitUntil(due);
        }
        let settled = |file: &SettlingFile| {
            now >= file.changed_at + timing.quiet || self.hint_of(file) == Some(Hint::Moved)
        };
        SettlingStep::Report {
            settled: plugin.files.values().all(settled),
        }
    }

    /// How long a new state of a file must last before the plugin is tried.
    fn delay(&self, plugin: &SettlingPlugin, part: Part, file: &SettlingFile) -> Duration {
        let timing = &self.timing;
        let reported = plugin.reported_of(part);
        let same_file = reported.is_some_and(|(_, last)| last.file == file.identity.file);
        match (part, self.hint_of(file)) {
            // Code may be about to come, which without its configuration would not be waited for.
            (Part::Config, _) if !plugin.has(Part::Code) => timing.quiet,
            (Part::Config | Part::Schema, Some(Hint::Moved)) => timing.quick,
            (Part::Config | Part::Schema, _) => timing.quiet,
            // The other file may be about to come.
            (Part::Code, Some(_)) if plugin.has(Part::Config) || plugin.has(Part::Schema) => {
                timing.quick
            }
            (Part::Code, Some(_)) => timing.closed,
            (Part::Code, None) if same_file => timing.plain,
            (Part::Code, None) => timing.quick,
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
        let plugin = self.plugins.get_mut(name)?;
        let mut files = PluginFiles::default();
        for (part, file) in &plugin.files {
            files.set(*part, file.path.clone());
        }
        plugin.reported = Some(Reported {
            files: plugin.state(),
            settled,
        });
        Some(Change::Upsert {
            name: name.to_owned(),
            files,
            settled,
        })
    }
}

#[cfg(test)]
mod tests;

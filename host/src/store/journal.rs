//! What an embedded store writes: a log of changes, and the database into which it is put from time to time.
//!
//! There are two logs. One takes changes; when it is long, the other one begins, and what the first one held is put into
//! the database. Changes are numbered through, and the database knows the number of the last one that it holds, so a log
//! that is found at the start is read from there on.

pub mod database;
pub mod file;
pub mod log;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::database::{Database, Dirty};
use self::file::{DataFile, Disk};
use self::log::{HEADER, Read};
use super::error::StoreError;
use super::table::Change;

/// How long a log gets before it is put into the database, in bytes; and in keys, since what expires is not logged.
const LONG: u64 = if cfg!(test) {
    256 * 1024
} else {
    8 * 1024 * 1024
};
const MANY: usize = 100_000;

/// How long a log may get while it can't be put there. Nothing is written any more then.
const LONGEST: u64 = 64 * 1024 * 1024;

/// See the module's text.
#[derive(Debug)]
pub struct Journal {
    logs: [Arc<DataFile>; 2],
    /// Which of them takes changes.
    active: usize,
    length: u64,
    /// The number of the last change.
    last: u64,
    /// The number of the last change that was brought to the disk by the keeper.
    synced: u64,
    /// What the active log has changed.
    dirty: Dirty,
    turned: Option<Turned>,
    /// Why the log couldn't be put into the database when it was last tried.
    trouble: Option<String>,
    /// A sync failed when this was the last change: nobody knows what of all before it is on the disk. Cleared when the
    /// database holds it.
    tainted: Option<u64>,
    buffer: Vec<u8>,
}

/// A log that takes no more changes, until they are in the database.
#[derive(Debug, Clone)]
pub struct Turned {
    pub dirty: Arc<Dirty>,
    /// The number of its last change.
    pub last: u64,
}

/// A store as it is found.
#[derive(Debug)]
pub struct Opened {
    pub journal: Journal,
    pub database: Database,
    /// What there was, without what has expired.
    pub entries: Vec<Change>,
}

impl Journal {
    /// Opens a store's files, makes them if they are not there, and puts the logs into the database.
    ///
    /// # Errors
    /// When another process has them, they are damaged, newer than this program, or can't be read or written.
    pub fn open(path: &Path, disk: &Disk, now: u64) -> Result<Opened, StoreError> {
        let file = disk.open(path).map_err(|error| cannot(path, &error))?;
        if !file.try_lock().map_err(|error| cannot(path, &error))? {
            let path = path.to_owned();
            return Err(StoreError::InUse { path });
        }
        let paths = [".log0", ".log1"].map(|end| beside(path, end));
        let log = |at: &PathBuf| disk.open(at).map_err(|error| cannot(at, &error));
        let logs = [log(&paths[0])?, log(&paths[1])?];
        let read = read(&logs, &paths)?;
        forget_a_start_that_failed(&file, &logs).map_err(|error| cannot(path, &error))?;
        let (mut database, loaded) = Database::open(path.to_owned(), file)?;
        let (last, changes) = replay(path, loaded.applied, read)?;
        let (entries, dirty) = merged(loaded.entries, changes, now);
        if !dirty.is_empty() || last > loaded.applied {
            let done = database.apply(&dirty, last);
            done.map_err(|why| cannot(path, &std::io::Error::other(why)))?;
        }
        let journal = Self::new(logs, last);
        journal.begin().map_err(|error| cannot(&paths[0], &error))?;
        // The names of new files are on the disk as well.
        let directory = path.parent().filter(|parent| *parent != Path::new(""));
        let directory = std::fs::File::open(directory.unwrap_or(Path::new(".")));
        let synced = directory.and_then(|directory| directory.sync_all());
        synced.map_err(|error| cannot(path, &error))?;
        Ok(Opened {
            journal,
            database,
            entries,
        })
    }

    fn new(logs: [Arc<DataFile>; 2], last: u64) -> Self {
        Self {
            logs,
            active: 0,
            length: HEADER,
            last,
            synced: last,
            dirty: Dirty::new(),
            turned: None,
            trouble: None,
            tainted: None,
            buffer: Vec::new(),
        }
    }

    /// Empties both logs: all that they held is in the database.
    fn begin(&self) -> std::io::Result<()> {
        start(&self.logs[0], self.last + 1)?;
        self.logs[0].sync()?;
        self.logs[1].cut(0)
    }

    /// Writes a change to the log. When it returns, the change outlives the process.
    ///
    /// # Errors
    /// When there is no room; nothing has changed then.
    pub fn append(&mut self, change: &Change) -> Result<u64, StoreError> {
        log::encode(self.last + 1, change, &mut self.buffer);
        let length = self.buffer.len() as u64;
        if self.length + length > LONGEST {
            let why = self.trouble.as_deref().unwrap_or("it is being written");
            let why = format!("the log is full, and its database can't take it: {why}");
            return Err(StoreError::Unavailable(why));
        }
        let log = &self.logs[self.active];
        if let Err(error) = log.write_at(self.length, &self.buffer) {
            // What was written of it is overwritten by the next one, or ends the log when that is read.
            let _ = log.cut(self.length);
            let why = format!("its log can't be written: {error}");
            return Err(StoreError::Unavailable(why));
        }
        self.length += length;
        self.last += 1;
        self.note(change);
        Ok(self.last)
    }

    /// Takes a change for the database that needs no place in the log, since it follows from what is there.
    pub fn note(&mut self, change: &Change) {
        let names = (change.bucket.clone(), change.key.clone());
        self.dirty.insert(names, change.entry.clone());
    }

    /// The number of the last change.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Whether the log should be put into the database.
    pub fn is_long(&self) -> bool {
        self.length >= LONG || self.dirty.len() >= MANY || self.tainted.is_some()
    }

    /// Whether all that was written is in the database.
    pub fn is_put(&self) -> bool {
        self.turned.is_none() && self.dirty.is_empty()
    }

    /// The log that takes changes. What the one before it holds is on the disk, unless the journal is tainted.
    pub fn active(&self) -> Arc<DataFile> {
        self.logs[self.active].clone()
    }

    /// The log that is to be put into the database, if there is one.
    pub fn turned(&self) -> Option<Turned> {
        self.turned.clone()
    }

    /// Begins the other log. The present one must have been synced but for the last few changes, so that this takes little
    /// time: it is synced again, because the new log must not outlive it.
    ///
    /// # Errors
    /// The system's; the present log goes on then.
    pub fn turn(&mut self) -> std::io::Result<()> {
        let log = self.active();
        // After a failure this is of no use: the database is what counts then, and the log that follows counts after it.
        if self.tainted.is_none() && log.sync().is_err() {
            self.taint();
        }
        let other = 1 - self.active;
        start(&self.logs[other], self.last + 1)?;
        self.turned = Some(Turned {
            dirty: Arc::new(std::mem::take(&mut self.dirty)),
            last: self.last,
        });
        self.active = other;
        self.length = HEADER;
        Ok(())
    }

    /// What came of putting the other log into the database. Returns whether that is news.
    pub fn put(&mut self, done: Result<(), String>) -> bool {
        if done.is_ok()
            && let Some(turned) = self.turned.take()
        {
            self.tainted = self.tainted.filter(|last| *last > turned.last);
        }
        let before = self.trouble.take();
        self.trouble = done.err();
        before.is_some() != self.trouble.is_some()
    }

    /// The active log and its last change, if that is not known to be on the disk.
    pub fn unsynced(&mut self) -> Option<(Arc<DataFile>, u64)> {
        let is_needed = self.last > self.synced && self.tainted.is_none();
        is_needed.then(|| (self.active(), self.last))
    }

    /// Takes note that the active log is on the disk up to a change.
    pub fn synced(&mut self, last: u64) {
        self.synced = last;
    }

    /// Whether the last try to put a log into the database failed.
    pub fn has_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// Takes note that a sync failed.
    pub fn taint(&mut self) {
        self.tainted = Some(self.last);
    }

    pub fn is_tainted(&self) -> bool {
        self.tainted.is_some()
    }
}

/// Makes a file empty that has no beginning yet: the process or the machine stopped when redb made it. The logs are made
/// after it, so nothing was ever stored there.
fn forget_a_start_that_failed(file: &DataFile, logs: &[Arc<DataFile>; 2]) -> std::io::Result<()> {
    let mut beginning = [0; 9];
    let is_begun = file.length()? < 9 || {
        file.read_at(0, &mut beginning)?;
        beginning != [0; 9]
    };
    if is_begun || logs[0].length()? > 0 || logs[1].length()? > 0 {
        return Ok(());
    }
    file.cut(0)
}

fn start(log: &DataFile, first: u64) -> std::io::Result<()> {
    log.cut(0)?;
    log.write_at(0, &log::header(first))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The number of a log's first change, its changes, and bytes behind them.
type Found = (u64, Vec<Change>, u64);

/// What is in the logs, the older one first.
fn read(logs: &[Arc<DataFile>; 2], paths: &[PathBuf; 2]) -> Result<Vec<Found>, StoreError> {
    let mut all = Vec::new();
    for (log, at) in logs.iter().zip(paths) {
        match log::read(log).map_err(|error| cannot(at, &error))? {
            Read::Empty => {}
            Read::Foreign => {
                return Err(StoreError::Damaged {
                    path: at.clone(),
                    why: "its beginning is not that of a log".to_owned(),
                });
            }
            Read::Newer(found) => {
                return Err(StoreError::Newer {
                    path: at.clone(),
                    found: found.to_string(),
                    known: log::FORMAT,
                });
            }
            Read::Changes {
                first,
                changes,
                rest,
            } => all.push((first, changes, rest)),
        }
    }
    all.sort_unstable_by_key(|(first, ..)| *first);
    Ok(all)
}

fn cannot(at: &Path, error: &std::io::Error) -> StoreError {
    StoreError::CannotOpen {
        path: at.to_owned(),
        why: error.to_string(),
    }
}

/// The changes of the logs that the database doesn't hold, in their order, and the number of the last one.
fn replay(path: &Path, applied: u64, logs: Vec<Found>) -> Result<(u64, Vec<Change>), StoreError> {
    let mut last = applied;
    let mut all = Vec::new();
    for (position, (first, changes, rest)) in logs.into_iter().enumerate() {
        let end = first + changes.len() as u64 - 1;
        // Each log's beginning is on the disk before the next one begins, so the first one can't be late by a crash.
        if first > last + 1 && position == 0 {
            let why = format!("it ends with change {last}, and its log begins with {first}");
            let path = path.to_owned();
            return Err(StoreError::Damaged { path, why });
        }
        if first > last + 1 {
            tracing::warn!(
                "{}: the machine stopped before all of its first log was on the disk; changes from {first} on are left out",
                path.display()
            );
            break;
        }
        if rest > 0 {
            tracing::warn!(
                "{}: the last {rest} bytes of a log are no whole change, as when the machine or a full disk stopped a write",
                path.display()
            );
        }
        if end > last {
            let known = usize::try_from(last + 1 - first).unwrap_or(usize::MAX);
            all.extend(changes.into_iter().skip(known));
            last = end;
        }
    }
    Ok((last, all))
}

/// What there is after the changes, and what of that the database must be told.
fn merged(entries: Vec<Change>, changes: Vec<Change>, now: u64) -> (Vec<Change>, Dirty) {
    let mut dirty = Dirty::new();
    for change in changes {
        dirty.insert((change.bucket, change.key), change.entry);
    }
    let mut there = Vec::new();
    for change in entries {
        let is_gone = change
            .entry
            .as_ref()
            .is_some_and(|entry| entry.is_expired(now));
        let names = (change.bucket.clone(), change.key.clone());
        if dirty.contains_key(&names) {
            continue;
        }
        if is_gone {
            dirty.insert(names, None);
        } else {
            there.push(change);
        }
    }
    for ((bucket, key), entry) in &mut dirty {
        if entry.as_ref().is_some_and(|entry| entry.is_expired(now)) {
            *entry = None;
        }
        there.extend(entry.is_some().then(|| Change {
            bucket: bucket.clone(),
            key: key.clone(),
            entry: entry.clone(),
        }));
    }
    (there, dirty)
}

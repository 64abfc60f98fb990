//! What the threads of a local store share: the table that is read, and what may write it, one at a time.

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use tokio::sync::watch;

use crate::store::clock::Clock;
use crate::store::error::StoreError;
use crate::store::journal::Journal;
use crate::store::op::{Answer, Op};
use crate::store::table::{Change, Table};

/// How many expired entries are removed while others wait.
const SWEPT_AT_ONCE: usize = 1000;

/// See the module's text.
#[derive(Debug)]
pub struct Shared {
    /// Read without waiting for a write to reach the log.
    table: RwLock<Table>,
    writer: Mutex<Writer>,
    /// Wakes the keeper.
    work: Condvar,
    /// Wakes the syncer.
    written: Condvar,
    /// Up to which change the log is on the disk; for stores whose writes wait for it.
    pub synced: watch::Sender<Synced>,
    /// Whether writes wait for it.
    pub immediate: bool,
    clock: Arc<dyn Clock>,
}

/// What only one may have.
#[derive(Debug)]
pub struct Writer {
    /// None in memory.
    pub journal: Option<Journal>,
    /// The store is being dropped.
    pub closing: bool,
}

/// How far the log is known to be on the disk, by numbers of changes.
#[derive(Debug, Clone, Default)]
pub struct Synced {
    pub done: u64,
    /// Those up to here that are not done never will be, as far as anybody knows.
    pub failed: u64,
    pub why: String,
}

impl Shared {
    pub fn new(
        table: Table,
        journal: Option<Journal>,
        immediate: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let done = journal.as_ref().map_or(0, Journal::last);
        let synced = Synced {
            done,
            ..Synced::default()
        };
        Self {
            table: RwLock::new(table),
            writer: Mutex::new(Writer {
                journal,
                closing: false,
            }),
            work: Condvar::new(),
            written: Condvar::new(),
            synced: watch::Sender::new(synced),
            immediate,
            clock,
        }
    }

    pub fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Plans an operation, writes it to the log, and only then lets others see it. Returns the number of its change.
    pub fn write(
        &self,
        bucket: &str,
        key: &str,
        op: &Op<'_>,
    ) -> Result<(Answer, Option<u64>), StoreError> {
        let mut writer = self.writer();
        let now = self.now();
        let plan = loop {
            let plan = self.table().plan(bucket, key, op, now);
            let is_full = matches!(plan, Err(StoreError::Full { .. }));
            if !is_full || self.sweep(&mut writer, Some(bucket), now) == 0 {
                break plan?;
            }
        };
        let Some(change) = plan.change else {
            return Ok((plan.answer, None));
        };
        let mut number = None;
        if let Some(journal) = &mut writer.journal {
            number = Some(journal.append(&change)?);
            if journal.is_long() {
                self.work.notify_one();
            }
            if self.immediate {
                self.written.notify_one();
            }
        }
        self.apply([change]);
        Ok((plan.answer, number))
    }

    /// Removes some of what has expired, in one bucket or in all; how many there were.
    pub fn sweep(&self, writer: &mut Writer, bucket: Option<&str>, now: u64) -> usize {
        let gone = self.table().expired(bucket, now, SWEPT_AT_ONCE);
        let count = gone.len();
        if let Some(journal) = &mut writer.journal {
            gone.iter().for_each(|change| journal.note(change));
        }
        self.apply(gone);
        count
    }

    /// Removes all that has expired; others get their turn in between.
    pub fn sweep_all(&self) {
        while self.sweep(&mut self.writer(), None, self.now()) == SWEPT_AT_ONCE {}
    }

    /// Waits until the log should be put into the database, the store is dropped, or the time is over.
    pub fn wait_for_work(&self, most: Duration) {
        let idle = |writer: &mut Writer| {
            let is_long = writer.journal.as_ref().is_some_and(Journal::is_long);
            !writer.closing && !is_long
        };
        drop(self.work.wait_timeout_while(self.writer(), most, idle));
    }

    /// Waits until the store is dropped, or the time is over.
    pub fn wait_for_end(&self, most: Duration) {
        let idle = |writer: &mut Writer| !writer.closing;
        drop(self.work.wait_timeout_while(self.writer(), most, idle));
    }

    /// Waits until there are changes that are not on the disk. None when the store is dropped and all are.
    pub fn wait_for_changes(&self) -> Option<MutexGuard<'_, Writer>> {
        let is_idle = |writer: &mut Writer| {
            let synced = self.synced.borrow();
            let known = synced.done.max(synced.failed);
            let last = writer.journal.as_ref().map_or(0, Journal::last);
            last <= known && !writer.closing
        };
        let waited = self.written.wait_while(self.writer(), is_idle);
        let writer = waited.unwrap_or_else(PoisonError::into_inner);
        (!writer.closing).then_some(writer)
    }

    /// Tells the threads to end.
    pub fn close(&self) {
        self.writer().closing = true;
        self.work.notify_all();
        self.written.notify_all();
    }

    fn apply(&self, changes: impl IntoIterator<Item = Change>) {
        let mut table: RwLockWriteGuard<'_, Table> =
            self.table.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            table.apply(change);
        }
    }
}

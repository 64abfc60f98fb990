//! Data of this process: in memory, and for an embedded store also in a log and a database.

mod keeper;
mod shared;
mod syncer;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;

use self::shared::Shared;
use super::clock::Clock;
use super::config::{Durability, Quotas};
use super::error::StoreError;
use super::journal::file::Disk;
use super::journal::{Journal, Opened};
use super::op::{Answer, Op, Usage};
use super::table::Table;
use crate::essential;

/// See the module's text.
#[derive(Debug)]
pub struct Local {
    shared: Arc<Shared>,
    /// Disconnected when the keeper has ended and the files are closed.
    kept: std::sync::Mutex<mpsc::Receiver<()>>,
}

impl Local {
    /// A store in memory.
    ///
    /// # Errors
    /// When its thread can't be started.
    pub fn memory(quotas: Quotas, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let shared = Shared::new(Table::new(quotas), None, false, clock);
        Self::start(Arc::new(shared), None)
    }

    /// A store that is also on the disk.
    ///
    /// # Errors
    /// When its files can't be opened.
    pub fn embedded(
        path: &Path,
        durability: Durability,
        quotas: Quotas,
        clock: Arc<dyn Clock>,
        disk: &Disk,
    ) -> Result<Self, StoreError> {
        let Opened {
            journal,
            database,
            entries,
        } = Journal::open(path, disk, clock.now())?;
        let mut table = Table::new(quotas);
        entries.into_iter().for_each(|entry| table.apply(entry));
        let immediate = durability == Durability::Immediate;
        let shared = Arc::new(Shared::new(table, Some(journal), immediate, clock));
        if immediate {
            let shared = shared.clone();
            let work = move || syncer::sync(&shared);
            essential::thread("state-sync", work).map_err(|error| thread_error(&error))?;
        }
        Self::start(shared, Some(database))
    }

    fn start(
        shared: Arc<Shared>,
        database: Option<super::journal::database::Database>,
    ) -> Result<Self, StoreError> {
        let (ended, kept) = mpsc::channel();
        let its_own = shared.clone();
        let work = move || {
            keeper::keep(&its_own, database);
            drop((its_own, ended));
        };
        essential::thread("state", work).map_err(|error| thread_error(&error))?;
        Ok(Self {
            shared,
            kept: std::sync::Mutex::new(kept),
        })
    }

    pub fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        let now = self.shared.now();
        let table = self.shared.table();
        table.get(bucket, key, now).map(|entry| entry.value.clone())
    }

    pub fn time_left(&self, bucket: &str, key: &str) -> Option<Duration> {
        let now = self.shared.now();
        let table = self.shared.table();
        table.get(bucket, key, now)?.time_left(now)
    }

    pub fn keys(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<String> {
        let now = self.shared.now();
        self.shared.table().keys(bucket, prefix, after, limit, now)
    }

    pub fn usage(&self, bucket: &str) -> Usage {
        self.shared.table().usage(bucket)
    }

    /// Writes to memory and the log at once, and then waits for the disk if that is wanted.
    pub async fn write(&self, bucket: &str, key: &str, op: &Op<'_>) -> Result<Answer, StoreError> {
        let (answer, number) = self.shared.write(bucket, key, op)?;
        if let Some(number) = number.filter(|_| self.shared.immediate) {
            self.synced(number).await?;
        }
        Ok(answer)
    }

    async fn synced(&self, number: u64) -> Result<(), StoreError> {
        let mut synced = self.shared.synced.subscribe();
        let known = synced.wait_for(|synced| synced.done >= number || synced.failed >= number);
        match known.await {
            Ok(known) if known.done >= number => Ok(()),
            Ok(known) => Err(StoreError::Unavailable(known.why.clone())),
            Err(_) => Err(StoreError::Unavailable("it is closed".to_owned())),
        }
    }
}

impl Drop for Local {
    /// Puts all into the database, which takes some milliseconds.
    fn drop(&mut self) {
        self.shared.close();
        if let Ok(kept) = self.kept.get_mut() {
            // An error: the keeper has ended.
            let _ = kept.recv();
        }
    }
}

fn thread_error(error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("its thread can't be started: {error}"))
}

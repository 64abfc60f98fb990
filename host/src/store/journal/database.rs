//! The database: what the log held until it was last put there. redb keeps it whole, whatever happens: a commit is on
//! the disk before it counts, and the state before it is not overwritten.

use std::any::Any;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use redb::{
    Builder, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    TableError,
};

use super::file::{DataFile, OfDatabase};
use crate::store::error::StoreError;
use crate::store::table::{Change, Entry};

/// Bucket and key; when it expires in eight bytes, then the value.
const ENTRIES: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("entries");

/// What [`FORMAT_OF_TABLES`] and [`APPLIED`] name.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const FORMAT_OF_TABLES: &str = "format";
const APPLIED: &str = "applied";

/// The format of the tables that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// What redb may keep in memory: everything is in a table of our own already.
const CACHE: usize = 4 * 1024 * 1024;

/// What each key that changed has become.
pub type Dirty = HashMap<(Arc<str>, Arc<str>), Option<Entry>>;

/// See the module's text.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    file: Arc<DataFile>,
    /// None after an error, until it could be opened again.
    open: Option<redb::Database>,
}

/// What a database holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The number of the last change that is in it.
    pub applied: u64,
    pub entries: Vec<Change>,
}

impl Database {
    /// Opens it, checks every page of it, and reads all that it holds.
    ///
    /// # Errors
    /// When it is damaged, from a newer version, or can't be read. It is then as it was.
    pub fn open(path: PathBuf, file: Arc<DataFile>) -> Result<(Self, Loaded), StoreError> {
        let mut database = Self {
            path,
            file,
            open: None,
        };
        let loaded = caught(|| {
            // First without changing anything, as it might be from a newer version.
            match Builder::new().open_read_only_with_backend(OfDatabase(database.file.clone())) {
                Ok(open) => database.load(&open, false).map(drop)?,
                // It is new, or the process ended without closing it.
                Err(DatabaseError::RepairAborted) => {}
                Err(_) if database.is_new() => {}
                Err(error) => return Err(database.fault(error.into())),
            }
            database.reopen()?;
            database.load(database.opened()?, true)
        });
        let loaded = loaded.unwrap_or_else(|why| Err(database.damaged(why)))?;
        Ok((database, loaded))
    }

    /// Puts changes into it, durably.
    ///
    /// # Errors
    /// Why it can't be written, in words; it is as it was, and may be tried again.
    pub fn apply(&mut self, dirty: &Dirty, applied: u64) -> Result<(), String> {
        let done = caught(|| {
            self.reopen().map_err(|error| error.to_string())?;
            let open = self.opened().map_err(|error| error.to_string())?;
            commit(open, dirty, applied).map_err(|error| error.to_string())
        });
        let done = done.and_then(|done| done);
        if done.is_err() {
            // redb does no more after an error of the disk. Closing writes too, and may fail as well.
            let _ = caught(|| drop(self.open.take()));
        }
        done
    }

    fn is_new(&self) -> bool {
        self.file.length().is_ok_and(|length| length == 0)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        if self.open.is_none() {
            let opened = Builder::new()
                .set_cache_size(CACHE)
                .set_check_integrity_on_open(true)
                .create_with_backend(OfDatabase(self.file.clone()));
            self.open = Some(opened.map_err(|error| self.fault(error.into()))?);
        }
        Ok(())
    }

    fn opened(&self) -> Result<&redb::Database, StoreError> {
        let open = self.open.as_ref();
        open.ok_or_else(|| self.damaged("it is closed".to_owned()))
    }

    /// What it holds, or only whether this version may read it.
    fn load(&self, open: &impl ReadableDatabase, all: bool) -> Result<Loaded, StoreError> {
        let fault = |error| self.fault(error);
        let transaction = open.begin_read().map_err(|error| fault(error.into()))?;
        let about = |key| about(&transaction, key).map_err(fault);
        let format = about(FORMAT_OF_TABLES)?.unwrap_or_default();
        if format > u64::from(FORMAT) {
            return Err(StoreError::Newer {
                path: self.path.clone(),
                found: format.to_string(),
                known: FORMAT,
            });
        }
        let mut loaded = Loaded {
            applied: about(APPLIED)?.unwrap_or_default(),
            entries: Vec::new(),
        };
        if all {
            loaded.entries = entries(&transaction).map_err(fault)?;
        }
        Ok(loaded)
    }

    fn damaged(&self, why: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            why,
        }
    }

    fn fault(&self, error: redb::Error) -> StoreError {
        match error {
            // Not what says that the file is none, or ends too early.
            redb::Error::Io(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::InvalidData | ErrorKind::UnexpectedEof
                ) =>
            {
                StoreError::CannotOpen {
                    path: self.path.clone(),
                    why: error.to_string(),
                }
            }
            // redb has no error of its own for a file of a later redb.
            redb::Error::Corrupted(why) if why.contains("file format version <=") => {
                StoreError::Newer {
                    path: self.path.clone(),
                    found: why,
                    known: FORMAT,
                }
            }
            other => self.damaged(other.to_string()),
        }
    }
}

fn about(transaction: &ReadTransaction, key: &str) -> Result<Option<u64>, redb::Error> {
    let table = match transaction.open_table(ABOUT) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table?,
    };
    Ok(table.get(key)?.map(|value| value.value()))
}

fn entries(transaction: &ReadTransaction) -> Result<Vec<Change>, redb::Error> {
    let table = match transaction.open_table(ENTRIES) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    let mut entries: Vec<Change> = Vec::new();
    for row in table.iter()? {
        let (names, value) = row?;
        let (bucket, key) = names.value();
        let (expires, value) = value.value().split_first_chunk().ok_or_else(|| {
            redb::Error::Corrupted("an entry is shorter than any can be".to_owned())
        })?;
        // Entries of one bucket follow one another and share its name.
        let shared = entries.last().filter(|last| *last.bucket == *bucket);
        entries.push(Change {
            bucket: shared.map_or_else(|| Arc::from(bucket), |last| last.bucket.clone()),
            key: Arc::from(key),
            entry: Some(Entry {
                value: Bytes::copy_from_slice(value),
                expires: u64::from_le_bytes(*expires),
            }),
        });
    }
    Ok(entries)
}

fn commit(open: &redb::Database, dirty: &Dirty, applied: u64) -> Result<(), redb::Error> {
    // In the order of the tree, so that each of its pages is changed once.
    let mut changes: Vec<_> = dirty.iter().collect();
    changes.sort_unstable_by_key(|(names, _)| *names);
    let transaction = open.begin_write()?;
    {
        let mut table = transaction.open_table(ENTRIES)?;
        let mut row = Vec::new();
        for ((bucket, key), entry) in changes {
            let names = (&**bucket, &**key);
            match entry {
                Some(entry) => {
                    row.clear();
                    row.extend_from_slice(&entry.expires.to_le_bytes());
                    row.extend_from_slice(&entry.value);
                    table.insert(names, &row[..])?;
                }
                None => drop(table.remove(names)?),
            }
        }
        let mut about = transaction.open_table(ABOUT)?;
        about.insert(FORMAT_OF_TABLES, u64::from(FORMAT))?;
        about.insert(APPLIED, applied)?;
    }
    Ok(transaction.commit()?)
}

/// What redb panics with is an error of this store: it does so for some files that were changed by others.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| said(&*panic))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("redb panicked").to_owned()
}

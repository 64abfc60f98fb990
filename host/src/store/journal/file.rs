//! A file that several parts write at places of their choice. Tests make it fail as a full or broken disk would.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use redb::{BackendError, StorageBackend};

/// See the module's text.
#[derive(Debug)]
pub struct DataFile {
    file: File,
    #[cfg(test)]
    faults: Arc<Faults>,
    #[cfg(test)]
    path: std::path::PathBuf,
}

/// What fails, from when a test says so.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct Faults {
    /// Writes that would need room.
    pub full: std::sync::atomic::AtomicBool,
    pub sync: std::sync::atomic::AtomicBool,
    /// The database cannot be written; its logs can.
    pub database: std::sync::atomic::AtomicBool,
    /// What was done to the files, in its order, if a test wants to know.
    pub recorded: std::sync::Mutex<Option<Vec<Event>>>,
}

/// What was done to a file, or what a test takes note of.
#[cfg(test)]
#[derive(Debug, Clone)]
pub enum Event {
    Write(std::path::PathBuf, u64, Vec<u8>),
    Cut(std::path::PathBuf, u64),
    Sync(std::path::PathBuf),
    Note(u64),
}

#[cfg(test)]
impl Faults {
    pub fn record(&self, event: impl FnOnce() -> Event) {
        if let Some(events) = &mut *self.recorded.lock().unwrap() {
            events.push(event());
        }
    }
}

/// What tests hand to the files that they open; nothing otherwise.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    #[cfg(test)]
    pub faults: Arc<Faults>,
}

impl Disk {
    /// Opens a file that is made if it is not there. Only its owner may read it.
    ///
    /// # Errors
    /// The system's.
    pub fn open(&self, path: &Path) -> io::Result<Arc<DataFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        Ok(Arc::new(DataFile {
            file,
            #[cfg(test)]
            faults: self.faults.clone(),
            #[cfg(test)]
            path: path.to_owned(),
        }))
    }
}

impl DataFile {
    /// Whether no other process has it, and none will as long as this one keeps it open.
    pub fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    pub fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    pub fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        if self.faults.full.load(std::sync::atomic::Ordering::SeqCst) {
            // A disk takes what it has room for before it fails.
            self.file.write_all_at(&data[..data.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        #[cfg(test)]
        self.faults
            .record(|| Event::Write(self.path.clone(), offset, data.to_owned()));
        self.file.write_all_at(data, offset)
    }

    pub fn cut(&self, length: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.record(|| Event::Cut(self.path.clone(), length));
        self.file.set_len(length)
    }

    /// When it returns, what was written is on the disk.
    pub fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        if self.faults.sync.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(io::Error::other("the disk is broken (a test)"));
        }
        // Before it: what is written meanwhile is not promised.
        #[cfg(test)]
        self.faults.record(|| Event::Sync(self.path.clone()));
        self.file.sync_data()
    }
}

/// The database's file as redb wants it. The lock stays with [`DataFile`], so that nobody else gets the file while redb
/// is opened anew after an error.
#[derive(Debug)]
pub struct OfDatabase(pub Arc<DataFile>);

impl StorageBackend for OfDatabase {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read_at(offset, out)
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        #[cfg(test)]
        if self
            .0
            .faults
            .database
            .load(std::sync::atomic::Ordering::SeqCst)
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.cut(length)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        #[cfg(test)]
        if self
            .0
            .faults
            .database
            .load(std::sync::atomic::Ordering::SeqCst)
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(offset, data)
    }

    fn try_lock_range(
        &self,
        _start: std::ops::Bound<u64>,
        _end: std::ops::Bound<u64>,
    ) -> Result<bool, BackendError> {
        Ok(true)
    }
}

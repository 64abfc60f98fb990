//! The file of a tape that is written: locked, cut to its last whole record, exchanged for a new one when it is full or old.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::codec;
use super::config::TapeConfig;
use super::error::TapeError;
use super::frame::{Found, Frames, Header};

/// How often to open a file anew that another process exchanges for the next one meanwhile.
const MOST_TRIES: usize = 10;

/// A tape to append to. No other process writes it as long as this is there.
#[derive(Debug)]
pub struct TapeFile {
    config: TapeConfig,
    file: File,
    /// Bytes up to the end of the last whole record.
    length: u64,
    /// When the file was begun: microseconds since 1970.
    created: u64,
    /// Whether there may be something behind the last whole record.
    is_torn: bool,
    /// For tests: whether the disk is full.
    #[cfg(test)]
    pub full: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl TapeFile {
    /// Opens the tape, or begins one. `now` is in microseconds since 1970. What is to be told of it is logged.
    ///
    /// # Errors
    /// When it can't be opened, another process has it, or it is none. Nothing is changed then.
    pub fn open(mut config: TapeConfig, now: u64) -> Result<Self, TapeError> {
        let file = open_locked(&config.path)?;
        // Where a link leads to: that is the file that is exchanged.
        config.path = fs::canonicalize(&config.path)?;
        let mut tape = Self {
            config,
            file,
            length: 0,
            created: now,
            is_torn: false,
            #[cfg(test)]
            full: std::sync::Arc::default(),
        };
        tape.look(now)?;
        Ok(tape)
    }

    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Finds the end of the last whole record.
    fn look(&mut self, now: u64) -> Result<(), TapeError> {
        let mut begun = Vec::new();
        let mut from = BufReader::with_capacity(1 << 16, &self.file);
        (&mut from)
            .take(Header::LENGTH as u64)
            .read_to_end(&mut begun)?;
        if Header::is_begun(&begun) {
            return Ok(self.begin(now)?);
        }
        let mut frames = Frames::new(begun.chain(from))?;
        loop {
            match frames.next()? {
                Found::Record { version, .. } if version > codec::VERSION => {
                    return Err(TapeError::Newer {
                        found: version,
                        known: codec::VERSION,
                    });
                }
                Found::Record { .. } => {}
                found => {
                    self.length = frames.at;
                    self.created = frames.header.created;
                    let damaged = frames.damaged("");
                    drop(frames);
                    return self.settle(&found, &damaged, now);
                }
            }
        }
    }

    /// Goes on from what was found behind the last whole record.
    fn settle(&mut self, found: &Found, damaged: &TapeError, now: u64) -> Result<(), TapeError> {
        let shown = self.config.path.display();
        match found {
            Found::Torn(bytes) => {
                tracing::warn!(
                    "tape {shown}: its last {bytes} bytes are a record that was not written to its end; they are cut off"
                );
                self.file.set_len(self.length)?;
            }
            Found::Damaged(_) => {
                tracing::warn!(
                    "tape {shown}: {damaged}; it is kept as an older file, and a new one begins"
                );
                self.exchange(now)?;
            }
            Found::End | Found::Record { .. } => {}
        }
        Ok(())
    }

    /// Appends whole records, at a time in microseconds since 1970. A record of its own file must not be split: each call's bytes go to one file.
    ///
    /// # Errors
    /// When they can't be written. The tape is as it was then, and the next call tries again.
    pub fn append(&mut self, records: &[u8], now: u64) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        if self.is_due(records.len() as u64, now) {
            self.exchange(now)?;
        }
        self.is_torn = true;
        self.write(records, self.length)?;
        self.is_torn = false;
        self.length += records.len() as u64;
        Ok(())
    }

    /// Whether the next records belong into a new file.
    fn is_due(&self, more: u64, now: u64) -> bool {
        let age = now.saturating_sub(self.created);
        let has_records = self.length > Header::LENGTH as u64;
        has_records
            && (self.length + more > self.config.max_bytes
                || u128::from(age) >= self.config.max_age.as_micros())
    }

    /// When it returns, what was appended is on the disk.
    ///
    /// # Errors
    /// Those of the system.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Makes the file `FILE.1`, older ones `FILE.2` and so on, and begins a new one in its place. There is a file of that name at
    /// every moment, and it is locked, so no other process begins a tape there.
    fn exchange(&mut self, now: u64) -> io::Result<()> {
        let path = self.config.path.clone();
        let name = |suffix: &str| {
            let mut name = OsString::from(path.as_os_str());
            name.push(suffix);
            PathBuf::from(name)
        };
        let older = |number: usize| name(&format!(".{number}"));
        let new = name(".new");
        let file = options().truncate(true).open(&new)?;
        if file.try_lock().is_err() {
            return Err(io::Error::other(format!("{} is locked", new.display())));
        }
        let old = std::mem::replace(&mut self.file, file);
        let (length, created) = (self.length, self.created);
        let begun = self.begin(now);
        let begun = begun.and_then(|()| {
            for number in (1..self.config.files).rev() {
                rename_if_there(&older(number), &older(number + 1))?;
            }
            if self.config.files > 0 {
                keep_as(&path, &older(1))?;
            }
            fs::rename(&new, &path)
        });
        if let Err(error) = begun {
            (self.file, self.length, self.created) = (old, length, created);
            return Err(error);
        }
        // On the disk before it is forgotten; that this fails is told when the disk is written next.
        let _ = old.sync_data();
        Ok(())
    }

    /// Writes the header of an empty file.
    fn begin(&mut self, now: u64) -> io::Result<()> {
        self.file.set_len(0)?;
        self.write(&Header { created: now }.encode(), 0)?;
        (self.length, self.created) = (Header::LENGTH as u64, now);
        Ok(())
    }

    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        #[cfg(test)]
        if self.full.load(std::sync::atomic::Ordering::SeqCst) {
            // A disk takes what it has room for before it fails.
            self.file.write_all_at(&bytes[..bytes.len() / 2], at)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all_at(bytes, at)
    }
}

/// Only its owner may read it. A pipe does not keep anybody waiting.
fn options() -> OpenOptions {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    options.mode(0o600).custom_flags(nonblocking);
    options
}

fn open_locked(path: &Path) -> Result<File, TapeError> {
    for _ in 0..MOST_TRIES {
        let file = options().truncate(false).open(path)?;
        let opened = file.metadata()?;
        if !opened.is_file() {
            return Err(TapeError::NotAFile);
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TapeError::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Who had it may have exchanged it between the two.
        let now = fs::metadata(path)?;
        if (now.dev(), now.ino()) == (opened.dev(), opened.ino()) {
            return Ok(file);
        }
    }
    Err(TapeError::Replaced)
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Gives a file a second name, in the place of what has that name.
fn keep_as(path: &Path, name: &Path) -> io::Result<()> {
    match fs::remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Some file systems have no second names.
    fs::hard_link(path, name).or_else(|_| fs::rename(path, name))
}

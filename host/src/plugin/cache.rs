//! Compiled code kept on disk, so that a start or a return to an earlier version costs milliseconds.
//!
//! Loading compiled code means to trust it, so the directory is ours alone (0700, our files only) and an entry is used
//! only if its header and the checksum of its code are right. That finds what a crash or a full disk left behind; it is
//! no signature. An entry is two files: the code as wasmtime wrote it, which wasmtime maps into memory by path, and a
//! header that is written last and makes it an entry.
//!
//! Nothing here is ever fatal: what fails is logged, and the caller compiles.

mod directory;
mod evict;
mod files;
mod header;
mod key;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

pub use directory::CacheError;
use files::Fault;
use header::Header;
pub use key::CacheKey;

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCode {
    /// The file with the code, checked, for wasmtime to map. Another process may remove it before that: then compile.
    pub code: PathBuf,
    /// What the plugin is, by the name of its [`PluginKind`](super::kind::PluginKind).
    pub kind: String,
    /// How the code is linked, by the name of its [`Linking`](super::kind::Linking); none for a kind that has one way.
    /// Code that is linked in one way can't be read in another.
    pub linking: Option<String>,
}

/// Kind and linking, as in [`KeptCode`].
type What<'a> = (&'a str, Option<&'a str>);

/// The cache's directory. Several processes may share it.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    max_bytes: u64,
    has_warned: AtomicBool,
}

impl Cache {
    /// Opens the directory and creates it (with its parents) if there is none.
    ///
    /// `max_bytes` bounds the sum of the files; what was used the longest time ago goes first.
    pub fn open(dir: &Path, max_bytes: u64) -> Result<Cache, CacheError> {
        directory::secure(dir)?;
        Ok(Cache {
            dir: dir.to_owned(),
            max_bytes,
            has_warned: AtomicBool::new(false),
        })
    }

    /// The entry of this key. A broken one is removed.
    pub fn get(&self, key: &CacheKey) -> Option<KeptCode> {
        let header_path = self.header_path(key);
        match self.check(key, &header_path) {
            Ok(found) => {
                let (header_file, kept) = found?;
                // For the order of eviction only.
                let _ = header_file.set_modified(SystemTime::now());
                Some(kept)
            }
            Err(Fault::Broken(reason)) => {
                tracing::warn!(entry = %header_path.display(), %reason, "discarding a broken cache entry");
                evict::remove_entry(&self.dir, &key.stem());
                None
            }
            // The entry may be good, and better another time.
            Err(Fault::Io(error)) => {
                tracing::warn!(
                    entry = %header_path.display(), %error,
                    "can't read a cache entry; compiling in its place"
                );
                None
            }
        }
    }

    /// The entry's open header and what it holds; none if there is no entry.
    fn check(&self, key: &CacheKey, header_path: &Path) -> Result<Option<(File, KeptCode)>, Fault> {
        let file = match files::open_own(header_path) {
            Ok(file) => file,
            Err(fault) if fault.is_missing() => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let header = header::read(&file)?;
        if !header.is_of(key) {
            return Err(Fault::Broken("it is the entry of something else"));
        }
        let code_path = self.code_path(key, header.checksum);
        let code = match files::open_own(&code_path) {
            Ok(code) => code,
            // Another process has just evicted it.
            Err(fault) if fault.is_missing() && !header_path.exists() => return Ok(None),
            Err(fault) if fault.is_missing() => return Err(Fault::Broken("its code is gone")),
            Err(fault) => return Err(fault),
        };
        if code.metadata()?.len() != header.len || files::checksum(&code)? != header.checksum {
            return Err(Fault::Broken("its code is not what was written"));
        }
        let kept = KeptCode {
            code: code_path,
            kind: header.kind,
            linking: header.linking,
        };
        Ok(Some((file, kept)))
    }

    /// Keeps code of a plugin of this kind; if that fails, the code is compiled again another time.
    pub fn put(&self, key: &CacheKey, what: What<'_>, code: &[u8]) {
        if code.len() as u64 > self.max_bytes {
            tracing::debug!(
                bytes = code.len(),
                max = self.max_bytes,
                "too large for the cache"
            );
            return;
        }
        let written = match self.write(key, what, code) {
            // Somebody removed the directory.
            Err(error) if error.kind() == io::ErrorKind::NotFound => directory::secure(&self.dir)
                .map_err(io::Error::other)
                .and_then(|()| self.write(key, what, code)),
            written => written,
        };
        match written {
            Ok(()) => self.has_warned.store(false, Ordering::Relaxed),
            Err(error) => self.warn_once(&error),
        }
    }

    fn write(&self, key: &CacheKey, what: What<'_>, code: &[u8]) -> io::Result<()> {
        let checksum = files::checksum_of(code);
        let header = Header::new(key, what, code.len() as u64, checksum);
        files::write_whole(&self.code_path(key, checksum), code)?;
        files::write_whole(&self.header_path(key), &header::encode(&header)?)?;
        evict::shrink(&self.dir, self.max_bytes, &key.stem(), SystemTime::now())
    }

    fn header_path(&self, key: &CacheKey) -> PathBuf {
        self.dir.join(format!("{}.{}", key.stem(), evict::HEADER))
    }

    fn code_path(&self, key: &CacheKey, checksum: u64) -> PathBuf {
        let suffix = evict::code_suffix(checksum);
        self.dir.join(format!("{}{suffix}", key.stem()))
    }

    fn warn_once(&self, error: &io::Error) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                directory = %self.dir.display(), %error,
                "cannot keep compiled code, so plugins are compiled anew at every start"
            );
        }
    }
}

//! Compiled code kept on disk, so that a start or a return to an earlier version costs milliseconds.
//!
//! Loading compiled code means to trust it, so the directory is ours alone (0700, our files only) and an entry is used
//! only if its header and the checksum of its code are right. That finds what a crash or a full disk left behind; it is
//! no signature. An entry is two files: the code as wasmtime wrote it, which wasmtime maps into memory by path, and a
//! header that is written last and makes it an entry.
//!
//! Nothing here is ever fatal: what fails is logged once, and the caller compiles.

mod directory;
mod evict;
mod files;
mod header;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::engine::Tier;
use super::load::ContentHash;

pub use directory::CacheError;
use header::Header;

/// What an entry is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Of the plugin's file.
    pub hash: ContentHash,
    pub tier: Tier,
    /// Of everything that makes compiled code fit: wasmtime's version, settings, the processor's features, the versions of
    /// the contract that the host serves.
    pub fingerprint: u64,
}

impl Key {
    /// What the names of the entry's files begin with, up to the first dot.
    fn stem(&self) -> String {
        format!("{}-{}-{:016x}", self.hash, self.tier, self.fingerprint)
    }
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file with the code, checked, for wasmtime to map. Another process may remove it before that: then compile.
    pub code: PathBuf,
    /// What the plugin is, by the name of its [`Kind`](super::load::Kind).
    pub kind: String,
}

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
    pub fn get(&self, key: &Key) -> Option<Kept> {
        let header_path = self.header_path(key);
        match self.check(key, &header_path) {
            Ok(found) => {
                let (header_file, kept) = found?;
                // For the order of eviction only.
                let _ = header_file.set_modified(SystemTime::now());
                Some(kept)
            }
            Err(reason) => {
                tracing::warn!(entry = %header_path.display(), %reason, "discarding a broken cache entry");
                evict::remove_entry(&self.dir, &key.stem());
                None
            }
        }
    }

    /// The entry's open header and what it holds; none if there is no entry.
    fn check(&self, key: &Key, header_path: &Path) -> io::Result<Option<(File, Kept)>> {
        let file = match files::open_own(header_path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let header = header::read(&file)?;
        if !header.is_of(key) {
            return Err(io::Error::other("it is the entry of something else"));
        }
        let code_path = self.code_path(key, header.checksum);
        let code = match files::open_own(&code_path) {
            Ok(code) => code,
            // Another process has just evicted it.
            Err(_) if !header_path.exists() => return Ok(None),
            Err(error) => return Err(error),
        };
        if code.metadata()?.len() != header.len || files::checksum(&code)? != header.checksum {
            return Err(io::Error::other("its code is not what was written"));
        }
        let kept = Kept {
            code: code_path,
            kind: header.kind,
        };
        Ok(Some((file, kept)))
    }

    /// Keeps code of a plugin of this kind; if that fails, the code is compiled again another time.
    pub fn put(&self, key: &Key, kind: &str, code: &[u8]) {
        if code.len() as u64 > self.max_bytes {
            tracing::debug!(
                bytes = code.len(),
                max = self.max_bytes,
                "too large for the cache"
            );
        } else if let Err(error) = self.write(key, kind, code) {
            self.warn_once(&error);
        }
    }

    fn write(&self, key: &Key, kind: &str, code: &[u8]) -> io::Result<()> {
        let checksum = files::checksum_of(code);
        let header = Header::new(key, kind, code.len() as u64, checksum);
        files::write_whole(&self.code_path(key, checksum), code)?;
        files::write_whole(&self.header_path(key), &header::encode(&header)?)?;
        evict::shrink(&self.dir, self.max_bytes, &key.stem(), SystemTime::now())
    }

    fn header_path(&self, key: &Key) -> PathBuf {
        self.dir.join(format!("{}.{}", key.stem(), evict::HEADER))
    }

    /// The checksum is in the name, so that two processes that write the same entry at once don't mix their files.
    fn code_path(&self, key: &Key, checksum: u64) -> PathBuf {
        self.dir
            .join(format!("{}.{checksum:016x}.{}", key.stem(), evict::CODE))
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

//! Keeps the cache within its size. Files are removed, never cut: another process may have them mapped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::files::UNFINISHED;
use super::header;

/// The extensions of an entry's files.
pub(super) const HEADER: &str = "header";
pub(super) const CODE: &str = "code";

/// How old a file without a header must be before it is taken for a leftover and not for one in the making.
const LEFTOVER: Duration = Duration::from_secs(3600);

/// The files of one entry.
#[derive(Debug, Default)]
struct CacheEntry {
    files: Vec<PathBuf>,
    bytes: u64,
    /// When it was last used; none without a header.
    used: Option<SystemTime>,
    written: Option<SystemTime>,
}

/// Removes leftovers, and then what was used the longest time ago until the rest fits; `keep` stays.
pub(super) fn shrink(dir: &Path, max_bytes: u64, keep: &str, now: SystemTime) -> io::Result<()> {
    let mut entries = entries(dir)?;
    entries.retain(|stem, entry| {
        let is_leftover = stem != keep && entry.is_leftover(now);
        if is_leftover {
            entry.remove();
        }
        !is_leftover
    });
    let mut total: u64 = entries.values().map(|entry| entry.bytes).sum();
    // What has no header is in the making, by another process or thread.
    let whole = entries
        .iter()
        .filter(|(stem, entry)| *stem != keep && entry.used.is_some());
    let mut oldest_first: Vec<_> = whole.collect();
    oldest_first.sort_by_key(|(_, entry)| entry.used);
    for (stem, entry) in oldest_first {
        if total <= max_bytes {
            break;
        }
        tracing::debug!(entry = %stem, bytes = entry.bytes, "making room in the cache");
        total -= entry.evict();
    }
    Ok(())
}

/// Removes all files of an entry.
pub(super) fn remove_entry(dir: &Path, stem: &str) {
    if let Some(entry) = entries(dir)
        .ok()
        .and_then(|mut entries| entries.remove(stem))
    {
        entry.remove();
    }
}

impl CacheEntry {
    fn is_leftover(&self, now: SystemTime) -> bool {
        let age = |written: SystemTime| now.duration_since(written).unwrap_or_default();
        self.used.is_none() && self.written.is_some_and(|written| age(written) > LEFTOVER)
    }

    /// Removes the header and the code that it names, and says how many bytes these had. Other code is that of an entry in
    /// the making, which takes the place of this one.
    fn evict(&self) -> u64 {
        let Some(code) = self.files.iter().find_map(|path| named_code(path)) else {
            self.remove();
            return self.bytes;
        };
        let of_another = |path: &Path| {
            let name = path.to_string_lossy();
            path.extension().is_some_and(|extension| extension == CODE) && !name.ends_with(&code)
        };
        let (others, own): (Vec<_>, Vec<_>) = self
            .files
            .iter()
            .cloned()
            .partition(|path| of_another(path));
        let size = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        let left: u64 = others.iter().map(size).sum();
        let own = CacheEntry {
            files: own,
            ..CacheEntry::default()
        };
        own.remove();
        self.bytes.saturating_sub(left)
    }

    /// The header first: what is left without it is no entry. Another process may have been faster.
    fn remove(&self) {
        let is_header = |path: &&PathBuf| {
            path.extension()
                .is_some_and(|extension| extension == HEADER)
        };
        let (headers, others): (Vec<_>, Vec<_>) = self.files.iter().partition(is_header);
        for path in headers.into_iter().chain(others) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What the name of the code ends with that this header is of; none for any other file.
fn named_code(path: &Path) -> Option<String> {
    path.extension().filter(|extension| *extension == HEADER)?;
    let header = header::read(&File::open(path).ok()?).ok()?;
    Some(code_suffix(header.checksum))
}

/// What the name of a code file ends with: the checksum, so that two processes that write the same entry at once don't mix
/// their files.
pub(super) fn code_suffix(checksum: u64) -> String {
    format!(".{checksum:016x}.{CODE}")
}

/// What is in the directory, by the entries' stems. Each unfinished file is an entry of its own.
fn entries(dir: &Path) -> io::Result<BTreeMap<String, CacheEntry>> {
    let mut entries: BTreeMap<String, CacheEntry> = BTreeMap::new();
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        let (Ok(name), Ok(metadata)) = (file.file_name().into_string(), file.metadata()) else {
            continue;
        };
        let extension = Path::new(&name).extension().unwrap_or_default();
        let stem = match name.split_once('.') {
            _ if name.starts_with(UNFINISHED) => name.as_str(),
            Some((stem, _)) if extension == HEADER || extension == CODE => stem,
            _ => continue,
        };
        let entry = entries.entry(stem.to_owned()).or_default();
        let modified = metadata.modified().ok();
        entry.files.push(file.path());
        entry.bytes += metadata.len();
        entry.written = entry.written.max(modified);
        if extension == HEADER {
            entry.used = modified;
        }
    }
    Ok(entries)
}

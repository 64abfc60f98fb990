//! The log: changes in the order in which they were made, each with its number and a checksum.
//!
//! ```text
//! header   "tgstate\n" · format u32 · 0 u32 · number of the first change u64 · checksum of these u64
//! change   length of the rest u32 · checksum of the rest u64 ·
//!          number u64 · expires u64 · kind u8 (0 gone, 1 there) · lengths of bucket and key u32 u32 · bucket · key · value
//! ```
//!
//! All numbers are little-endian. Reading ends at the first change that is not whole or not next: what follows was being
//! written when the process or the machine stopped, or is left from an earlier use of the file.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use twox_hash::XxHash3_64;

use super::file::DataFile;
use crate::store::table::{Change, Entry};

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// Bytes of a header.
pub const HEADER: u64 = 32;

const MAGIC: &[u8; 8] = b"tgstate\n";

/// Bytes of a change before its names: length and checksum, and what these are of.
const FRAME: usize = 12;
const HEAD: usize = 25;

/// What is in a log.
#[derive(Debug)]
pub enum Read {
    /// Nothing, or a header that never came to the disk.
    Empty,
    /// Not a log, or its beginning was changed by somebody else.
    Foreign,
    /// A format that this version doesn't know.
    Newer(u32),
    Changes {
        /// The number that its first change has or would have.
        first: u64,
        changes: Vec<Change>,
        /// Bytes behind the last change that are none.
        rest: u64,
    },
}

/// A log's beginning.
pub fn header(first: u64) -> [u8; HEADER as usize] {
    let mut header = [0; HEADER as usize];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    header[16..24].copy_from_slice(&first.to_le_bytes());
    let checksum = XxHash3_64::oneshot(&header[..24]);
    header[24..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Writes a change into a buffer, in place of what was there.
pub fn encode(number: u64, change: &Change, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(FRAME, 0);
    let (expires, kind, value) = match &change.entry {
        Some(entry) => (entry.expires, 1, &entry.value[..]),
        None => (0, 0, &[][..]),
    };
    buffer.extend_from_slice(&number.to_le_bytes());
    buffer.extend_from_slice(&expires.to_le_bytes());
    buffer.push(kind);
    for name in [&change.bucket, &change.key] {
        buffer.extend_from_slice(&length(name.len()).to_le_bytes());
    }
    buffer.extend_from_slice(change.bucket.as_bytes());
    buffer.extend_from_slice(change.key.as_bytes());
    buffer.extend_from_slice(value);
    let checksum = XxHash3_64::oneshot(&buffer[FRAME..]);
    let rest = length(buffer.len() - FRAME);
    buffer[..4].copy_from_slice(&rest.to_le_bytes());
    buffer[4..FRAME].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads all that a log holds.
///
/// # Errors
/// The system's.
pub fn read(file: &DataFile) -> io::Result<Read> {
    let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_at(0, &mut bytes)?;
    Ok(decode(&Bytes::from(bytes)))
}

fn decode(bytes: &Bytes) -> Read {
    let Some(start) = bytes.get(..HEADER as usize) else {
        return Read::Empty;
    };
    // What a file system shows that knew the file's new length, and stopped before it wrote the bytes.
    if start.iter().all(|byte| *byte == 0) {
        return Read::Empty;
    }
    if let Some(format) = u32_at(start, 8)
        && &start[..8] == MAGIC
        && format > FORMAT
    {
        return Read::Newer(format);
    }
    let Some(first) = u64_at(start, 16).filter(|first| *first > 0 && start == header(*first))
    else {
        return Read::Foreign;
    };
    let mut at = HEADER as usize;
    let mut changes = Vec::new();
    while let Some((number, change, length)) = next(bytes, at)
        && number == first + changes.len() as u64
    {
        changes.push(change);
        at += length;
    }
    Read::Changes {
        first,
        changes,
        rest: (bytes.len() - at) as u64,
    }
}

/// The change at a place: its number and how long it is there.
fn next(bytes: &Bytes, at: usize) -> Option<(u64, Change, usize)> {
    let length = u32_at(bytes, at)? as usize;
    let checksum = u64_at(bytes, at + 4)?;
    let start = at + FRAME;
    let rest = bytes.get(start..start.checked_add(length)?)?;
    if XxHash3_64::oneshot(rest) != checksum {
        return None;
    }
    let bucket = HEAD + u32_at(rest, 17)? as usize;
    let key = bucket + u32_at(rest, 21)? as usize;
    let name = |range| Some(Arc::from(std::str::from_utf8(rest.get(range)?).ok()?));
    let value = bytes.slice(start + key.min(length)..start + length);
    let entry = Entry {
        // The log's bytes would stay in memory as long as one of its values does.
        value: Bytes::copy_from_slice(&value),
        expires: u64_at(rest, 8)?,
    };
    let change = Change {
        bucket: name(HEAD..bucket)?,
        key: name(bucket..key)?,
        entry: (*rest.get(16)? == 1).then_some(entry),
    };
    Some((u64_at(rest, 0)?, change, FRAME + length))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// Quotas keep keys and values far below 4 GiB.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

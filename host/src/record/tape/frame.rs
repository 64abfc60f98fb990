//! The bytes around records: header, lengths and checksums. It knows nothing of what records hold.

use std::io::{self, Read};

use twox_hash::XxHash3_64;

use super::error::TapeError;

/// Bytes of a body.
pub const LONGEST: usize = 64 << 20;

/// Bytes before a body.
pub const PREFIX: usize = 4 + 4 + 8 + CHECK;

const MAGIC: [u8; 8] = *b"tolltape";
/// Of the header and of what surrounds bodies.
const VERSION: u32 = 1;
const CHECK: usize = 4;

/// What a tape begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Microseconds since 1970.
    pub created: u64,
}

impl Header {
    pub const LENGTH: usize = 8 + 4 + 8 + CHECK;

    pub fn encode(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.created.to_le_bytes());
        let check = check(&bytes[..20]);
        bytes[20..].copy_from_slice(&check);
        bytes
    }

    fn decode(bytes: &[u8; Self::LENGTH]) -> Result<Self, TapeError> {
        let (magic, rest) = split::<8>(bytes);
        let (version, rest) = split::<4>(rest);
        let (created, rest) = split::<8>(rest);
        if magic != MAGIC {
            return Err(TapeError::NotATape);
        }
        if rest != check(&bytes[..20]) {
            return Err(TapeError::Damaged {
                at: 0,
                records: 0,
                what: "the header is not what was written",
            });
        }
        let found = u32::from_le_bytes(version);
        if found != VERSION {
            return Err(TapeError::Newer {
                found,
                known: VERSION,
            });
        }
        Ok(Self {
            created: u64::from_le_bytes(created),
        })
    }

    /// Whether these bytes are the beginning of a header whose writing broke off.
    pub fn is_begun(bytes: &[u8]) -> bool {
        bytes.len() < Self::LENGTH && MAGIC.starts_with(&bytes[..bytes.len().min(8)])
    }
}

/// Fills in what stands before a body: `record` has [`PREFIX`] bytes for it. None if the body is too long.
pub fn seal(record: &mut [u8], version: u32) -> Option<()> {
    let (prefix, body) = record.split_at_mut_checked(PREFIX)?;
    let length = u32::try_from(body.len()).ok();
    let length = length.filter(|_| body.len() <= LONGEST)?;
    prefix[..4].copy_from_slice(&length.to_le_bytes());
    prefix[4..8].copy_from_slice(&version.to_le_bytes());
    prefix[8..16].copy_from_slice(&XxHash3_64::oneshot(body).to_le_bytes());
    let check = check(&prefix[..16]);
    prefix[16..].copy_from_slice(&check);
    Some(())
}

/// What stands where the next record is looked for.
#[derive(Debug)]
pub enum Found {
    Record {
        version: u32,
        body: Vec<u8>,
    },
    End,
    /// So many bytes of a record that was not written to its end.
    Torn(u64),
    Damaged(&'static str),
}

/// Reads a tape from its beginning.
#[derive(Debug)]
pub struct Frames<R> {
    from: R,
    pub header: Header,
    /// Where the next record begins: all before it is whole.
    pub at: u64,
    /// How many were read.
    pub records: u64,
}

impl<R: Read> Frames<R> {
    /// # Errors
    /// When it is no tape, or a newer one.
    pub fn new(mut from: R) -> Result<Self, TapeError> {
        let mut header = [0; Header::LENGTH];
        if fill(&mut from, &mut header)? < header.len() {
            return Err(TapeError::NotATape);
        }
        Ok(Self {
            from,
            header: Header::decode(&header)?,
            at: Header::LENGTH as u64,
            records: 0,
        })
    }

    /// # Errors
    /// Those of the system.
    pub fn next(&mut self) -> io::Result<Found> {
        let mut prefix = [0; PREFIX];
        match fill(&mut self.from, &mut prefix)? {
            0 => return Ok(Found::End),
            PREFIX => {}
            part => return Ok(Found::Torn(part as u64)),
        }
        let (length, rest) = split::<4>(&prefix);
        let (version, rest) = split::<4>(rest);
        let (checksum, rest) = split::<8>(rest);
        let length = u32::from_le_bytes(length) as usize;
        if rest != check(&prefix[..16]) || length > LONGEST {
            return self.zeros(&prefix);
        }
        let mut body = Vec::new();
        // As much memory as there are bytes.
        let mut part = (&mut self.from).take(length as u64);
        part.read_to_end(&mut body)?;
        let whole = (PREFIX + body.len()) as u64;
        if body.len() < length {
            return Ok(Found::Torn(whole));
        }
        if XxHash3_64::oneshot(&body) != u64::from_le_bytes(checksum) {
            // After a loss of power, the last blocks may be there and empty.
            return Ok(match fill(&mut self.from, &mut [0])? {
                0 => Found::Torn(whole),
                _ => Found::Damaged("a record is not what was written"),
            });
        }
        self.at += whole;
        self.records += 1;
        let version = u32::from_le_bytes(version);
        Ok(Found::Record { version, body })
    }

    /// A file system may have made room that nothing was written to, to the end of the file.
    fn zeros(&mut self, prefix: &[u8]) -> io::Result<Found> {
        let mut zeros = prefix.len() as u64;
        let mut chunk = [0; 4096];
        let mut length = prefix.len();
        chunk[..length].copy_from_slice(prefix);
        while length > 0 {
            if chunk[..length].iter().any(|byte| *byte != 0) {
                return Ok(Found::Damaged(
                    "the length of a record is not what was written",
                ));
            }
            length = fill(&mut self.from, &mut chunk)?;
            zeros += length as u64;
        }
        Ok(Found::Torn(zeros))
    }

    /// The error for damage at the next record.
    pub fn damaged(&self, what: &'static str) -> TapeError {
        TapeError::Damaged {
            at: self.at,
            records: self.records,
            what,
        }
    }
}

/// Reads as many bytes as fit, or as there are.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match from.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let [a, b, c, d, ..] = XxHash3_64::oneshot(bytes).to_le_bytes();
    [a, b, c, d]
}

/// The first bytes and the rest; there are as many.
fn split<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    match bytes.split_first_chunk::<N>() {
        Some((first, rest)) => (*first, rest),
        None => ([0; N], &[]),
    }
}

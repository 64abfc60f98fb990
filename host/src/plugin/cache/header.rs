//! The header of a cache entry, in bincode. Only this module and `record/tape/codec.rs` know bincode.
//!
//! bincode 2.0.1 is no longer maintained (RUSTSEC-2025-0141). It reads only what this program wrote: length and
//! checksum are compared before it gets to see a byte.

use std::fs::File;
use std::io::{self, Read};

use bincode::config::{self, Config};
use serde::{Deserialize, Serialize};

use super::files::{self, Fault};
use super::key::CacheKey;
use crate::plugin::hash::ContentHash;

/// What an entry is and what its code must look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    hash: ContentHash,
    /// As in the entry's name.
    tier: String,
    fingerprint: u64,
    /// Both as in [`KeptCode`](super::KeptCode).
    pub kind: String,
    pub linking: Option<String>,
    /// Of the code, in bytes.
    pub len: u64,
    /// XXH3-64 of the code.
    pub checksum: u64,
}

/// Magic, version of the format, length and checksum of what follows.
const PREFIX: usize = 8 + 4 + 4 + 8;
const MAGIC: [u8; 8] = *b"tollgate";
/// Goes up with every change of [`Header`].
const VERSION: u32 = 4;
/// Far more than a header needs.
const MOST: usize = 4096;

impl Header {
    pub fn new(
        key: &CacheKey,
        (kind, linking): (&str, Option<&str>),
        len: u64,
        checksum: u64,
    ) -> Header {
        let tier = key.tier.to_string();
        Header {
            hash: key.hash,
            tier,
            fingerprint: key.fingerprint,
            kind: kind.to_owned(),
            linking: linking.map(str::to_owned),
            len,
            checksum,
        }
    }

    pub fn is_of(&self, key: &CacheKey) -> bool {
        let what = (&*self.kind, self.linking.as_deref());
        *self == Header::new(key, what, self.len, self.checksum)
    }
}

fn format() -> impl Config {
    config::standard().with_limit::<MOST>()
}

pub(super) fn encode(header: &Header) -> io::Result<Vec<u8>> {
    let body = bincode::serde::encode_to_vec(header, format()).map_err(io::Error::other)?;
    let len = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(PREFIX + body.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(len.to_le_bytes());
    bytes.extend(files::checksum_of(&body).to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

pub(super) fn read(file: &File) -> Result<Header, Fault> {
    let mut bytes = Vec::new();
    file.take((PREFIX + MOST) as u64).read_to_end(&mut bytes)?;
    decode(&bytes).ok_or(Fault::Broken("its header is damaged or of another version"))
}

fn decode(bytes: &[u8]) -> Option<Header> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (checksum, body) = rest.split_first_chunk::<8>()?;
    let is_right = *magic == MAGIC
        && u32::from_le_bytes(*version) == VERSION
        && u32::from_le_bytes(*len) as usize == body.len()
        && u64::from_le_bytes(*checksum) == files::checksum_of(body);
    if !is_right {
        return None;
    }
    let (header, used) = bincode::serde::decode_from_slice(body, format()).ok()?;
    (used == body.len()).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::wasm::Tier;

    fn header() -> Header {
        let key = CacheKey {
            hash: ContentHash::of(b"x"),
            tier: Tier::Optimized,
            fingerprint: u64::MAX,
        };
        Header::new(&key, ("tollgate:proxy@0.1", Some("direct")), 1 << 40, 7)
    }

    #[test]
    fn comes_back_as_it_was() {
        assert_eq!(decode(&encode(&header()).unwrap()), Some(header()));
    }

    #[test]
    fn no_damage_goes_unnoticed() {
        let whole = encode(&header()).unwrap();
        for len in 0..whole.len() {
            assert_eq!(decode(&whole[..len]), None, "cut to {len}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert_eq!(decode(&damaged), None, "byte {at}");
        }
        assert_eq!(decode(&[whole, vec![0]].concat()), None);
    }
}

//! A tape as it is written and read, whatever happens to it in between.

mod damage;
mod rotation;
mod writing;

use std::fs;
use std::io::Read;
use std::path::Path;

use super::*;
use crate::record::Recorded;
use crate::record::sample;

/// A day in microseconds.
const DAY: u64 = 24 * 3600 * 1_000_000;
/// When these tests begin.
const NOW: u64 = 1_790_000_000_000_000;

fn numbered(id: u64) -> Recorded {
    Recorded {
        id,
        ..sample::exchange()
    }
}

fn record(id: u64) -> Vec<u8> {
    encode(&numbered(id)).unwrap()
}

/// A tape with these exchanges.
fn tape(ids: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut bytes = Header { created: NOW }.encode().to_vec();
    bytes.extend(ids.into_iter().flat_map(record));
    bytes
}

/// The exchanges up to the end or the first error, how many bytes were torn, and the error.
fn read(from: impl Read) -> (Vec<Recorded>, Option<u64>, Option<TapeError>) {
    let mut reader = match TapeReader::new(from) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), None, Some(error)),
    };
    let mut exchanges = Vec::new();
    for exchange in &mut reader {
        match exchange {
            Ok(exchange) => exchanges.push(exchange),
            Err(error) => return (exchanges, None, Some(error)),
        }
    }
    (exchanges, reader.torn(), None)
}

/// The ids on a tape that is whole.
fn ids(path: &Path) -> Vec<u64> {
    let (exchanges, torn, error) = read(fs::File::open(path).unwrap());
    assert!(torn.is_none() && error.is_none(), "{torn:?} {error:?}");
    exchanges.into_iter().map(|exchange| exchange.id).collect()
}

#[test]
fn exchanges_come_back_as_they_were() {
    let exchanges = vec![numbered(1), sample::exchange(), numbered(u64::MAX)];
    let mut bytes = Header { created: NOW }.encode().to_vec();
    for exchange in &exchanges {
        bytes.extend(encode(exchange).unwrap());
    }
    let (came, torn, error) = read(&bytes[..]);
    assert!(torn.is_none() && error.is_none());
    assert_eq!(came, exchanges);
    assert_eq!(TapeReader::new(&bytes[..]).unwrap().header().created, NOW);
}

/// A change of what is recorded needs a new version in `codec.rs`, or old tapes would be misread.
#[test]
fn the_format_is_the_one_of_its_version() {
    let bytes = encode(&sample::exchange()).unwrap();
    let (length, checksum) = (bytes.len(), twox_hash::XxHash3_64::oneshot(&bytes));
    assert_eq!(
        (length, checksum),
        (FORMAT_1.0, FORMAT_1.1),
        "raise codec::VERSION, then write down what this is now"
    );
}

const FORMAT_1: (usize, u64) = (521, 11_910_843_080_953_987_851);

#[test]
fn a_record_that_is_too_long_is_none() {
    let mut exchange = sample::exchange();
    exchange.request.content.kept = vec![b'x'; 64 << 20];
    assert!(encode(&exchange).is_none());
    exchange.request.content.kept.truncate(1 << 20);
    assert!(encode(&exchange).is_some());
}

//! The exchanges of a file that is a tape or a HAR.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::record::data::Recorded;
use crate::record::har::{self, HarError};
use crate::record::tape::{self, TapeError, TapeReader};

/// Memory of the exchanges of one file, more or less.
const MOST: usize = 1 << 30;

/// What a tape begins with.
const TAPE: &[u8] = b"tolltape";

/// Why a file has no exchanges.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("can't be read: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Tape(#[from] TapeError),
    #[error("neither a tape nor a HAR: {0}")]
    Har(#[from] HarError),
    #[error(
        "its exchanges take more than 1 GiB of memory; take some of them out with `tollgate tape grep`"
    )]
    TooLarge,
}

/// All exchanges of a file, and how many bytes at its end were skipped because they are of a record that was not written to its end.
///
/// # Errors
/// When it can't be read, is damaged, or is too large.
pub fn read(path: &Path) -> Result<(Vec<Recorded>, Option<u64>), LoadError> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    let mut from = BufReader::with_capacity(1 << 16, file);
    if !from.fill_buf()?.starts_with(TAPE) {
        let mut text = Vec::new();
        from.take(MOST as u64 + 1).read_to_end(&mut text)?;
        if text.len() > MOST {
            return Err(LoadError::TooLarge);
        }
        let entries = har::parse(&text)?.log.entries.into_iter().zip(1..);
        let exchanges = entries.map(|(entry, number)| har::recorded(entry, number));
        return Ok((exchanges.collect::<Result<_, _>>()?, None));
    }
    let mut reader = TapeReader::new(from)?;
    let (mut exchanges, mut weight) = (Vec::new(), 0);
    for exchange in &mut reader {
        let exchange = exchange?;
        weight += tape::weight(&exchange);
        if weight > MOST {
            return Err(LoadError::TooLarge);
        }
        exchanges.push(exchange);
    }
    Ok((exchanges, reader.torn()))
}

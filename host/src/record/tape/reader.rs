//! Reads a tape.

use std::io::Read;

use super::codec;
use super::error::TapeError;
use super::frame::{Found, Frames, Header};
use crate::record::data::Recorded;

/// The exchanges of a tape, in the order in which they ended. It stops at the first error.
#[derive(Debug)]
pub struct TapeReader<R> {
    frames: Frames<R>,
    torn: Option<u64>,
    ended: bool,
}

impl<R: Read> TapeReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is no tape, or a newer one.
    pub fn new(from: R) -> Result<Self, TapeError> {
        Ok(Self {
            frames: Frames::new(from)?,
            torn: None,
            ended: false,
        })
    }

    pub fn header(&self) -> Header {
        self.frames.header
    }

    /// When nothing more comes: how many bytes at the end were skipped, because they are of a record that was not written to its end.
    pub fn torn(&self) -> Option<u64> {
        self.torn
    }

    fn read(&mut self) -> Result<Option<Recorded>, TapeError> {
        let (at, records) = (self.frames.at, self.frames.records);
        match self.frames.next()? {
            Found::Record { version, .. } if version != codec::VERSION => Err(TapeError::Newer {
                found: version,
                known: codec::VERSION,
            }),
            Found::Record { body, .. } => {
                let what = "a record holds something else than an exchange";
                let damaged = TapeError::Damaged { at, records, what };
                codec::decode(&body).map(Some).ok_or(damaged)
            }
            Found::End => Ok(None),
            Found::Torn(bytes) => {
                self.torn = Some(bytes);
                Ok(None)
            }
            Found::Damaged(what) => Err(self.frames.damaged(what)),
        }
    }
}

impl<R: Read> Iterator for TapeReader<R> {
    type Item = Result<Recorded, TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

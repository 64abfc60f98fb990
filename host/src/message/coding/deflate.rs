//! Undoing `deflate`, and doing gzip and deflate: both are made by one encoder.

use flate2::{Compress, Compression, Decompress, FlushCompress, Status};

use super::error::CodingError;
use super::gzip::{difference, inflate};
use super::known::Coding;
use super::step::{Ask, Step};

/// See [`coding`](super) for what it costs, and what zlib's own default would.
const LEVEL: u32 = 4;

/// 32 KiB.
const WINDOW_BITS: u8 = 15;

/// Undoes the zlib format (RFC 1950) or raw deflate (RFC 1951); the first two bytes tell.
#[derive(Debug)]
pub(super) enum DeflateDecoder {
    Undecided(Option<u8>),
    Decided { decoder: Decompress, ended: bool },
}

impl DeflateDecoder {
    pub(super) fn new() -> Self {
        Self::Undecided(None)
    }

    /// Whether the body may end here.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::Decided { ended: true, .. })
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, CodingError> {
        let holds_output = matches!(self, Self::Decided { ended: false, .. });
        if input.is_empty() && !holds_output {
            return Ok(Step { used: 0, made: 0 });
        }
        match self {
            Self::Undecided(None) => {
                *self = Self::Undecided(Some(input[0]));
                Ok(Step { used: 1, made: 0 })
            }
            Self::Undecided(Some(first)) => {
                let first = *first;
                let mut decoder = Decompress::new(is_zlib(first, input[0]));
                // One byte makes no output and no end.
                inflate(&mut decoder, Coding::Deflate, &[first], out)?;
                let (step, ended) = inflate(&mut decoder, Coding::Deflate, input, out)?;
                *self = Self::Decided { decoder, ended };
                Ok(step)
            }
            Self::Decided { ended: true, .. } => Err(CodingError::Trailing(Coding::Deflate)),
            Self::Decided { decoder, ended } => {
                let (step, is_end) = inflate(decoder, Coding::Deflate, input, out)?;
                *ended = is_end;
                Ok(step)
            }
        }
    }
}

/// Whether these are the first two bytes of the zlib format (RFC 1950, section 2.2): the method deflate, a window that it allows, and
/// a check of both bytes. Raw deflate that begins so would be a stored block with bits set that encoders leave at zero.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// Does gzip or the zlib format.
#[derive(Debug)]
pub(super) struct DeflateEncoder {
    coding: Coding,
    compress: Compress,
}

impl DeflateEncoder {
    pub(super) fn gzip() -> Self {
        Self {
            coding: Coding::Gzip,
            compress: Compress::new_gzip(Compression::new(LEVEL), WINDOW_BITS),
        }
    }

    pub(super) fn zlib() -> Self {
        Self {
            coding: Coding::Deflate,
            compress: Compress::new(Compression::new(LEVEL), true),
        }
    }

    /// Tells with the step whether it has done what it was asked to do.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        ask: Ask,
        out: &mut [u8],
    ) -> Result<(Step, bool), CodingError> {
        let flush = match ask {
            Ask::More => FlushCompress::None,
            Ask::Flush => FlushCompress::Sync,
            Ask::End => FlushCompress::Finish,
        };
        let before = (self.compress.total_in(), self.compress.total_out());
        let status = self.compress.compress(input, out, flush);
        let status = status.map_err(|_| CodingError::Encoder(self.coding))?;
        let step = Step {
            used: difference(before.0, self.compress.total_in()),
            made: difference(before.1, self.compress.total_out()),
        };
        let is_done = match ask {
            Ask::End => status == Status::StreamEnd,
            // While the buffer is full there may be more.
            Ask::More | Ask::Flush => step.used == input.len() && step.made < out.len(),
        };
        Ok((step, is_done))
    }
}

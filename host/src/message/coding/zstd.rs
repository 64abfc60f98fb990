//! Undoing and doing Zstandard (RFC 8878).

use std::fmt;

use zstd_safe::zstd_sys::{ZSTD_EndDirective, ZSTD_ErrorCode};
use zstd_safe::{CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer};

use super::error::CodingError;
use super::known::Coding;
use super::step::{Ask, Step};

/// The library's own default. See [`coding`](super) for what it costs.
const LEVEL: i32 = 3;

/// 512 KiB, as for brotli. The level alone would take 2 MiB.
const WINDOW_LOG: u32 = 19;

/// 8 MiB: "decoders [...] MUST support a window size of up to and including 8 MB, encoders MUST NOT generate [...] larger" (RFC 9659,
/// section 3).
const MOST_WINDOW_LOG: u32 = 23;

/// Undoes any number of frames, one behind the other (section 3.1).
pub(super) struct ZstdDecoder {
    context: Option<DCtx<'static>>,
    /// The last byte was the last one of a frame.
    is_between: bool,
    frames: u64,
}

impl ZstdDecoder {
    pub(super) fn new() -> Self {
        let context = DCtx::try_create().and_then(|mut context| {
            let limit = context.set_parameter(DParameter::WindowLogMax(MOST_WINDOW_LOG));
            limit.ok().map(|_| context)
        });
        Self {
            context,
            is_between: false,
            frames: 0,
        }
    }

    /// Whether the body may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.is_between
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, CodingError> {
        let corrupt = CodingError::Corrupt(Coding::Zstd);
        let context = self.context.as_mut().ok_or(corrupt)?;
        if input.is_empty() && self.is_between {
            return Ok(Step { used: 0, made: 0 });
        }
        let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(out));
        let result = context.decompress_stream(&mut to, &mut from);
        let step = Step {
            used: from.pos(),
            made: to.pos(),
        };
        match result {
            Ok(0) => {
                self.is_between = true;
                self.frames += 1;
            }
            Ok(_) => self.is_between &= step.used == 0,
            Err(code) => return Err(error(code, self.frames)),
        }
        Ok(step)
    }
}

fn error(code: usize, frames_before: u64) -> CodingError {
    // An error is given as its negative number.
    let is = |error: ZSTD_ErrorCode| code == (error as usize).wrapping_neg();
    if is(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
        CodingError::Window {
            coding: Coding::Zstd,
            limit: 1 << MOST_WINDOW_LOG,
        }
    } else if is(ZSTD_ErrorCode::ZSTD_error_checksum_wrong) {
        CodingError::Checksum(Coding::Zstd)
    } else if frames_before > 0 && is(ZSTD_ErrorCode::ZSTD_error_prefix_unknown) {
        CodingError::Trailing(Coding::Zstd)
    } else {
        CodingError::Corrupt(Coding::Zstd)
    }
}

impl fmt::Debug for ZstdDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("ZstdDecoder");
        f.field("frames", &self.frames).finish_non_exhaustive()
    }
}

pub(super) struct ZstdEncoder(Option<CCtx<'static>>);

impl ZstdEncoder {
    pub(super) fn new() -> Self {
        let context = CCtx::try_create().and_then(|mut context| {
            for parameter in [
                CParameter::CompressionLevel(LEVEL),
                CParameter::WindowLog(WINDOW_LOG),
            ] {
                context.set_parameter(parameter).ok()?;
            }
            Some(context)
        });
        Self(context)
    }

    /// Tells with the step whether it has done what it was asked to do.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        ask: Ask,
        out: &mut [u8],
    ) -> Result<(Step, bool), CodingError> {
        let failed = CodingError::Encoder(Coding::Zstd);
        let context = self.0.as_mut().ok_or(failed.clone())?;
        let directive = match ask {
            Ask::More => ZSTD_EndDirective::ZSTD_e_continue,
            Ask::Flush => ZSTD_EndDirective::ZSTD_e_flush,
            Ask::End => ZSTD_EndDirective::ZSTD_e_end,
        };
        let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(out));
        let left = context.compress_stream2(&mut to, &mut from, directive);
        let left = left.map_err(|_| failed)?;
        let step = Step {
            used: from.pos(),
            made: to.pos(),
        };
        let is_done = match ask {
            // What is left then is a part of a block, which waits for more.
            Ask::More => step.used == input.len() && step.made < to.capacity(),
            Ask::Flush | Ask::End => left == 0,
        };
        Ok((step, is_done))
    }
}

impl fmt::Debug for ZstdEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZstdEncoder").finish_non_exhaustive()
    }
}

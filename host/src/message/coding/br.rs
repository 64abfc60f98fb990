//! Undoing and doing brotli (RFC 7932).

use std::fmt;

use brotli::enc::StandardAlloc;
use brotli::enc::encode::{
    BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct,
};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::error::CodingError;
use super::known::Coding;
use super::step::{Ask, Step};

/// See [`coding`](super) for what it costs.
const QUALITY: u32 = 4;

/// 256 KiB. A larger window is more memory for each stream, and finds little more.
const WINDOW_BITS: u32 = 18;

/// Bytes after which what was found in them is written. Left to itself the encoder collects for 512 KiB, and takes 4.5 MiB of memory in
/// place of 2 for a coded body that is 0.1 % of the body shorter.
const BLOCK: usize = 64 * 1024;

pub(super) struct BrDecoder {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    ended: bool,
}

impl BrDecoder {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            // Strict: a window of more than 16 MiB is no brotli of RFC 7932.
            state: Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())),
            ended: false,
        }
    }

    /// Whether the body may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.ended
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, CodingError> {
        if self.ended {
            return match input {
                [] => Ok(Step { used: 0, made: 0 }),
                _ => Err(CodingError::Trailing(Coding::Br)),
            };
        }
        let mut step = Step { used: 0, made: 0 };
        let (mut left, mut room) = (input.len(), out.len());
        let result = BrotliDecompressStream(
            &mut left,
            &mut step.used,
            input,
            &mut room,
            &mut step.made,
            out,
            &mut 0,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultFailure => return Err(CodingError::Corrupt(Coding::Br)),
            BrotliResult::ResultSuccess => self.ended = true,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        Ok(step)
    }
}

impl fmt::Debug for BrDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("BrDecoder");
        f.field("ended", &self.ended).finish_non_exhaustive()
    }
}

pub(super) struct BrEncoder {
    state: Box<BrotliEncoderStateStruct<StandardAlloc>>,
    /// Bytes of input until a block ends.
    left_of_block: usize,
}

impl BrEncoder {
    pub(super) fn new() -> Self {
        let mut state = BrotliEncoderStateStruct::new(StandardAlloc::default());
        state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_QUALITY, QUALITY);
        state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_LGWIN, WINDOW_BITS);
        Self {
            state: Box::new(state),
            left_of_block: BLOCK,
        }
    }

    /// Tells with the step whether it has done what it was asked to do.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        ask: Ask,
        out: &mut [u8],
    ) -> Result<(Step, bool), CodingError> {
        let part = &input[..input.len().min(self.left_of_block)];
        let ends_block = part.len() == self.left_of_block;
        let is_all = part.len() == input.len();
        let operation = match ask {
            Ask::End if is_all => BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
            Ask::Flush if is_all => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
            _ if ends_block => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
            _ => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
        };
        let mut step = Step { used: 0, made: 0 };
        let (mut left, mut room) = (part.len(), out.len());
        let is_good = self.state.compress_stream(
            operation,
            &mut left,
            part,
            &mut step.used,
            &mut room,
            out,
            &mut step.made,
            &mut None,
            &mut |_, _, _, _| (),
        );
        if !is_good {
            return Err(CodingError::Encoder(Coding::Br));
        }
        self.left_of_block -= step.used;
        let is_empty = left == 0 && !self.state.has_more_output();
        if is_empty && operation == BrotliEncoderOperation::BROTLI_OPERATION_FLUSH {
            self.left_of_block = BLOCK;
        }
        let is_done = match ask {
            Ask::End => self.state.is_finished(),
            Ask::More | Ask::Flush => is_empty && is_all,
        };
        Ok((step, is_done))
    }
}

impl fmt::Debug for BrEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrEncoder").finish_non_exhaustive()
    }
}

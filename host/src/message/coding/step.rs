//! What a coder of one coding does in one step, and where its output goes.

use bytes::Bytes;

use super::error::CodingError;

/// The most bytes that one step gives.
pub(super) const MOST: usize = 64 * 1024;
const LEAST: usize = 1024;

/// What a coder took and gave in one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) used: usize,
    pub(super) made: usize,
}

/// What an encoder is asked to do when it has taken its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Wait for more.
    More,
    /// Give all that it has taken.
    Flush,
    /// Give it, and the end of the coded data.
    End,
}

/// The buffers for a coder's output. They fit its input, so a stream of small pieces does not take 64 KiB for each.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Bytes of the last buffer, if it was filled: there may be more without more input.
    filled: Option<usize>,
}

impl Output {
    /// Whether the last step filled its buffer.
    pub(super) fn is_full(&self) -> bool {
        self.filled.is_some()
    }

    /// Runs one step of a coder. `expected` is how many bytes are likely to come.
    pub(super) fn of<T>(
        &mut self,
        expected: usize,
        step: impl FnOnce(&mut [u8]) -> Result<(Step, T), CodingError>,
    ) -> Result<(Bytes, usize, T), CodingError> {
        let grown = self.filled.map_or(0, |filled| filled * 4);
        let room = expected.max(grown).clamp(LEAST, MOST);
        let mut out = vec![0; room];
        let (Step { used, made }, rest) = step(&mut out)?;
        self.filled = (made == room).then_some(room);
        let bytes = if made < room / 2 {
            Bytes::copy_from_slice(&out[..made])
        } else {
            out.truncate(made);
            Bytes::from(out)
        };
        Ok((bytes, used, rest))
    }
}

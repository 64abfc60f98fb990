//! Doing a list of codings again as a body flows.

use bytes::{Buf, Bytes};

use super::br::BrEncoder;
use super::codings::Codings;
use super::deflate::DeflateEncoder;
use super::error::CodingError;
use super::known::Coding;
use super::step::{Ask, Output, Step};
use super::zstd::ZstdEncoder;
use crate::message::chunk;

/// Codes one body.
///
/// ```ignore
/// encoder.push(piece);
/// encoder.flush(); // or nothing, or `finish`
/// while let Some(bytes) = encoder.step()? { … }
/// ```
#[derive(Debug)]
pub struct Encoder {
    /// In the order in which the bytes pass them.
    stages: Vec<Stage>,
    chunk: Bytes,
    ask: Ask,
    failed: Option<CodingError>,
}

#[derive(Debug)]
struct Stage {
    encode: Encode,
    input: Bytes,
    output: Output,
    /// What to do behind the input.
    ask: Ask,
    /// What was asked is done; the next stage has to be told.
    is_done: bool,
    /// Bytes came since the last flush.
    holds: bool,
}

#[derive(Debug)]
enum Encode {
    Deflate(DeflateEncoder),
    Br(BrEncoder),
    Zstd(ZstdEncoder),
}

/// What comes out of some stages.
enum Pulled {
    Data(Bytes),
    /// All output up to where this was asked for has come.
    Reached(Ask),
}

impl Encoder {
    /// An encoder of these codings, at the levels that [`coding`](super) tells.
    pub fn new(codings: &Codings) -> Self {
        Self {
            stages: codings.iter().map(Stage::new).collect(),
            chunk: Bytes::new(),
            ask: Ask::More,
            failed: None,
        }
    }

    /// Takes the next bytes of the body. Take all steps before you bring more: otherwise they are copied together here. After
    /// [`finish`](Self::finish) bytes are not taken any more.
    pub fn push(&mut self, bytes: Bytes) {
        if self.ask == Ask::End {
            return;
        }
        chunk::append(&mut self.chunk, bytes);
    }

    /// Asks for all that was pushed, so that it can be decoded at once. It costs some bytes each time (5 for gzip, deflate; up to 3
    /// for br and zstd) and weakens the coding, so flush where a piece must not wait, not behind every chunk. Without new bytes
    /// nothing is flushed.
    pub fn flush(&mut self) {
        if self.ask == Ask::More {
            self.ask = Ask::Flush;
        }
    }

    /// Asks for the end of the coded body. A body without a byte becomes coded data that decodes to nothing.
    pub fn finish(&mut self) {
        self.ask = Ask::End;
    }

    /// The next bytes of the coded body, at most 64 KiB of them; without codings the bytes as they were pushed. None when all that was
    /// asked for has been given.
    ///
    /// # Errors
    /// [`CodingError::Encoder`], which no input makes it return: there is no memory, or a library is broken.
    pub fn step(&mut self) -> Result<Option<Bytes>, CodingError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.pull(self.stages.len()) {
            Ok(Pulled::Data(bytes)) => Ok(Some(bytes)),
            Ok(Pulled::Reached(reached)) => {
                if reached == Ask::Flush && self.ask == Ask::Flush {
                    self.ask = Ask::More;
                }
                Ok(None)
            }
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    fn pull(&mut self, stages: usize) -> Result<Pulled, CodingError> {
        let Some(at) = stages.checked_sub(1) else {
            return Ok(if self.chunk.is_empty() {
                Pulled::Reached(self.ask)
            } else {
                Pulled::Data(std::mem::take(&mut self.chunk))
            });
        };
        loop {
            if let Some(reached) = self.stages[at].reached() {
                return Ok(Pulled::Reached(reached));
            }
            if self.stages[at].needs_input() {
                match self.pull(at)? {
                    Pulled::Data(bytes) => self.stages[at].take(bytes),
                    Pulled::Reached(Ask::More) => return Ok(Pulled::Reached(Ask::More)),
                    Pulled::Reached(ask) => self.stages[at].ask(ask),
                }
                continue;
            }
            let bytes = self.stages[at].step()?;
            if !bytes.is_empty() {
                return Ok(Pulled::Data(bytes));
            }
        }
    }
}

impl Stage {
    fn new(coding: Coding) -> Self {
        Self {
            encode: match coding {
                Coding::Gzip => Encode::Deflate(DeflateEncoder::gzip()),
                Coding::Deflate => Encode::Deflate(DeflateEncoder::zlib()),
                Coding::Br => Encode::Br(BrEncoder::new()),
                Coding::Zstd => Encode::Zstd(ZstdEncoder::new()),
            },
            input: Bytes::new(),
            output: Output::default(),
            ask: Ask::More,
            is_done: true,
            holds: false,
        }
    }

    /// What was asked, once it is done. An end stays.
    fn reached(&mut self) -> Option<Ask> {
        match self.ask {
            Ask::Flush if self.is_done => {
                self.ask = Ask::More;
                self.holds = false;
                Some(Ask::Flush)
            }
            Ask::End if self.is_done => Some(Ask::End),
            _ => None,
        }
    }

    fn needs_input(&self) -> bool {
        self.is_done && self.ask == Ask::More
    }

    fn take(&mut self, bytes: Bytes) {
        self.holds |= !bytes.is_empty();
        self.is_done = bytes.is_empty();
        self.input = bytes;
    }

    fn ask(&mut self, ask: Ask) {
        self.ask = ask;
        // A flush of nothing would cost bytes.
        self.is_done = ask == Ask::Flush && !self.holds;
    }

    fn step(&mut self) -> Result<Bytes, CodingError> {
        let Self {
            encode,
            input,
            output,
            ask,
            ..
        } = self;
        let (bytes, used, is_done) = output.of(input.len(), |out| encode.step(input, *ask, out))?;
        self.input.advance(used);
        self.is_done = is_done;
        Ok(bytes)
    }
}

impl Encode {
    fn step(
        &mut self,
        input: &[u8],
        ask: Ask,
        out: &mut [u8],
    ) -> Result<(Step, bool), CodingError> {
        match self {
            Self::Deflate(encoder) => encoder.step(input, ask, out),
            Self::Br(encoder) => encoder.step(input, ask, out),
            Self::Zstd(encoder) => encoder.step(input, ask, out),
        }
    }
}

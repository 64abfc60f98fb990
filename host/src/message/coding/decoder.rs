//! Undoing a list of codings as a body flows.

use bytes::{Buf, Bytes};

use super::br::BrDecoder;
use super::codings::Codings;
use super::deflate::DeflateDecoder;
use super::error::CodingError;
use super::gzip::GzipDecoder;
use super::known::Coding;
use super::step::{Output, Step};
use super::zstd::ZstdDecoder;
use crate::message::chunk;

/// How much may come out of a coded body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Bytes of the decoded body.
    pub output: u64,
    /// How many times as long as the coded body it may be, once it is longer than [`Self::RATIO_AFTER`].
    pub ratio: u64,
}

impl DecodeLimits {
    /// What a body may unpack to before the ratio counts: 1 MiB. A short body of spaces or zeros is honest, and does no harm.
    pub const RATIO_AFTER: u64 = 1 << 20;

    /// Text, JSON and logs shrink to a fifth or a tenth, very regular ones to a hundredth. Bombs need more: deflate reaches 1032, br and
    /// zstd more than 10,000. So 200 stops a bomb at 200 bytes of work for each byte that it costs its sender.
    pub const RATIO: u64 = 200;
}

/// No limit of the length: a body that flows takes no memory. The ratio is limited.
impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            output: u64::MAX,
            ratio: Self::RATIO,
        }
    }
}

/// Undoes the codings of one body.
///
/// What came can be read as soon as it came: each decoder gives all that its input tells. An empty body is complete, whatever its
/// codings: senders put `content-encoding` on bodies without a byte.
#[derive(Debug)]
pub struct Decoder {
    /// In the order in which the bytes pass them.
    stages: Vec<Stage>,
    limits: DecodeLimits,
    chunk: Bytes,
    /// Bytes of the coded body that were taken.
    came: u64,
    /// Bytes that were given without any coding.
    passed: u64,
    ended: bool,
    failed: Option<CodingError>,
}

#[derive(Debug)]
struct Stage {
    coding: Coding,
    decode: Decode,
    input: Bytes,
    output: Output,
    /// Whether any byte came.
    has_begun: bool,
    made: u64,
}

#[derive(Debug)]
enum Decode {
    Gzip(Box<GzipDecoder>),
    Deflate(Box<DeflateDecoder>),
    Br(BrDecoder),
    Zstd(ZstdDecoder),
}

impl Decoder {
    pub fn new(codings: &Codings, limits: DecodeLimits) -> Self {
        Self {
            stages: codings.iter().rev().map(Stage::new).collect(),
            limits,
            chunk: Bytes::new(),
            came: 0,
            passed: 0,
            ended: false,
            failed: None,
        }
    }

    /// Takes the next chunk of the coded body. Take all steps of one chunk before you bring another: two chunks are copied together here.
    pub fn push(&mut self, chunk: Bytes) {
        chunk::append(&mut self.chunk, chunk);
    }

    /// Tells that no chunk follows.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next bytes of the decoded body, at most 64 KiB of them; without codings the chunk as it came. None when another chunk is
    /// needed. After [`end`](Self::end), none means that the body is complete.
    ///
    /// # Errors
    /// When the coded body is not what its codings make, ends too early or too late, or unpacks to more than the limits allow. The
    /// same error comes again with every later call.
    pub fn step(&mut self) -> Result<Option<Bytes>, CodingError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let bytes = self.pull(self.stages.len());
        let bytes = bytes.and_then(|bytes| {
            if bytes.is_none() && self.ended {
                self.check_end()?;
            }
            Ok(bytes)
        });
        self.failed = bytes.as_ref().err().cloned();
        bytes
    }

    /// What comes out of this many stages.
    fn pull(&mut self, stages: usize) -> Result<Option<Bytes>, CodingError> {
        let Some(at) = stages.checked_sub(1) else {
            return self.coded();
        };
        loop {
            if self.stages[at].input.is_empty() && !self.stages[at].output.is_full() {
                let Some(bytes) = self.pull(at)? else {
                    return Ok(None);
                };
                self.stages[at].has_begun |= !bytes.is_empty();
                self.stages[at].input = bytes;
            }
            let (bytes, used) = self.stages[at].step()?;
            if at == 0 {
                self.came += used as u64;
            }
            self.check_limits(self.stages[at].made)?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    fn coded(&mut self) -> Result<Option<Bytes>, CodingError> {
        if self.chunk.is_empty() {
            return Ok(None);
        }
        let chunk = std::mem::take(&mut self.chunk);
        if self.stages.is_empty() {
            self.passed += chunk.len() as u64;
            self.came = self.passed;
            self.check_limits(self.passed)?;
        }
        Ok(Some(chunk))
    }

    /// What each decoder gives is measured, against what came from the peer: a bomb in a bomb doesn't get the ratio twice.
    fn check_limits(&self, made: u64) -> Result<(), CodingError> {
        let DecodeLimits { output, ratio } = self.limits;
        if made > output {
            return Err(CodingError::TooLong { limit: output });
        }
        if made > DecodeLimits::RATIO_AFTER && made > self.came.saturating_mul(ratio) {
            return Err(CodingError::Ratio { ratio });
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), CodingError> {
        let cut = self.stages.iter().find(|stage| !stage.may_end());
        cut.map_or(Ok(()), |stage| Err(CodingError::Truncated(stage.coding)))
    }
}

impl Stage {
    fn new(coding: Coding) -> Self {
        Self {
            coding,
            decode: match coding {
                Coding::Gzip => Decode::Gzip(Box::new(GzipDecoder::new())),
                Coding::Deflate => Decode::Deflate(Box::new(DeflateDecoder::new())),
                Coding::Br => Decode::Br(BrDecoder::new()),
                Coding::Zstd => Decode::Zstd(ZstdDecoder::new()),
            },
            input: Bytes::new(),
            output: Output::default(),
            has_begun: false,
            made: 0,
        }
    }

    /// Gives its output, and how many bytes of input it took. It gives nothing when it needs more input.
    fn step(&mut self) -> Result<(Bytes, usize), CodingError> {
        let Self {
            decode,
            input,
            output,
            ..
        } = self;
        // Text is about four times as long as its coded form.
        let expected = input.len().saturating_mul(4);
        let (bytes, used, ()) = output.of(expected, |out| Ok((decode.step(input, out)?, ())))?;
        // It took nothing and gave nothing, though it could have: it would do so for ever.
        let is_stuck = bytes.is_empty() && used == 0 && !input.is_empty();
        if is_stuck {
            return Err(CodingError::Corrupt(self.coding));
        }
        self.input.advance(used);
        self.made += bytes.len() as u64;
        Ok((bytes, used))
    }

    fn may_end(&self) -> bool {
        let is_complete = match &self.decode {
            Decode::Gzip(decoder) => decoder.is_complete(),
            Decode::Deflate(decoder) => decoder.is_complete(),
            Decode::Br(decoder) => decoder.is_complete(),
            Decode::Zstd(decoder) => decoder.is_complete(),
        };
        is_complete || !self.has_begun
    }
}

impl Decode {
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, CodingError> {
        match self {
            Self::Gzip(decoder) => decoder.step(input, out),
            Self::Deflate(decoder) => decoder.step(input, out),
            Self::Br(decoder) => decoder.step(input, out),
            Self::Zstd(decoder) => decoder.step(input, out),
        }
    }
}

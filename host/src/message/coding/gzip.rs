//! Undoing gzip (RFC 1952): any number of members, each with a head, deflated data, and a checksum and a length.

use flate2::{Crc, Decompress, FlushDecompress};

use super::error::CodingError;
use super::known::Coding;
use super::step::Step;

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

// Bits of the flags (section 2.3.1).
const HEAD_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Where in a member the next byte stands. Numbers are bytes of that part that have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The ten bytes that each head has.
    Fixed(usize),
    ExtraLength(usize),
    /// How many bytes are left.
    Extra(usize),
    Name,
    Comment,
    HeadCrc(usize),
    Data,
    Tail(usize),
}

#[derive(Debug)]
pub(super) struct GzipDecoder {
    part: Part,
    flags: u8,
    /// The last bytes of a number that is being read.
    number: [u8; 8],
    head: Crc,
    data: Crc,
    inflate: Decompress,
    /// Members that are complete.
    members: u64,
}

impl GzipDecoder {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Fixed(0),
            flags: 0,
            number: [0; 8],
            head: Crc::new(),
            data: Crc::new(),
            inflate: Decompress::new(false),
            members: 0,
        }
    }

    /// Whether the body may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.members > 0 && self.part == Part::Fixed(0)
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, CodingError> {
        let (mut used, mut made) = (0, 0);
        loop {
            if self.part == Part::Data {
                let step = inflate(
                    &mut self.inflate,
                    Coding::Gzip,
                    &input[used..],
                    &mut out[made..],
                )?;
                self.data.update(&out[made..made + step.0.made]);
                used += step.0.used;
                made += step.0.made;
                if !step.1 {
                    break;
                }
                self.part = Part::Tail(0);
            }
            let Some(&byte) = input.get(used) else { break };
            self.take(byte)?;
            used += 1;
        }
        Ok(Step { used, made })
    }

    /// Takes a byte of a head or a tail.
    fn take(&mut self, byte: u8) -> Result<(), CodingError> {
        let is_of_head = !matches!(self.part, Part::HeadCrc(_) | Part::Tail(_));
        if is_of_head {
            self.head.update(&[byte]);
        }
        match self.part {
            Part::Fixed(at) => {
                if MAGIC.get(at).is_some_and(|magic| *magic != byte) {
                    return Err(match self.members {
                        0 => CodingError::Corrupt(Coding::Gzip),
                        _ => CodingError::Trailing(Coding::Gzip),
                    });
                }
                if at == MAGIC.len() {
                    self.flags = byte;
                    if byte & RESERVED != 0 {
                        return Err(CodingError::Corrupt(Coding::Gzip));
                    }
                }
                self.part = match at {
                    9 => self.behind(0),
                    _ => Part::Fixed(at + 1),
                };
            }
            Part::ExtraLength(at) => {
                self.number[at] = byte;
                self.part = match (at, u16::from_le_bytes([self.number[0], byte])) {
                    (0, _) => Part::ExtraLength(1),
                    (_, 0) => self.behind(EXTRA),
                    (_, length) => Part::Extra(length.into()),
                };
            }
            Part::Extra(1) => self.part = self.behind(EXTRA),
            Part::Extra(left) => self.part = Part::Extra(left - 1),
            Part::Name if byte == 0 => self.part = self.behind(NAME),
            Part::Comment if byte == 0 => self.part = self.behind(COMMENT),
            Part::Name | Part::Comment | Part::Data => {}
            Part::HeadCrc(0) => {
                self.number[0] = byte;
                self.part = Part::HeadCrc(1);
            }
            Part::HeadCrc(_) => {
                let told = u32::from(u16::from_le_bytes([self.number[0], byte]));
                if told != self.head.sum() & 0xffff {
                    return Err(CodingError::Checksum(Coding::Gzip));
                }
                self.part = Part::Data;
            }
            Part::Tail(at) => {
                self.number[at] = byte;
                self.part = Part::Tail(at + 1);
                if at + 1 == self.number.len() {
                    self.end_member()?;
                }
            }
        }
        Ok(())
    }

    /// The part of a head behind the one with this flag; 0 is the fixed part.
    fn behind(&self, flag: u8) -> Part {
        let parts = [
            (EXTRA, Part::ExtraLength(0)),
            (NAME, Part::Name),
            (COMMENT, Part::Comment),
        ];
        let next = parts
            .into_iter()
            .find(|(of, _)| *of > flag && self.flags & of != 0);
        match next {
            Some((_, part)) => part,
            None if self.flags & HEAD_CRC != 0 => Part::HeadCrc(0),
            None => Part::Data,
        }
    }

    fn end_member(&mut self) -> Result<(), CodingError> {
        let told = u64::from_le_bytes(self.number);
        let found = u64::from(self.data.sum()) | u64::from(self.data.amount()) << 32;
        if told != found {
            return Err(CodingError::Checksum(Coding::Gzip));
        }
        self.members += 1;
        self.head.reset();
        self.data.reset();
        self.inflate.reset(false);
        self.part = Part::Fixed(0);
        Ok(())
    }
}

/// Inflates a step, and tells whether the deflated data has ended.
pub(super) fn inflate(
    inflate: &mut Decompress,
    coding: Coding,
    input: &[u8],
    out: &mut [u8],
) -> Result<(Step, bool), CodingError> {
    let before = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, out, FlushDecompress::None);
    let status = status.map_err(|error| match error.message() {
        Some("incorrect data check") => CodingError::Checksum(coding),
        _ => CodingError::Corrupt(coding),
    })?;
    let step = Step {
        used: difference(before.0, inflate.total_in()),
        made: difference(before.1, inflate.total_out()),
    };
    Ok((step, status == flate2::Status::StreamEnd))
}

/// Both count the bytes of one step, which are in memory.
#[allow(
    clippy::cast_possible_truncation,
    reason = "it is the length of a slice"
)]
pub(super) fn difference(before: u64, after: u64) -> usize {
    (after - before) as usize
}

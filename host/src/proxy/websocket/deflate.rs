//! permessage-deflate (RFC 7692): the compression of single messages.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::codec::Violation;
use super::extensions::Direction;

/// As for content codings (`message/coding.rs` has the measurements).
const LEVEL: u32 = 4;

/// What a sender takes off the end of a message, and its receiver puts there again.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Undoes the compression of one direction. At rest it holds what messages refer back to, or nothing if they don't.
pub(super) struct Inflater {
    keeps: bool,
    state: Option<Decompress>,
}

impl Inflater {
    pub(super) fn new(direction: Direction) -> Self {
        Self {
            keeps: direction.takeover,
            state: None,
        }
    }

    /// Adds what comes of a part of a message to the message, which may become so long.
    ///
    /// # Errors
    /// When it would become longer, and for what is not compressed.
    pub(super) fn push(
        &mut self,
        mut part: &[u8],
        message: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Violation> {
        // It can read what any smaller window has made.
        let state = self.state.get_or_insert_with(|| Decompress::new(false));
        let mut out = [0; 8 << 10];
        loop {
            let (taken, made) = (state.total_in(), state.total_out());
            let status = state
                .decompress(part, &mut out, FlushDecompress::Sync)
                .map_err(|_| Violation::data("a message is not compressed as it says"))?;
            let taken = usize::try_from(state.total_in() - taken).unwrap_or(part.len());
            let made = usize::try_from(state.total_out() - made).unwrap_or(out.len());
            part = part.get(taken..).unwrap_or_default();
            if message.len() + made > limit {
                return Err(Violation::too_long(limit));
            }
            message.extend_from_slice(&out[..made]);
            if status == Status::StreamEnd {
                // A final block: what follows begins anew (RFC 7692, section 7.2.3.4).
                state.reset(false);
            } else if made < out.len() && (part.is_empty() || taken == 0) {
                break;
            }
        }
        match part.is_empty() {
            true => Ok(()),
            false => Err(Violation::data("a message is not compressed as it says")),
        }
    }

    /// The message is complete.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub(super) fn end(&mut self, message: &mut Vec<u8>, limit: usize) -> Result<(), Violation> {
        self.push(&TAIL, message, limit)?;
        if !self.keeps {
            self.state = None;
        }
        Ok(())
    }
}

thread_local! {
    /// The one that was used last, by its window. A compressor has 256 KiB, so no connection keeps one: messages are compressed
    /// by themselves, which a sender may always do.
    static COMPRESSOR: RefCell<Option<(u8, Compress)>> = const { RefCell::new(None) };
}

/// Compresses a message; none if that makes it no smaller. A sender is free to leave a message as it is.
pub(super) fn compress(direction: Direction, message: &[u8]) -> Option<Vec<u8>> {
    let bits = direction.window_bits;
    // zlib has no window of 256 bytes.
    if bits < 9 || message.is_empty() {
        return None;
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let (_, state) = match kept {
            Some((same, state)) if *same == bits => {
                state.reset();
                kept.as_mut()?
            }
            other => {
                let level = Compression::new(LEVEL);
                let state = Compress::new_with_window_bits(level, false, bits);
                other.insert((bits, state))
            }
        };
        // The tail goes again.
        let mut out = vec![0; message.len() + TAIL.len()];
        loop {
            let taken = usize::try_from(state.total_in()).ok()?;
            let made = usize::try_from(state.total_out()).ok()?;
            if made == out.len() {
                return None;
            }
            let rest = message.get(taken..)?;
            state
                .compress(rest, &mut out[made..], FlushCompress::Sync)
                .ok()?;
            let is_whole = usize::try_from(state.total_in()).ok()? == message.len();
            let made = usize::try_from(state.total_out()).ok()?;
            if is_whole && made < out.len() {
                out.truncate(made);
                break;
            }
        }
        let end = out.len().checked_sub(TAIL.len())?;
        (out.get(end..)? == TAIL).then(|| out.truncate(end))?;
        (out.len() < message.len()).then_some(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direction(takeover: bool, window_bits: u8) -> Direction {
        Direction {
            takeover,
            window_bits,
        }
    }

    /// With what came before, as other senders do.
    fn with_takeover(state: &mut Compress, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() + 100);
        state
            .compress_vec(message, &mut out, FlushCompress::Sync)
            .unwrap();
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - 4);
        out
    }

    fn inflated(inflater: &mut Inflater, parts: &[&[u8]], limit: usize) -> Result<Vec<u8>, u16> {
        let mut message = Vec::new();
        let pushed = parts
            .iter()
            .try_for_each(|part| inflater.push(part, &mut message, limit));
        let ended = pushed.and_then(|()| inflater.end(&mut message, limit));
        ended.map(|()| message).map_err(|violation| violation.code)
    }

    #[test]
    fn messages_are_compressed_by_themselves_and_come_back() {
        let text = b"to be or not to be, that is the question; ".repeat(5000);
        for bits in 9..=15 {
            let way = direction(true, bits);
            for length in [200, 1000, text.len()] {
                let compressed = compress(way, &text[..length]).unwrap();
                assert!(compressed.len() < length);
                let back = inflated(&mut Inflater::new(way), &[&compressed], length);
                assert_eq!(back.unwrap(), &text[..length], "{bits} {length}");
            }
        }
        assert_eq!(compress(direction(true, 8), &text), None);
        assert_eq!(compress(direction(true, 15), b"abc"), None);
        assert_eq!(compress(direction(true, 15), b""), None);
    }

    #[test]
    fn what_refers_back_is_read_byte_by_byte_and_whole() {
        let mut state = Compress::new(Compression::new(6), false);
        let mut inflater = Inflater::new(direction(true, 15));
        for round in 0..50 {
            let message = format!("{{\"type\":\"price\",\"number\":{round},\"symbol\":\"ABC\"}}");
            let compressed = with_takeover(&mut state, message.as_bytes());
            let parts: Vec<&[u8]> = compressed.chunks(1 + round).collect();
            let back = inflated(&mut inflater, &parts, 100).unwrap();
            assert_eq!(back, message.as_bytes());
        }
        assert!(inflater.state.is_some());
        let mut inflater = Inflater::new(direction(false, 15));
        inflated(&mut inflater, &[&[0x4a, 0x04, 0x00]], 100).unwrap();
        assert!(inflater.state.is_none(), "nothing is held");
    }

    /// The examples of RFC 7692, section 7.2.3.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let mut inflater = Inflater::new(direction(true, 15));
        for (compressed, message) in [
            (
                &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
                &b"Hello"[..],
            ),
            (&[0xf2, 0x00, 0x11, 0x00, 0x00], b"Hello"),
            (
                &[
                    0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
                ],
                b"Hello",
            ),
            (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], b"Hello"),
            (
                &[
                    0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
                ],
                b"Hello",
            ),
            (&[0x00], b""),
        ] {
            let back = inflated(&mut inflater, &[compressed], 100);
            assert_eq!(back.as_deref(), Ok(message), "{compressed:x?}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit_and_nonsense_at_once() {
        let zeros = vec![0; 100 << 20];
        let bomb = compress(direction(true, 15), &zeros).unwrap();
        let mut message = Vec::new();
        let mut inflater = Inflater::new(direction(true, 15));
        let error = inflater.push(&bomb, &mut message, 1 << 20).unwrap_err();
        assert_eq!(error.code, 1009);
        assert!(message.capacity() <= 2 << 20, "{}", message.capacity());
        let nonsense = inflated(&mut Inflater::new(direction(true, 15)), &[&[0xff; 9]], 100);
        assert_eq!(nonsense, Err(1007));
        assert_eq!(
            inflated(
                &mut Inflater::new(direction(true, 15)),
                &[&[0x4a, 0x04, 0x00]],
                0
            ),
            Err(1009)
        );
    }
}

//! Bytes that were read from the client and have not gone on to hyper yet.

use hyper::rt::ReadBufCursor;

/// First what may go on, then what may not yet: the beginning of a head, or what nobody has looked at.
///
/// Most connections never need it: their heads come whole.
#[derive(Debug, Default)]
pub struct Held {
    bytes: Vec<u8>,
    /// How many have gone on.
    gone: usize,
    /// Up to where they may.
    free: usize,
    /// How many were held back when they were last looked at.
    seen: usize,
}

impl Held {
    /// Holds back `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What may not go on yet.
    pub fn back(&self) -> &[u8] {
        &self.bytes[self.free..]
    }

    /// Adds to what is held back.
    pub fn hold(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether what was added since the last look can matter: a line has ended, or there is twice as much. Looking at
    /// each byte that comes alone would take time with the square of a head's length.
    pub fn look(&mut self, added: &[u8]) -> bool {
        let len = self.back().len();
        let worth = memchr::memchr(b'\n', added).is_some() || len >= 2 * self.seen;
        if worth {
            self.seen = len;
        }
        worth
    }

    /// The first `n` bytes of those held back may go on.
    pub fn free(&mut self, n: usize) {
        self.free += n;
        if n > 0 {
            self.seen = 0;
        }
    }

    /// What is held back is replaced by bytes that may go on.
    pub fn replace_back(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.free);
        self.bytes.extend_from_slice(bytes);
        self.free = self.bytes.len();
    }

    /// Gives away what may go on, as far as there is room. False if there is nothing.
    pub fn give(&mut self, cursor: &mut ReadBufCursor<'_>) -> bool {
        let n = cursor.remaining().min(self.free - self.gone);
        if n == 0 {
            return false;
        }
        cursor.put_slice(&self.bytes[self.gone..self.gone + n]);
        self.gone += n;
        if self.gone == self.free {
            // An idle connection keeps no memory for this.
            self.bytes = self.bytes.split_off(self.free);
            (self.gone, self.free) = (0, 0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds bytes one by one, as the guard does when they are looked at and no head is complete.
    fn looks(held: &mut Held, bytes: &[u8]) -> usize {
        let look = |byte: &u8| {
            held.hold(&[*byte]);
            let looked = held.look(&[*byte]);
            if looked {
                held.free(0);
            }
            looked
        };
        bytes.iter().map(look).filter(|looked| *looked).count()
    }

    #[test]
    fn single_bytes_are_not_looked_at_again_and_again() {
        let mut held = Held::default();
        assert_eq!(looks(&mut held, &[b'a'; 1024]), 11);
        assert_eq!(looks(&mut held, b"\n"), 1);
        assert_eq!(looks(&mut held, &[b'a'; 1000]), 0);
        assert_eq!(looks(&mut held, b"\r\n\r\n"), 2);
    }

    #[test]
    fn what_follows_a_head_is_looked_at_anew() {
        let mut held = Held::default();
        looks(&mut held, &[b'a'; 1024]);
        held.free(1000);
        assert_eq!(held.back().len(), 24);
        assert_eq!(looks(&mut held, b"b"), 1);
    }
}

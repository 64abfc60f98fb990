//! Says of most names at a glance that they are none of a set: masks are asked for every name of every message.
//!
//! A name is known by its letters and digits alone, in lower case. Its first two, the two behind them, and a hash of all decide. What
//! has escapes is left to whoever undoes them.

/// Letters and digits that there are.
const CODES: usize = 36;

/// Of bytes that are neither letters nor digits, and of those that may begin an escape.
const NOTHING: u8 = 0;
const ESCAPE: u8 = 255;

/// Of each byte the number of its letter or digit, from 1.
const CODE: [u8; 256] = {
    let mut codes = [NOTHING; 256];
    let mut at = 0;
    while at < 10 {
        codes[b'0' as usize + at] = 1 + at as u8;
        at += 1;
    }
    at = 0;
    while at < 26 {
        codes[b'a' as usize + at] = 11 + at as u8;
        codes[b'A' as usize + at] = 11 + at as u8;
        at += 1;
    }
    codes[b'\\' as usize] = ESCAPE;
    codes[b'%' as usize] = ESCAPE;
    codes
};

/// Bits for hashes. With a hundred names one of forty others is taken for one of them.
const HASHES: usize = 4096;

/// A bit for each two letters or digits.
type Pairs = [u64; (CODES * CODES).div_ceil(64)];

/// What is known of a set of names.
#[derive(Debug)]
pub struct Quick {
    /// Those that names begin with.
    first: Pairs,
    /// Those behind them.
    second: Pairs,
    /// A bit for each hash.
    hashes: [u64; HASHES / 64],
}

impl Quick {
    /// Of no names.
    pub const fn new() -> Self {
        Self {
            first: [0; (CODES * CODES).div_ceil(64)],
            second: [0; (CODES * CODES).div_ceil(64)],
            hashes: [0; HASHES / 64],
        }
    }

    /// Adds a name that has nothing but letters and digits, in lower case.
    pub fn add(&mut self, name: &[u8]) {
        if let Some(first) = pair(name) {
            set(&mut self.first, first);
        }
        if let Some(second) = name.get(2..).and_then(pair) {
            set(&mut self.second, second);
        }
        if let Some(hash) = hash(name) {
            set(&mut self.hashes, hash);
        }
    }

    /// False only if this is none of the names, in whatever way it is written.
    #[inline]
    pub fn may_be(&self, name: &[u8]) -> bool {
        if let Some(first) = pair(name) {
            if !is_set(&self.first, first) {
                return false;
            }
            // They are the third and the fourth, as nothing stands between them and the first two.
            if let Some(second) = pair(&name[2..])
                && !is_set(&self.second, second)
            {
                return false;
            }
        }
        hash(name).is_none_or(|hash| is_set(&self.hashes, hash))
    }
}

/// The number of the two letters or digits at the beginning, if there are two.
#[inline]
fn pair(name: &[u8]) -> Option<usize> {
    let [first, second, ..] = name else {
        return None;
    };
    let code = |byte: u8| usize::from(CODE[usize::from(byte)].wrapping_sub(1));
    let (first, second) = (code(*first), code(*second));
    (first < CODES && second < CODES).then_some(first * CODES + second)
}

/// A hash of the letters and digits; none if there may be escapes.
fn hash(name: &[u8]) -> Option<usize> {
    let mut hash = 0_u32;
    for byte in name {
        match CODE[usize::from(*byte)] {
            NOTHING => {}
            ESCAPE => return None,
            code => hash = (hash.rotate_left(5) ^ u32::from(code)).wrapping_mul(0x9e37_79b1),
        }
    }
    // The upper bits depend on all that went in.
    Some((hash >> (u32::BITS - HASHES.trailing_zeros())) as usize)
}

fn set(bits: &mut [u64], at: usize) {
    bits[at / 64] |= 1 << (at % 64);
}

#[inline]
fn is_set(bits: &[u64], at: usize) -> bool {
    bits[at / 64] & 1 << (at % 64) != 0
}

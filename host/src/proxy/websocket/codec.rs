//! What reading and writing share: masks, and why a connection must be closed.

/// Why a connection must be closed, with the code that tells the peers (RFC 6455, section 7.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) code: u16,
    pub(super) why: String,
}

impl Violation {
    /// A peer does not keep to the protocol.
    pub(super) fn protocol(why: impl Into<String>) -> Self {
        let (code, why) = (1002, why.into());
        Self { code, why }
    }

    /// What is in a message is not what it says.
    pub(super) fn data(why: impl Into<String>) -> Self {
        let (code, why) = (1007, why.into());
        Self { code, why }
    }

    pub(super) fn too_long(limit: usize) -> Self {
        let why = format!("a message is longer than {limit} bytes");
        Self { code: 1009, why }
    }
}

/// Masks or unmasks bytes that begin at a position of a frame's payload (RFC 6455, section 5.3). Gives the position behind them.
pub(super) fn mask(data: &mut [u8], key: [u8; 4], position: usize) -> usize {
    let mut key = key;
    key.rotate_left(position % 4);
    let wide = u64::from_ne_bytes([key, key].concat().try_into().unwrap_or_default());
    let mut chunks = data.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let masked = u64::from_ne_bytes((&*chunk).try_into().unwrap_or_default()) ^ wide;
        chunk.copy_from_slice(&masked.to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    (position + data.len()) % 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_goes_on_where_it_stopped() {
        let key = [1, 2, 3, 4];
        let plain: Vec<u8> = (0..100).collect();
        let expected: Vec<u8> = plain
            .iter()
            .zip(key.iter().cycle())
            .map(|(b, k)| b ^ k)
            .collect();
        for cut in 0..plain.len() {
            let mut masked = plain.clone();
            let (one, two) = masked.split_at_mut(cut);
            let position = mask(one, key, 0);
            mask(two, key, position);
            assert_eq!(masked, expected, "{cut}");
        }
    }
}

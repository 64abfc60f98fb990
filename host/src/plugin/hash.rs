//! The name of a plugin's content. Two files with the same bytes are the same plugin, whatever their times say.

use std::fmt;

use sha2::{Digest, Sha256};

/// SHA-256 of a file. `{}` prints all 64 hex digits, `{:.12}` the first 12, as a log line has them.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(Sha256::digest(bytes).into())
    }

    /// The first 12 hex digits, for people.
    pub fn short(&self) -> String {
        format!("{self:.12}")
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        f.pad(&hex)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self:.12})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_long_and_short() {
        let hash = ContentHash::of(b"abc");
        // FIPS 180-4, the example of one block.
        let long = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), long);
        assert_eq!(hash.short(), &long[..12]);
    }
}

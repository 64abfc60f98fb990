//! How a body arrives: in one piece, or cut.

use bytes::Bytes;

/// Where a body is cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cut {
    #[default]
    Whole,
    /// Into pieces of so many bytes, the last of which may be shorter.
    Every(usize),
    /// Into pieces of these lengths, and what is left.
    At(Vec<usize>),
}

impl Cut {
    /// The pieces of a body, none of them empty.
    pub fn pieces(&self, mut body: Bytes) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        let mut lengths = match self {
            Cut::At(lengths) => lengths.as_slice(),
            Cut::Whole | Cut::Every(_) => &[],
        };
        while !body.is_empty() {
            let length = match (self, lengths.split_first()) {
                (Cut::Every(length), _) => *length,
                (_, Some((length, others))) => {
                    lengths = others;
                    *length
                }
                (_, None) => body.len(),
            };
            pieces.push(body.split_to(length.clamp(1, body.len())));
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_and_nothing_is_lost() {
        let cases: [(Cut, &str, &[&str]); 7] = [
            (Cut::Whole, "abcde", &["abcde"]),
            (Cut::Whole, "", &[]),
            (Cut::Every(2), "abcde", &["ab", "cd", "e"]),
            (Cut::Every(9), "abcde", &["abcde"]),
            (Cut::At(vec![1, 3]), "abcde", &["a", "bcd", "e"]),
            (Cut::At(vec![1, 4, 7]), "abcde", &["a", "bcde"]),
            (Cut::At(vec![]), "abcde", &["abcde"]),
        ];
        for (cut, body, expected) in cases {
            assert_eq!(
                cut.pieces(Bytes::from_static(body.as_bytes())),
                expected,
                "{cut:?}"
            );
        }
    }
}

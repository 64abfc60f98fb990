//! Chance, with or without a seed.
//!
//! With a seed, the same requests meet the same fate in every run. Instances come and go, several serve at once, and the
//! exchange's id begins anywhere, so neither a counter in memory nor the id will do: a decision is a function of the
//! seed and the request. What tells a second attempt from the first is in its fields: AWS's SDKs number their attempts
//! in `amz-sdk-request`, and a client of one's own can send any field that `key_fields` names. A client that repeats a
//! request to the bit meets the same fate again.
//!
//! Each decision about a request has a label, so that a further rule doesn't change what the others decide.

use tollgate_plugin::Request;

/// The state that all decisions about one request come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Chance from a random number.
    pub(crate) fn new(random: u64) -> Self {
        Self(mix(random))
    }

    /// Chance from a seed and what makes this request what it is.
    pub(crate) fn seeded(seed: u64, request: &Request, key_fields: &[String]) -> Self {
        let mut chance = Self(mix(seed));
        for part in [request.method(), request.target()] {
            chance = chance.with(part.as_bytes());
        }
        let fields = ["x-amz-target", "content-length"]
            .into_iter()
            .chain(key_fields.iter().map(String::as_str));
        for name in fields {
            for value in request.field_values(name) {
                let text = value.text();
                // The rest of this field is a deadline, which differs from run to run.
                let attempt = text
                    .split(';')
                    .map(str::trim)
                    .find(|part| part.starts_with("attempt="));
                let value = if name == "amz-sdk-request" {
                    attempt.unwrap_or_default()
                } else {
                    &text
                };
                chance = chance.with(name.as_bytes()).with(value.as_bytes());
            }
        }
        chance
    }

    /// Chance that depends on this, too.
    pub(crate) fn with(&self, part: &[u8]) -> Self {
        // FNV-1a over the length and the bytes.
        let length = part.len().to_le_bytes();
        let bytes = length.iter().chain(part);
        Self(mix(bytes.fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })))
    }

    /// Whether what has this label happens.
    pub(crate) fn hits(&self, label: &str, probability: f64) -> bool {
        self.fraction(label) < probability
    }

    /// A number from 0 up to but not including 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are what a double holds"
    )]
    pub(crate) fn fraction(&self, label: &str) -> f64 {
        (self.number(label) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn number(&self, label: &str) -> u64 {
        self.with(label.as_bytes()).0
    }
}

/// SplitMix64's finaliser.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_as_asked_for() {
        for probability in [0.0, 0.01, 0.3, 0.99, 1.0] {
            let hits = (0..20_000)
                .filter(|seed| Chance::new(*seed).hits("x", probability))
                .count();
            let share = f64::from(u32::try_from(hits).unwrap()) / 20_000.0;
            assert!((share - probability).abs() < 0.01, "{probability}: {share}");
        }
        assert!(
            (0..1000)
                .all(|seed| !Chance::new(seed).hits("x", 0.0) && Chance::new(seed).hits("x", 1.0))
        );
    }

    #[test]
    fn labels_and_parts_are_independent_and_not_joined() {
        let chance = Chance::new(1);
        assert_ne!(chance.number("a"), chance.number("b"));
        assert_ne!(chance.with(b"a").with(b"b"), chance.with(b"ab"));
        assert_ne!(chance.with(b"").with(b"a"), chance.with(b"a").with(b""));
        let both = (0..20_000).filter(|seed| {
            let chance = Chance::new(*seed);
            chance.hits("a", 0.5) && chance.hits("b", 0.5)
        });
        let both = both.count();
        assert!((4_600..5_400).contains(&both), "{both}");
    }
}

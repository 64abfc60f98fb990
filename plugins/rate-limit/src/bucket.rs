//! A token bucket: pure, with the time as an argument.

use std::time::Duration;

/// Parts of a token in which it is counted, so that a slow refill is exact.
const PARTS: u128 = 1_000_000;

/// How fast a bucket fills, and how full it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Tokens that come in a period.
    pub requests: u64,
    pub period: Duration,
    /// Tokens that the bucket holds at most.
    pub burst: u64,
}

/// A bucket at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// In parts of a token.
    parts: u128,
    /// Milliseconds since 1970.
    at: u64,
}

/// What came of taking a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub is_allowed: bool,
    /// Whole tokens that are left.
    pub left: u64,
    /// Until the next token comes; none if one is left.
    pub wait: Duration,
}

impl Limit {
    /// How long an empty bucket takes to be full.
    pub fn time_to_fill(&self) -> Duration {
        let millis = u128::from(self.burst) * self.period.as_millis();
        let millis = millis.div_ceil(u128::from(self.requests));
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    fn most(&self) -> u128 {
        u128::from(self.burst) * PARTS
    }
}

impl Bucket {
    pub fn full(limit: &Limit, now: u64) -> Self {
        Self {
            parts: limit.most(),
            at: now,
        }
    }

    /// What [`write`](Self::write) wrote; none for anything else.
    pub fn read(text: &[u8]) -> Option<Self> {
        let (parts, at) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        Some(Self {
            parts: parts.parse().ok()?,
            at: at.parse().ok()?,
        })
    }

    pub fn write(&self) -> Vec<u8> {
        format!("{} {}", self.parts, self.at).into_bytes()
    }

    /// Fills the bucket up to now, and takes a token if there is one. A clock that was set back fills nothing.
    pub fn take(&mut self, limit: &Limit, now: u64) -> Taken {
        let passed = u128::from(now.saturating_sub(self.at));
        let rate = u128::from(limit.requests) * PARTS;
        let period = limit.period.as_millis().max(1);
        let came = passed.saturating_mul(rate) / period;
        let parts = self.parts.saturating_add(came).min(limit.most());
        let is_allowed = parts >= PARTS;
        if is_allowed {
            self.parts = parts - PARTS;
            self.at = self.at.max(now);
        }
        let left = if is_allowed { self.parts } else { parts };
        let missing = PARTS.saturating_sub(left) * period;
        let wait = u64::try_from(missing.div_ceil(rate.max(1))).unwrap_or(u64::MAX);
        Taken {
            is_allowed,
            left: u64::try_from(left / PARTS).unwrap_or(u64::MAX),
            wait: Duration::from_millis(wait),
        }
    }
}

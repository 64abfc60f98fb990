//! The time of day, which tests stop and move.

use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Says what time it is. Expiry goes by the time of day and not by a clock that begins with the process, because it
/// survives a restart; if the clock of the machine is set back, entries live longer by as much.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        milliseconds(since.unwrap_or_default())
    }
}

/// What never expires.
pub(super) const NEVER: u64 = u64::MAX;

/// A time to live in milliseconds: whole ones, at least one, and a century at most, so that no sum overflows anywhere.
pub(super) fn time_to_live(ttl: Duration) -> u64 {
    const CENTURY: u64 = 100 * 366 * 24 * 60 * 60 * 1000;
    milliseconds(ttl).clamp(1, CENTURY)
}

/// When something expires that is written now.
pub(super) fn expiry(now: u64, ttl: Option<Duration>) -> u64 {
    ttl.map_or(NEVER, |ttl| now.saturating_add(time_to_live(ttl)))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

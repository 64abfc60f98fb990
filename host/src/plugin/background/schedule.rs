//! When background work is due.

use std::time::Duration;

use tokio::time::Instant;

/// After how many times its interval a call is due again at the latest.
const MOST_TIMES: u32 = 100;

/// The schedule of one version: at its interval, and less often while its calls fail.
#[derive(Debug, Default)]
pub struct Schedule {
    /// Calls that have failed since the last one that did not.
    failures: u32,
}

impl Schedule {
    /// When the next call begins, after one from `begun` to `ended`.
    pub fn next(
        &mut self,
        every: Duration,
        begun: Instant,
        ended: Instant,
        worked: bool,
    ) -> Instant {
        self.failures = match worked {
            true => 0,
            false => self.failures.saturating_add(1),
        };
        ended.max(begun + self.interval(every))
    }

    /// The time from one call to the next as things are.
    pub fn interval(&self, every: Duration) -> Duration {
        let times = 1u32.checked_shl(self.failures).unwrap_or(MOST_TIMES);
        every.saturating_mul(times.min(MOST_TIMES))
    }

    /// Whether the last call failed.
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn calls_begin_at_the_interval_and_never_before_the_last_one_is_over() {
        let (mut schedule, begun) = (Schedule::default(), Instant::now());
        for (took, next) in [(0, 30), (29, 30), (30, 30), (45, 45)] {
            let ended = begun + took * SECOND;
            let next_call = schedule.next(30 * SECOND, begun, ended, true);
            assert_eq!(next_call, begun + next * SECOND, "{took}");
        }
    }

    #[test]
    fn failures_double_the_interval_up_to_a_hundred_times() {
        let (mut schedule, begun) = (Schedule::default(), Instant::now());
        for times in [2, 4, 8, 16, 32, 64, 100, 100] {
            let next = schedule.next(SECOND, begun, begun, false);
            assert_eq!(next, begun + times * SECOND);
            assert!(schedule.is_failing());
        }
        for _ in 0..100 {
            schedule.next(SECOND, begun, begun, false);
        }
        assert_eq!(schedule.interval(SECOND), 100 * SECOND);
        assert_eq!(schedule.next(SECOND, begun, begun, true), begun + SECOND);
        assert!(!schedule.is_failing());
    }
}

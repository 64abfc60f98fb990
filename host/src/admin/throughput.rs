//! How many exchanges begin in a second, of late.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Looks that are kept: a mean of the last five seconds.
const LOOKS: usize = 6;

/// How often to look.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Counts at moments.
#[derive(Debug, Default)]
pub struct Throughput(Mutex<VecDeque<(Instant, u64)>>);

impl Throughput {
    /// There have been this many now.
    pub fn look(&self, now: Instant, total: u64) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.len() == LOOKS {
            looks.pop_front();
        }
        looks.push_back((now, total));
    }

    /// In a second, as a mean over the last looks; 0 before the second one.
    pub fn per_second(&self) -> f64 {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some((begin, before)), Some((end, after))) = (looks.front(), looks.back()) else {
            return 0.0;
        };
        let seconds = end.duration_since(*begin).as_secs_f64();
        if seconds <= 0.0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let many = after.saturating_sub(*before) as f64;
        // Two digits, which is more than it is worth.
        (many / seconds * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_mean_of_the_last_looks() {
        let (all, begin) = (Throughput::default(), Instant::now());
        assert!(all.per_second().abs() < f64::EPSILON);
        let rate = |second: u64, total: u64| {
            all.look(begin + Duration::from_secs(second), total);
            all.per_second()
        };
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(rate(0, 1000), 0.0));
        assert!(close(rate(1, 1010), 10.0));
        assert!(close(rate(2, 1040), 20.0));
        for second in 3..=7 {
            rate(second, 1040);
        }
        assert!(close(rate(8, 1050), 2.0), "what was before is forgotten");
    }
}

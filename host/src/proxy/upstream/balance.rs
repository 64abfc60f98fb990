//! Which addresses are left out for a while because they failed (passive ejection), and which one takes a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::backend::{Balance, Ejection};

/// How long an ejection can become, in multiples of the first one.
const LONGEST: u32 = 10;

/// The failures of one address.
#[derive(Debug)]
pub(super) struct Health {
    began: Instant,
    /// In a row.
    failures: AtomicU32,
    /// Ejections in a row.
    ejections: AtomicU32,
    /// Milliseconds from `began` to the end of the last ejection; 0 for none, so that a healthy address asks no clock.
    out_until: AtomicU64,
}

impl Health {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            out_until: AtomicU64::new(0),
        }
    }

    /// A response came.
    pub(super) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.failures.store(0, Ordering::Relaxed);
        self.ejections.store(0, Ordering::Relaxed);
        self.out_until.store(0, Ordering::Relaxed);
    }

    /// No connection, or no response. Returns for how long the address is out if it is ejected now.
    ///
    /// An address that is back after its time is out again at its first failure: only a response clears the count.
    pub(super) fn failed(&self, rules: Ejection, now: Instant) -> Option<Duration> {
        let failures = self
            .failures
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        if rules.failures == 0 || failures < rules.failures || self.is_out(now) {
            return None;
        }
        let times = self.ejections.fetch_add(1, Ordering::Relaxed) + 1;
        let time = rules.time * times.min(LONGEST);
        self.out_until
            .store(self.millis(now + time).max(1), Ordering::Relaxed);
        Some(time)
    }

    pub(super) fn is_out(&self, now: Instant) -> bool {
        self.millis(now) < self.out_until.load(Ordering::Relaxed)
    }

    /// As [`is_out`](Self::is_out) at this moment.
    pub(super) fn is_out_now(&self) -> bool {
        self.out_until.load(Ordering::Relaxed) != 0 && self.is_out(Instant::now())
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }
}

/// One request under way to an address, for as long as this lives.
#[derive(Debug)]
pub(super) struct Pending(Arc<AtomicUsize>);

impl Pending {
    pub(super) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is known of an address when a request looks for one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// This request has failed there.
    pub(super) tried: bool,
    /// Ejected.
    pub(super) out: bool,
    /// Requests under way.
    pub(super) pending: usize,
}

/// The address to take among `count`, the `turn`-th choice in all; none when all were tried.
///
/// When all are ejected they count as if none were: a guess beats a certain failure.
pub(super) fn pick(
    balance: Balance,
    turn: usize,
    count: usize,
    candidate: impl Fn(usize) -> Candidate,
) -> Option<usize> {
    let mut best: Option<(usize, Candidate)> = None;
    for index in (0..count).map(|i| (turn + i) % count) {
        let new = candidate(index);
        if new.tried {
            continue;
        }
        let better = match &best {
            None => true,
            Some((_, old)) if old.out != new.out => old.out,
            Some((_, old)) => balance == Balance::LeastPending && new.pending < old.pending,
        };
        if better {
            best = Some((index, new));
        }
        if balance == Balance::RoundRobin && !new.out {
            break;
        }
    }
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Ejection = Ejection {
        failures: 2,
        time: Duration::from_secs(10),
    };

    #[test]
    fn an_address_is_out_after_failures_in_a_row_and_longer_each_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let health = Health::new(start);
        assert_eq!(health.failed(RULES, at(0)), None);
        health.succeeded();
        assert_eq!(health.failed(RULES, at(0)), None, "not in a row");
        assert_eq!(health.failed(RULES, at(0)), Some(RULES.time));
        assert!(health.is_out(at(9)) && !health.is_out(at(10)));
        assert_eq!(health.failed(RULES, at(9)), None, "out already");
        assert_eq!(health.failed(RULES, at(10)), Some(RULES.time * 2));
        assert!(health.is_out(at(29)) && !health.is_out(at(30)));
        health.succeeded();
        assert!(!health.is_out(at(29)));
        assert_eq!(health.failed(RULES, at(31)), None);
        assert_eq!(
            health.failed(RULES, at(31)),
            Some(RULES.time),
            "from the start"
        );
    }

    #[test]
    fn no_failures_allowed_means_no_ejection() {
        let rules = Ejection {
            failures: 0,
            ..RULES
        };
        let health = Health::new(Instant::now());
        for _ in 0..100 {
            assert_eq!(health.failed(rules, Instant::now()), None);
        }
    }

    #[test]
    fn an_ejection_has_a_longest_time() {
        let start = Instant::now();
        let health = Health::new(start);
        let mut now = start;
        let mut longest = Duration::ZERO;
        for _ in 0..30 {
            if let Some(time) = health.failed(RULES, now) {
                longest = longest.max(time);
                now += time;
            }
        }
        assert_eq!(longest, RULES.time * 10);
    }

    fn candidates(all: &[(bool, bool, usize)]) -> impl Fn(usize) -> Candidate {
        let all = all.to_vec();
        move |i| Candidate {
            tried: all[i].0,
            out: all[i].1,
            pending: all[i].2,
        }
    }

    #[test]
    fn a_request_takes_the_next_usable_address() {
        use Balance::{LeastPending, RoundRobin};
        let (ok, out, tried) = ((false, false, 1), (false, true, 0), (true, false, 0));
        for (balance, turn, all, expected) in [
            (RoundRobin, 0, vec![ok, ok, ok], Some(0)),
            (RoundRobin, 4, vec![ok, ok, ok], Some(1)),
            (RoundRobin, 0, vec![out, ok, ok], Some(1)),
            (RoundRobin, 1, vec![out, out], Some(1)),
            (RoundRobin, 0, vec![tried, out], Some(1)),
            (RoundRobin, 0, vec![tried, tried], None),
            (LeastPending, 0, vec![(false, false, 3), ok, ok], Some(1)),
            (LeastPending, 2, vec![(false, false, 3), ok, ok], Some(2)),
            (LeastPending, 0, vec![out, (false, false, 9)], Some(1)),
            (
                LeastPending,
                0,
                vec![(false, true, 5), (false, true, 2)],
                Some(1),
            ),
        ] {
            let picked = pick(balance, turn, all.len(), candidates(&all));
            assert_eq!(picked, expected, "{balance:?} {turn} {all:?}");
        }
    }
}

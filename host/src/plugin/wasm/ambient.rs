//! The time and the random numbers that a plugin gets: the machine's own, or those of a test.

use std::sync::Arc;
use std::time::Duration;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::SeedableRng as _;
use tokio::runtime::Handle;
use tokio::time::Instant;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock};

use crate::store::Clock;

/// What WASI's clocks and random numbers say. By default the truth.
#[derive(Debug, Clone, Default)]
pub struct Ambient {
    /// None: the machine's clocks.
    pub clock: Option<PausedClock>,
    /// What the random numbers of every new instance begin from (ChaCha8). None: the system's randomness.
    pub seed: Option<u64>,
}

impl Ambient {
    /// Gives it to the context of a new instance.
    pub fn apply(&self, wasi: &mut WasiCtxBuilder) {
        if let Some(clock) = &self.clock {
            wasi.wall_clock(clock.clone());
            wasi.monotonic_clock(clock.clone());
        }
        if let Some(seed) = self.seed {
            wasi.secure_random(ChaCha8Rng::seed_from_u64(seed));
            wasi.insecure_random(ChaCha8Rng::seed_from_u64(seed));
            wasi.insecure_random_seed(u128::from(seed));
        }
    }
}

/// Where the monotonic clock of a test begins, in nanoseconds. Not at 0: Go's runtime ends with an error there.
const MONOTONIC_BEGIN: u64 = 1_000_000_000;

/// The clocks of a runtime whose time is paused ([`tokio::time::pause`]): they stand still while a guest computes, and when
/// everything waits they are at the end of the first wait at once. Clones are the same.
///
/// The wall clock begins at a given time, the monotonic clock at one second.
#[derive(Debug, Clone)]
pub struct PausedClock(Arc<Begin>);

#[derive(Debug)]
struct Begin {
    /// Of the runtime. Who asks need not be one of its threads.
    runtime: Handle,
    at: Instant,
    /// Since 1970-01-01T00:00:00Z.
    wall: Duration,
}

impl PausedClock {
    /// It begins now, and `wall` after 1970-01-01T00:00:00Z.
    pub fn new(wall: Duration, runtime: &Handle) -> Self {
        let at = now(runtime);
        Self(Arc::new(Begin {
            runtime: runtime.clone(),
            at,
            wall,
        }))
    }

    /// The time that was waited since it began.
    fn passed(&self) -> Duration {
        now(&self.0.runtime).saturating_duration_since(self.0.at)
    }
}

fn now(runtime: &Handle) -> Instant {
    let _inside = runtime.enter();
    Instant::now()
}

impl HostWallClock for PausedClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0.wall.saturating_add(self.passed())
    }
}

impl HostMonotonicClock for PausedClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        let passed = u64::try_from(self.passed().as_nanos()).unwrap_or(u64::MAX);
        MONOTONIC_BEGIN.saturating_add(passed)
    }
}

/// For what a store holds: entries expire by the wall clock.
impl Clock for PausedClock {
    fn now(&self) -> u64 {
        u64::try_from(HostWallClock::now(self).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_by_what_is_waited_and_by_nothing_else() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let clock = PausedClock::new(Duration::from_secs(9), runtime.handle());
        let times = |clock: &PausedClock| {
            (
                HostWallClock::now(clock).as_millis(),
                HostMonotonicClock::now(clock),
            )
        };
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(times(&clock), (9_000, MONOTONIC_BEGIN));
        runtime.block_on(async { tokio::time::sleep(Duration::from_secs(3600)).await });
        assert_eq!(
            times(&clock),
            (3_609_000, MONOTONIC_BEGIN + 3_600_000_000_000)
        );
        // The threads of a store look too.
        let other = clock.clone();
        let seen = std::thread::spawn(move || Clock::now(&other)).join();
        assert_eq!(seen.unwrap(), 3_609_000);
    }
}

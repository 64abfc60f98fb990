//! The time and the random numbers that a plugin gets: the machine's own, or fixed ones for tests.

use std::time::Duration;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::SeedableRng as _;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::clocks::HostWallClock;

/// What `wasi:clocks/wall-clock` and `wasi:random` say. By default the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ambient {
    /// The time since 1970-01-01T00:00:00Z at which the wall clock stands. None: the machine's clock.
    pub now: Option<Duration>,
    /// What the random numbers of every new instance begin from (ChaCha8). None: the system's randomness.
    pub seed: Option<u64>,
}

impl Ambient {
    /// Gives it to the context of a new instance. The monotonic clock stays the machine's, as waiting needs one that goes.
    pub fn apply(self, wasi: &mut WasiCtxBuilder) {
        if let Some(now) = self.now {
            wasi.wall_clock(Standing(now));
        }
        if let Some(seed) = self.seed {
            wasi.secure_random(ChaCha8Rng::seed_from_u64(seed));
            wasi.insecure_random(ChaCha8Rng::seed_from_u64(seed));
            wasi.insecure_random_seed(u128::from(seed));
        }
    }
}

/// A wall clock that doesn't go.
struct Standing(Duration);

impl HostWallClock for Standing {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

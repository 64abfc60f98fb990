//! The wall clock, and waiting.

use core::time::Duration;

/// The time of day, in milliseconds since 1970-01-01T00:00:00Z.
pub fn unix_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

/// The time of day, as the time since 1970-01-01T00:00:00Z. The clock may be set back, so don't use it to measure durations.
pub fn since_1970() -> Duration {
    crate::host::now()
}

/// The time of day. It also works on `wasm32-unknown-unknown`, where `SystemTime::now` panics.
///
/// ```
/// use std::time::SystemTime;
/// use tollgate_plugin::{Plugin, Request, Result, Verdict, clocks, testing};
///
/// #[derive(serde::Deserialize)]
/// struct Stamps;
///
/// impl Plugin for Stamps {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         let now: SystemTime = clocks::now();
///         let seconds = now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
///         request.set_field("x-seconds", seconds.to_string())?;
///         Ok(Verdict::Forward)
///     }
/// }
///
/// // In a test the time is fixed; `testing::Exchange::now` sets it.
/// assert_eq!(testing::exchange().run::<Stamps>().request.field("x-seconds"), Some("1767225600"));
/// ```
#[cfg(any(feature = "std", not(target_family = "wasm")))]
pub fn now() -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + since_1970()
}

/// Waits, in whole milliseconds (rounded up), without blocking the host. The time does not count as CPU time. A call of a hook may
/// wait at most 120 seconds in all.
///
/// ```
/// use std::time::Duration;
/// use tollgate_plugin::{Plugin, Request, Result, Verdict, clocks, testing};
///
/// #[derive(serde::Deserialize)]
/// struct Slow;
///
/// impl Plugin for Slow {
///     fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
///         clocks::sleep(Duration::from_millis(200));
///         Ok(Verdict::Forward)
///     }
/// }
///
/// // A test doesn't wait.
/// assert_eq!(testing::exchange().run::<Slow>().slept, Duration::from_millis(200));
/// ```
pub fn sleep(duration: Duration) {
    let ms = duration.as_nanos().div_ceil(1_000_000);
    crate::host::sleep(u64::try_from(ms).unwrap_or(u64::MAX));
}

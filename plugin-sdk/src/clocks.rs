//! Waiting, through `wasi:clocks` and `wasi:io`. Behind the feature `clocks`.

use core::time::Duration;

/// Waits. The guest is suspended and no thread is held; the time is not billed as CPU time, but no call may take longer
/// than two minutes with all its waiting.
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
    crate::host::sleep(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
}

//! Waiting, through `wasi:clocks` and `wasi:io`. Behind the feature `clocks`.

use std::time::Duration;

/// Waits. The guest is suspended, no thread is held; the time counts against the plugin's deadline.
pub fn sleep(duration: Duration) {
    crate::host::sleep(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
}

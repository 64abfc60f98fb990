//! What plugins do beside changing messages.

use std::time::Duration;

/// A line that a plugin logged or printed.
#[derive(Debug, Clone)]
pub struct Said {
    /// From the exchange's beginning.
    pub at: Duration,
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub level: &'static str,
    pub text: String,
}

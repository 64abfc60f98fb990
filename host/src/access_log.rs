//! The access log: one line for each finished exchange, in a form that the configuration chooses.
//!
//! What a line looks like is decided by pure functions ([`AccessFormat`], [`AccessEntry`]). One thread writes the lines
//! ([`AccessLog`]), so no exchange ever waits for a disk.

mod entry;
mod escape;
mod format;
mod json;
mod observer;
mod variable;
mod writer;

pub use entry::AccessEntry;
pub use format::AccessFormat;
pub use observer::{AccessObserver, Mask};
pub use variable::VARIABLES;
pub use writer::{AccessLog, AccessTarget};

/// The table `[access-log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogConfig {
    pub target: AccessTarget,
    pub format: AccessFormat,
}

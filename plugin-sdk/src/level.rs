//! Levels of the host's log.

/// The level of a line. The host's log filter decides which levels are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step, for debugging the plugin in detail.
    Trace,
    /// Details that explain the plugin's decisions.
    Debug,
    /// Normal events.
    Info,
    /// A problem that the plugin can handle.
    Warn,
    /// An error.
    Error,
}

//! Why there is no log.

use std::io;

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "{origin}: {directive:?} is not a log filter; expected a level (off, error, warn, info, \
         debug, trace) or target=level, with commas between several{advice}"
    )]
    Filter {
        /// `--log` or `TOLLGATE_LOG`.
        origin: &'static str,
        directive: String,
        advice: String,
    },
    #[error("the log was already started")]
    Started,
    #[error("cannot start the thread that writes the log: {0}")]
    Thread(#[from] io::Error),
}

//! Lines for the host's log, which names plugin and exchange: `info!("…")` and its siblings.
//!
//! A line costs one host call whether the host keeps it or not.

use std::fmt::Arguments;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Writes a line, formatted as by [`format!`], at level trace.
#[macro_export]
macro_rules! trace {
    ($($line:tt)+) => { $crate::log($crate::Level::Trace, ::core::format_args!($($line)+)) };
}

/// Writes a line, formatted as by [`format!`], at level debug.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log($crate::Level::Debug, ::core::format_args!($($line)+)) };
}

/// Writes a line, formatted as by [`format!`], at level info.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log($crate::Level::Info, ::core::format_args!($($line)+)) };
}

/// Writes a line, formatted as by [`format!`], at level warn.
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::log($crate::Level::Warn, ::core::format_args!($($line)+)) };
}

/// Writes a line, formatted as by [`format!`], at level error.
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::log($crate::Level::Error, ::core::format_args!($($line)+)) };
}

/// Writes a line to the host's log; the macros [`info!`](crate::info) and so on are shorter.
pub fn log(level: Level, line: Arguments<'_>) {
    match line.as_str() {
        Some(text) => crate::host::log(level, "", text),
        None => crate::host::log(level, "", &line.to_string()),
    }
}

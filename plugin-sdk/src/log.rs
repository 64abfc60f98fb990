//! Lines for the host's log, which names plugin and exchange: `info!("…")` and its siblings.
//!
//! A line costs one host call whether the host keeps it or not.

use alloc::string::ToString;
use core::fmt::Arguments;

/// How much a line matters; the host's configuration says from which level on it keeps lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step, for whoever looks for a mistake in the plugin.
    Trace,
    /// What helps to follow the plugin's decisions.
    Debug,
    /// What happened.
    Info,
    /// What is odd but can be coped with.
    Warn,
    /// What went wrong.
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
///
/// ```
/// use tollgate_plugin::{Level, Plugin, Request, Result, Verdict, info, testing};
///
/// #[derive(serde::Deserialize)]
/// struct Says;
///
/// impl Plugin for Says {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         info!("{} {}", request.method(), request.target());
///         Ok(Verdict::Forward)
///     }
/// }
///
/// let outcome = testing::exchange().target("/x").run::<Says>();
/// assert_eq!(outcome.log, [(Level::Info, "GET /x".to_owned())]);
/// ```
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

/// Writes a line at level info, in place of the standard library's macro, whose text is lost on `wasm32-unknown-unknown`.
///
/// ```
/// use tollgate_plugin::{Level, Plugin, Request, Result, Verdict, eprintln, println, testing};
///
/// #[derive(serde::Deserialize)]
/// struct Prints;
///
/// impl Plugin for Prints {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         println!("{}", request.path());
///         eprintln!("no {}", "token");
///         Ok(Verdict::Forward)
///     }
/// }
///
/// let outcome = testing::exchange().run::<Prints>();
/// assert_eq!(outcome.log, [(Level::Info, "/".to_owned()), (Level::Warn, "no token".to_owned())]);
/// ```
#[macro_export]
macro_rules! println {
    () => { $crate::log($crate::Level::Info, ::core::format_args!("")) };
    ($($line:tt)+) => { $crate::log($crate::Level::Info, ::core::format_args!($($line)+)) };
}

/// Writes a line at level warn, in place of the standard library's macro; see [`println!`](crate::println).
#[macro_export]
macro_rules! eprintln {
    () => { $crate::log($crate::Level::Warn, ::core::format_args!("")) };
    ($($line:tt)+) => { $crate::log($crate::Level::Warn, ::core::format_args!($($line)+)) };
}

/// Writes an expression with its value and place at level debug, and gives the value back, in place of the standard
/// library's macro; see [`println!`](crate::println).
#[macro_export]
macro_rules! dbg {
    ($value:expr $(,)?) => {
        match $value {
            value => {
                $crate::debug!("[{}:{}] {} = {:?}", ::core::file!(), ::core::line!(), ::core::stringify!($value), &value);
                value
            }
        }
    };
    ($($value:expr),+ $(,)?) => { ($($crate::dbg!($value)),+,) };
}

/// Writes a line to the host's log; the macros [`info!`](crate::info) and so on are shorter.
///
/// ```no_run
/// tollgate_plugin::log(tollgate_plugin::Level::Warn, format_args!("{} left", 3));
/// ```
pub fn log(level: Level, line: Arguments<'_>) {
    match line.as_str() {
        Some(text) => crate::host::log(level, "", text),
        None => crate::host::log(level, "", &line.to_string()),
    }
}

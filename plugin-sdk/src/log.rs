//! Macros that write lines to the host's log: `info!("…")` and the other levels. The host adds the names of the plugin and
//! the exchange.
//!
//! Each line is one host call, even if the host discards the line.

use alloc::string::ToString;
use core::fmt::Arguments;

use crate::Level;

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

/// Writes a line at level info. The text of the standard library's macro is lost on `wasm32-unknown-unknown`.
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

/// Writes a line at level warn. Use it instead of the standard library's macro; see [`println!`](crate::println).
#[macro_export]
macro_rules! eprintln {
    () => { $crate::log($crate::Level::Warn, ::core::format_args!("")) };
    ($($line:tt)+) => { $crate::log($crate::Level::Warn, ::core::format_args!($($line)+)) };
}

/// Writes an expression with its value and location at level debug, and returns the value. Use it instead of the standard
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

/// Writes a line to the host's log. The macros such as [`info!`](crate::info) are shorter.
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

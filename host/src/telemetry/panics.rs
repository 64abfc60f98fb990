//! A panic is told in the log: who, where and why, whatever became of stderr. The hook of the standard library writes to
//! stderr itself and waits for it; where that is full, the thread would stand still.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

use super::entry;
use super::writer::LogWriter;
use crate::text;

/// Tells panics in this log from now on.
pub fn tell_in(log: LogWriter) {
    std::panic::set_hook(Box::new(move |panic| log.push(told(panic))));
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let place = panic
        .location()
        .map_or_else(|| "an unknown place".to_owned(), |place| place.to_string());
    let mut said = format!(
        "thread `{}` panicked at {place}: {}; this is a mistake in tollgate, please report it",
        thread.name().unwrap_or("unnamed"),
        text::lines(&message(panic.payload())),
    );
    // With RUST_BACKTRACE=1.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        said += &format!("\n{trace}");
    }
    entry::of_our_own("ERROR", "tollgate::panic", &said)
}

/// What a panic was given to say.
pub fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => "no message".to_owned(),
    }
}

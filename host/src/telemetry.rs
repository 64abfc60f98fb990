//! The log: lines on stderr, chosen by a filter, written by a thread of its own.
//!
//! Stdout is left to what a command prints. Colours are for terminals, and `NO_COLOR` turns them
//! off there too.

mod entry;
mod error;
mod filter;
mod panics;
mod recent;
mod writer;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use writer::LogWriter;
pub use writer::{write_all, write_some};

pub use error::TelemetryError;
pub use panics::message as panic_message;
pub use recent::{LogLine, NewLines, RecentLines};

/// The log of this process, once it is started.
static LOG: OnceLock<LogWriter> = OnceLock::new();

/// Its last lines, once somebody has asked for them.
static RECENT: OnceLock<RecentLines> = OnceLock::new();

/// How long the end of the process waits for the last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Starts the log with the filter of the flag, else of `TOLLGATE_LOG`, else of `RUST_LOG`, else `info`. Panics are told in
/// it from now on.
///
/// # Errors
/// When a filter can't be understood (any of them, as with every other setting), when this process has a log already, or
/// when there can be no further thread.
pub fn start(flag: Option<&str>) -> Result<(), TelemetryError> {
    let chosen = filter::chosen(flag, |name| std::env::var_os(name))?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = io::stderr().is_terminal() && !plain;
    // Not through `io::Stderr` itself: its lock would be held for as long as a full pipe keeps the thread.
    let log = LogWriter::start(|bytes| writer::write_some(io::stderr().as_fd(), bytes))?;
    LOG.set(log.clone()).map_err(|_| TelemetryError::Started)?;
    panics::tell_in(log.clone());
    tracing_subscriber::fmt()
        .compact()
        .with_writer(Entries { log, colours })
        .with_ansi(colours)
        // It would do so by `eprintln!`, which panics when stderr is gone.
        .log_internal_errors(false)
        .with_env_filter(chosen.filter)
        .finish()
        .with(chosen.plugins)
        .try_init()
        .map_err(|_| TelemetryError::Started)?;
    if !chosen.ignored.is_empty() {
        let parts = chosen.ignored.join(", ");
        tracing::warn!(
            "RUST_LOG: {parts:?} is not understood and ignored; TOLLGATE_LOG and --log go before it"
        );
    }
    Ok(())
}

/// The last lines of the log. They are kept from the first call on.
pub fn recent() -> &'static RecentLines {
    RECENT.get_or_init(RecentLines::default)
}

/// Waits a moment for the last lines of the log to be written, before the process ends. A stderr that takes nothing doesn't
/// hold it up for longer than a second.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.flush(LAST_LINES);
    }
}

/// Lines of the log that were lost since the start.
pub fn dropped() -> u64 {
    LOG.get().map_or(0, LogWriter::dropped)
}

/// Says something on stderr that is no entry of the log, and doesn't mind if nobody can hear it.
pub fn say(text: &str) {
    let text = entry::escaped(text);
    match LOG.get() {
        Some(log) => log.push(text),
        None => {
            let bytes = text.into_bytes();
            let _ = writer::write_all(&bytes, |some| {
                writer::write_some(io::stderr().as_fd(), some)
            });
        }
    }
}

/// Puts an error into the log that must be there whatever the filter says.
pub fn last_word(target: &str, text: &str) {
    let entry = entry::of_our_own("ERROR", target, text);
    match LOG.get() {
        Some(log) => log.push(entry),
        None => say(entry.trim_end()),
    }
}

/// Prints on stdout, from a thread of its own: nobody waits for a reader that doesn't read. A failure is told in the log
/// and has no other consequence.
pub fn print(text: String) {
    let printing = move || {
        let printed = writer::write_all(text.as_bytes(), |some| {
            writer::write_some(io::stdout().as_fd(), some)
        });
        if let Err((_, error)) = printed {
            tracing::warn!("can't print on stdout ({error}); serving goes on without");
        }
    };
    // Short-lived, and nothing depends on it.
    let thread = std::thread::Builder::new().name("print".to_owned());
    if let Err(error) = thread.spawn(printing) {
        tracing::warn!("can't print on stdout: no further thread: {error}");
    }
}

/// Where `tracing` puts what it has formatted.
struct Entries {
    log: LogWriter,
    colours: bool,
}

impl<'a> MakeWriter<'a> for Entries {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl io::Write for &Entries {
    /// One entry, as `tracing-subscriber` gives it in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let entry = entry::finished(&text, self.colours);
        if let Some(recent) = RECENT.get() {
            recent.push(&entry);
        }
        self.log.push(entry);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! What one instance says: its standard output and error, and what it logs, as lines in the host's log that name the plugin
//! and the exchange.
//!
//! Text without a line end is a line when its call is over, however it ended; so nothing is lost at a trap or with the
//! instance, nor read as a part of another exchange. What one call may say is bounded.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tracing::Level;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::version::PluginVersion;
use crate::message::{ExchangeId, Trace};
use crate::text;

/// Bytes that are held back until their line ends.
const LONGEST_LINE: usize = text::LONGEST;

/// What one call may say. Each line costs about a hundred bytes in the log beside its text.
const MOST_BYTES: usize = 64 << 10;
const MOST_LINES: usize = 1000;

/// What stands for the exchange while an instance is made, and in background work; trials have the host's own, which is number 0.
const START: u64 = u64::MAX;
const BACKGROUND: u64 = u64::MAX - 1;
const TRIAL: u64 = 0;

/// One instance's way into the log. Clones are the same.
#[derive(Debug, Clone)]
pub struct Voice(Arc<VoiceState>);

#[derive(Debug)]
struct VoiceState {
    version: Arc<PluginVersion>,
    /// That of the call in hand.
    exchange: AtomicU64,
    /// This version was on trial before and only says the same again.
    muted: AtomicBool,
    /// The call in hand has said something.
    spoke: AtomicBool,
    /// What the call in hand says is taken down.
    heard: AtomicBool,
    said: Mutex<Said>,
}

/// By the call in hand.
#[derive(Debug, Default)]
struct Said {
    /// Of standard output and error, what has no line end yet.
    out: Vec<u8>,
    err: Vec<u8>,
    bytes: usize,
    lines: usize,
    /// Bytes beyond what a call may say.
    dropped: usize,
    /// Who takes it down. Not longer than the call lasts: an instance outlives exchanges.
    trace: Trace,
}

impl Voice {
    pub fn new(version: &Arc<PluginVersion>) -> Self {
        Self(Arc::new(VoiceState {
            version: version.clone(),
            exchange: AtomicU64::new(START),
            muted: AtomicBool::new(false),
            spoke: AtomicBool::new(false),
            heard: AtomicBool::new(false),
            said: Mutex::default(),
        }))
    }

    /// A call for this exchange begins.
    pub fn begin(&self, exchange: ExchangeId) {
        // One call at a time, so no need for dearer instructions.
        let before = self.0.exchange.load(Ordering::Relaxed);
        self.0.exchange.store(exchange.0, Ordering::Relaxed);
        match (before == TRIAL, exchange.0 == TRIAL) {
            (false, true) => {
                let again = self.0.version.was_on_trial();
                self.0.muted.store(again, Ordering::Relaxed);
            }
            (true, false) => self.0.muted.store(false, Ordering::Relaxed),
            _ => {}
        }
    }

    /// The same, and what it says is taken down.
    pub fn begin_heard(&self, exchange: ExchangeId, trace: &Trace) {
        self.begin(exchange);
        if trace.is_full() {
            self.0.said().trace = trace.clone();
            self.0.heard.store(true, Ordering::Relaxed);
        }
    }

    /// A call for no exchange begins.
    pub fn begin_background(&self) {
        self.begin(ExchangeId(BACKGROUND));
    }

    /// The call is over, or the making of the instance.
    pub fn end(&self) {
        if self.0.spoke.load(Ordering::Relaxed) {
            self.0.spoke.store(false, Ordering::Relaxed);
            self.0.finish(&mut self.0.said());
        }
        if self.0.heard.load(Ordering::Relaxed) {
            self.0.heard.store(false, Ordering::Relaxed);
            let trace = std::mem::take(&mut self.0.said().trace);
            // It may be the last that the exchange waits for.
            drop(trace);
        }
    }

    /// A text of one or more lines, from `wasi:logging`.
    pub fn log(&self, level: Level, message: &str) {
        if !is_logged(level) && !self.0.heard.load(Ordering::Relaxed) {
            return;
        }
        self.0.spoke.store(true, Ordering::Relaxed);
        let mut said = self.0.said();
        for line in message.lines() {
            self.0.line(&mut said, level, line);
        }
    }

    pub fn stdout(&self) -> Printed {
        Printed {
            voice: self.clone(),
            is_error: false,
        }
    }

    pub fn stderr(&self) -> Printed {
        Printed {
            voice: self.clone(),
            is_error: true,
        }
    }
}

impl VoiceState {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, is_error: bool, bytes: &[u8]) {
        self.spoke.store(true, Ordering::Relaxed);
        let mut said = self.said();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.print_piece(&mut said, is_error, piece);
        }
    }

    /// No more than a line. What is too long for one goes on in the next.
    fn print_piece(&self, said: &mut Said, is_error: bool, mut piece: &[u8]) {
        while !piece.is_empty() {
            if said.is_full() {
                said.dropped += piece.len();
                return;
            }
            let line = said.unfinished(is_error);
            let (now, later) = piece.split_at(piece.len().min(LONGEST_LINE - line.len()));
            line.extend_from_slice(now);
            piece = later;
            if line.last() == Some(&b'\n') || line.len() == LONGEST_LINE {
                let text = take_letters(line);
                self.line(said, level_of(is_error), &text);
            }
        }
    }

    /// Says one line, if the call may say one more.
    fn line(&self, said: &mut Said, level: Level, line: &str) {
        let text = text::line(line.trim_end());
        if text.is_empty() {
            return;
        }
        if said.is_full() {
            said.dropped += line.len();
            return;
        }
        said.lines += 1;
        said.bytes += text.len();
        self.tell(&said.trace, level, &text);
    }

    /// Says what is left when a call is over; the next one may say as much again.
    fn finish(&self, said: &mut Said) {
        for is_error in [false, true] {
            let rest = std::mem::take(said.unfinished(is_error));
            self.line(said, level_of(is_error), &String::from_utf8_lossy(&rest));
        }
        if said.dropped > 0 {
            let dropped = said.dropped;
            self.tell(
                &said.trace,
                Level::WARN,
                &format!(
                    "{dropped} more bytes of text were dropped: in one call a plugin may write {MOST_LINES} lines and \
                     {MOST_BYTES} bytes to the log"
                ),
            );
        }
        *said = Said {
            trace: std::mem::take(&mut said.trace),
            ..Said::default()
        };
    }

    fn tell(&self, trace: &Trace, level: Level, text: &str) {
        trace.said(name_of(level), text);
        if self.muted.load(Ordering::Relaxed) {
            return;
        }
        let plugin = self.version.name.as_str();
        let exchange = Told(self.exchange.load(Ordering::Relaxed));
        match level {
            Level::TRACE => tracing::trace!(target: "plugin", plugin, %exchange, "{text}"),
            Level::DEBUG => tracing::debug!(target: "plugin", plugin, %exchange, "{text}"),
            Level::INFO => tracing::info!(target: "plugin", plugin, %exchange, "{text}"),
            Level::WARN => tracing::warn!(target: "plugin", plugin, %exchange, "{text}"),
            Level::ERROR => tracing::error!(target: "plugin", plugin, %exchange, "{text}"),
        }
    }
}

impl Drop for VoiceState {
    /// The instance is gone: a call was given up, or there was none that could have ended.
    fn drop(&mut self) {
        let mut said = std::mem::take(&mut *self.said());
        self.finish(&mut said);
    }
}

impl Said {
    fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES || self.lines >= MOST_LINES
    }

    fn unfinished(&mut self, is_error: bool) -> &mut Vec<u8> {
        if is_error {
            &mut self.err
        } else {
            &mut self.out
        }
    }
}

/// How the exchange is named in a line.
struct Told(u64);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            START => f.write_str("start"),
            TRIAL => f.write_str("trial"),
            BACKGROUND => f.write_str("background"),
            id => ExchangeId(id).fmt(f),
        }
    }
}

fn name_of(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

fn level_of(is_error: bool) -> Level {
    if is_error { Level::WARN } else { Level::INFO }
}

/// Whether anybody hears of plugins' lines of this level; one that nobody hears doesn't count.
fn is_logged(level: Level) -> bool {
    match level {
        Level::TRACE => tracing::enabled!(target: "plugin", Level::TRACE),
        Level::DEBUG => tracing::enabled!(target: "plugin", Level::DEBUG),
        Level::INFO => tracing::enabled!(target: "plugin", Level::INFO),
        Level::WARN => tracing::enabled!(target: "plugin", Level::WARN),
        Level::ERROR => tracing::enabled!(target: "plugin", Level::ERROR),
    }
}

/// Takes the text out of a line, but leaves a letter at its end of which a part is missing.
fn take_letters(line: &mut Vec<u8>) -> String {
    let end = match std::str::from_utf8(line) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => line.len(),
    };
    let rest = line.split_off(end);
    let text = String::from_utf8_lossy(line).into_owned();
    *line = rest;
    text
}

/// A guest's standard output or error: `print` is how most languages speak up first.
#[derive(Debug, Clone)]
pub struct Printed {
    voice: Voice,
    is_error: bool,
}

impl IsTerminal for Printed {
    /// wasi-libc and CPython hold text back until a line ends where they write to a terminal, and for as long as they like
    /// where they don't.
    fn is_terminal(&self) -> bool {
        true
    }
}

impl StdoutStream for Printed {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

/// WASI 0.2.
impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.voice.0.print(self.is_error, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

/// WASI 0.3.
impl AsyncWrite for Printed {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.voice.0.print(self.is_error, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::config::{PluginConfig, PluginLimits};
    use crate::plugin::hash::ContentHash;

    /// A log to look into.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Log;
        fn make_writer(&'a self) -> Log {
            self.clone()
        }
    }

    /// What is in the log after this, a line each, without its time.
    fn logged(say: impl FnOnce(Voice)) -> Vec<String> {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .compact()
            .without_time()
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        let config = PluginConfig::new(PluginLimits::default());
        let version = Arc::new(PluginVersion::new(
            "p".to_owned(),
            ContentHash::of(b""),
            config,
        ));
        tracing::subscriber::with_default(subscriber, || say(Voice::new(&version)));
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| line.trim_start().to_owned())
            .collect()
    }

    fn info(text: &str, exchange: &str) -> String {
        format!("INFO plugin: {text} plugin=\"p\" exchange={exchange}")
    }

    #[test]
    fn text_without_a_line_end_ends_with_its_call() {
        let lines = logged(|voice| {
            let mut out = voice.stdout();
            out.write("starting".into()).unwrap();
            voice.end();
            voice.begin(ExchangeId(1));
            out.write("a\r\n\nb".into()).unwrap();
            out.write("c\nd".into()).unwrap();
            voice.end();
            voice.begin(ExchangeId(2));
            voice.end();
            voice.begin(ExchangeId(3));
            out.write("last words".into()).unwrap();
            // No end: the instance goes in mid-call.
        });
        let one = "0000000000000001";
        let expected = [
            info("starting", "start"),
            info("a", one),
            info("bc", one),
            info("d", one),
            info("last words", "0000000000000003"),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_trial_says_that_it_is_one_and_says_it_once() {
        let lines = logged(|voice| {
            voice.begin(ExchangeId(TRIAL));
            voice.stdout().write("printed".into()).unwrap();
            voice.log(Level::INFO, "logged");
            voice.end();
            voice.begin(ExchangeId(TRIAL));
            voice.log(Level::INFO, "second hook");
            voice.end();
            let better_code = Voice::new(&voice.0.version);
            better_code.begin(ExchangeId(TRIAL));
            better_code.log(Level::INFO, "again");
            better_code.end();
            better_code.begin(ExchangeId(1));
            better_code.log(Level::INFO, "in service");
        });
        let expected = [
            info("logged", "trial"),
            info("printed", "trial"),
            info("second hook", "trial"),
            info("in service", "0000000000000001"),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn one_call_says_no_more_than_it_may() {
        let lines = logged(|voice| {
            voice.begin(ExchangeId(1));
            let flood = Bytes::from("x\n".repeat(MOST_LINES) + "y\n");
            voice.stdout().write(flood).unwrap();
            voice.end();
            voice.begin(ExchangeId(2));
            voice.log(Level::INFO, &"z".repeat(MOST_BYTES * 300));
            voice
                .stderr()
                .write(vec![b'e'; MOST_BYTES * 2].into())
                .unwrap();
            voice.end();
        });
        assert!(
            lines[MOST_LINES].starts_with("WARN plugin: 2 more bytes of text"),
            "{}",
            lines[MOST_LINES]
        );
        let second = &lines[MOST_LINES + 1..];
        assert!(second.iter().map(String::len).sum::<usize>() < MOST_BYTES + 20_000);
        assert!(
            second
                .last()
                .unwrap()
                .contains(" more bytes of text were dropped")
        );
        assert!(second[0].contains("more bytes)"), "one line is cut");
    }

    #[test]
    fn several_lines_are_several_entries_and_letters_stay_whole() {
        let lines = logged(|voice| {
            voice.begin(ExchangeId(1));
            voice.log(Level::ERROR, "Traceback:\n  File\n\x1b[31mValueError\n");
            voice
                .stderr()
                .write("ü".repeat(LONGEST_LINE / 2 - 1).into())
                .unwrap();
            voice.stderr().write("aüb".into()).unwrap();
            voice.end();
        });
        assert!(
            lines[0].starts_with("ERROR plugin: Traceback: plugin="),
            "{}",
            lines[0]
        );
        assert!(
            lines[1].starts_with("ERROR plugin:   File plugin="),
            "{}",
            lines[1]
        );
        assert!(
            lines[2].starts_with("ERROR plugin: \\u{1b}[31mValueError plugin="),
            "{}",
            lines[2]
        );
        assert!(
            lines[3].starts_with("WARN plugin: üü") && lines[3].contains("üa plugin="),
            "{}",
            lines[3]
        );
        assert!(
            lines[4].starts_with("WARN plugin: üb plugin="),
            "{}",
            lines[4]
        );
    }

    #[test]
    fn wasi_0_3_prints_too() {
        let printing = |voice: Voice| {
            let mut out = Box::into_pin(voice.stdout().async_stream());
            let mut context = Context::from_waker(std::task::Waker::noop());
            voice.begin(ExchangeId(1));
            let written = out.as_mut().poll_write(&mut context, b"one\ntwo");
            assert!(matches!(written, Poll::Ready(Ok(7))), "{written:?}");
            voice.end();
        };
        let lines = logged(printing);
        let one = "0000000000000001";
        assert_eq!(lines, [info("one", one), info("two", one)]);
    }
}

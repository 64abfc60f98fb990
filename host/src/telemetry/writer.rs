//! Who writes the log: one thread, so that nobody else ever waits for stderr.
//!
//! Lines wait in a bounded queue. What doesn't fit, or can't be written because the disk is full or nobody reads, is lost
//! and counted; the count is told in the place of the lines as soon as writing works again. This is what
//! `tracing-appender`'s lossy writer does, with what that lacks: a bound in bytes, a count of the lines that failed to be
//! written, patience with a full pipe that doesn't block.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::entry;

/// Bytes of lines that may wait to be written.
const MOST_WAITING: usize = 4 << 20;

/// How soon to try again what a non-blocking file doesn't take now; doubled each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Takes lines and never waits. Clones give them to the same thread.
#[derive(Debug, Clone, Default)]
pub struct LogWriter(Arc<LogQueue>);

#[derive(Debug, Default)]
struct LogQueue {
    queue: Mutex<Queue>,
    /// Told when there is something to write, and when all is written.
    changed: Condvar,
    /// Lines that were lost, for whatever reason.
    dropped: AtomicU64,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<QueuedLine>,
    /// Bytes of the lines that are not written yet, the one in hand included.
    waiting: usize,
    /// Lines that found no room since the last one that did.
    lost: u64,
}

#[derive(Debug, Default)]
struct QueuedLine {
    text: String,
    /// How many found no room before it.
    lost_before: u64,
}

impl LogWriter {
    /// A log that is written by a thread of its own, with this function (as `write(2)`).
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(
        write: impl FnMut(&[u8]) -> io::Result<usize> + Send + 'static,
    ) -> io::Result<Self> {
        let log = Self::default();
        let shared = log.0.clone();
        let mut scribe = Scribe {
            write,
            lost: 0,
            why: None,
            in_mid_line: false,
        };
        let work = move || {
            loop {
                // All that a mistake here can break is the line in hand, so going on is safe.
                let writing = std::panic::AssertUnwindSafe(|| scribe.write_next(&shared));
                if std::panic::catch_unwind(writing).is_err() {
                    scribe.lost += 1;
                }
            }
        };
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(work)?;
        Ok(log)
    }

    /// Takes a text that ends with its line, or drops it if too much waits already.
    pub fn push(&self, text: String) {
        let mut queue = self.0.lock();
        if queue.waiting + text.len() > MOST_WAITING {
            queue.lost += 1;
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.waiting += text.len();
        let lost_before = std::mem::take(&mut queue.lost);
        queue.lines.push_back(QueuedLine { text, lost_before });
        drop(queue);
        self.0.changed.notify_all();
    }

    /// Lines that were lost so far.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, but not longer than this. Whether everything was.
    pub fn flush(&self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        let mut queue = self.0.lock();
        while queue.waiting > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl LogQueue {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next line. One without text when lines were lost and none came since.
    fn next(&self) -> QueuedLine {
        let mut queue = self.lock();
        loop {
            if let Some(line) = queue.lines.pop_front() {
                return line;
            }
            if queue.lost > 0 {
                return QueuedLine {
                    text: String::new(),
                    lost_before: std::mem::take(&mut queue.lost),
                };
            }
            let waited = self.changed.wait(queue);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, bytes: usize) {
        let mut queue = self.lock();
        queue.waiting -= bytes;
        if queue.waiting == 0 {
            drop(queue);
            self.changed.notify_all();
        }
    }
}

/// The thread's own: how to write, and what it could not.
struct Scribe<W> {
    write: W,
    /// Lines that are lost and not told yet.
    lost: u64,
    /// Why the last one that was tried could not be written.
    why: Option<io::Error>,
    /// A line was written in part.
    in_mid_line: bool,
}

impl<W: FnMut(&[u8]) -> io::Result<usize>> Scribe<W> {
    fn write_next(&mut self, shared: &LogQueue) {
        let line = shared.next();
        let bytes = line.text.len();
        self.lost += line.lost_before;
        let lost = self.lost;
        self.write_line(&line.text);
        if self.lost > lost {
            shared
                .dropped
                .fetch_add(self.lost - lost, Ordering::Relaxed);
        }
        shared.done(bytes);
    }

    /// Writes a line, and before it what there is to tell about lost ones.
    fn write_line(&mut self, text: &str) {
        let mut all = String::new();
        if self.in_mid_line {
            all.push('\n');
        }
        if self.lost > 0 {
            all += &self.loss();
        }
        all += text;
        match write_all(all.as_bytes(), &mut self.write) {
            Ok(()) => (self.lost, self.why, self.in_mid_line) = (0, None, false),
            Err((written, error)) => {
                self.in_mid_line |= written > 0;
                self.lost += u64::from(!text.is_empty());
                self.why = Some(error);
            }
        }
    }

    fn loss(&self) -> String {
        let lines = if self.lost == 1 { "line" } else { "lines" };
        let mut said = format!("{} log {lines} lost: ", self.lost);
        // Writing to a string does not fail.
        let _ = match &self.why {
            Some(error) => write!(said, "stderr could not be written ({error})"),
            None => write!(said, "they came faster than stderr could be written"),
        };
        entry::of_our_own(" WARN", "tollgate::telemetry", &said)
    }
}

/// Writes everything, however long a full file keeps it waiting.
///
/// # Errors
/// When it can't be written, with how much was.
pub fn write_all(
    bytes: &[u8],
    mut write: impl FnMut(&[u8]) -> io::Result<usize>,
) -> Result<(), (usize, io::Error)> {
    let (mut written, mut pause) = (0, SHORTEST_PAUSE);
    while written < bytes.len() {
        match write(&bytes[written..]) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
            Ok(more) => {
                written += more;
                pause = SHORTEST_PAUSE;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Full, and of the kind that doesn't wait by itself. Its reader may take something soon, or never.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}

/// As `write(2)`: without a lock that others would wait for, and without a buffer.
///
/// # Errors
/// Those of the system.
pub fn write_some(file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(file, bytes)?)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const BOUND: Duration = Duration::from_secs(20);

    /// A log whose every attempt to write is answered by the test, and what was written.
    struct Scripted {
        log: LogWriter,
        attempts: mpsc::Receiver<String>,
        answers: mpsc::Sender<io::Result<usize>>,
    }

    fn scripted() -> Scripted {
        let (tried, attempts) = mpsc::channel();
        let (answers, next) = mpsc::channel();
        let log = LogWriter::start(move |bytes: &[u8]| {
            let _ = tried.send(String::from_utf8(bytes.to_vec()).unwrap());
            next.recv().unwrap_or(Ok(bytes.len()))
        });
        Scripted {
            log: log.unwrap(),
            attempts,
            answers,
        }
    }

    impl Scripted {
        fn push(&self, text: &str) {
            self.log.push(text.to_owned());
        }

        /// What is tried to be written next, answered.
        fn next(&self, answer: impl FnOnce(&str) -> io::Result<usize>) -> String {
            let text = self.attempts.recv_timeout(BOUND).unwrap();
            self.answers.send(answer(&text)).unwrap();
            text
        }
    }

    fn all(text: &str) -> io::Result<usize> {
        Ok(text.len())
    }

    fn full(_: &str) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    #[test]
    fn lost_lines_are_told_once_when_writing_works_again() {
        let log = scripted();
        log.push("a\n");
        assert_eq!(log.next(full), "a\n");
        log.push("b\n");
        let tried = log.next(full);
        assert!(
            tried.contains("1 log line lost: stderr could not be written (no storage space)"),
            "{tried}"
        );
        log.push("c\n");
        let tried = log.next(all);
        assert!(
            tried.contains(" WARN tollgate::telemetry: 2 log lines lost")
                && tried.ends_with("\nc\n"),
            "{tried}"
        );
        log.push("d\n");
        assert_eq!(log.next(all), "d\n");
        assert!(log.log.flush(BOUND));
    }

    #[test]
    fn a_line_that_broke_off_is_ended_first() {
        let log = scripted();
        log.push("abc\n");
        log.next(|_| Ok(1));
        assert_eq!(log.next(full), "bc\n");
        log.push("d\n");
        let tried = log.next(all);
        assert!(
            tried.starts_with('\n') && tried.ends_with("\nd\n"),
            "{tried}"
        );
    }

    #[test]
    fn a_full_pipe_is_tried_again() {
        let log = scripted();
        log.push("ab\n");
        log.next(|_| Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!(log.next(|_| Ok(1)), "ab\n");
        log.next(|_| Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!(log.next(all), "b\n");
        assert!(log.log.flush(BOUND));
    }

    #[test]
    fn what_finds_no_room_is_counted_where_it_is_missing() {
        let log = scripted();
        log.push("first\n");
        // It is being written, and that takes its time.
        let first = log.attempts.recv_timeout(BOUND).unwrap();
        let line = format!("{}\n", "x".repeat(9999));
        for _ in 0..MOST_WAITING / line.len() + 7 {
            log.push(&line);
        }
        assert!(
            !log.log.flush(Duration::from_millis(10)),
            "it never waits for long"
        );
        log.answers.send(all(&first)).unwrap();
        for _ in 0..MOST_WAITING / line.len() {
            assert_eq!(log.next(all), line);
        }
        let told = log.next(all);
        assert!(
            told.contains("7 log lines lost: they came faster"),
            "{told}"
        );
        log.push("after\n");
        assert_eq!(log.next(all), "after\n");
    }

    #[test]
    fn a_mistake_in_writing_costs_one_line() {
        let mut panics = true;
        let (sender, written) = mpsc::channel();
        let log = LogWriter::start(move |bytes: &[u8]| {
            assert!(!std::mem::take(&mut panics), "only once");
            let _ = sender.send(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        });
        let log = log.unwrap();
        log.push("a\n".to_owned());
        log.push("b\n".to_owned());
        let text = written.recv_timeout(BOUND).unwrap();
        assert!(
            text.contains("1 log line lost") && text.ends_with("\nb\n"),
            "{text}"
        );
    }
}

//! Who writes the access log: one thread, so that no exchange waits for a disk or a reader.
//!
//! Lines wait in one buffer, which the thread takes as a whole and writes at once, a moment after the first: to be woken and to write for
//! each would cost more than the line. What doesn't fit, or can't be written, is lost
//! and counted. The file is opened anew when its name stands for another one (logrotate renames it), and on demand (SIGHUP).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::essential;
use crate::stamp::FileId;
use crate::telemetry::{write_all, write_some};

/// Bytes of lines that may wait to be written.
const MOST_WAITING: usize = 4 << 20;

/// How long more lines are waited for when one has come.
const GATHERING: Duration = Duration::from_millis(5);

/// How often it is told at most that lines come faster than they can be written.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessTarget {
    Stdout,
    File(PathBuf),
}

impl std::fmt::Display for AccessTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Takes lines and never waits. Clones give them to the same thread.
#[derive(Debug, Clone, Default)]
pub struct AccessLog(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Told when there is something to do, and when all is done.
    changed: Condvar,
    written: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Batch,
    /// The thread is at work on what it took.
    is_busy: bool,
    reopen: bool,
}

/// Whole lines.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
    /// How many found no room behind these.
    lost: u64,
}

impl AccessLog {
    /// Opens the target and starts the thread.
    ///
    /// # Errors
    /// When the file can't be opened for writing, or the thread can't be started.
    pub fn start(target: AccessTarget) -> io::Result<Self> {
        let output = Output::open(target)?;
        let log = Self::default();
        let shared = log.0.clone();
        let mut scribe = Scribe::new(output);
        essential::thread("access log", move || {
            loop {
                let (batch, reopen) = shared.next();
                // All that a mistake here can break is the lines in hand, so going on is safe.
                let work =
                    std::panic::AssertUnwindSafe(|| scribe.write(&batch, reopen, Instant::now()));
                let written = std::panic::catch_unwind(work).unwrap_or(false);
                shared.done(&batch, written);
            }
        })?;
        Ok(log)
    }

    /// Takes a line with its end, or drops it if too much waits already.
    pub fn push(&self, line: &str) {
        let mut queue = self.0.lock();
        let waiting = &mut queue.waiting;
        if waiting.bytes.len() + line.len() > MOST_WAITING {
            waiting.lost += 1;
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let is_first = waiting.lines == 0;
        waiting.bytes.extend_from_slice(line.as_bytes());
        waiting.lines += 1;
        drop(queue);
        if is_first {
            self.0.changed.notify_all();
        }
    }

    /// Has the file opened anew, before anything else is written.
    pub fn reopen(&self) {
        self.0.lock().reopen = true;
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, but not longer than this. Whether everything was.
    pub fn flush(&self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        let mut queue = self.0.lock();
        while queue.is_busy || queue.waiting.lines > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Lines that were written.
    pub fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// Lines that were lost.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines and gathers some, or for the order to open the file anew.
    fn next(&self) -> (Batch, bool) {
        let has_nothing = |queue: &mut Queue| queue.waiting.lines == 0 && !queue.reopen;
        let waited = self.changed.wait_while(self.lock(), has_nothing);
        let queue = waited.unwrap_or_else(PoisonError::into_inner);
        let gathers = |queue: &mut Queue| !queue.reopen;
        let waited = self.changed.wait_timeout_while(queue, GATHERING, gathers);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        queue.is_busy = true;
        let reopen = std::mem::take(&mut queue.reopen);
        (std::mem::take(&mut queue.waiting), reopen)
    }

    fn done(&self, batch: &Batch, written: bool) {
        let count = if written {
            &self.written
        } else {
            &self.dropped
        };
        count.fetch_add(batch.lines, Ordering::Relaxed);
        self.lock().is_busy = false;
        self.changed.notify_all();
    }
}

/// What is written to.
struct Output {
    target: AccessTarget,
    /// None: stdout.
    file: Option<File>,
}

impl Output {
    fn open(target: AccessTarget) -> io::Result<Self> {
        let file = match &target {
            AccessTarget::Stdout => None,
            AccessTarget::File(path) => Some(open(path)?),
        };
        Ok(Self { target, file })
    }

    /// Opens the file anew if it is wanted, or if its name stands for another one.
    fn follow(&mut self, reopen: bool) -> io::Result<()> {
        let (AccessTarget::File(path), Some(file)) = (&self.target, &self.file) else {
            return Ok(());
        };
        let named = fs::metadata(path).ok().map(|found| FileId::from(&found));
        if reopen || named != Some(FileId::from(&file.metadata()?)) {
            self.file = Some(open(path)?);
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        write_all(bytes, |some| match &self.file {
            Some(file) => write_some(file.as_fd(), some),
            None => write_some(io::stdout().as_fd(), some),
        })
    }
}

fn open(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    // A named pipe without a reader is an error then, and does not stop the start.
    options.append(true).create(true).custom_flags(nonblocking);
    // It says who asked for what.
    options.mode(0o640).open(path)
}

/// The thread's own: where to write, and what it could not.
struct Scribe {
    output: Output,
    /// Lines that could not be written since the last one that was.
    failed: u64,
    /// A line was written in part.
    in_mid_line: bool,
    /// The failure of opening the file that was told.
    not_opened: Option<String>,
    told_of_haste: Option<Instant>,
}

impl Scribe {
    fn new(output: Output) -> Self {
        Self {
            output,
            failed: 0,
            in_mid_line: false,
            not_opened: None,
            told_of_haste: None,
        }
    }

    /// Whether the lines were written.
    fn write(&mut self, batch: &Batch, reopen: bool, now: Instant) -> bool {
        self.tell_of_haste(batch.lost, now);
        self.follow(reopen);
        if batch.lines == 0 {
            return true;
        }
        let begun = if self.in_mid_line { "\n" } else { "" };
        let written = match begun {
            "" => self.output.write(&batch.bytes),
            end => self.output.write(end.as_bytes()).and_then(|()| {
                self.in_mid_line = false;
                self.output.write(&batch.bytes)
            }),
        };
        let target = &self.output.target;
        match written {
            Ok(()) => {
                if self.failed > 0 {
                    tracing::info!(
                        "access log: {target} can be written again; {} lines are lost",
                        self.failed
                    );
                }
                self.failed = 0;
                true
            }
            Err((part, error)) => {
                self.in_mid_line |= part > 0 && batch.bytes.get(part - 1) != Some(&b'\n');
                if self.failed == 0 {
                    tracing::error!(
                        "access log: {target} can't be written ({error}); lines are lost until it can, and exchanges go on"
                    );
                }
                self.failed += batch.lines;
                false
            }
        }
    }

    fn follow(&mut self, reopen: bool) {
        let target = self.output.target.clone();
        match self.output.follow(reopen) {
            Ok(()) => self.not_opened = None,
            Err(error) => {
                let error = error.to_string();
                if self.not_opened.as_ref() != Some(&error) {
                    tracing::error!(
                        "access log: {target} can't be opened anew ({error}); lines go on to the file that was open"
                    );
                }
                self.not_opened = Some(error);
            }
        }
    }

    fn tell_of_haste(&mut self, lost: u64, now: Instant) {
        let long_ago = |told: Instant| now.saturating_duration_since(told) >= TELL_EVERY;
        if lost > 0 && self.told_of_haste.is_none_or(long_ago) {
            self.told_of_haste = Some(now);
            tracing::warn!(
                "access log: {lost} lines are lost, as they came faster than {} could be written",
                self.output.target
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(20);

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn lines_follow_the_name_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let (path, old) = (directory.path().join("a.log"), directory.path().join("a.1"));
        fs::write(&path, "before\n").unwrap();
        let log = AccessLog::start(AccessTarget::File(path.clone())).unwrap();
        log.push("one\n");
        assert!(log.flush(BOUND));
        assert_eq!(read(&path), "before\none\n");
        // What logrotate does, without a signal.
        fs::rename(&path, &old).unwrap();
        log.push("two\n");
        assert!(log.flush(BOUND));
        assert_eq!(
            (read(&old), read(&path)),
            ("before\none\n".into(), "two\n".into())
        );
        // And with one, before anything is written.
        fs::rename(&path, &old).unwrap();
        log.reopen();
        while !path.exists() {
            std::thread::yield_now();
        }
        log.push("three\n");
        assert!(log.flush(BOUND));
        assert_eq!(
            (read(&old), read(&path)),
            ("two\n".into(), "three\n".into())
        );
        assert_eq!((log.written(), log.dropped()), (3, 0));
    }

    #[test]
    fn a_full_disk_loses_lines_and_counts_them() {
        let log = AccessLog::start(AccessTarget::File("/dev/full".into())).unwrap();
        for _ in 0..10 {
            log.push("lost\n");
        }
        assert!(log.flush(BOUND));
        assert_eq!((log.written(), log.dropped()), (0, 10));
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_nobody_waits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            &path,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        )
        .unwrap();
        // Nobody has it open to read.
        assert!(AccessLog::start(AccessTarget::File(path.clone())).is_err());
        let mut reader = OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(&path)
            .unwrap();
        let log = AccessLog::start(AccessTarget::File(path)).unwrap();
        let line = format!("{}\n", "x".repeat(1023));
        let pushed = 3 * MOST_WAITING / line.len();
        for _ in 0..pushed {
            log.push(&line);
        }
        assert!(log.dropped() > 0);
        // What was taken arrives whole when somebody reads.
        let mut bytes = 0;
        while !log.flush(Duration::ZERO) || bytes < log.written() as usize * line.len() {
            let mut some = vec![0; 1 << 16];
            bytes += io::Read::read(&mut reader, &mut some).unwrap_or(0);
        }
        assert_eq!(log.written() + log.dropped(), pushed as u64);
        assert_eq!(bytes, log.written() as usize * line.len());
    }

    #[test]
    fn a_line_that_was_written_in_part_does_not_spoil_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let mut scribe = Scribe::new(Output::open(AccessTarget::File(path.clone())).unwrap());
        fs::write(&path, "par").unwrap();
        (scribe.in_mid_line, scribe.failed) = (true, 1);
        let batch = Batch {
            bytes: b"whole\n".to_vec(),
            lines: 1,
            lost: 0,
        };
        assert!(scribe.write(&batch, false, Instant::now()));
        assert_eq!(read(&path), "par\nwhole\n");
        assert!(!scribe.in_mid_line && scribe.failed == 0);
    }

    #[test]
    fn what_cannot_be_opened_is_an_error_at_the_start() {
        for path in ["/", "/nonexistent/a.log"] {
            assert!(
                AccessLog::start(AccessTarget::File(path.into())).is_err(),
                "{path}"
            );
        }
    }
}

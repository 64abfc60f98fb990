//! Who writes the tape: a thread of its own, so that no exchange ever waits for the disk.
//!
//! Exchanges wait in a bounded queue. What finds no room there, or can't be written, is counted and told; the proxy goes on.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::codec;
use super::file::TapeFile;
use super::weight::weight;
use crate::record::data::Recorded;

/// Memory of the exchanges that wait.
const MOST_WAITING: usize = 32 << 20;

/// Exchanges that are written together.
const BATCH: usize = 256;

/// Microseconds between two lines about exchanges that found no room.
const TELL_EVERY: u64 = 10_000_000;

/// Takes exchanges and never waits. Clones give them to the same thread.
#[derive(Debug, Clone)]
pub struct TapeWriter(Arc<TapeQueue>);

/// What became of exchanges since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TapeCounts {
    /// They are on the tape.
    pub written: u64,
    /// They found no room in the queue.
    pub dropped: u64,
    /// They could not be written.
    pub failed: u64,
    /// What the written ones take, in bytes.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct TapeQueue {
    waiting: Mutex<Waiting>,
    /// Told when there is something to write, and when the thread has ended.
    changed: Condvar,
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
    path: PathBuf,
    /// Why it can't be written, while it can't.
    error: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct Waiting {
    exchanges: VecDeque<(Arc<Recorded>, usize)>,
    /// Memory of all that is not written yet, what the thread has in hand included.
    weight: usize,
    /// Nothing more is taken.
    ended: bool,
    /// The thread has written everything.
    closed: bool,
}

impl TapeWriter {
    /// Writes to this tape from now on. `clock` gives microseconds since 1970.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(file: TapeFile, clock: impl Fn() -> u64 + Send + 'static) -> io::Result<Self> {
        let queue = Arc::new(TapeQueue {
            path: file.path().to_owned(),
            ..TapeQueue::default()
        });
        let shared = queue.clone();
        let mut scribe = Scribe {
            file,
            lost: 0,
            is_failing: false,
            dropped: 0,
            told: None,
        };
        let work = move || {
            while let Some((batch, weight)) = shared.next() {
                let count = batch.len() as u64;
                // All that a mistake here can break is the batch in hand, so going on is safe.
                let writing = AssertUnwindSafe(|| scribe.write(&shared, &batch, clock()));
                if catch_unwind(writing).is_err() {
                    shared.failed.fetch_add(count, Ordering::Relaxed);
                }
                drop(batch);
                shared.done(weight);
            }
            // What it can't tell or put on the disk any more is no reason to keep others waiting.
            let _ = catch_unwind(AssertUnwindSafe(|| scribe.end(&shared)));
            shared.lock().closed = true;
            shared.changed.notify_all();
        };
        std::thread::Builder::new()
            .name("tape".to_owned())
            .spawn(work)?;
        Ok(Self(queue))
    }

    /// Takes an exchange, or drops it if too much waits already.
    pub fn append(&self, exchange: Arc<Recorded>) {
        let weight = weight(&exchange);
        let mut waiting = self.0.lock();
        if waiting.ended || waiting.weight + weight > MOST_WAITING {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.weight += weight;
        waiting.exchanges.push_back((exchange, weight));
        drop(waiting);
        self.0.changed.notify_all();
    }

    pub fn counts(&self) -> TapeCounts {
        let count = |count: &AtomicU64| count.load(Ordering::Acquire);
        TapeCounts {
            written: count(&self.0.written),
            dropped: count(&self.0.dropped),
            failed: count(&self.0.failed),
            bytes: count(&self.0.bytes),
        }
    }

    /// The file that is appended to.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Why the last exchange could not be written; none if it was.
    pub fn error(&self) -> Option<String> {
        self.0.failing().clone()
    }

    /// Takes nothing more, and waits until everything is written, but not longer than this. Whether everything was.
    pub fn finish(&self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        let mut waiting = self.0.lock();
        waiting.ended = true;
        self.0.changed.notify_all();
        while !waiting.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl TapeQueue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failing(&self) -> MutexGuard<'_, Option<String>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for exchanges; gives them with their weight. None when there are none and none will come.
    fn next(&self) -> Option<(Vec<Arc<Recorded>>, usize)> {
        let mut waiting = self.lock();
        while waiting.exchanges.is_empty() {
            if waiting.ended {
                return None;
            }
            let waited = self.changed.wait(waiting);
            waiting = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let count = waiting.exchanges.len().min(BATCH);
        let mut weight = 0;
        let batch = waiting.exchanges.drain(..count);
        let batch = batch.map(|(exchange, its)| {
            weight += its;
            exchange
        });
        Some((batch.collect(), weight))
    }

    fn done(&self, weight: usize) {
        self.lock().weight -= weight;
    }
}

/// The thread's own.
struct Scribe {
    file: TapeFile,
    /// How many could not be written since it failed first.
    lost: u64,
    is_failing: bool,
    /// How many of those that found no room were told.
    dropped: u64,
    /// When that was last told.
    told: Option<u64>,
}

impl Scribe {
    fn write(&mut self, shared: &TapeQueue, batch: &[Arc<Recorded>], now: u64) {
        for exchange in batch {
            let Some(record) = codec::encode(exchange) else {
                shared.failed.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            match self.file.append(&record, now) {
                Ok(()) => {
                    shared.written.fetch_add(1, Ordering::Relaxed);
                    shared
                        .bytes
                        .fetch_add(record.len() as u64, Ordering::Relaxed);
                    self.tell_that_it_works(shared);
                }
                Err(error) => {
                    self.tell_that_it_fails(shared, &error);
                    shared.failed.fetch_add(1, Ordering::Release);
                }
            }
        }
        if self
            .told
            .is_none_or(|told| now.saturating_sub(told) >= TELL_EVERY)
        {
            self.tell_drops(shared);
            self.told = Some(now);
        }
    }

    fn end(&mut self, shared: &TapeQueue) {
        self.tell_drops(shared);
        if let Err(error) = self.file.sync() {
            self.tell_that_it_fails(shared, &error);
        }
    }

    fn tell_drops(&mut self, shared: &TapeQueue) {
        let dropped = shared.dropped.load(Ordering::Relaxed);
        let new = dropped - self.dropped;
        self.dropped = dropped;
        if new > 0 {
            let shown = self.file.path().display();
            tracing::warn!(
                "tape {shown}: {new} exchanges are missing, because they came faster than it could be written"
            );
        }
    }

    fn tell_that_it_fails(&mut self, shared: &TapeQueue, error: &io::Error) {
        self.lost += 1;
        *shared.failing() = Some(error.to_string());
        if !std::mem::replace(&mut self.is_failing, true) {
            let shown = self.file.path().display();
            tracing::error!(
                "tape {shown}: can't be written: {error}; exchanges go on and are missing there until it can"
            );
        }
    }

    fn tell_that_it_works(&mut self, shared: &TapeQueue) {
        if std::mem::replace(&mut self.is_failing, false) {
            *shared.failing() = None;
            let shown = self.file.path().display();
            let lost = std::mem::take(&mut self.lost);
            tracing::warn!("tape {shown}: is written again; {lost} exchanges are missing");
        }
    }
}

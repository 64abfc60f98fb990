//! Who records: takes finished exchanges from those who served them, and makes of them what is kept, in a thread of its own.
//!
//! The exchange's task puts it into a queue and goes on. A queue that is full takes nothing; what it did not take is counted.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::config::RecordConfig;
use super::data::Recorded;
use super::finish;
use super::mask::Masks;
use super::ring::Ring;
use crate::essential;
use crate::message::trace::{Finished, Level, Observer};

/// Exchanges that may wait. They hold what bodies they have.
const MOST_WAITING: usize = 4096;

/// How long more are waited for when one has come: to wake the thread for each would cost more than to record it.
const GATHERING: Duration = Duration::from_millis(5);

/// Gets what was recorded, beside the ring. In the recorder's thread, so it must not wait for long.
pub type Keeper = Box<dyn Fn(&Arc<Recorded>) + Send>;

/// See the module's text.
#[derive(Debug)]
pub struct Recorder {
    body: usize,
    masks: Arc<Masks>,
    ring: Arc<Ring>,
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    come: Condvar,
    /// Told when what was in hand is kept.
    kept: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    exchanges: VecDeque<Arc<Finished>>,
    /// The thread works on some.
    in_hand: bool,
    /// The thread waits to be woken.
    is_asleep: bool,
    /// Nobody will put in more.
    is_over: bool,
}

impl Recorder {
    /// Records from now on; what is kept goes into the ring, and to `keepers`.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(config: &RecordConfig, keepers: Vec<Keeper>) -> io::Result<Arc<Self>> {
        let ring = Arc::new(Ring::new(config.exchanges, config.bytes));
        let queue = Arc::new(Queue::default());
        let masks = Arc::new(Masks::new(config));
        let recorder = Arc::new(Self {
            body: config.body,
            masks: masks.clone(),
            ring: ring.clone(),
            queue: queue.clone(),
        });
        essential::thread("recorder", move || {
            while let Some(batch) = queue.take() {
                for exchange in batch {
                    // A mistake here may cost a record, and nothing else: each is made of its own exchange alone.
                    let work = AssertUnwindSafe(|| record(&exchange, &masks, &ring, &keepers));
                    if catch_unwind(work).is_err() {
                        queue.dropped.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        })?;
        Ok(recorder)
    }

    /// What is masked.
    pub fn masks(&self) -> &Arc<Masks> {
        &self.masks
    }

    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Waits until all that came so far is kept, but not longer than this. Whether it is.
    pub fn flush(&self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        let mut waiting = self.queue.waiting();
        while waiting.in_hand || !waiting.exchanges.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.queue.kept.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Exchanges that were not recorded, because too many waited.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped.load(Ordering::Relaxed)
    }
}

fn record(exchange: &Finished, masks: &Masks, ring: &Ring, keepers: &[Keeper]) {
    if let Some(recorded) = finish::recorded(exchange, masks) {
        let recorded = Arc::new(recorded);
        for keep in keepers {
            keep(&recorded);
        }
        ring.push(recorded);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue.waiting().is_over = true;
        self.queue.come.notify_all();
    }
}

impl Observer for Recorder {
    fn wants(&self) -> Level {
        Level::Full
    }

    fn body_limit(&self) -> usize {
        self.body
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        let mut waiting = self.queue.waiting();
        if waiting.exchanges.len() >= MOST_WAITING {
            drop(waiting);
            self.queue.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.exchanges.push_back(exchange.clone());
        if std::mem::take(&mut waiting.is_asleep) {
            drop(waiting);
            self.queue.come.notify_one();
        }
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that wait, as soon as there are any; none when nobody puts in more.
    fn take(&self) -> Option<VecDeque<Arc<Finished>>> {
        let mut waiting = self.waiting();
        waiting.in_hand = false;
        self.kept.notify_all();
        while waiting.exchanges.is_empty() {
            if waiting.is_over {
                return None;
            }
            waiting.is_asleep = true;
            waiting = self
                .come
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
            if !waiting.is_over {
                drop(waiting);
                std::thread::sleep(GATHERING);
                waiting = self.waiting();
            }
        }
        waiting.is_asleep = false;
        waiting.in_hand = true;
        Some(std::mem::take(&mut waiting.exchanges))
    }
}

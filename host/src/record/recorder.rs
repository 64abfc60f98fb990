//! Who records: takes finished exchanges from those who served them, and makes of them what is kept, in a thread of its own.
//!
//! The exchange's task puts it into a queue and goes on. A queue that is full takes nothing; what it did not take is counted. The
//! thread looks into the queue now and then, and sleeps where nothing comes: to be woken for each exchange would cost more than to
//! record it.

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

/// Exchanges that may wait, and memory that they and those in hand may hold.
const MOST_WAITING: usize = 4096;
const MOST_BYTES: usize = 32 << 20;

/// How long more are waited for when one has come, unless much waits already.
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
    /// Memory of these and of those in hand, roughly.
    bytes: usize,
    /// What the thread works on, if it does.
    in_hand: Option<InHand>,
    /// How many were put in so far, and how many of these are kept.
    put: u64,
    kept: u64,
    /// The thread waits to be woken: by the first that comes, or when much has come.
    sleep: Sleep,
    /// Nobody will put in more.
    is_over: bool,
}

/// Exchanges that the thread works on.
#[derive(Debug)]
struct InHand {
    exchanges: u64,
    bytes: usize,
}

/// Whether the thread sleeps, and what is to wake it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Sleep {
    #[default]
    Awake,
    /// It waits for one that comes.
    Idle,
    /// It waits for more, and not for long.
    Gathering,
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

    /// Waits until all that came before the call is kept, but not longer than this. Whether it is.
    pub fn flush(&self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        let mut waiting = self.queue.waiting();
        let came = waiting.put;
        while waiting.kept < came {
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
        self.queue.put(exchange);
    }
}

impl Waiting {
    /// Whether so much waits that no more shall be waited for.
    fn is_much(&self) -> bool {
        self.bytes > MOST_BYTES / 2 || self.exchanges.len() > MOST_WAITING / 2
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it in, if there is room. One that alone is too large has room where nothing waits.
    fn put(&self, exchange: &Arc<Finished>) {
        let bytes = exchange.weight();
        let mut waiting = self.waiting();
        let all = waiting.bytes + bytes;
        if waiting.exchanges.len() >= MOST_WAITING || (waiting.bytes > 0 && all > MOST_BYTES) {
            drop(waiting);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes = all;
        waiting.exchanges.push_back(exchange.clone());
        waiting.put += 1;
        let wakes = match waiting.sleep {
            Sleep::Awake => false,
            Sleep::Idle => true,
            Sleep::Gathering => waiting.is_much(),
        };
        if wakes {
            waiting.sleep = Sleep::Awake;
            drop(waiting);
            self.come.notify_one();
        }
    }

    /// Those in hand are kept. All that wait, as soon as there are any; none when nobody puts in more.
    fn take(&self) -> Option<VecDeque<Arc<Finished>>> {
        let mut waiting = self.waiting();
        if let Some(done) = waiting.in_hand.take() {
            waiting.bytes -= done.bytes;
            waiting.kept += done.exchanges;
            self.kept.notify_all();
        }
        while waiting.exchanges.is_empty() && !waiting.is_over {
            waiting.sleep = Sleep::Idle;
            let waited = self.come.wait(waiting);
            waiting = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if !waiting.is_over && !waiting.is_much() {
            waiting.sleep = Sleep::Gathering;
            let gathered =
                |waiting: &mut Waiting| waiting.sleep == Sleep::Gathering && !waiting.is_over;
            let waited = self.come.wait_timeout_while(waiting, GATHERING, gathered);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.sleep = Sleep::Awake;
        if waiting.exchanges.is_empty() {
            return None;
        }
        waiting.in_hand = Some(InHand {
            exchanges: waiting.exchanges.len() as u64,
            bytes: waiting.bytes,
        });
        Some(std::mem::take(&mut waiting.exchanges))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{OnceLock, Weak};

    use super::*;
    use crate::message::{Body, ExchangeId, RequestHead};
    use crate::record::sample;

    /// An exchange with a request's body of so many bytes.
    fn exchange(id: u64, body: usize) -> Arc<Finished> {
        let head = RequestHead::new();
        let mut exchange = sample::finished(&head, usize::MAX, |trace| {
            trace.came(&mut Body::Arrived(vec![b'x'; body].into()));
        });
        Arc::get_mut(&mut exchange).unwrap().times.id = ExchangeId(id);
        exchange
    }

    fn dropped(queue: &Queue) -> u64 {
        queue.dropped.load(Ordering::Relaxed)
    }

    #[test]
    fn what_waits_is_bounded_by_number_and_by_memory_with_what_is_in_hand() {
        let queue = Queue::default();
        let small = exchange(1, 1);
        (0..MOST_WAITING + 3).for_each(|_| queue.put(&small));
        assert_eq!(dropped(&queue), 3);
        assert_eq!(queue.take().unwrap().len(), MOST_WAITING);

        let queue = Queue::default();
        let large = exchange(1, MOST_BYTES / 4);
        (0..5).for_each(|_| queue.put(&large));
        assert_eq!((queue.waiting().exchanges.len(), dropped(&queue)), (3, 2));
        assert_eq!(queue.take().unwrap().len(), 3);
        // They are in hand.
        queue.put(&large);
        assert_eq!(dropped(&queue), 3);
        queue.put(&small);
        assert_eq!(queue.take().unwrap().len(), 1);
        (0..5).for_each(|_| queue.put(&large));
        assert_eq!((queue.waiting().exchanges.len(), dropped(&queue)), (3, 5));
        // What waits is counted on when those in hand are kept.
        let queue = Queue::default();
        let third = exchange(1, MOST_BYTES / 3);
        for _ in 0..2 {
            queue.put(&third);
            assert_eq!(queue.take().unwrap().len(), 1);
        }
        (0..3).for_each(|_| queue.put(&third));
        assert_eq!((queue.waiting().exchanges.len(), dropped(&queue)), (1, 2));
        queue.waiting().is_over = true;
        assert!(queue.take().is_some() && queue.take().is_none());
        assert_eq!(queue.waiting().bytes, 0);
    }

    #[test]
    fn one_that_alone_is_too_large_is_taken_where_nothing_waits() {
        let queue = Queue::default();
        let huge = exchange(1, MOST_BYTES + 1);
        (0..2).for_each(|_| queue.put(&huge));
        assert_eq!((queue.take().unwrap().len(), dropped(&queue)), (1, 1));
    }

    #[test]
    fn all_that_came_is_recorded_by_whoever_waits_for_it_and_at_the_end() {
        let (kept, keeps) = std::sync::mpsc::channel();
        let keeper: Keeper = Box::new(move |exchange| kept.send(exchange.id).unwrap());
        let config = RecordConfig::default();
        let recorder = Recorder::start(&config, vec![keeper]).unwrap();
        for id in 0..3 {
            recorder.finished(&exchange(id, 1));
            assert!(recorder.flush(Duration::from_secs(20)));
            assert_eq!(keeps.try_recv(), Ok(id));
        }
        (3..100).for_each(|id| recorder.finished(&exchange(id, 1)));
        drop(recorder);
        // Until the thread has ended.
        assert_eq!(
            keeps.iter().collect::<Vec<_>>(),
            (3..100).collect::<Vec<_>>()
        );
    }
    #[test]
    fn where_much_waits_no_more_is_waited_for() {
        let small = exchange(1, 1);
        let took = |_: i32| {
            let queue = Queue::default();
            (0..=MOST_WAITING / 2).for_each(|_| queue.put(&small));
            let began = Instant::now();
            assert_eq!(queue.take().unwrap().len(), MOST_WAITING / 2 + 1);
            began.elapsed()
        };
        // Anything may take longer now and then.
        assert!((0..20).map(took).min().unwrap() < GATHERING);
    }

    #[test]
    fn what_was_dropped_is_not_counted_as_put() {
        let queue = Queue::default();
        let small = exchange(1, 1);
        (0..MOST_WAITING + 3).for_each(|_| queue.put(&small));
        assert!(queue.take().is_some());
        let most = MOST_WAITING as u64;
        let mut waiting = queue.waiting();
        assert_eq!((waiting.put, waiting.kept), (most, 0));
        waiting.is_over = true;
        drop(waiting);
        assert!(queue.take().is_none());
        assert_eq!(queue.waiting().kept, most);
    }

    #[test]
    fn what_comes_after_the_call_is_not_waited_for() {
        let known: Arc<OnceLock<Weak<Recorder>>> = Arc::default();
        let (again, more) = (known.clone(), exchange(2, 1));
        // For each that is kept another one comes.
        let keeper: Keeper = Box::new(move |_| {
            if let Some(recorder) = again.get().and_then(Weak::upgrade) {
                recorder.finished(&more);
            }
        });
        let recorder = Recorder::start(&RecordConfig::default(), vec![keeper]).unwrap();
        known.set(Arc::downgrade(&recorder)).unwrap();
        recorder.finished(&exchange(1, 1));
        for _ in 0..3 {
            assert!(recorder.flush(Duration::from_secs(20)));
        }
    }
}

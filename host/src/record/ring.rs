//! The last exchanges, in memory: bounded by their number and by the memory that they take.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::data::Recorded;
use super::tape::weight;

/// Exchanges that a subscriber may be behind before it misses some.
const BEHIND: usize = 4096;

/// See the module's text.
#[derive(Debug)]
pub struct Ring {
    most: usize,
    most_bytes: u64,
    held: Mutex<Held>,
    news: broadcast::Sender<Arc<Recorded>>,
}

#[derive(Debug, Default)]
struct Held {
    /// Oldest first, each with the memory that it takes.
    exchanges: VecDeque<(Arc<Recorded>, u64)>,
    /// Where each is: numbers go on over those that are gone.
    places: HashMap<u64, u64, BuildHasherDefault<IdHasher>>,
    /// The number of the oldest.
    first: u64,
    bytes: u64,
    /// All that ever came.
    total: u64,
}

/// For ids, which the host gives itself, one after the other: nobody can choose some that meet.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        // The map takes the lowest bits for the place and the uppermost for a quick look.
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

/// How full a ring is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingSize {
    pub exchanges: usize,
    /// Memory that they take, roughly.
    pub bytes: u64,
    /// How many came since the start.
    pub total: u64,
    pub most: usize,
    pub most_bytes: u64,
}

/// A part of a ring, newest first.
#[derive(Debug, Default)]
pub struct Page {
    pub exchanges: Vec<Arc<Recorded>>,
    /// Whether there are older ones that fit.
    pub more: bool,
}

impl Ring {
    /// For so many exchanges that take so many bytes.
    pub fn new(most: usize, most_bytes: u64) -> Self {
        Self {
            most,
            most_bytes,
            held: Mutex::default(),
            news: broadcast::Sender::new(BEHIND),
        }
    }

    /// Takes one in; the oldest make room. One that alone is too large is only told of.
    pub fn push(&self, exchange: Arc<Recorded>) {
        let bytes = weight(&exchange) as u64;
        let mut gone = Vec::new();
        {
            let mut held = self.held();
            held.total += 1;
            let number = held.first + held.exchanges.len() as u64;
            held.places.insert(exchange.id, number);
            held.exchanges.push_back((exchange.clone(), bytes));
            held.bytes += bytes;
            while held.exchanges.len() > self.most || held.bytes > self.most_bytes {
                gone.extend(held.pop());
            }
        }
        // To free them takes longer than all of the above.
        drop(gone);
        // Nobody may be there to hear of it.
        let _ = self.news.send(exchange);
    }

    pub fn get(&self, id: u64) -> Option<Arc<Recorded>> {
        let held = self.held();
        let place = held.place(id)?;
        Some(held.exchanges.get(place)?.0.clone())
    }

    /// Up to `limit` of those that fit, newest first; only such as are older than `before`. If that one is gone, so are all that
    /// are older.
    pub fn page(
        &self,
        before: Option<u64>,
        limit: usize,
        fits: impl Fn(&Recorded) -> bool,
    ) -> Page {
        // What fits is found out without the lock.
        let older: Vec<Arc<Recorded>> = {
            let held = self.held();
            let end = match before {
                None => held.exchanges.len(),
                Some(id) => held.place(id).unwrap_or(0),
            };
            let older = held.exchanges.range(..end).rev();
            older.map(|(exchange, _)| exchange.clone()).collect()
        };
        let mut fitting = older.into_iter().filter(|exchange| fits(exchange));
        let exchanges = fitting.by_ref().take(limit).collect();
        Page {
            exchanges,
            more: fitting.next().is_some(),
        }
    }

    /// What comes from now on. Who is too slow misses some, and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Recorded>> {
        self.news.subscribe()
    }

    pub fn size(&self) -> RingSize {
        let held = self.held();
        RingSize {
            exchanges: held.exchanges.len(),
            bytes: held.bytes,
            total: held.total,
            most: self.most,
            most_bytes: self.most_bytes,
        }
    }

    /// Forgets them all.
    pub fn clear(&self) {
        let mut held = self.held();
        let gone = std::mem::take(&mut held.exchanges);
        held.first += gone.len() as u64;
        held.places = HashMap::default();
        held.bytes = 0;
        drop(held);
        drop(gone);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Where one is among those that are left.
    fn place(&self, id: u64) -> Option<usize> {
        let place = self.places.get(&id)?.checked_sub(self.first)?;
        usize::try_from(place).ok()
    }

    fn pop(&mut self) -> Option<Arc<Recorded>> {
        let (exchange, bytes) = self.exchanges.pop_front()?;
        if self.places.get(&exchange.id) == Some(&self.first) {
            self.places.remove(&exchange.id);
        }
        self.first += 1;
        self.bytes -= bytes;
        Some(exchange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn exchange(id: u64) -> Arc<Recorded> {
        Arc::new(Recorded {
            id,
            ..sample::exchange()
        })
    }

    fn ids(page: &Page) -> Vec<u64> {
        page.exchanges.iter().map(|exchange| exchange.id).collect()
    }

    #[test]
    fn it_keeps_the_newest_and_gives_them_in_pages() {
        let ring = Ring::new(5, u64::MAX);
        for id in 1..=8 {
            ring.push(exchange(id));
        }
        assert!(ring.get(3).is_none());
        assert_eq!(ring.get(4).unwrap().id, 4);
        let page = ring.page(None, 2, |_| true);
        assert_eq!((ids(&page), page.more), (vec![8, 7], true));
        let page = ring.page(Some(7), 9, |_| true);
        assert_eq!((ids(&page), page.more), (vec![6, 5, 4], false));
        let page = ring.page(None, 1, |exchange| exchange.id % 2 == 0);
        assert_eq!((ids(&page), page.more), (vec![8], true));
        assert!(ids(&ring.page(Some(2), 9, |_| true)).is_empty());
        assert_eq!(
            ring.held().places.len(),
            5,
            "those that are gone are forgotten"
        );
        let size = ring.size();
        assert_eq!((size.exchanges, size.total), (5, 8));
        ring.clear();
        assert_eq!((ring.size().exchanges, ring.size().bytes), (0, 0));
        ring.push(exchange(9));
        assert_eq!(ids(&ring.page(None, 9, |_| true)), [9]);
        assert_eq!(ring.get(9).unwrap().id, 9);
    }

    #[test]
    fn it_keeps_no_more_bytes_than_it_may() {
        let one = weight(&exchange(1)) as u64;
        let ring = Ring::new(100, 3 * one + one / 2);
        for id in 1..=10 {
            ring.push(exchange(id));
            assert!(ring.size().bytes <= 4 * one);
        }
        assert_eq!(ids(&ring.page(None, 9, |_| true)), [10, 9, 8]);
        let small = Ring::new(100, one - 1);
        small.push(exchange(1));
        assert_eq!((small.size().exchanges, small.size().bytes), (0, 0));
    }

    #[tokio::test]
    async fn who_is_slow_misses_some_and_is_told() {
        let ring = Ring::new(1, u64::MAX);
        let mut news = ring.subscribe();
        let last = BEHIND as u64 + 10;
        for id in 0..last {
            ring.push(exchange(id));
        }
        let missed = news.recv().await.unwrap_err();
        assert!(
            matches!(missed, broadcast::error::RecvError::Lagged(10)),
            "{missed}"
        );
        assert_eq!(news.recv().await.unwrap().id, 10);
    }
}

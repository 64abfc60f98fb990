//! How many calls may run straight, without giving way, at the same time.
//!
//! A guest that never returns holds its thread until its deadline if it runs straight. So one thread fewer than there are
//! may do that: the last one always serves, whatever plugins do. A guest that was caught being slow never runs straight
//! again, so this matters once for each version of a plugin.
//!
//! Each thread has a place of its own to note that it is in such a call, and looks at those of the others: one counter for all
//! would travel from core to core with every call of every plugin.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::thread_number::ThreadNumber;
use crate::essential;
use crate::plugin::wasm::wait_for_an_instance;

/// How long a call may hold its permit before the other threads are made to look after its thread's work.
const LONG: Duration = Duration::from_millis(10);

/// Permits for all plugins together.
#[derive(Debug)]
pub struct Permits {
    places: Box<[Place]>,
}

/// How often a thread began or ended such a call: odd while it is in one. Each has a line of the cache for itself, and for what
/// the processor fetches with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(AtomicU64);

/// A permit that is given back when it is dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    place: &'a Place,
    during: u64,
}

impl Permits {
    /// Permits for a proxy with this many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            places: (0..threads.max(1)).map(|_| Place::default()).collect(),
        }
    }

    /// A permit, if one is free for this thread.
    #[inline]
    pub fn take(&self, thread: ThreadNumber) -> Option<Permit<'_>> {
        self.take_at(thread.place(self.places.len()))
    }

    /// Of several that take the last ones at the same time none may get one, but never all: whose note is the last in the one
    /// order of all notes sees those of all others.
    #[inline]
    fn take_at(&self, number: usize) -> Option<Permit<'_>> {
        let place = &self.places[number];
        let before = place.0.load(Ordering::Relaxed);
        let during = before | 1;
        if before == during {
            // Another thread has the same place, as there are more of them than was said.
            return None;
        }
        let noted = place
            .0
            .compare_exchange(before, during, Ordering::SeqCst, Ordering::Relaxed);
        noted.ok()?;
        let permit = Permit { place, during };
        // In most calls the first other one that is looked at is free.
        let (before, after) = self.places.split_at(number);
        let is_free = |other: &Place| !is_held(other.0.load(Ordering::SeqCst));
        let one_is_free = after[1..].iter().any(is_free) || before.iter().any(is_free);
        one_is_free.then_some(permit)
    }

    /// Looks after calls that hold their permits for long, from a thread of its own, for as long as there are the permits.
    ///
    /// A thread of tokio's that is held may be the one that waited for the sockets of all; the others sleep, and nobody
    /// hears of a socket until that call is over. Anything to do from outside wakes one of them, and it takes the waiting
    /// over.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn watch(self: &Arc<Self>, runtime: Handle) -> io::Result<()> {
        let permits = Arc::downgrade(self);
        essential::thread("permits", move || look_after(&permits, &runtime))
    }
}

fn look_after(permits: &Weak<Permits>, runtime: &Handle) {
    let mut last = Vec::new();
    loop {
        // Without one there is no call.
        wait_for_an_instance();
        let Some(permits) = permits.upgrade() else {
            return;
        };
        let places = permits.places.iter();
        let now: Vec<u64> = places
            .map(|place| place.0.load(Ordering::Relaxed))
            .collect();
        let mut pairs = now.iter().zip(&last);
        if pairs.any(|(now, last)| now == last && is_held(*now)) {
            runtime.spawn(std::future::ready(()));
        }
        last = now;
        drop(permits);
        std::thread::sleep(LONG);
    }
}

fn is_held(state: u64) -> bool {
    state & 1 == 1
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // Nobody else writes to a place that is held.
        self.place.0.store(self.during + 1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::wasm::ClockGoes;

    #[test]
    fn one_thread_is_left_over() {
        let permits = Permits::new(3);
        let (first, second) = (permits.take_at(0), permits.take_at(2));
        assert!(first.is_some() && second.is_some());
        assert!(permits.take_at(1).is_none());
        assert!(permits.take_at(0).is_none(), "one thread has it already");
        drop(first);
        assert!(permits.take_at(1).is_some());
        assert!(Permits::new(1).take_at(0).is_none());
    }

    /// Each notes itself and looks at the others; in any other order all of them could see a free one.
    #[test]
    fn threads_that_ask_at_the_same_time_never_all_get_one() {
        const THREADS: usize = 2;
        let permits = Permits::new(THREADS);
        let held = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for number in 0..THREADS {
                let (permits, held) = (&permits, &held);
                scope.spawn(move || {
                    for _ in 0..200_000 {
                        if let Some(permit) = permits.take_at(number) {
                            assert_eq!(held.fetch_add(1, Ordering::SeqCst), 0);
                            held.fetch_sub(1, Ordering::SeqCst);
                            drop(permit);
                        }
                    }
                });
            }
        });
    }

    /// Without the watch the second task would wait for the first in most runs: its timer is nobody's to look at.
    #[test]
    fn a_thread_that_is_held_stops_nobody_else() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let permits = Arc::new(Permits::new(2));
        let _goes = ClockGoes::new();
        permits.watch(runtime.handle().clone()).unwrap();
        for _ in 0..20 {
            let (done, hears) = std::sync::mpsc::channel();
            let (let_go, held) = std::sync::mpsc::channel::<()>();
            runtime.spawn({
                let permits = permits.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    let _permit = permits.take(ThreadNumber::mine());
                    let _ = held.recv();
                }
            });
            runtime.spawn(async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                let _ = done.send(());
            });
            hears.recv_timeout(Duration::from_secs(20)).unwrap();
            drop(let_go);
        }
    }
}

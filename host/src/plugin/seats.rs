//! How many calls may run straight, without giving way, at the same time.
//!
//! A guest that never returns holds its thread until its deadline if it runs straight. So one thread fewer than there are
//! may do that: the last one always serves, whatever plugins do. A guest that was caught being slow never runs straight
//! again, so this matters once for each version of a plugin.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::essential;

/// How long a call may hold its seat before the other threads are made to look after its thread's work.
const LONG: Duration = Duration::from_millis(10);

/// One more call that began, in the upper half of the state.
const BEGUN: u64 = 1 << 32;

/// The calls under way, in the lower half.
const UNDER_WAY: u64 = BEGUN - 1;

/// Seats for all plugins together.
#[derive(Debug)]
pub struct Seats {
    state: AtomicU64,
    most: u64,
}

/// A seat that is given back when it is dropped.
#[derive(Debug)]
pub struct Seat<'a>(&'a Seats);

impl Seats {
    /// Seats for a proxy with this many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            state: AtomicU64::new(0),
            most: threads.saturating_sub(1) as u64,
        }
    }

    /// A seat, if one is free.
    pub fn take(&self) -> Option<Seat<'_>> {
        let before = self.state.fetch_add(BEGUN + 1, Ordering::Relaxed);
        if before & UNDER_WAY < self.most {
            return Some(Seat(self));
        }
        self.state.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// Looks after calls that hold their seats for long, from a thread of its own, for as long as there are the seats.
    ///
    /// A thread of tokio's that is held may be the one that waited for the sockets of all; the others sleep, and nobody
    /// hears of a socket until that call is over. Anything to do from outside wakes one of them, and it takes the waiting
    /// over.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn watch(self: &Arc<Self>, runtime: Handle) -> io::Result<()> {
        let seats = Arc::downgrade(self);
        essential::thread("seats", move || look_after(&seats, &runtime))
    }
}

fn look_after(seats: &Weak<Seats>, runtime: &Handle) {
    let mut last = 0;
    while let Some(seats) = seats.upgrade() {
        let now = seats.state.load(Ordering::Relaxed);
        if now == last && now & UNDER_WAY > 0 {
            runtime.spawn(std::future::ready(()));
        }
        last = now;
        drop(seats);
        std::thread::sleep(LONG);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_is_left_over() {
        let seats = Seats::new(3);
        let (first, second) = (seats.take(), seats.take());
        assert!(first.is_some() && second.is_some());
        assert!(seats.take().is_none());
        drop(first);
        assert!(seats.take().is_some());
        assert!(Seats::new(1).take().is_none());
    }

    /// Without the watch the second task would wait for the first in most runs: its timer is nobody's to look at.
    #[test]
    fn a_thread_that_is_held_stops_nobody_else() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let seats = Arc::new(Seats::new(2));
        seats.watch(runtime.handle().clone()).unwrap();
        for _ in 0..20 {
            let (done, hears) = std::sync::mpsc::channel();
            let (let_go, held) = std::sync::mpsc::channel::<()>();
            runtime.spawn({
                let seats = seats.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    let _seat = seats.take();
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

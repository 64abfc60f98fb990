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

/// How long a call may hold its permit before the other threads are made to look after its thread's work.
const LONG: Duration = Duration::from_millis(10);

/// One more call that began, in the upper half of the state.
const BEGUN: u64 = 1 << 32;

/// The calls under way, in the lower half.
const UNDER_WAY: u64 = BEGUN - 1;

/// Permits for all plugins together.
#[derive(Debug)]
pub struct Permits {
    state: AtomicU64,
    most: u64,
}

/// A permit that is given back when it is dropped.
#[derive(Debug)]
pub struct Permit<'a>(&'a Permits);

impl Permits {
    /// Permits for a proxy with this many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            state: AtomicU64::new(0),
            most: threads.saturating_sub(1) as u64,
        }
    }

    /// A permit, if one is free.
    pub fn take(&self) -> Option<Permit<'_>> {
        let before = self.state.fetch_add(BEGUN + 1, Ordering::Relaxed);
        if before & UNDER_WAY < self.most {
            return Some(Permit(self));
        }
        self.state.fetch_sub(1, Ordering::Relaxed);
        None
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
    let mut last = 0;
    while let Some(permits) = permits.upgrade() {
        let now = permits.state.load(Ordering::Relaxed);
        if now == last && now & UNDER_WAY > 0 {
            runtime.spawn(std::future::ready(()));
        }
        last = now;
        drop(permits);
        std::thread::sleep(LONG);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_is_left_over() {
        let permits = Permits::new(3);
        let (first, second) = (permits.take(), permits.take());
        assert!(first.is_some() && second.is_some());
        assert!(permits.take().is_none());
        drop(first);
        assert!(permits.take().is_some());
        assert!(Permits::new(1).take().is_none());
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
        permits.watch(runtime.handle().clone()).unwrap();
        for _ in 0..20 {
            let (done, hears) = std::sync::mpsc::channel();
            let (let_go, held) = std::sync::mpsc::channel::<()>();
            runtime.spawn({
                let permits = permits.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    let _permit = permits.take();
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

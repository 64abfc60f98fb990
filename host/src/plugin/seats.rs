//! How many calls may run straight, without giving way, at the same time.
//!
//! A guest that never returns holds its thread until its deadline if it runs straight. So one thread fewer than there are
//! may do that: the last one always serves, whatever plugins do. A guest that was caught being slow never runs straight
//! again, so this matters once for each version of a plugin.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Seats for all plugins together.
#[derive(Debug)]
pub struct Seats {
    taken: AtomicUsize,
    most: usize,
}

/// A seat that is given back when it is dropped.
#[derive(Debug)]
pub struct Seat<'a>(&'a Seats);

impl Seats {
    /// Seats for a proxy with this many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            most: threads.saturating_sub(1),
        }
    }

    /// A seat, if one is free.
    pub fn take(&self) -> Option<Seat<'_>> {
        if self.taken.fetch_add(1, Ordering::Relaxed) < self.most {
            return Some(Seat(self));
        }
        self.taken.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
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
}

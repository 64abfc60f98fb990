//! A place for each thread in what is divided among those that call plugins.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A small number for each thread that asks, counting up.
#[derive(Debug, Clone, Copy)]
pub struct ThreadNumber(usize);

impl ThreadNumber {
    /// That of the thread that asks.
    #[inline]
    pub fn mine() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static NUMBER: Cell<Option<usize>> = const { Cell::new(None) });
        Self(NUMBER.with(|number| {
            number.get().unwrap_or_else(|| {
                let next = NEXT.fetch_add(1, Ordering::Relaxed);
                number.set(Some(next));
                next
            })
        }))
    }

    /// Its place out of so many; of its own, as long as no more threads ask than there are places.
    #[inline]
    pub fn place(self, places: usize) -> usize {
        // To divide takes as long as all the rest of this.
        if self.0 < places {
            self.0
        } else {
            self.0 % places
        }
    }
}

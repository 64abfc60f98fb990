//! The connections to one address: those at rest, the one used last first, and the count of all of them.
//!
//! A request above the limit waits in line. What comes free, a connection or the right to open one, goes to the first
//! who waits and never past the line.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connect::Origin;
use super::resolve::Name;

/// Connections that rested for less are not looked at by a sweep.
const RESTING: Duration = Duration::from_secs(1);

/// A connection that can rest in a pool.
pub(super) trait Pooled {
    /// Where a name led to, if it is one that the connection was opened to.
    fn origin(&mut self) -> Option<&mut Origin>;

    /// The connection is open and was not closed by the backend, as far as can be known.
    fn stands(&mut self) -> bool;
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Pool<C> {
    state: Mutex<State<C>>,
    limit: usize,
    name: Option<Arc<Name>>,
}

#[derive(Debug)]
struct State<C> {
    /// The longest unused at the front.
    idle: VecDeque<(Instant, Box<C>)>,
    /// Connections at rest, in use and being opened.
    open: usize,
    waiting: VecDeque<oneshot::Sender<Grant<C>>>,
    closed: bool,
}

/// What a request goes on with.
#[derive(Debug)]
pub(super) enum Grant<C> {
    /// A connection that may have been closed meanwhile.
    Idle(Box<C>),
    /// The right to open a connection.
    Slot(Slot<C>),
}

/// A grant, or the place in the line for one.
#[derive(Debug)]
pub(super) enum Taken<C> {
    Now(Grant<C>),
    Later(oneshot::Receiver<Grant<C>>),
}

/// One connection's place under the limit, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot<C>(Arc<Pool<C>>);

impl<C> Pool<C> {
    pub(super) fn new(limit: usize, name: Option<Arc<Name>>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                idle: VecDeque::new(),
                open: 0,
                waiting: VecDeque::new(),
                closed: false,
            }),
            limit,
            name,
        })
    }

    /// The connection that was used last, else the right to open one, else a place in the line.
    pub(super) fn take(self: &Arc<Self>) -> Taken<C> {
        let mut state = self.lock();
        if let Some((_, wire)) = state.idle.pop_back() {
            return Taken::Now(Grant::Idle(wire));
        }
        self.take_slot(&mut state)
    }

    /// As [`take`](Self::take), without regard to connections at rest: one of them is closed if it has to be.
    pub(super) fn reserve(self: &Arc<Self>) -> Taken<C> {
        let mut state = self.lock();
        if state.open >= self.limit
            && let Some((_, wire)) = state.idle.pop_front()
        {
            drop(state);
            drop(wire);
            state = self.lock();
        }
        self.take_slot(&mut state)
    }

    fn take_slot(self: &Arc<Self>, state: &mut State<C>) -> Taken<C> {
        if state.open < self.limit {
            state.open += 1;
            return Taken::Now(Grant::Slot(Slot(self.clone())));
        }
        // The line is served in order, so those who gave up are at its front.
        while state
            .waiting
            .front()
            .is_some_and(oneshot::Sender::is_closed)
        {
            state.waiting.pop_front();
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.push_back(sender);
        Taken::Later(receiver)
    }

    /// Closes all connections at rest, and others as they come back.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    /// Connections that there are or are being opened, and those of them at rest.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.open, state.idle.len())
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Pooled> Pool<C> {
    /// Closes what was not used for `most`, and what the backend has closed or the name no longer stands for.
    ///
    /// Looks only at connections that rested for a while, so that requests find the busy ones in their place.
    pub(super) fn sweep(&self, most: Duration, now: Instant) {
        let mut resting = self.take_resting(now);
        resting.retain_mut(|(since, wire)| {
            now.saturating_duration_since(*since) <= most && self.is_current(wire) && wire.stands()
        });
        while let Some(back) = resting.pop_back() {
            let mut state = self.lock();
            if state.closed || !state.waiting.is_empty() {
                drop(state);
                self.put(back.1);
            } else {
                state.idle.push_front(back);
            }
        }
    }

    fn take_resting(&self, now: Instant) -> VecDeque<(Instant, Box<C>)> {
        let mut state = self.lock();
        let resting =
            |(since, _): &(Instant, Box<C>)| now.saturating_duration_since(*since) >= RESTING;
        let count = state.idle.partition_point(resting);
        state.idle.drain(..count).collect()
    }

    /// Takes a connection back after its exchange.
    pub(super) fn put(&self, mut wire: Box<C>) {
        if !self.is_current(&mut wire) {
            return;
        }
        let now = Instant::now();
        let mut state = self.lock();
        loop {
            if state.closed {
                break;
            }
            let Some(first) = state.waiting.pop_front() else {
                state.idle.push_back((now, wire));
                return;
            };
            match first.send(Grant::Idle(wire)) {
                Ok(()) => return,
                Err(Grant::Idle(back)) => wire = back,
                Err(Grant::Slot(_)) => return,
            }
        }
        // Not under the lock: a connection that is dropped gives its slot back.
        drop(state);
    }

    /// The name still stands for the address that the connection goes to.
    fn is_current(&self, wire: &mut C) -> bool {
        let (Some(name), Some(origin)) = (&self.name, wire.origin()) else {
            return true;
        };
        let version = name.version();
        if origin.version == version {
            return true;
        }
        origin.version = version;
        name.holds(origin.address)
    }
}

impl<C> Slot<C> {
    pub(super) fn pool(&self) -> &Arc<Pool<C>> {
        &self.0
    }
}

impl<C> Drop for Slot<C> {
    fn drop(&mut self) {
        loop {
            let mut state = self.0.lock();
            let Some(first) = state.waiting.pop_front() else {
                state.open -= 1;
                return;
            };
            drop(state);
            if !first.is_closed() {
                // If whoever waited is gone by now, dropping this slot asks the next one.
                drop(first.send(Grant::Slot(Slot(self.0.clone()))));
                return;
            }
        }
    }
}

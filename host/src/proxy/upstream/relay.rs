//! The waker of a connection that changes hands: it wakes whoever drives the connection at the moment.
//!
//! hyper's parts leave wakers in each other, which wake the task that they run in even while it runs, and the task of
//! the last exchange when the next one begins. Each such wake-up is one more poll of somebody's whole connection. Behind
//! this waker none of them gets through, and tokio needs not take a new waker for each exchange.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// See the module's text.
#[derive(Debug)]
pub(super) struct Relay {
    state: Arc<State>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct State(Mutex<Listener>);

#[derive(Debug, Default)]
struct Listener {
    /// None while nobody drives the connection.
    task: Option<Waker>,
    is_muted: bool,
    has_missed: bool,
}

impl Relay {
    pub(super) fn new() -> Self {
        let state = Arc::new(State::default());
        Self {
            waker: Waker::from(state.clone()),
            state,
        }
    }

    /// Wake-ups go to this task from now on. Returns the waker to poll with.
    pub(super) fn listen(&self, cx: &Context<'_>) -> &Waker {
        let mut listener = self.state.lock();
        let is_new = |task: &Waker| !task.will_wake(cx.waker());
        if listener.task.as_ref().is_none_or(is_new) {
            let old = listener.task.replace(cx.waker().clone());
            drop(listener);
            drop(old);
        }
        &self.waker
    }

    /// Nobody wants to be woken any more.
    pub(super) fn rest(&self) {
        let task = self.state.lock().task.take();
        drop(task);
    }

    /// Polls for something that is there already or not; if it is, the wake-ups by that are dropped.
    pub(super) fn quietly<T>(&self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        self.state.lock().is_muted = true;
        let result = poll();
        let mut listener = self.state.lock();
        listener.is_muted = false;
        // What came from elsewhere meanwhile counts, unless whoever got a result comes again anyway.
        if std::mem::take(&mut listener.has_missed)
            && result.is_pending()
            && let Some(task) = &listener.task
        {
            task.wake_by_ref();
        }
        result
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Listener> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut listener = self.lock();
        if listener.is_muted {
            listener.has_missed = true;
        } else if let Some(task) = &listener.task {
            task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_the_present_driver_is_woken_and_not_by_what_it_takes_itself() {
        let relay = Relay::new();
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let tasks = counts.clone().map(Waker::from);
        let woken = || {
            counts
                .each_ref()
                .map(|count| count.0.load(Ordering::Relaxed))
        };
        let waker = relay.listen(&Context::from_waker(&tasks[0])).clone();
        waker.wake_by_ref();
        assert_eq!(woken(), [1, 0]);
        relay.listen(&Context::from_waker(&tasks[1]));
        waker.wake_by_ref();
        assert_eq!(woken(), [1, 1]);
        let taken = relay.quietly(|| {
            waker.wake_by_ref();
            Poll::Ready(())
        });
        assert!(taken.is_ready());
        assert_eq!(woken(), [1, 1], "it has what it was woken for");
        let nothing: Poll<()> = relay.quietly(|| {
            waker.wake_by_ref();
            Poll::Pending
        });
        assert!(nothing.is_pending());
        assert_eq!(woken(), [1, 2], "somebody else had news");
        relay.rest();
        waker.wake_by_ref();
        assert_eq!(woken(), [1, 2]);
    }
}

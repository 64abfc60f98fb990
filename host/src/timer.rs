//! A deadline that costs next to nothing when it is not met.
//!
//! A timer of tokio's is put on a wheel under a lock and taken off again; a proxy would do that for every request and
//! need it for none. This one stays on the wheel across requests: it is set for the first deadline, and when it fires
//! too early it is set anew for the one that holds then. A request only leaves its waker there.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

/// See the module's text.
#[derive(Debug, Default)]
pub struct Timer {
    /// None until it is needed.
    sleep: Option<Pin<Box<Sleep>>>,
    /// The task that is woken when it is over.
    task: Option<Waker>,
}

impl Timer {
    /// Ready when the deadline has passed; else the task is woken by then.
    pub fn poll_passed(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
            self.task = None;
        }
        ready!(poll(sleep.as_mut(), &mut self.task, cx));
        if sleep.deadline() < deadline {
            sleep.as_mut().reset(deadline);
            self.task = None;
            ready!(poll(sleep.as_mut(), &mut self.task, cx));
        }
        Poll::Ready(())
    }
}

/// Asks the runtime only if it doesn't know the task yet: this is called at each wake-up of a connection.
fn poll(sleep: Pin<&mut Sleep>, task: &mut Option<Waker>, cx: &mut Context<'_>) -> Poll<()> {
    let knows = |task: &Waker| task.will_wake(cx.waker());
    if task.as_ref().is_some_and(knows) && !sleep.is_elapsed() {
        return Poll::Pending;
    }
    // Without budget the runtime takes no note of the task and only wakes it at once.
    let notes = coop::has_budget_remaining();
    if sleep.poll(cx).is_ready() {
        return Poll::Ready(());
    }
    *task = notes.then(|| cx.waker().clone());
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_deadline_is_met_whether_it_moves_back_or_forth() {
        let mut timer = Timer::default();
        for seconds in [10, 60, 1, 30] {
            let start = Instant::now();
            let deadline = start + Duration::from_secs(seconds);
            poll_fn(|cx| timer.poll_passed(cx, deadline)).await;
            assert_eq!(start.elapsed().as_secs(), seconds);
            tokio::time::advance(Duration::from_secs(3)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_was_given_up_does_not_end_the_next_one() {
        let mut timer = Timer::default();
        let start = Instant::now();
        let polled =
            poll_fn(|cx| Poll::Ready(timer.poll_passed(cx, start + Duration::from_secs(5)))).await;
        assert!(polled.is_pending());
        poll_fn(|cx| timer.poll_passed(cx, start + Duration::from_secs(8))).await;
        assert_eq!(start.elapsed().as_secs(), 8);
    }
}

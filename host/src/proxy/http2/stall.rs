//! A deadline for each single wait, at the price of one timer for all of them.
//!
//! A stream waits thousands of times, mostly for microseconds. Arming a timer each time would cost more than the wait, so
//! the timer stays as it was armed, and only when it fires does it look whether the present wait is that old.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Debug)]
pub(super) struct Stall {
    limit: Duration,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            timer: None,
        }
    }

    /// How long a single wait may last.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// The wait is over: what was waited for came.
    pub(super) fn over(&mut self) {
        self.since = None;
    }

    /// Ready when the present wait, which begins with the first call, has lasted its limit.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let Some(deadline) = since.checked_add(self.limit) else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn waits(stall: &mut Stall, time: Duration) -> bool {
        let wait = poll_fn(|cx| stall.poll(cx));
        tokio::time::timeout(time, wait).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_the_whole_limit() {
        let mut stall = Stall::new(Duration::from_secs(10));
        for _ in 0..5 {
            assert!(!waits(&mut stall, Duration::from_secs(9)).await);
            stall.over();
        }
        assert!(!waits(&mut stall, Duration::from_secs(9)).await);
        assert!(waits(&mut stall, Duration::from_secs(2)).await);
    }
}

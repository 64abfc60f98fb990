//! How long a call may wait.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// The future's output, or none if it takes longer than that.
///
/// Most calls are done when they are first polled; those never ask for the time or for a timer.
pub async fn within<F: Future + Unpin>(longest: Duration, mut future: F) -> Option<F::Output> {
    match poll_fn(|cx| Poll::Ready(Pin::new(&mut future).poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => tokio::time::timeout(longest, future).await.ok(),
    }
}

/// The future's output, or none if it waits for longer than what is left, from which its waiting is taken off.
///
/// What it computes doesn't count, nor that it gives way to others at a tick: on a busy machine that may take any time.
pub async fn waiting_at_most<F: Future + Unpin>(
    left: &mut Duration,
    mut future: F,
) -> Option<F::Output> {
    let mut alarm = std::pin::pin!(tokio::time::sleep(*left));
    let mut since = None;
    poll_fn(|cx| {
        if let Some(since) = since.take() {
            *left = left.saturating_sub(Instant::elapsed(&since));
        }
        if let Poll::Ready(output) = Pin::new(&mut future).poll(cx) {
            return Poll::Ready(Some(output));
        }
        let now = Instant::now();
        since = Some(now);
        alarm.as_mut().reset(now + *left);
        alarm.as_mut().poll(cx).map(|()| None)
    })
    .await
}

//! The signal to stop, as connections hear it: nearly free to look at on each wake-up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Told once. Polling a [`CancellationToken`] takes a lock that all connections would share; the flag beside it does not.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    told: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Stop {
    pub fn stop(&self) {
        self.told.store(true, Ordering::Release);
        self.token.cancel();
    }

    pub fn is_stopped(&self) -> bool {
        self.told.load(Ordering::Acquire)
    }

    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// The same for whoever can't hold a reference.
    pub fn stopped_owned(self) -> WaitForCancellationFutureOwned {
        self.token.cancelled_owned()
    }
}

/// Something that ends by itself once it has been asked to.
pub trait Graceful: Future {
    fn graceful_shutdown(self: Pin<&mut Self>);
}

/// Runs until it ends, asking it to once it is time to stop.
pub async fn until_stopped<G: Graceful>(mut running: Pin<&mut G>, stop: &Stop) -> G::Output {
    let mut waiting: Option<Pin<Box<WaitForCancellationFutureOwned>>> =
        Some(Box::pin(stop.token.clone().cancelled_owned()));
    let mut registered = false;
    std::future::poll_fn(move |cx: &mut Context<'_>| {
        // First of all: what has come already is begun with before it is asked to end.
        let polled = running.as_mut().poll(cx);
        // The task's waker stays the same, so it need be left with the token only once.
        if polled.is_pending()
            && let Some(token) = &mut waiting
            && (!registered || stop.is_stopped())
        {
            registered = true;
            if token.as_mut().poll(cx).is_ready() {
                waiting = None;
                running.as_mut().graceful_shutdown();
                return running.as_mut().poll(cx);
            }
        }
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    struct Ends(bool);

    impl Future for Ends {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if self.0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }
    }

    impl Graceful for Ends {
        fn graceful_shutdown(mut self: Pin<&mut Self>) {
            self.0 = true;
        }
    }

    #[tokio::test]
    async fn what_runs_is_asked_to_end_whenever_the_signal_comes() {
        let stop = Stop::default();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { until_stopped(pin!(Ends(false)), &stop).await }
        });
        tokio::task::yield_now().await;
        assert!(!running.is_finished());
        stop.stop();
        running.await.unwrap();
        until_stopped(pin!(Ends(false)), &stop).await;
    }
}

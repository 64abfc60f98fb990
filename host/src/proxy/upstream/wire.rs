//! A connection of HTTP/1.1 that the exchange on it drives itself.
//!
//! hyper's connection is a future that somebody has to poll. A task of its own for each would be woken by the socket and
//! wake the exchange in turn, and the other way round for the request: five polls of tasks for each request through the
//! proxy. Here the exchange polls both, and there are two: one for each socket that has news. Beside the spawned way
//! that saves little more than what the deadlines, which the spawned way had none of, cost: hyper's own work on a
//! message and the system calls are most of a request's CPU time.
//!
//! While a connection rests nobody polls it; whether the backend has closed it is the first thing that the next exchange sees.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::connect::{Connected, Origin};
use super::error::UpstreamError;
use super::pool::Slot;
use super::relay::Relay;
use super::stream::Stream;
use super::timer::Timer;
use super::upload::{Progress, Upload};
use crate::message::Body;

/// How long a connection may take to send the rest of a request whose response is over.
const LINGER: Duration = Duration::from_secs(10);

/// The most that hyper reads ahead on one connection, and the largest head of a response. As toward clients.
const READ_AHEAD: usize = 128 << 10;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Wire {
    sender: SendRequest<Upload>,
    /// None once it has ended without an answer.
    driver: Option<http1::Connection<TokioIo<Stream>, Upload>>,
    /// The driver has ended and must not be polled again.
    ended: bool,
    relay: Relay,
    /// A response has come on it before.
    pub(super) reused: bool,
    pub(super) timer: Timer,
    received: Arc<AtomicBool>,
    pub(super) origin: Option<Origin>,
    slot: Slot,
}

/// Why there is no response, and what can still be done.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing of the request was written: here is its body.
    Unsent(Body, UpstreamError),
    /// The connection ended before the first byte of a response.
    Silent(UpstreamError),
    /// Nothing can be done.
    Final(UpstreamError),
}

impl Wire {
    /// A connection on which nothing was said yet.
    pub(super) async fn new(connected: Connected, slot: Slot) -> Result<Box<Self>, UpstreamError> {
        let received = connected.stream.received();
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(READ_AHEAD)
            .handshake(TokioIo::new(connected.stream))
            .await
            .map_err(|e| UpstreamError::from_hyper(&e, false))?;
        Ok(Box::new(Self {
            sender,
            driver: Some(driver),
            ended: false,
            relay: Relay::new(),
            reused: false,
            timer: Timer::default(),
            received,
            origin: connected.origin,
            slot,
        }))
    }

    /// Sends a request and waits for its response, for `first_byte` from the end of the request on; while an upload is
    /// under way, from when the backend last took some of it on.
    ///
    /// Dropping the future closes the connection.
    pub(super) async fn exchange(
        mut self: Box<Self>,
        request: Request<Upload>,
        progress: Option<&Progress>,
        first_byte: Duration,
    ) -> Result<(Response<Incoming>, Box<Self>), Failure> {
        self.received.store(false, Ordering::Relaxed);
        let mut deadline = Instant::now() + first_byte;
        // The driver runs in this very task and is polled first: the answer is there after it, or nothing has changed.
        // So its own wake-ups are not needed, nor may tokio's budget delay it, which would count on one.
        let mut sending = pin!(unconstrained(self.sender.try_send_request(request)));
        let answer = poll_fn(|cx| {
            self.poll_driver(cx);
            let mut quiet = Context::from_waker(Waker::noop());
            let mut answer = sending.as_mut().poll(&mut quiet);
            if self.ended && answer.is_pending() {
                // It saw the backend's close before the request. Dropped, it gives the request back.
                self.driver = None;
                answer = sending.as_mut().poll(&mut quiet);
            }
            if let Poll::Ready(answer) = answer {
                return Poll::Ready(Some(answer));
            }
            while self.timer.poll_passed(cx, deadline).is_ready() {
                let later = progress.map(|p| match p.is_starved() {
                    // How long a client may pause is for those to say who read from it.
                    true => Instant::now() + first_byte,
                    false => p.last_moved() + first_byte,
                });
                match later {
                    Some(later) if later > deadline => deadline = later,
                    _ => return Poll::Ready(None),
                }
            }
            Poll::Pending
        })
        .await;
        match answer {
            Some(Ok(response)) => Ok((response, self)),
            Some(Err(error)) => Err(self.failure(error)),
            None => Err(Failure::Final(UpstreamError::ResponseTimeout {
                after: first_byte,
            })),
        }
    }

    fn failure(&self, mut error: TrySendError<Request<Upload>>) -> Failure {
        let unsent = error.take_message().map(|r| r.into_body().into_body());
        let begun = self.received.load(Ordering::Relaxed);
        let why = UpstreamError::from_hyper(error.error(), begun);
        match (unsent, &why) {
            (Some(body), _) => Failure::Unsent(body, why),
            (None, UpstreamError::Terminated(_)) => Failure::Silent(why),
            _ => Failure::Final(why),
        }
    }

    /// Lets the connection read and write what it can.
    pub(super) fn poll_driver(&mut self, cx: &mut Context<'_>) {
        let waker = self.relay.listen(cx);
        if !self.ended
            && let Some(driver) = &mut self.driver
            && let Poll::Ready(result) = Pin::new(driver).poll(&mut Context::from_waker(waker))
        {
            self.ended = true;
            if let Err(e) = result {
                // The exchange that it fails for hears of it too.
                tracing::debug!("a connection to the backend ended: {e}");
            }
        }
    }

    /// Polls for what a driver that was just polled may have brought.
    pub(super) fn take<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.relay
            .quietly(|| poll(&mut Context::from_waker(Waker::noop())))
    }

    /// The connection is open and was not closed by the backend, as far as can be known.
    pub(super) fn stands(&mut self) -> bool {
        self.poll_driver(&mut Context::from_waker(Waker::noop()));
        self.relay.rest();
        !self.ended && self.sender.is_ready()
    }

    /// Gives the connection back after a response that was read to its end.
    ///
    /// What is still to be sent of the request, because the backend answered early, is sent before.
    pub(super) fn give_back(mut self: Box<Self>, progress: Option<&Progress>) {
        if self.ended {
            return;
        }
        self.reused = true;
        if self.sender.is_ready() {
            self.relay.rest();
            let pool = self.slot.pool().clone();
            pool.put(self);
        } else if progress.is_none_or(Progress::is_wanted) {
            tokio::spawn(tokio::time::timeout(LINGER, self.finish()));
        }
    }

    async fn finish(mut self: Box<Self>) {
        poll_fn(|cx| {
            self.poll_driver(cx);
            if self.ended || self.sender.is_ready() {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
        if !self.ended {
            self.relay.rest();
            let pool = self.slot.pool().clone();
            pool.put(self);
        }
    }

    /// The bare connection after a switch of protocols, with what was read beyond the response's head.
    ///
    /// # Errors
    /// When the connection ended instead.
    pub(super) async fn into_parts(
        mut self: Box<Self>,
    ) -> Result<(Stream, Bytes, Slot), UpstreamError> {
        poll_fn(|cx| {
            self.poll_driver(cx);
            if self.ended {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        let Self { driver, slot, .. } = *self;
        let parts = driver
            .map(http1::Connection::into_parts)
            .ok_or_else(|| UpstreamError::Upgrade("the connection ended".to_owned()))?;
        Ok((parts.io.into_inner(), parts.read_buf, slot))
    }

    /// The two halves, to be driven apart from the exchange from now on.
    pub(super) fn into_driver(self: Box<Self>) -> (impl Future<Output = ()> + Send, Timer) {
        let Self {
            sender,
            driver,
            ended,
            timer,
            slot,
            ..
        } = *self;
        // The driver ends after this exchange, as nobody can send another request.
        drop(sender);
        let driving = async move {
            if let Some(driver) = driver.filter(|_| !ended)
                && let Err(e) = driver.await
            {
                tracing::debug!("a connection to the backend ended: {e}");
            }
            drop(slot);
        };
        (driving, timer)
    }
}

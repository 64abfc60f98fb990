//! Runs a connection to a backend: its frames, and whether the backend is still there.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::Connection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use super::shared::ConnectionState;
use crate::proxy::http2::Error;
use crate::proxy::http2::life::{Keepalive, Life, Watched};

/// The head of a frame, and so the least of the SETTINGS with which the backend begins.
const FRAME_HEAD: u64 = 9;

/// Runs the connection until it has ended: closed by either side, or broken.
#[derive(Debug)]
pub struct Driver<IO: AsyncRead + AsyncWrite + Unpin> {
    connection: Connection<Watched<IO>, Bytes>,
    shared: Arc<ConnectionState>,
    life: Arc<Life>,
    keepalive: Keepalive,
    /// Armed while requests are under way, with the time since when.
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Driver<IO> {
    pub(super) fn new(
        mut connection: Connection<Watched<IO>, Bytes>,
        life: Arc<Life>,
        shared: Arc<ConnectionState>,
    ) -> Self {
        let limits = &shared.limits;
        let (interval, timeout) = (limits.ping_interval, limits.ping_timeout);
        let keepalive = Keepalive::new(life.clone(), connection.ping_pong(), interval, timeout);
        Self {
            connection,
            shared,
            life,
            keepalive,
            timer: None,
        }
    }

    fn note_settings(&self) {
        if !self.shared.has_settings.load(Ordering::Relaxed) && self.life.received() >= FRAME_HEAD {
            self.shared.has_settings.store(true, Ordering::Release);
            self.shared.changed.notify_waiters();
        }
    }

    fn is_busy(&self) -> bool {
        self.shared.active.is_any()
    }

    /// Ready when there may be a PING to send; with an error when the backend has vanished.
    fn poll_keepalive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.timer.is_none() && self.is_busy() {
            let now = Instant::now();
            let first = now + self.shared.limits.ping_interval;
            self.timer = Some((now, Box::pin(sleep_until(first))));
        }
        let is_busy = self.is_busy();
        let Some((since, timer)) = &mut self.timer else {
            return Poll::Pending;
        };
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if !is_busy {
            self.timer = None;
            return Poll::Pending;
        }
        let next = self.keepalive.check(Instant::now(), *since)?;
        timer.as_mut().reset(next);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Driver<IO> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let ended = Pin::new(&mut self.connection).poll(cx);
            self.note_settings();
            if let Poll::Ready(ended) = ended {
                return Poll::Ready(ended.map_err(Error::from));
            }
            match self.poll_keepalive(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Drop for Driver<IO> {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
        self.shared.changed.notify_waiters();
    }
}

//! Whether the peer of a connection is still there.
//!
//! Any byte from it proves that it is, and so does room in a socket that was full: the peer's kernel acknowledged. Only
//! when neither has come for a while does a PING ask. The answer needn't be told apart from other bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Error;

/// A transport that notes each sign of life.
#[derive(Debug)]
pub(super) struct Watched<IO> {
    io: IO,
    life: Arc<Life>,
    was_full: bool,
}

/// When the last sign of life came. Only the connection's own task writes and reads it.
#[derive(Debug)]
pub(super) struct Life {
    start: Instant,
    /// Microseconds after `start`.
    last: AtomicU64,
    signs: AtomicU64,
    received: AtomicU64,
}

/// When to ask, and when to give up.
#[derive(Debug)]
pub(super) struct Keepalive {
    life: Arc<Life>,
    ping: Option<PingPong>,
    interval: Duration,
    timeout: Duration,
    /// When, and how many signs of life there had been.
    asked: Option<(Instant, u64)>,
}

impl<IO> Watched<IO> {
    pub(super) fn new(io: IO) -> (Self, Arc<Life>) {
        let life = Arc::new(Life {
            start: Instant::now(),
            last: AtomicU64::new(0),
            signs: AtomicU64::new(0),
            received: AtomicU64::new(0),
        });
        let watched = Self {
            io,
            life: life.clone(),
            was_full: false,
        };
        (watched, life)
    }

    fn note_write(&mut self, written: &Poll<io::Result<usize>>) {
        if written.is_pending() {
            self.was_full = true;
        } else if std::mem::take(&mut self.was_full) {
            self.life.note();
        }
    }
}

impl Life {
    fn note(&self) {
        let elapsed = self.start.elapsed().as_micros();
        let micros = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.last.store(micros, Ordering::Relaxed);
        self.signs.store(self.signs() + 1, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_micros(self.last.load(Ordering::Relaxed))
    }

    fn signs(&self) -> u64 {
        self.signs.load(Ordering::Relaxed)
    }

    /// Bytes that came from the peer so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Keepalive {
    pub(super) fn new(
        life: Arc<Life>,
        ping: Option<PingPong>,
        interval: Duration,
        timeout: Duration,
    ) -> Self {
        Self {
            life,
            ping,
            interval,
            timeout,
            asked: None,
        }
    }

    /// Asks the peer for a sign of life if there was none for the interval, counted from `since` at the earliest, and
    /// says when to look again.
    ///
    /// # Errors
    /// [`Error::Vanished`] when it was asked and gave none within the timeout.
    pub(super) fn check(&mut self, now: Instant, since: Instant) -> Result<Instant, Error> {
        let last = self.life.last().max(since);
        if let Some((asked, signs)) = self.asked {
            if signs == self.life.signs() {
                let deadline = asked + self.timeout;
                if now >= deadline {
                    return Err(Error::Vanished(self.timeout));
                }
                return Ok(deadline);
            }
            self.asked = None;
        }
        let due = last + self.interval;
        if now < due {
            return Ok(due);
        }
        self.send_ping();
        self.asked = Some((now, self.life.signs()));
        Ok(now + self.timeout)
    }

    fn send_ping(&mut self) {
        if let Some(ping) = &mut self.ping {
            // An earlier answer must be taken before `h2` sends another. A PING that is still under way asks as well.
            let _ = ping.poll_pong(&mut Context::from_waker(Waker::noop()));
            let _ = ping.send_ping(Ping::opaque());
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let came = (buf.filled().len() - before) as u64;
        if came > 0 {
            self.life.note();
            let received = self.life.received() + came;
            self.life.received.store(received, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const TIMEOUT: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn silence_asks_then_gives_up_and_a_sign_of_life_begins_anew() {
        let (_, life) = Watched::new(());
        let start = life.start;
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(life.clone(), None, INTERVAL, TIMEOUT);
        assert_eq!(keepalive.check(at(10), start).unwrap(), at(30));
        assert_eq!(keepalive.check(at(30), start).unwrap(), at(50));
        tokio::time::advance(Duration::from_secs(40)).await;
        life.note();
        assert_eq!(keepalive.check(at(50), start).unwrap(), at(70));
        assert_eq!(keepalive.check(at(70), start).unwrap(), at(90));
        assert!(keepalive.check(at(89), start).is_ok());
        assert!(matches!(
            keepalive.check(at(90), start),
            Err(Error::Vanished(_))
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_before_the_first_stream_does_not_count() {
        let (_, life) = Watched::new(());
        let start = life.start;
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(life, None, INTERVAL, TIMEOUT);
        assert_eq!(keepalive.check(at(1000), at(990)).unwrap(), at(1020));
    }
}

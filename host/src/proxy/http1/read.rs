//! What hyper reads: only checked bytes, and an end or an error when the client takes too long.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::guard::{Guard, Mode, Stalled};
use super::head::BadHead;
use crate::config::server::HalfClose;

/// Bytes of a read that are looked at before they go on. They lie on the stack: a connection at rest has none.
pub(super) const SCRATCH: usize = 16 << 10;

/// How long the response may take to end after a client has closed its side, if that means that it has left.
const HALF_CLOSED: Duration = Duration::from_secs(2);

/// How long a response that has begun may be silent after the client has closed its side. Most of those who close it amid a
/// response have left, and would hold for as long as the response lasts what it takes to make it.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether a client that has closed its side has left meanwhile. Its reset would wake nobody.
const LOOK: Duration = Duration::from_secs(1);

impl<IO: AsyncRead + AsyncWrite + Unpin> Read for Guard<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.held.give(&mut cursor) || cursor.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            match this.mode {
                Mode::Http if this.stream.is_at_switch() => this.mode = Mode::Switch,
                Mode::Http if this.can_read_straight(&cursor) => {
                    return this.read_straight(cx, cursor);
                }
                Mode::Http => {
                    if ready!(this.read_checked(cx, &mut cursor))? == Step::Done {
                        return Poll::Ready(Ok(()));
                    }
                }
                Mode::Tunnel => {
                    return Pin::new(&mut TokioIo::new(&mut this.io)).poll_read(cx, cursor);
                }
                Mode::Switch => {
                    this.observe(cx);
                    if !this.leave_switch() {
                        return Poll::Pending;
                    }
                }
                // The end of input would cancel the exchange.
                Mode::Refused => return Poll::Pending,
                Mode::Broken(error) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
                Mode::HalfClosed { until } => return this.end_in_time(cx, until).map(Ok),
                Mode::Idle => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Whether hyper's read is over.
#[derive(PartialEq, Eq)]
enum Step {
    Done,
    /// There is something else to see to: no byte has gone on.
    Again,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Guard<IO> {
    /// Whether all that hyper has room for is body that nobody needs to look at.
    fn can_read_straight(&self, cursor: &ReadBufCursor<'_>) -> bool {
        cursor.remaining() as u64 <= self.stream.opaque()
    }

    fn read_straight(
        &mut self,
        cx: &mut Context<'_>,
        cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.observe(cx);
        let mut counted = Counted {
            io: &mut self.io,
            n: 0,
        };
        let result = Pin::new(&mut TokioIo::new(&mut counted)).poll_read(cx, cursor);
        let n = counted.n;
        match result {
            Poll::Pending => self.wait_for_body(cx),
            Poll::Ready(Ok(())) => {
                self.stream.skip(n as u64);
                self.took(n);
                Poll::Ready(Ok(()))
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }

    // Its own frame: the scratch is not to lie on the stack while hyper is called back, or in a tunnel.
    #[inline(never)]
    fn read_checked(
        &mut self,
        cx: &mut Context<'_>,
        cursor: &mut ReadBufCursor<'_>,
    ) -> Poll<io::Result<Step>> {
        self.observe(cx);
        let mut scratch = [MaybeUninit::uninit(); SCRATCH];
        let room = SCRATCH.min(cursor.remaining());
        let mut buffer = ReadBuf::uninit(&mut scratch[..room]);
        match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
            Poll::Pending if self.stream.in_body() => {
                self.wait_for_body(cx).map_ok(|()| Step::Done)
            }
            Poll::Pending => self.wait_for_head(cx),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled();
                self.took(bytes.len());
                Poll::Ready(Ok(self.admit(bytes, cursor)))
            }
        }
    }

    fn took(&mut self, n: usize) {
        self.body_by = None;
        if n == 0 {
            let now = Instant::now();
            self.output.silent_since = Some(now);
            // In a body the end is news for whoever reads that.
            let until = (!self.stream.in_body()).then(|| now + HALF_CLOSED);
            self.mode = Mode::HalfClosed { until };
        }
    }

    /// hyper cancels an exchange when input ends. A client that has only closed its side shall get its response. One that
    /// has left looks the same until it resets the connection or something is written to it.
    fn end_in_time(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<()> {
        let Some(until) = until.filter(|_| self.is_under_way()) else {
            return Poll::Ready(());
        };
        let now = Instant::now();
        let (is_over, next) = match self.limits.half_close {
            HalfClose::Answer => (self.has_gone(now), now + LOOK),
            HalfClose::Cancel => (now >= until, until),
        };
        if is_over {
            return Poll::Ready(());
        }
        self.observe(cx);
        self.alarm.wake_by(next, cx);
        Poll::Pending
    }

    /// Whether a client that has closed its side has left as well, as far as that can be known.
    fn has_gone(&self, now: Instant) -> bool {
        let begun = self.output.answering == self.shared.begun();
        let silent = self.output.silent_since.map(|since| now - since);
        (self.has_left)(&self.io) || (begun && silent.is_some_and(|time| time >= LONGEST_SILENCE))
    }

    /// Lets go on to hyper what may, and holds back the rest.
    fn admit(&mut self, bytes: &[u8], cursor: &mut ReadBufCursor<'_>) -> Step {
        if bytes.is_empty() {
            return Step::Again;
        }
        if !self.held.is_empty() {
            self.held.hold(bytes);
            if self.held.look(bytes) {
                self.look_at_held();
            }
            return Step::Again;
        }
        let (n, then) = self.follow(bytes);
        cursor.put_slice(&bytes[..n]);
        if n < bytes.len() {
            self.held.hold(&bytes[n..]);
        }
        self.settle(then);
        if n > 0 { Step::Done } else { Step::Again }
    }

    /// hyper only reads in a body when someone waits for it.
    fn wait_for_body(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let now = Instant::now();
        let patience = self.limits.body_timeout;
        let by = *self.body_by.get_or_insert(now + patience);
        if now < by {
            self.alarm.wake_by(by, cx);
            return Poll::Pending;
        }
        let stalled = Stalled::Body(patience);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, stalled)))
    }

    /// Between requests: how long depends on whether the next one has begun.
    fn wait_for_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        let quiet = self.shared.quiet_since();
        let by = match self.head_since {
            Some(began) => began.max(quiet) + self.limits.header_timeout,
            // Who connects has something to say.
            None if self.stream.heads() == 0 => quiet + self.limits.header_timeout,
            None => quiet + self.limits.idle_timeout,
        };
        // In the usual case the alarm of an earlier wait is set, and no clock needs to be read.
        if self.alarm.at().is_some_and(|at| at <= by) {
            return Poll::Pending;
        }
        let now = Instant::now();
        if self.is_under_way() {
            // An exchange is under way. Its end doesn't wake this task, so look again when that may be due.
            self.alarm.wake_by(now + self.patience(), cx);
            return Poll::Pending;
        }
        if now < by {
            self.alarm.wake_by(by, cx);
            return Poll::Pending;
        }
        if self.head_since.is_some() {
            self.refuse(BadHead::Timeout);
            return Poll::Ready(Ok(Step::Again));
        }
        self.mode = Mode::Idle;
        Poll::Ready(Ok(Step::Done))
    }

    fn patience(&self) -> Duration {
        match self.head_since {
            Some(_) => self.limits.header_timeout,
            None => self.limits.idle_timeout,
        }
    }
}

/// Counts what is read.
struct Counted<'a, IO> {
    io: &'a mut IO,
    n: usize,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Counted<'_, IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut *self.io).poll_read(cx, buffer);
        self.n += buffer.filled().len() - before;
        result
    }
}

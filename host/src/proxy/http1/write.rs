//! What hyper writes, and the end of a connection.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::control::Next;
use super::guard::{Guard, Mode, Stalled};
use super::read::SCRATCH;

/// How long and how much is read of what a client still sends after its last response.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// How far writing is.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// hyper has begun to write and hasn't said that this is all.
    unflushed: bool,
    /// Interim responses, and how many of their bytes are written. They go before what hyper writes.
    interim: Vec<u8>,
    written: usize,
    /// Until when the client must take something. None if it is not waited for.
    by: Option<Instant>,
    /// The client was waited for since the last flush.
    was_slow: bool,
    /// The response is out that switches protocols.
    switched: bool,
    /// The number of the request whose response was last written to.
    pub(super) answering: u64,
    /// When the client that has closed its side last got something; when it closed it, if nothing since.
    pub(super) silent_since: Option<Instant>,
}

impl Output {
    pub fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    pub fn wrote_switch(&self) -> bool {
        self.switched
    }
}

/// How far the end of a connection is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    #[default]
    No,
    /// The write side is shut down; what comes in is thrown away.
    Linger {
        until: Option<Instant>,
        left: usize,
    },
    Done,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> hyper::rt::Write for Guard<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.mode == Mode::Tunnel {
            return Pin::new(&mut this.io).poll_write(cx, bytes);
        }
        ready!(this.begin_output(cx))?;
        let result = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.in_time(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.mode == Mode::Tunnel {
            return Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        }
        ready!(this.begin_output(cx))?;
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.in_time(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// hyper calls this when it has nothing left to write, at every poll of the connection.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.mode == Mode::Tunnel {
            return Pin::new(&mut this.io).poll_flush(cx);
        }
        if let Some(interim) = this.shared.queued_output() {
            this.output.interim.extend_from_slice(&interim);
        }
        ready!(this.write_interim(cx))?;
        let result = Pin::new(&mut this.io).poll_flush(cx);
        ready!(this.in_time(cx, result))?;
        if this.output.unflushed {
            this.end_output(cx);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.mode == Mode::Tunnel {
            return Pin::new(&mut this.io).poll_shutdown(cx);
        }
        this.observe(cx);
        if this.closing == Closing::No {
            let result = Pin::new(&mut this.io).poll_shutdown(cx);
            ready!(this.in_time(cx, result))?;
            this.closing = this.after_shutdown();
        }
        while let Closing::Linger { until, left } = this.closing {
            this.closing = ready!(this.linger(cx, until, left));
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Guard<IO> {
    fn begin_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.output.unflushed {
            self.output.unflushed = true;
            if let Some(interim) = self.shared.begin_output() {
                self.output.interim.extend_from_slice(&interim);
            }
        }
        self.write_interim(cx)
    }

    fn end_output(&mut self, cx: &Context<'_>) {
        self.output.unflushed = false;
        self.shared.end_output();
        if self.output.was_slow {
            self.output.was_slow = false;
            self.shared.touch(Instant::now());
        }
        self.output.answering = self.shared.begun();
        // hyper reads again only when it is polled again.
        if matches!(self.mode, Mode::HalfClosed { .. }) {
            self.output.silent_since = Some(Instant::now());
            cx.waker().wake_by_ref();
        }
        if self.stream.switches() && self.shared.decided() == Some(Next::Tunnel) {
            self.output.switched = true;
            if self.stream.is_at_switch() {
                self.mode = Mode::Switch;
                self.leave_switch();
            }
        }
    }

    fn write_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.output.written < self.output.interim.len() {
            let rest = &self.output.interim[self.output.written..];
            let result = Pin::new(&mut self.io).poll_write(cx, rest);
            let n = ready!(self.in_time(cx, result))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.written += n;
        }
        if self.output.written > 0 {
            self.output.interim = Vec::new();
            self.output.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Passes the result of a write on, but doesn't wait for the client without end.
    fn in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.output.by = None;
            return result;
        }
        self.observe(cx);
        self.output.was_slow = true;
        let now = Instant::now();
        let patience = self.limits.body_timeout;
        let by = *self.output.by.get_or_insert(now + patience);
        if now < by {
            self.alarm.wake_by(by, cx);
            return Poll::Pending;
        }
        let stalled = Stalled::Write(patience);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, stalled)))
    }

    /// When input is there that nobody has read, the system answers the end of a connection with a reset, which may
    /// reach the client before the response does (RFC 9112, section 9.6). So it is read.
    fn after_shutdown(&self) -> Closing {
        let left = LINGER_BYTES;
        let more_expected = match self.mode {
            Mode::HalfClosed { .. } => return Closing::Done,
            Mode::Refused | Mode::Broken(_) => true,
            Mode::Http | Mode::Switch | Mode::Tunnel | Mode::Idle => {
                self.stream.in_body() || !self.held.is_empty()
            }
        };
        let until = more_expected.then(|| Instant::now() + LINGER);
        Closing::Linger { until, left }
    }

    /// Throws away one read. Without `until` there is no need to wait for what isn't there.
    fn linger(
        &mut self,
        cx: &mut Context<'_>,
        until: Option<Instant>,
        left: usize,
    ) -> Poll<Closing> {
        let mut scratch = [MaybeUninit::uninit(); SCRATCH];
        let mut buffer = ReadBuf::uninit(&mut scratch);
        match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) if (1..left).contains(&buffer.filled().len()) => {
                Poll::Ready(Closing::Linger {
                    until: Some(until.unwrap_or_else(|| Instant::now() + LINGER)),
                    left: left - buffer.filled().len(),
                })
            }
            // The end, a failure, or enough.
            Poll::Ready(_) => Poll::Ready(Closing::Done),
            Poll::Pending => match until.filter(|until| Instant::now() < *until) {
                Some(until) => {
                    self.alarm.wake_by(until, cx);
                    Poll::Pending
                }
                None => Poll::Ready(Closing::Done),
            },
        }
    }
}

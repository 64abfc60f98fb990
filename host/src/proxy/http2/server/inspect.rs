//! Looks at the frames of a client before `h2` does, for three things that `h2` leaves open.
//!
//! A field section that HPACK can decode but that no message may hold (a name in capitals, a value with a line feed, a path
//! that is no UTF-8) is an error of the whole connection to `h2`, and one request would end all others. Here its literals are
//! replaced by harmless ones of the same length, so that the table of HPACK stays the same, and a field is added that makes
//! `h2` reset the stream (RFC 9113, section 8.1.1).
//!
//! A path that the `http` crate's type would cut off or refuse goes on in a field of its own, which no client can send
//! (`PATH_AS_SENT`). And frames that carry nothing are counted.
//!
//! Everything else passes as it came, without a copy.

mod frames;
mod heads;
mod huffman;
mod literal;
mod pace;
mod rules;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use frames::{Found, Frames};
use pace::Pace;

/// Bytes of one read while the start of a frame is held back.
const READ: usize = 16 << 10;

/// A transport whose frames are looked at.
#[derive(Debug)]
pub(super) struct Inspected<IO> {
    io: IO,
    frames: Frames,
    /// What may not go on yet: the start of a frame's head, or of a field section.
    held: Vec<u8>,
    /// How much of it there must be for a further look.
    wanted: usize,
    /// What goes on before anything else, and how much of it has gone.
    out: Vec<u8>,
    gone: usize,
    pace: Pace,
    flood: Flood,
}

/// Says that a connection carries too many frames without content. Nothing more is read from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Flood(Arc<AtomicBool>);

impl Flood {
    pub(super) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<IO> Inspected<IO> {
    /// `max_head` bounds what is held back of a field section.
    pub(super) fn new(io: IO, max_head: usize) -> (Self, Flood) {
        let flood = Flood::default();
        let inspected = Self {
            io,
            frames: Frames::new(max_head),
            held: Vec::new(),
            wanted: 0,
            out: Vec::new(),
            gone: 0,
            pace: Pace::new(),
            flood: flood.clone(),
        };
        (inspected, flood)
    }

    /// Looks at bytes that were not looked at before.
    fn look(&mut self, bytes: &[u8]) -> Found {
        let found = self.frames.follow(bytes);
        self.pace.answers(found.answers);
        if !self.pace.spend(found.spent, found.earned, Instant::now) {
            self.flood.0.store(true, Ordering::Relaxed);
        }
        found
    }

    /// Looks at what is held back, and lets go on what may.
    fn look_at_held(&mut self) {
        if self.held.len() < self.wanted {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let mut at = 0;
        loop {
            let found = self.look(&held[at..]);
            self.out.extend_from_slice(&held[at..at + found.pass]);
            at += found.pass;
            self.wanted = found.wanted;
            let Some(replaced) = found.replaced else {
                break;
            };
            self.out.extend_from_slice(&replaced.by);
            at += replaced.length;
        }
        self.held = held[at..].to_vec();
    }

    /// Hands out what may go on. False if there is nothing.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = &self.out[self.gone..];
        let n = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..n]);
        self.gone += n;
        if self.gone == self.out.len() {
            (self.out, self.gone) = (Vec::new(), 0);
        }
        n > 0
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Inspected<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if buf.remaining() == 0 || this.give(buf) {
                return Poll::Ready(Ok(()));
            }
            if this.flood.is_on() {
                return Poll::Pending;
            }
            if !this.held.is_empty() {
                let mut more = [0; READ];
                let mut more = ReadBuf::new(&mut more);
                ready!(Pin::new(&mut this.io).poll_read(cx, &mut more))?;
                if more.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
                this.held.extend_from_slice(more.filled());
                this.look_at_held();
                continue;
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            if buf.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            let found = this.look(&buf.filled()[before..]);
            let pass = before + found.pass;
            if let Some(replaced) = found.replaced {
                this.out = replaced.by;
                this.held = buf.filled()[pass + replaced.length..].to_vec();
                this.wanted = 0;
                this.look_at_held();
            } else {
                this.held = buf.filled()[pass..].to_vec();
                this.wanted = found.wanted;
            }
            buf.set_filled(pass);
            if pass > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> Inspected<IO> {
    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(n)) = written {
            self.pace.wrote(n);
        }
        written
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Inspected<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.wrote(written)
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

//! Bytes both ways over one stream: what a CONNECT request becomes when it is accepted (RFC 9113, section 8.5; RFC 8441).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::SEND_BUFFER;
use crate::counted::Counted;

/// A tunnel over a stream. END_STREAM is the half-close, each way; dropped before both have finished, it cancels.
#[derive(Debug)]
pub(super) struct StreamTunnel {
    send: SendStream<Bytes>,
    recv: RecvStream,
    /// Came, and was not read yet.
    unread: Bytes,
    has_shut_down: bool,
    /// Of a client's: its share of the connection.
    _slot: Option<Counted>,
}

impl StreamTunnel {
    pub(super) fn new(send: SendStream<Bytes>, recv: RecvStream, slot: Option<Counted>) -> Self {
        Self {
            send,
            recv,
            unread: Bytes::new(),
            has_shut_down: false,
            _slot: slot,
        }
    }

    fn poll_window(&mut self, wanted: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.send.reserve_capacity(wanted.min(SEND_BUFFER));
        loop {
            let window = self.send.capacity();
            if window > 0 {
                return Poll::Ready(Ok(window.min(wanted)));
            }
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(e)) => return Poll::Ready(Err(into_io(e))),
                None => return self.send.poll_reset(cx).map(|reset| Err(closed(reset))),
            }
        }
    }
}

impl AsyncRead for StreamTunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(self.recv.poll_data(cx)) {
                Some(Ok(data)) => self.unread = data,
                Some(Err(e)) => return Poll::Ready(Err(into_io(e))),
                None => return Poll::Ready(Ok(())),
            }
            if self.unread.is_empty() && self.recv.is_end_stream() {
                return Poll::Ready(Ok(()));
            }
        }
        let length = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..length]);
        self.unread.advance(length);
        // It fails only for more than came.
        let _ = self.recv.flow_control().release_capacity(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StreamTunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.has_shut_down {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let length = ready!(self.poll_window(buf.len(), cx))?;
        let data = Bytes::copy_from_slice(&buf[..length]);
        self.send.send_data(data, false).map_err(into_io)?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.has_shut_down, true) {
            self.send.send_data(Bytes::new(), true).map_err(into_io)?;
        }
        Poll::Ready(Ok(()))
    }
}

fn into_io(error: h2::Error) -> io::Error {
    match error.get_io().map(io::Error::kind) {
        Some(kind) => io::Error::new(kind, error),
        None => io::Error::new(io::ErrorKind::ConnectionReset, error),
    }
}

fn closed(reset: Result<h2::Reason, h2::Error>) -> io::Error {
    match reset {
        Ok(reason) => into_io(reason.into()),
        Err(e) => into_io(e),
    }
}

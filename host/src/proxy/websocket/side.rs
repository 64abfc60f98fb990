//! One end of a WebSocket: what is read from its tunnel, and what waits to be written to it.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::codec::Violation;
use super::deflate::Inflater;
use super::extensions::Deflate;
use super::reader::{Event, MessageReader};
use super::writer::MessageWriter;
use crate::message::Tunnel;
use crate::message::websocket::{CloseFrame, Content, Peer, ROOM};

/// Bytes that are read at once.
const READ: usize = 16 << 10;

pub(super) struct Side {
    tunnel: Tunnel,
    reader: MessageReader,
    writer: MessageWriter,
    out: Vec<u8>,
    /// Bytes of `out` that are written already.
    written: usize,
    /// Something was written that is not flushed.
    is_dirty: bool,
    /// Nothing more is read: a close frame came, or the end, or it broke.
    pub(super) is_read: bool,
    /// Something has come since this was set to false.
    pub(super) is_active: bool,
    writing: Writing,
}

/// How far writing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Open,
    /// A close frame is the last that waits. The tunnel ends when the peer has sent one too.
    Closing,
    /// Nothing follows what waits.
    Ending,
    Done,
}

/// What came of reading.
pub(super) enum Read {
    Event(Event),
    /// It has ended without a close frame.
    End,
}

impl Side {
    /// Of a peer that agreed to this compression. Its messages have so many bytes at most.
    pub(super) fn new(
        peer: Peer,
        tunnel: Tunnel,
        deflate: Option<Deflate>,
        longest: usize,
    ) -> Self {
        // To the client this is a server, to the backend a client.
        let (read, write) = match peer {
            Peer::Client => (deflate.map(|it| it.client), deflate.map(|it| it.server)),
            Peer::Backend => (deflate.map(|it| it.server), deflate.map(|it| it.client)),
        };
        Self {
            tunnel,
            reader: MessageReader::new(peer, longest, read.map(Inflater::new)),
            writer: MessageWriter::new(peer, write),
            out: Vec::new(),
            written: 0,
            is_dirty: false,
            is_read: false,
            is_active: true,
            writing: Writing::Open,
        }
    }

    /// Reads what comes next.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Read, Violation>> {
        loop {
            if let Some(event) = self.reader.next()? {
                if let Event::Close(_) = event {
                    self.is_read = true;
                }
                return Poll::Ready(Ok(Read::Event(event)));
            }
            match self.poll_fill(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(true) => {}
                Poll::Ready(false) => {
                    self.is_read = true;
                    return Poll::Ready(Ok(Read::End));
                }
            }
        }
    }

    /// Brings more bytes; false at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut bytes = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        match Pin::new(&mut self.tunnel).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(_)) => Poll::Ready(false),
            Poll::Ready(Ok(())) => {
                self.is_active = true;
                self.reader.push(buffer.filled());
                Poll::Ready(!buffer.filled().is_empty())
            }
        }
    }

    /// Reads on to the end and throws it away: what is not read when a connection is closed may take with it what was written.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [MaybeUninit::uninit(); READ];
        loop {
            let mut buffer = ReadBuf::uninit(&mut bytes);
            match Pin::new(&mut self.tunnel).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
    }

    /// Whether it takes more. What is never written again takes everything.
    pub(super) fn has_room(&self) -> bool {
        self.writing != Writing::Open || self.out.len() - self.written < ROOM
    }

    pub(super) fn message(&mut self, content: &Content) {
        if self.writing == Writing::Open {
            self.writer.message(content, &mut self.out);
        }
    }

    pub(super) fn ping(&mut self, data: &[u8]) {
        if self.writing == Writing::Open {
            self.writer.ping(data, &mut self.out);
        }
    }

    pub(super) fn pong(&mut self, data: &[u8]) {
        if self.writing == Writing::Open {
            self.writer.pong(data, &mut self.out);
        }
    }

    /// Ends it with a close frame.
    pub(super) fn close(&mut self, frame: Option<&CloseFrame>) {
        if self.writing == Writing::Open {
            self.writer.close(frame, &mut self.out);
            self.writing = Writing::Closing;
        }
    }

    /// Ends it behind what waits, whatever the peer says.
    pub(super) fn end(&mut self) {
        if self.writing != Writing::Done {
            self.writing = Writing::Ending;
        }
    }

    /// Whether nothing more will be put in.
    pub(super) fn is_ending(&self) -> bool {
        self.writing != Writing::Open
    }

    /// Whether nothing more comes and goes.
    pub(super) fn is_done(&self) -> bool {
        self.is_read && self.writing == Writing::Done
    }

    /// Whether all is written, up to the end.
    pub(super) fn is_written(&self) -> bool {
        self.writing == Writing::Done
    }

    /// Writes what waits. Whether anything has moved.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> bool {
        match self.poll_write(cx) {
            Ok(moved) => moved,
            Err(_) => {
                // Whoever writes to it hears no more of it than that it takes everything.
                (self.out, self.written) = (Vec::new(), 0);
                self.writing = Writing::Done;
                true
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> std::io::Result<bool> {
        let mut moved = false;
        if self.writing == Writing::Done {
            return Ok(false);
        }
        while self.written < self.out.len() {
            let tunnel = Pin::new(&mut self.tunnel);
            match tunnel.poll_write(cx, &self.out[self.written..])? {
                Poll::Pending => return Ok(moved),
                Poll::Ready(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(length) => self.written += length,
            }
            (moved, self.is_dirty) = (true, true);
            if self.written >= ROOM {
                self.out.drain(..self.written);
                self.written = 0;
            }
        }
        // A connection at rest holds no buffer.
        (self.out, self.written) = (Vec::new(), 0);
        if self.is_dirty {
            if Pin::new(&mut self.tunnel).poll_flush(cx)?.is_pending() {
                return Ok(moved);
            }
            self.is_dirty = false;
        }
        let ends = match self.writing {
            Writing::Closing => self.is_read,
            Writing::Ending => true,
            Writing::Open | Writing::Done => false,
        };
        if ends && Pin::new(&mut self.tunnel).poll_shutdown(cx)?.is_ready() {
            self.writing = Writing::Done;
            moved = true;
        }
        Ok(moved)
    }
}

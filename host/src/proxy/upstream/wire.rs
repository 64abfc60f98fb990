//! A connection of HTTP/1.1, driven by whoever has it: the exchange on it, or nobody while it rests in its pool.
//!
//! There are no tasks and no channels between an exchange and its connection. A task of its own for each connection would be
//! woken by the socket and wake the exchange in turn, and the other way round for the request: five polls of tasks for each
//! request through the proxy. Here there are two, one for each socket that has news. A connection at rest holds no buffer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead as _, ReadBuf};

use super::connect::{Connected, Origin};
use super::pool::{self, Pooled};
use super::stream::Stream;
use crate::timer::Timer;

/// One connection's place under its pool's limit.
pub(super) type Slot = pool::Slot<Wire>;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: Stream,
    pub(super) timer: Timer,
    /// A response has come on it before.
    pub(super) reused: bool,
    origin: Option<Origin>,
    pub(super) slot: Slot,
}

impl Wire {
    /// A connection on which nothing was said yet.
    pub(super) fn new(connected: Connected, slot: Slot) -> Box<Self> {
        Box::new(Self {
            stream: connected.stream,
            timer: Timer::default(),
            reused: false,
            origin: connected.origin,
            slot,
        })
    }

    /// Gives the connection back to its pool, after a response that was read to its end and a request that was written to
    /// its end.
    pub(super) fn give_back(mut self: Box<Self>) {
        self.reused = true;
        let pool = self.slot.pool().clone();
        pool.put(self);
    }
}

impl Pooled for Wire {
    fn origin(&mut self) -> Option<&mut Origin> {
        self.origin.as_mut()
    }

    /// Costs no system call unless the socket has news: tokio knows that there are none.
    fn stands(&mut self) -> bool {
        let mut byte = [0];
        let mut read = ReadBuf::new(&mut byte);
        let mut cx = Context::from_waker(Waker::noop());
        let news: Poll<io::Result<()>> = Pin::new(&mut self.stream).poll_read(&mut cx, &mut read);
        // The end of the connection, an error, or bytes that no request has asked for.
        news.is_pending()
    }
}

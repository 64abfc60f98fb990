//! The connection as hyper sees it: the decisions that reading and writing share.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Limits;
use super::alarm::Alarm;
use super::body::BadBody;
use super::control::{Control, Next, Shared};
use super::fields;
use super::head::{BadHead, HeadLimits};
use super::held::Held;
use super::stream::{Stream, Then};
use super::write::{Closing, Output};

/// An accepted connection from which hyper reads nothing but valid requests.
///
/// It is made with its [`Control`] by [`guard`](super::guard()).
pub struct Guard<IO> {
    pub(super) io: IO,
    pub(super) has_left: fn(&IO) -> bool,
    pub(super) mode: Mode,
    pub(super) stream: Stream,
    pub(super) held: Held,
    pub(super) limits: Limits,
    pub(super) shared: Arc<Shared>,
    pub(super) alarm: Alarm,
    pub(super) output: Output,
    pub(super) closing: Closing,
    /// When the head that is incomplete began.
    pub(super) head_since: Option<Instant>,
    /// Until when the body that is waited for must go on.
    pub(super) body_by: Option<Instant>,
    waker: Waker,
}

/// What reading means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Http,
    /// Nothing is read until it is known what the bytes are.
    Switch,
    /// Bytes go both ways as they are.
    Tunnel,
    /// hyper has, or will get, the stand-in for a refused head, and nothing after it.
    Refused,
    /// hyper gets an error once it has got what was right.
    Broken(BadBody),
    /// The client has closed its side. hyper is told so at once, or when the exchange is over: by the time `until` at the
    /// latest if such a client counts as one that has left.
    HalfClosed {
        until: Option<Instant>,
    },
    /// The client has rested for too long. hyper is told that nothing more comes.
    Idle,
}

/// Why a connection is given up whose peer has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stalled {
    #[error("no byte of the request's body came for {0:?}")]
    Body(Duration),
    #[error("the client took no byte of the response for {0:?}")]
    Write(Duration),
}

impl<IO> Guard<IO> {
    pub(super) fn new(
        io: IO,
        prefix: Bytes,
        limits: Limits,
        has_left: fn(&IO) -> bool,
    ) -> (Self, Control) {
        let shared = Shared::new(Instant::now());
        let control = shared.control();
        let mut guard = Self {
            io,
            has_left,
            mode: Mode::Http,
            stream: Stream::new(HeadLimits {
                max_head: limits.max_head,
                max_target: limits.max_target,
            }),
            held: Held::new(prefix.into()),
            limits,
            shared,
            alarm: Alarm::default(),
            output: Output::default(),
            closing: Closing::default(),
            head_since: None,
            body_by: None,
            waker: Waker::noop().clone(),
        };
        if !guard.held.is_empty() {
            guard.look_at_held();
        }
        (guard, control)
    }

    /// Learns which task the connection lives in. It rarely changes.
    pub(super) fn observe(&mut self, cx: &mut Context<'_>) {
        if !self.waker.will_wake(cx.waker()) {
            self.waker = cx.waker().clone();
            self.shared.set_waker(Some(self.waker.clone()));
            self.alarm.wakes(cx);
        }
    }

    /// Whether a request is served, or its response is not yet written.
    pub(super) fn is_under_way(&self) -> bool {
        self.shared.ended() < self.stream.heads() || self.output.is_unflushed()
    }

    /// Follows bytes that were not followed before. How many may go on?
    pub(super) fn follow(&mut self, bytes: &[u8]) -> (usize, Then) {
        let heads = self.stream.heads();
        let (n, then) = self.stream.follow(bytes);
        if n > 0 {
            self.head_since = None;
        }
        // The service may only get a head when this is known of it.
        if self.stream.heads() != heads {
            if self.stream.http10() {
                self.shared.saw_http10();
            }
            if self.stream.switches() {
                self.shared.may_switch(self.stream.heads());
            }
        }
        (n, then)
    }

    /// Follows what is held back and may now be followed.
    pub(super) fn look_at_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        let (n, then) = self.follow(held.back());
        self.held = held;
        self.held.free(n);
        self.settle(then);
    }

    /// Acts on what stands behind the bytes that may go on; it is held back already.
    pub(super) fn settle(&mut self, then: Then) {
        match then {
            Then::More => {}
            Then::Incomplete if self.stream.in_body() => {}
            Then::Incomplete => {
                self.head_since.get_or_insert_with(Instant::now);
            }
            Then::Switch => self.mode = Mode::Switch,
            Then::Refused(error) => self.refuse(error),
            Then::Broken(error) => self.mode = Mode::Broken(error),
        }
    }

    /// In place of a head that must not be served, hyper gets one that the service answers with an error: in its turn
    /// behind the requests before it, and as the last of the connection.
    pub(super) fn refuse(&mut self, error: BadHead) {
        let back = self.held.back();
        let line = back.strip_prefix(b"\r\n").unwrap_or(back);
        let method: &[u8] = match line.starts_with(b"HEAD ") {
            true => b"HEAD",
            false => b"GET",
        };
        // Decides on the form of the error.
        let accept: [&[u8]; 3] = match fields::value_of(back, b"accept") {
            Some(value) => [b"accept: ", value, b"\r\n"],
            None => [b""; 3],
        };
        let head = b" / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n";
        let stand_in = [method, head, &accept.concat(), b"\r\n"].concat();
        self.shared.refuse(self.stream.heads() + 1, error);
        self.held.replace_back(&stand_in);
        self.head_since = None;
        self.mode = Mode::Refused;
    }

    /// Goes on with what follows a request that might have switched protocols, once that is known.
    pub(super) fn leave_switch(&mut self) -> bool {
        match self.shared.decided() {
            Some(Next::Http) => {
                self.mode = Mode::Http;
                self.stream.stay();
                self.look_at_held();
                true
            }
            // hyper would take what it reads now for news of the exchange: the response must be out first.
            Some(Next::Tunnel) if self.output.wrote_switch() => {
                self.become_tunnel();
                true
            }
            _ => false,
        }
    }

    /// The response that switches protocols is written: from here on all bytes belong to others.
    fn become_tunnel(&mut self) {
        self.mode = Mode::Tunnel;
        self.held.free(self.held.back().len());
        self.alarm = Alarm::default();
        // The task that held the connection for hyper ends now.
        self.waker = Waker::noop().clone();
        self.shared.set_waker(None);
    }
}

impl<IO> fmt::Debug for Guard<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("mode", &self.mode)
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

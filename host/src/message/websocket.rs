//! Messages of a WebSocket, as the proxy and interceptors hand them to each other.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// Bytes that may wait for a receiver before whoever sends to it waits. One message is taken whole.
pub const ROOM: usize = 64 << 10;

/// One of the two ends of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Client,
    Backend,
}

impl Peer {
    pub const BOTH: [Peer; 2] = [Peer::Client, Peer::Backend];

    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Peer::Client => Peer::Backend,
            Peer::Backend => Peer::Client,
        }
    }

    /// Its place in a pair.
    pub fn index(self) -> usize {
        match self {
            Peer::Client => 0,
            Peer::Backend => 1,
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Peer::Client => "client",
            Peer::Backend => "backend",
        })
    }
}

/// A whole message, decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Text(String),
    Binary(Vec<u8>),
}

impl Content {
    pub fn is_text(&self) -> bool {
        matches!(self, Content::Text(_))
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Content::Text(text) => text.as_bytes(),
            Content::Binary(bytes) => bytes,
        }
    }

    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }
}

/// What a close frame says (RFC 6455, section 5.5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFrame {
    pub code: u16,
    pub reason: String,
}

impl CloseFrame {
    /// `reason` is cut to the 123 bytes that a close frame takes.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(123));
        Self { code, reason }
    }

    /// Whether a peer may send this code (RFC 6455, section 7.4, and IANA's registry). The others only say what happened.
    pub fn may_have(code: u16) -> bool {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// What an interceptor has sent in a call, and has not gone on yet. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct MessageOutbox(Arc<Mutex<Sending>>);

/// One thing that an interceptor did in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Message { receiver: Peer, content: Content },
    Close(CloseFrame),
}

#[derive(Debug)]
struct Sending {
    sent: VecDeque<Sent>,
    /// Bytes that wait for each peer, here and behind.
    waiting: [usize; 2],
    /// Bytes that may wait for a peer.
    room: usize,
    /// Whoever sends waits for a receiver.
    is_waiting: bool,
    is_closed: bool,
    /// Nobody takes it out: in a trial, and after the connection's end.
    is_dropped: bool,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            sent: VecDeque::new(),
            waiting: [0, 0],
            room: ROOM,
            is_waiting: false,
            is_closed: false,
            is_dropped: false,
        }
    }
}

impl MessageOutbox {
    /// One that forgets what is put into it.
    pub fn nowhere() -> Self {
        let outbox = Self::default();
        outbox.forget();
        outbox
    }

    /// From now on it forgets what is put into it.
    pub fn forget(&self) {
        let mut sending = self.lock();
        sending.sent.clear();
        sending.is_dropped = true;
    }

    /// Waits until the receiver has room. Nobody need be woken: who takes messages out goes on with the sender afterwards.
    pub async fn room(&self, receiver: Peer) {
        poll_fn(|_| {
            let mut sending = self.lock();
            let has_room = sending.is_dropped
                || sending.is_closed
                || sending.waiting[receiver.index()] < sending.room;
            sending.is_waiting = !has_room;
            match has_room {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Whether the sender waits for a receiver.
    pub fn is_waiting(&self) -> bool {
        self.lock().is_waiting
    }

    pub fn send(&self, receiver: Peer, content: Content) {
        let mut sending = self.lock();
        if !sending.is_dropped && !sending.is_closed {
            sending.waiting[receiver.index()] += content.len();
            sending.sent.push_back(Sent::Message { receiver, content });
        }
    }

    /// Nothing that is sent afterwards counts.
    pub fn close(&self, frame: CloseFrame) {
        let mut sending = self.lock();
        if !sending.is_dropped && !sending.is_closed {
            sending.is_closed = true;
            sending.sent.push_back(Sent::Close(frame));
        }
    }

    /// Takes out what came first.
    pub fn take(&self) -> Option<Sent> {
        self.lock().sent.pop_front()
    }

    /// Says how many bytes wait for each peer behind this, and how many may.
    pub fn set_waiting(&self, waiting: [usize; 2], room: usize) {
        let mut sending = self.lock();
        sending.waiting = waiting;
        sending.room = room;
    }

    fn lock(&self) -> MutexGuard<'_, Sending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn has_room(outbox: &MessageOutbox, receiver: Peer) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        pin!(outbox.room(receiver)).poll(&mut cx).is_ready()
    }

    #[test]
    fn a_sender_waits_for_the_receiver_that_has_no_room() {
        let outbox = MessageOutbox::default();
        assert!(has_room(&outbox, Peer::Client));
        outbox.send(Peer::Client, Content::Binary(vec![0; ROOM]));
        assert!(!has_room(&outbox, Peer::Client) && outbox.is_waiting());
        assert!(has_room(&outbox, Peer::Backend) && !outbox.is_waiting());
        outbox.set_waiting([ROOM, 0], 2 * ROOM);
        assert!(has_room(&outbox, Peer::Client));
        outbox.set_waiting([ROOM - 1, ROOM], ROOM);
        assert!(has_room(&outbox, Peer::Client) && !has_room(&outbox, Peer::Backend));
        outbox.forget();
        assert!(has_room(&outbox, Peer::Backend) && outbox.take().is_none());
    }

    #[test]
    fn what_is_sent_comes_out_in_order_and_nothing_after_a_close() {
        let outbox = MessageOutbox::default();
        let hello = Content::Text("hello".to_owned());
        outbox.send(Peer::Backend, hello.clone());
        outbox.close(CloseFrame::new(1000, "x".repeat(200)));
        outbox.send(Peer::Backend, hello.clone());
        let receiver = Peer::Backend;
        let content = hello;
        assert_eq!(outbox.take(), Some(Sent::Message { receiver, content }));
        let closed = CloseFrame {
            code: 1000,
            reason: "x".repeat(123),
        };
        assert_eq!(outbox.take(), Some(Sent::Close(closed)));
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn codes_that_only_say_what_happened_are_not_sent() {
        let sent = |code: &u16| CloseFrame::may_have(*code);
        assert!([1000, 1003, 1007, 1014, 3000, 4999].iter().all(sent));
        assert!(
            ![0, 999, 1004, 1005, 1006, 1015, 2999, 5000]
                .iter()
                .any(sent)
        );
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(CloseFrame::new(1000, "ä".repeat(62)).reason.len(), 122);
    }
}

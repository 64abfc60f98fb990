//! What a plugin that rewrites a body has emitted and the receiver has not got yet.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;

/// Bytes that may wait for the receiver before the guest does. What one call of `emit` brings is taken whole.
const ROOM: usize = 64 << 10;

/// What was emitted and has not gone on yet. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Mutex<Emitted>>);

#[derive(Debug, Default)]
struct Emitted {
    waiting: VecDeque<Sent>,
    bytes: usize,
    /// Nobody takes it out: in a trial.
    dropped: bool,
}

/// Bytes on their way to the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// What the guest emitted in one call.
    Emitted(Bytes),
    /// A piece that the guest kept, as it stands in the body.
    Kept(Bytes),
}

impl Outbox {
    /// One that forgets what is put into it.
    pub fn nowhere() -> Self {
        let outbox = Self::default();
        outbox.lock().dropped = true;
        outbox
    }

    /// Takes out what came first.
    pub fn take(&self) -> Option<Sent> {
        let mut emitted = self.lock();
        let sent = emitted.waiting.pop_front()?;
        emitted.bytes -= sent.len();
        Some(sent)
    }

    /// Waits until it has room. Nobody need be woken: who takes bytes out goes on with the guest afterwards.
    pub async fn room(&self) {
        poll_fn(|_| match self.lock().bytes < ROOM {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Puts what the guest emitted behind what is there.
    pub fn emit(&self, data: Bytes) {
        self.lock().push(Sent::Emitted(data));
    }

    /// Puts a kept piece behind what was emitted.
    pub fn keep(&self, piece: Bytes) {
        self.lock().push(Sent::Kept(piece));
    }

    fn lock(&self) -> MutexGuard<'_, Emitted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Emitted {
    fn push(&mut self, sent: Sent) {
        if !self.dropped && sent.len() > 0 {
            self.bytes += sent.len();
            self.waiting.push_back(sent);
        }
    }
}

impl Sent {
    fn len(&self) -> usize {
        match self {
            Sent::Emitted(bytes) | Sent::Kept(bytes) => bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_emitted_comes_out_in_order_and_is_counted() {
        let outbox = Outbox::default();
        outbox.emit("ab".into());
        outbox.keep("c".into());
        outbox.keep(Bytes::new());
        assert_eq!(outbox.lock().bytes, 3);
        assert_eq!(outbox.take(), Some(Sent::Emitted("ab".into())));
        assert_eq!(outbox.take(), Some(Sent::Kept("c".into())));
        assert_eq!((outbox.take(), outbox.lock().bytes), (None, 0));
        let nowhere = Outbox::nowhere();
        nowhere.keep("a".into());
        assert_eq!(nowhere.take(), None);
    }
}

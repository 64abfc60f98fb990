//! What a guarded connection and the service behind hyper tell each other past hyper.
//!
//! Both mostly run in one task, but nothing here depends on it. Requests are told apart by counting them: each complete
//! head that goes to hyper is one call of the service, in order. A mark in the head could be forged by a client.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::head::BadHead;

/// The service's end of a guarded connection.
#[derive(Debug, Clone)]
pub struct Control(Arc<Shared>);

/// An exchange that is under way: its connection isn't idle before this is dropped.
#[derive(Debug)]
#[must_use = "the exchange counts as over when this is dropped"]
pub struct Busy(Arc<Shared>);

/// What follows a request that asked for another protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next request: it was answered without a switch.
    Http,
    /// Bytes of another protocol, both ways, as soon as the response that says so is written.
    Tunnel,
}

impl Control {
    /// Counts the request that hyper has just given to the service: to be called once for each, in their order. An
    /// error says that this request is a stand-in for one that must not be served, and why: answer it with
    /// [`BadHead::status`].
    pub fn next_request(&self) -> (Busy, Result<(), BadHead>) {
        let number = self.0.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let result = match self.0.refused.get() {
            Some((refused, error)) if *refused == number => Err(*error),
            _ => Ok(()),
        };
        (Busy(self.0.clone()), result)
    }

    /// Says what follows the current request. It matters only after one that asked to switch protocols (or a CONNECT):
    /// until then nothing that follows it is read. To be called before the response is given to hyper; dropping
    /// [`Busy`] without a call means [`Next::Http`].
    pub fn resume(&self, next: Next) {
        if self.0.begun.load(Ordering::Acquire) != self.0.switch.load(Ordering::Acquire) {
            return;
        }
        let next = match next {
            Next::Http => HTTP,
            Next::Tunnel => TUNNEL,
        };
        self.0.next.store(next, Ordering::Release);
        self.0.wake();
    }

    /// Sends an interim response (RFC 9110, section 15.2) before the current request's final one: to be called before
    /// that is given to hyper. False if it can't be sent: another response is still being written, the client speaks
    /// HTTP/1.0, or `status` is none of an interim response (101 ends an exchange and is none).
    pub fn send_informational(&self, status: StatusCode, fields: &HeaderMap) -> bool {
        let shared = &*self.0;
        let interim = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
        if !interim || shared.http10.load(Ordering::Acquire) {
            return false;
        }
        {
            let mut queue = lock(&shared.queue);
            // Once something is queued, the connection writes it first; until then it must not be amid a message.
            let begin = |state| (state & UNFLUSHED == 0).then_some(state | QUEUED);
            if shared
                .output
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, begin)
                .is_err()
            {
                return false;
            }
            write_interim(&mut queue, status, fields);
        }
        shared.wake();
        true
    }
}

#[cfg(test)]
impl Control {
    /// Requests that the service was called for.
    pub fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Acquire)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let shared = &*self.0;
        shared.touch(Instant::now());
        let ended = shared.ended.fetch_add(1, Ordering::AcqRel) + 1;
        // Nobody said what follows, and nothing else would wake the connection.
        if shared.switch.load(Ordering::Acquire) == ended {
            shared.wake();
        }
    }
}

fn write_interim(out: &mut Vec<u8>, status: StatusCode, fields: &HeaderMap) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in fields {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

const UNDECIDED: u8 = 0;
const HTTP: u8 = 1;
const TUNNEL: u8 = 2;

/// hyper has given bytes to write and hasn't said that these are all.
const UNFLUSHED: u8 = 1;
/// Interim responses wait to be written.
const QUEUED: u8 = 2;

#[derive(Debug)]
pub struct Shared {
    born: Instant,
    /// Requests that the service was called for, and those it is done with.
    begun: AtomicU64,
    ended: AtomicU64,
    /// When an exchange last ended: nanoseconds since `born`.
    quiet_since: AtomicU64,
    /// The number of the last request that may be followed by another protocol, and what follows it.
    switch: AtomicU64,
    next: AtomicU8,
    /// The number of the request that was replaced, and why.
    refused: OnceLock<(u64, BadHead)>,
    http10: AtomicBool,
    output: AtomicU8,
    queue: Mutex<Vec<u8>>,
    /// The connection's task.
    waker: Mutex<Option<Waker>>,
}

impl Shared {
    pub fn new(born: Instant) -> Arc<Self> {
        Arc::new(Self {
            born,
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            quiet_since: AtomicU64::new(0),
            switch: AtomicU64::new(0),
            next: AtomicU8::new(UNDECIDED),
            refused: OnceLock::new(),
            http10: AtomicBool::new(false),
            output: AtomicU8::new(0),
            queue: Mutex::new(Vec::new()),
            waker: Mutex::new(None),
        })
    }

    pub fn control(self: &Arc<Self>) -> Control {
        Control(self.clone())
    }

    /// The task to wake when the service says something; none any more once the connection is a tunnel.
    pub fn set_waker(&self, waker: Option<Waker>) {
        *lock(&self.waker) = waker;
    }

    fn wake(&self) {
        let waker = lock(&self.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The connection was not idle until `now`.
    pub fn touch(&self, now: Instant) {
        let nanos = now.duration_since(self.born).as_nanos();
        self.quiet_since
            .store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Release);
    }

    pub fn quiet_since(&self) -> Instant {
        self.born + Duration::from_nanos(self.quiet_since.load(Ordering::Acquire))
    }

    /// Requests that the service was called for.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Requests that the service is done with.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    pub fn refuse(&self, number: u64, error: BadHead) {
        // There is one refusal in the life of a connection.
        let _ = self.refused.set((number, error));
    }

    pub fn saw_http10(&self) {
        self.http10.store(true, Ordering::Release);
    }

    /// Request `number` may be followed by another protocol.
    pub fn may_switch(&self, number: u64) {
        self.next.store(UNDECIDED, Ordering::Release);
        self.switch.store(number, Ordering::Release);
    }

    /// What follows the request that may switch, if that is known.
    pub fn decided(&self) -> Option<Next> {
        // Looked at first: a decision comes before the end.
        let over = self.ended() >= self.switch.load(Ordering::Acquire);
        match self.next.load(Ordering::Acquire) {
            HTTP => Some(Next::Http),
            TUNNEL => Some(Next::Tunnel),
            _ => over.then_some(Next::Http),
        }
    }

    /// hyper begins to write. Gives what must be written before.
    pub fn begin_output(&self) -> Option<Vec<u8>> {
        let before = self.output.fetch_or(UNFLUSHED, Ordering::AcqRel);
        (before & QUEUED != 0).then(|| self.take_queue())
    }

    /// All that hyper wanted to write is written.
    pub fn end_output(&self) {
        self.output.fetch_and(!UNFLUSHED, Ordering::AcqRel);
    }

    /// What waits to be written while hyper has nothing to write.
    pub fn queued_output(&self) -> Option<Vec<u8>> {
        (self.output.load(Ordering::Acquire) == QUEUED).then(|| self.take_queue())
    }

    fn take_queue(&self) -> Vec<u8> {
        let mut queue = lock(&self.queue);
        self.output.fetch_and(!QUEUED, Ordering::AcqRel);
        std::mem::take(&mut queue)
    }
}

/// What these locks guard is whole after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

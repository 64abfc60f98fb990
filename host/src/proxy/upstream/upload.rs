//! A request's body on its way to a backend: tells how far it is, and waits for `100 Continue` when it has to.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::message::{Body, BodyError, BoxError, OnInformational};

/// How long a body waits for `100 Continue`. RFC 9110, section 10.1.1: a client "SHOULD NOT wait for an indefinite
/// period", and a proxy does not know whether its backend knows of the expectation.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// A [`Body`] with what watches it.
#[derive(Debug)]
pub(super) struct Upload {
    body: Body,
    /// None when there was nothing to send from the start.
    progress: Option<Arc<Progress>>,
    /// Ends the wait for `100 Continue`.
    patience: Option<Pin<Box<Sleep>>>,
}

/// How far an upload is. Written by the connection, read by the exchange.
#[derive(Debug)]
pub(super) struct Progress {
    state: AtomicU8,
    began: Instant,
    /// Nanoseconds from `began` to the last frame.
    moved: AtomicU64,
    /// Of the task that polls a body which is held back.
    waiting: Mutex<Option<Waker>>,
}

const HELD: u8 = 0;
const FLOWING: u8 = 1;
const FINISHED: u8 = 2;
/// The final response came first: the body is never read.
const REFUSED: u8 = 3;
/// The exchange is over without it.
const ABANDONED: u8 = 4;

impl Upload {
    /// A body that is held back when `expect_continue`, and how to follow it; no progress for a body without content.
    pub(super) fn new(body: Body, expect_continue: bool) -> (Self, Option<Arc<Progress>>) {
        if body.is_end_stream() {
            let nothing = Self {
                body,
                progress: None,
                patience: None,
            };
            return (nothing, None);
        }
        let progress = Arc::new(Progress {
            state: AtomicU8::new(if expect_continue { HELD } else { FLOWING }),
            began: Instant::now(),
            moved: AtomicU64::new(0),
            waiting: Mutex::default(),
        });
        let upload = Self {
            body,
            progress: Some(progress.clone()),
            patience: expect_continue.then(|| Box::pin(sleep(CONTINUE_WAIT))),
        };
        (upload, Some(progress))
    }

    /// Ready when the body may flow.
    fn poll_go(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let Some(progress) = &self.progress else {
            return Poll::Ready(Ok(()));
        };
        if progress.state() == HELD {
            progress.wait(cx);
            // It may have come just before.
            if progress.state() == HELD
                && let Some(patience) = &mut self.patience
                && patience.as_mut().poll(cx).is_ready()
            {
                progress.go_on();
            }
        }
        match progress.state() {
            HELD => Poll::Pending,
            REFUSED => {
                progress.wait(cx);
                match progress.state() {
                    ABANDONED => Poll::Ready(Err(not_wanted())),
                    _ => Poll::Pending,
                }
            }
            ABANDONED => Poll::Ready(Err(not_wanted())),
            _ => {
                self.patience = None;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl Progress {
    /// `100 Continue` has come.
    pub(super) fn go_on(&self) {
        if self.change(HELD, FLOWING) {
            self.wake();
        }
    }

    /// A final response has come: what is still held back stays so. Tells whether it was.
    pub(super) fn refuse(&self) -> bool {
        self.change(HELD, REFUSED)
    }

    /// The exchange is over: whoever still waits to send a body that was refused need not.
    pub(super) fn abandon(&self) {
        if self.change(REFUSED, ABANDONED) {
            self.wake();
        }
    }

    /// Whether the backend got, or will get, all of it.
    pub(super) fn is_wanted(&self) -> bool {
        self.state() <= FINISHED
    }

    /// When the last frame was taken, or the upload began.
    pub(super) fn last_moved(&self) -> Instant {
        self.began + Duration::from_nanos(self.moved.load(Ordering::Relaxed))
    }

    fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    fn wait(&self, cx: &mut Context<'_>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
    }

    fn wake(&self) {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    fn note(&self, over: bool) {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.moved.store(nanos, Ordering::Relaxed);
        if over {
            self.change(FLOWING, FINISHED);
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        ready!(self.poll_go(cx))?;
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(progress) = &self.progress {
            let over = !matches!(frame, Some(Ok(_))) || self.body.is_end_stream();
            progress.note(over);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Who is told of interim responses: the client, and the upload that waits for one.
pub(super) fn informed(
    client: Option<&OnInformational>,
    held: Option<&Arc<Progress>>,
) -> Option<OnInformational> {
    let Some(held) = held.cloned() else {
        return client.cloned();
    };
    let client = client.cloned();
    Some(Arc::new(move |head| {
        if head.status == StatusCode::CONTINUE {
            held.go_on();
        }
        if let Some(client) = &client {
            client(head);
        }
    }))
}

fn not_wanted() -> BodyError {
    BodyError::Disconnected("the backend answered without the body".to_owned())
}

/// A connection that can't write any more drops the body.
impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.change(HELD, REFUSED);
            progress.change(FLOWING, FINISHED);
        }
    }
}

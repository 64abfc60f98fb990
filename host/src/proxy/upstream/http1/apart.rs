//! The rest of a request whose response has begun already: it goes on in a task of its own, so that neither direction waits
//! for the other. A client may read nothing of the response until its upload is through.
//!
//! Both share the connection under a lock that is held for single calls to the socket only, never while a body is asked for
//! its next frame: whose frames come from somebody who reads the response could wait for us in turn. The socket keeps a waker
//! for each direction. Whoever is over last gives the connection back; whoever fails closes it for both.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::sending::Sending;
use crate::message::BodyError;
use crate::proxy::upstream::stream::Stream;
use crate::proxy::upstream::wire::Wire;

/// How long a connection may take to send the rest of a request whose response is over.
const LINGER: Duration = Duration::from_secs(10);

/// The response's side. Dropped before the response is over, it closes the connection.
#[derive(Debug)]
pub(super) struct Apart(Arc<Shared>);

#[derive(Debug)]
struct Shared(Mutex<State>);

#[derive(Debug)]
struct State {
    /// None once it is closed or given back.
    wire: Option<Box<Wire>>,
    response: Response,
    is_sent: bool,
    /// Why the request broke off.
    failed: Option<BodyError>,
    /// Of the task that reads the response, to be told of that.
    reader: Option<Waker>,
    /// Of the task that sends the request, to be told of the response's end.
    sender: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Response {
    Coming,
    /// Whether the connection can be used again.
    Over {
        keep: bool,
    },
}

impl Apart {
    /// Goes on with a request.
    pub(super) fn start(wire: Box<Wire>, sending: Box<Sending>) -> Self {
        let shared = Arc::new(Shared(Mutex::new(State {
            wire: Some(wire),
            response: Response::Coming,
            is_sent: false,
            failed: None,
            reader: None,
            sender: None,
        })));
        tokio::spawn(send(shared.clone(), sending));
        Self(shared)
    }

    /// The response was read to its end. What is left of the request is given a while.
    pub(super) fn response_is_over(self, keep: bool) {
        let mut state = self.0.lock();
        state.response = Response::Over { keep };
        let sender = state.sender.take();
        let ended = state.ended();
        drop(state);
        end(ended);
        if let Some(sender) = sender {
            sender.wake();
        }
    }
}

/// Fails when the request has broken off.
impl AsyncRead for Apart {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        let State {
            wire,
            reader,
            failed,
            ..
        } = &mut *state;
        let Some(wire) = wire else {
            let gone = || BodyError::Disconnected("the connection was closed".to_owned());
            let why = failed.take().unwrap_or_else(gone);
            return Poll::Ready(Err(io::Error::other(why)));
        };
        let read = Pin::new(&mut wire.stream).poll_read(cx, buf);
        if read.is_pending() && !reader.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            *reader = Some(cx.waker().clone());
        }
        read
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if state.response == Response::Coming {
            let (wire, sender) = (state.wire.take(), state.sender.take());
            drop(state);
            drop(wire);
            if let Some(sender) = sender {
                sender.wake();
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when the response is over, or was given up.
    fn poll_response(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.wire.is_none() || state.response != Response::Coming {
            return Poll::Ready(());
        }
        state.sender = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl State {
    /// The connection, if both directions are over, and whether it can be used again.
    fn ended(&mut self) -> Option<(Box<Wire>, bool)> {
        match self.response {
            Response::Over { keep } if self.is_sent => Some((self.wire.take()?, keep)),
            _ => None,
        }
    }
}

/// Not under the lock.
fn end(ended: Option<(Box<Wire>, bool)>) {
    if let Some((wire, true)) = ended {
        wire.give_back();
    }
}

/// Sends a request to its end, or until the response was given up or is over for long enough.
async fn send(shared: Arc<Shared>, mut sending: Box<Sending>) {
    let mut writer = Writer(&shared);
    let mut sent = pin!(poll_fn(|cx| sending.poll(&mut writer, cx)));
    let result = tokio::select! {
        biased;
        () = poll_fn(|cx| shared.poll_response(cx)) => timeout(LINGER, sent.as_mut()).await.ok(),
        result = sent.as_mut() => Some(result),
    };
    let mut state = shared.lock();
    if let Some(Ok(())) = result {
        state.is_sent = true;
        let ended = state.ended();
        drop(state);
        end(ended);
        return;
    }
    if let Some(Err(error)) = result {
        state.failed = Some(BodyError::Disconnected(error.to_string()));
    }
    let (wire, reader) = (state.wire.take(), state.reader.take());
    drop(state);
    drop(wire);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// The request's side of the connection.
struct Writer<'a>(&'a Shared);

impl Writer<'_> {
    fn with<T>(
        &self,
        write: impl FnOnce(Pin<&mut Stream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.0.lock().wire {
            Some(wire) => write(Pin::new(&mut wire.stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for Writer<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write_vectored(cx, data))
    }

    fn is_write_vectored(&self) -> bool {
        let state = self.0.lock();
        state
            .wire
            .as_ref()
            .is_some_and(|wire| wire.stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

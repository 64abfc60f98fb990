//! The connections of HTTP/2 to one address, each shared by many requests.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use super::balance::Pending;
use super::connect::{Connected, Origin};
use super::error::{HeadLimit, UpstreamError};
use super::resolve::Name;
use super::upload::Progress;
use crate::message::{Body, BodyError, Streaming};
use crate::proxy::http2::client::{ClientLimits, Sender, handshake};
use crate::proxy::http2::{Error, RecvBody};
use crate::timer::Timer;
use crate::tls::TlsError;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Shared {
    connections: Mutex<Vec<Connection>>,
    /// Held by whoever opens one, so that a burst opens one and not many.
    pub(super) opening: tokio::sync::Mutex<()>,
    speaks: AtomicU8,
    /// Timers at rest; see [`Timer`].
    timers: Mutex<Vec<Timer>>,
}

#[derive(Debug)]
struct Connection {
    sender: Sender,
    origin: Option<Origin>,
    last_used: Instant,
}

/// What is known of an address under TLS when the protocol is left to ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Unknown = 0,
    Http1 = 1,
    Http2 = 2,
}

impl Shared {
    pub(super) fn speaks(&self) -> Speaks {
        match self.speaks.load(Ordering::Relaxed) {
            1 => Speaks::Http1,
            2 => Speaks::Http2,
            _ => Speaks::Unknown,
        }
    }

    pub(super) fn learn(&self, speaks: Speaks) {
        self.speaks.store(speaks as u8, Ordering::Relaxed);
    }

    /// A connection with room for a stream; with none, and if `even_full`, that with the fewest streams.
    pub(super) fn pick(&self, even_full: bool) -> Option<Sender> {
        let mut connections = self.lock();
        connections.retain(|connection| !connection.sender.is_closed());
        let fewest = connections
            .iter()
            .filter(|connection| even_full || connection.sender.has_room())
            .min_by_key(|connection| connection.sender.under_way())?;
        Some(fewest.sender.clone())
    }

    /// Begins HTTP/2 on a new connection, which other requests may use at once.
    pub(super) async fn add(
        &self,
        connected: Connected,
        slot: impl Send + 'static,
        limits: ClientLimits,
    ) -> Result<Sender, UpstreamError> {
        let (sender, driver) = handshake(connected.stream, limits)
            .await
            .map_err(|e| from_http2(&e))?;
        tokio::spawn(async move {
            let _slot = slot;
            // The requests that it fails for hear of it too.
            if let Err(e) = driver.await {
                tracing::debug!("a connection to the backend ended: {e}");
            }
        });
        self.lock().push(Connection {
            sender: sender.clone(),
            origin: connected.origin,
            last_used: Instant::now(),
        });
        Ok(sender)
    }

    /// Lets go of connections that have ended, were not used for `most`, or go where the name no longer leads. What runs
    /// on them goes on.
    pub(super) fn sweep(&self, most: Duration, now: Instant, name: Option<&Name>) {
        self.lock().retain_mut(|connection| {
            if connection.sender.under_way() > 0 {
                connection.last_used = now;
            }
            let led_here = match (name, connection.origin) {
                (Some(name), Some(origin)) => {
                    origin.version == name.version() || name.holds(origin.address)
                }
                _ => true,
            };
            let idle = now.saturating_duration_since(connection.last_used);
            led_here && idle <= most && !connection.sender.is_closed()
        });
    }

    /// Waits for a response's head; none when it is too late. While an upload is under way, its progress counts.
    pub(super) async fn within<T>(
        &self,
        first_byte: Duration,
        progress: Option<&Progress>,
        sending: impl Future<Output = T>,
    ) -> Option<T> {
        let timers = || self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut timer = timers().pop().unwrap_or_default();
        let mut deadline = Instant::now() + first_byte;
        let mut sending = pin!(sending);
        let answer = poll_fn(|cx| {
            if let Poll::Ready(answer) = sending.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            while timer.poll_passed(cx, deadline).is_ready() {
                match progress.map(|p| p.last_moved() + first_byte) {
                    Some(later) if later > deadline => deadline = later,
                    _ => return Poll::Ready(None),
                }
            }
            Poll::Pending
        })
        .await;
        timers().push(timer);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a response over HTTP/2, with what lasts until its end.
pub(super) fn receive(
    body: RecvBody,
    progress: Option<Arc<Progress>>,
    pending: Option<Pending>,
) -> Body {
    let refused = progress.filter(|p| p.refuse() || !p.is_wanted());
    if body.is_end_stream() {
        if let Some(progress) = refused {
            progress.abandon();
        }
        return Body::Empty;
    }
    if refused.is_none() && pending.is_none() {
        return Body::Stream(Streaming::new(body));
    }
    Body::Stream(Streaming::new(Lasting {
        body,
        refused,
        pending,
    }))
}

struct Lasting {
    body: RecvBody,
    refused: Option<Arc<Progress>>,
    pending: Option<Pending>,
}

impl HttpBody for Lasting {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream() {
            self.pending = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        if let Some(progress) = &self.refused {
            progress.abandon();
        }
    }
}

/// What an error of HTTP/2 means before a response's head is whole.
pub(super) fn from_http2(error: &Error) -> UpstreamError {
    if let Some(body) = BodyError::find(error) {
        return UpstreamError::RequestBody(body);
    }
    if let Some(tls) = TlsError::find(error) {
        return UpstreamError::from_tls("the backend".to_owned(), &tls);
    }
    let text = error.to_string();
    match error {
        Error::RequestBody(_) => UpstreamError::RequestBody(BodyError::Disconnected(text)),
        Error::WindowTimedOut(after) => UpstreamError::ResponseTimeout { after: *after },
        // The peer ended the stream or the connection, in contrast to what we found wrong ourselves.
        Error::Protocol(e) if !e.is_io() && !e.is_remote() => UpstreamError::Protocol(text),
        Error::Protocol(e) if e.is_reset() => UpstreamError::Reset(reason(e)),
        Error::Protocol(e) if e.is_go_away() => UpstreamError::GoAway(reason(e)),
        Error::NoAuthority => UpstreamError::Protocol(text),
        Error::HeadTooLarge(limit) => UpstreamError::HeadTooLarge(HeadLimit::Bytes(*limit)),
        Error::TooManyFields(limit) => UpstreamError::HeadTooLarge(HeadLimit::Fields(*limit)),
        _ => UpstreamError::Terminated(text),
    }
}

fn reason(error: &h2::Error) -> h2::Reason {
    error.reason().unwrap_or(h2::Reason::NO_ERROR)
}

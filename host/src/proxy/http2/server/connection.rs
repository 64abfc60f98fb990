//! The life of a connection: accepts requests, notices idleness, silence and abuse, says goodbye.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::{Method, Request, Response};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use super::exchange::{About, Connect, Responder, StreamTask};
use super::inbound::{Inbound, Informational, TunnelPromise};
use super::inspect::Flood;
use super::limits::ServerLimits;
use crate::message::BoxError;
use crate::proxy::delivery::Delivery;
use crate::proxy::http2::fields::SectionBounds;
use crate::proxy::http2::life::{Keepalive, Life, Watched};
use crate::proxy::http2::{Error, RecvBody, fields};

/// Silence with requests under way before a PING asks whether the client is still there, and the time it has to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a client may take to acknowledge a goodbye when nothing is under way any more.
const GOODBYE: Duration = Duration::from_secs(5);

/// Requests that a client may cancel before their answer, within [`RESET_PERIOD`] and if they are more than half of all,
/// before that counts as an attack (CVE-2023-44487). Each costs a request to a backend.
const MAX_RESETS: u32 = 200;
const RESET_PERIOD: Duration = Duration::from_secs(10);

pub(super) struct Connection<IO> {
    h2: h2::server::Connection<Watched<IO>, Bytes>,
    limits: ServerLimits,
    keepalive: Keepalive,
    timer: Pin<Box<Sleep>>,
    /// None while streams are open.
    idle_since: Option<Instant>,
    busy_since: Instant,
    /// Since when a GOAWAY is on its way.
    closing_since: Option<Instant>,
    abuse: Option<Error>,
    flood: Flood,
    /// Shared with the exchanges: requests that were cancelled.
    resets: Arc<AtomicU32>,
    /// Requests of the present period.
    streams: u32,
    period: Instant,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(super) fn new(
        mut h2: h2::server::Connection<Watched<IO>, Bytes>,
        life: Arc<Life>,
        flood: Flood,
        limits: ServerLimits,
    ) -> Self {
        let now = Instant::now();
        Self {
            keepalive: Keepalive::new(life, h2.ping_pong(), PING_INTERVAL, PING_TIMEOUT),
            h2,
            limits,
            timer: Box::pin(sleep_until(now + PING_INTERVAL.min(limits.idle_timeout))),
            idle_since: Some(now),
            busy_since: now,
            closing_since: None,
            abuse: None,
            flood,
            resets: Arc::new(AtomicU32::new(0)),
            streams: 0,
            period: now,
        }
    }

    /// Ready when the connection has ended.
    pub(super) fn poll<S, Fut, B>(
        &mut self,
        cx: &mut Context<'_>,
        service: &S,
        stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Poll<Result<(), Error>>
    where
        S: Fn(Inbound) -> Fut,
        Fut: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Delivery + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if self.closing_since.is_none() && stop.poll(cx).is_ready() {
            self.say_goodbye(Instant::now());
        }
        loop {
            while let Poll::Ready(accepted) = self.h2.poll_accept(cx) {
                match accepted {
                    Some(Ok((request, respond))) => self.start(request, respond, service),
                    Some(Err(e)) => return Poll::Ready(self.on_error(e)),
                    None => return Poll::Ready(self.abuse.take().map_or(Ok(()), Err)),
                }
            }
            if self.flood.is_on() && self.abuse.is_none() {
                self.end_abuse(Error::Flood, Instant::now());
                continue;
            }
            self.note_idleness();
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match self.on_time(Instant::now()) {
                Ok(Some(next)) => self.timer.as_mut().reset(next),
                Ok(None) => return Poll::Ready(self.abuse.take().map_or(Ok(()), Err)),
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// A client that closes on the first word of a goodbye is polite.
    fn on_error(&mut self, error: h2::Error) -> Result<(), Error> {
        match self.abuse.take() {
            Some(abuse) => Err(abuse),
            None if self.closing_since.is_some() && error.is_io() => Ok(()),
            None => Err(error.into()),
        }
    }

    fn start<S, Fut, B>(
        &mut self,
        mut request: Request<h2::RecvStream>,
        mut respond: SendResponse<Bytes>,
        service: &S,
    ) where
        S: Fn(Inbound) -> Fut,
        Fut: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Delivery + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.streams += 1;
        self.watch_resets();
        let sound = match fields::check_request(&mut request) {
            Ok(sound) => sound,
            Err(why) => {
                tracing::debug!(%why, "a malformed request is reset");
                self.resets.fetch_add(1, Ordering::Relaxed);
                respond.send_reset(Reason::PROTOCOL_ERROR);
                return;
            }
        };
        let is_head = request.method() == Method::HEAD;
        let responder = Responder::new(respond);
        let informational = Informational(responder.clone());
        let (request, connect, tunnel) = self.split(request, sound.length);
        let about = About {
            responder,
            is_head,
            connect,
            resets: self.resets.clone(),
            body_timeout: self.limits.body_timeout,
        };
        let answer = service(Inbound {
            request,
            target: sound.target,
            informational,
            tunnel,
        });
        tokio::spawn(StreamTask::new(about, answer));
    }

    /// The bytes of a CONNECT request are the tunnel's; those of any other are its body.
    fn split(
        &self,
        request: Request<h2::RecvStream>,
        length: Option<u64>,
    ) -> (Request<RecvBody>, Option<Connect>, Option<TunnelPromise>) {
        let (head, stream) = request.into_parts();
        if head.method == Method::CONNECT {
            let (sender, receiver) = oneshot::channel();
            let connect = Connect { stream, sender };
            let request = Request::from_parts(head, RecvBody::empty());
            return (request, Some(connect), Some(TunnelPromise(receiver)));
        }
        let bounds = SectionBounds {
            max_head: self.limits.max_head,
            max_fields: self.limits.max_fields,
        };
        let body = RecvBody::new(stream, length, self.limits.body_timeout, bounds);
        (Request::from_parts(head, body), None, None)
    }

    /// Ends the connection of a client that mostly cancels: nothing else bounds how much work it can start.
    fn watch_resets(&mut self) {
        let resets = self.resets.load(Ordering::Relaxed);
        if resets < MAX_RESETS || self.abuse.is_some() {
            return;
        }
        let now = Instant::now();
        let streams = self.streams;
        if now - self.period < RESET_PERIOD && resets > streams / 2 {
            self.end_abuse(Error::RapidReset { resets, streams }, now);
        }
        (self.streams, self.period) = (0, now);
        self.resets.store(0, Ordering::Relaxed);
    }

    fn end_abuse(&mut self, abuse: Error, now: Instant) {
        self.abuse = Some(abuse);
        self.h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        self.closing_since = Some(now);
        self.timer.as_mut().reset(now + GOODBYE);
    }

    fn note_idleness(&mut self) {
        let is_busy = self.h2.has_streams();
        match self.idle_since {
            Some(_) if is_busy => {
                self.idle_since = None;
                self.busy_since = Instant::now();
            }
            None if !is_busy => {
                let now = Instant::now();
                self.idle_since = Some(now);
                if self.closing_since.is_some() {
                    self.timer.as_mut().reset(now + GOODBYE);
                }
            }
            _ => {}
        }
    }

    /// When to look again; none when the connection is over.
    fn on_time(&mut self, now: Instant) -> Result<Option<Instant>, Error> {
        let Some(idle_since) = self.idle_since else {
            return self.keepalive.check(now, self.busy_since).map(Some);
        };
        if let Some(closing_since) = self.closing_since {
            let end = idle_since.max(closing_since) + GOODBYE;
            return Ok((now < end).then_some(end));
        }
        let end = idle_since + self.limits.idle_timeout;
        if now < end {
            // No later than a connection that becomes busy meanwhile must be looked at.
            return Ok(Some(end.min(now + PING_INTERVAL)));
        }
        self.say_goodbye(now);
        Ok(Some(now + GOODBYE))
    }

    /// RFC 9113, section 6.8: a first GOAWAY that still accepts, then after a round trip the one that counts, so that no
    /// request that is under way is lost.
    fn say_goodbye(&mut self, now: Instant) {
        self.h2.graceful_shutdown();
        self.closing_since = Some(now);
        if self.idle_since.is_some() {
            self.timer.as_mut().reset(now + GOODBYE);
        }
    }
}

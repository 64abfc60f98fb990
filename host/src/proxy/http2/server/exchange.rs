//! One request and its response.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, DATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use tokio::sync::oneshot;

use crate::message::BoxError;
use crate::proxy::http2::pipe::{Pipe, Stopped};
use crate::proxy::http2::tunnel::StreamTunnel;
use crate::proxy::http2::{date, fields};

/// The way to the client until the final response: shared by the exchange and whoever sends interim ones.
#[derive(Debug, Clone)]
pub(super) struct Responder(Arc<Mutex<Option<SendResponse<Bytes>>>>);

impl Responder {
    pub(super) fn new(respond: SendResponse<Bytes>) -> Self {
        Self(Arc::new(Mutex::new(Some(respond))))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Option<SendResponse<Bytes>>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn send_informational(&self, status: StatusCode, fields: &HeaderMap) {
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return;
        }
        let mut response = Response::new(());
        *response.status_mut() = status;
        *response.headers_mut() = fields.clone();
        fields::strip_connection_specific(response.headers_mut());
        let sent = self.with(|respond| respond.as_mut().map(|r| r.send_informational(response)));
        if let Some(Err(error)) = sent {
            tracing::debug!(%error, %status, "an interim response was not sent");
        }
    }

    fn poll_reset(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.with(|respond| match respond {
            Some(respond) => respond.poll_reset(cx).map(drop),
            None => Poll::Ready(()),
        })
    }

    fn take(&self) -> Option<SendResponse<Bytes>> {
        self.with(Option::take)
    }
}

/// What a CONNECT request needs to become a tunnel.
#[derive(Debug)]
pub(super) struct Connect {
    pub(super) stream: RecvStream,
    pub(super) sender: oneshot::Sender<StreamTunnel>,
}

#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) responder: Responder,
    pub(super) is_head: bool,
    pub(super) connect: Option<Connect>,
    pub(super) resets: Arc<AtomicU32>,
    pub(super) body_timeout: Duration,
}

impl Exchange {
    /// Answers the request. The service and the response's body are dropped as soon as the client resets the stream.
    pub(super) async fn run<Fut, B>(self, answer: Fut)
    where
        Fut: Future<Output = Response<B>>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let Some(response) = self.unless_reset(answer).await else {
            // Counted only before the answer: to leave a download or a watch early is no abuse.
            self.resets.fetch_add(1, Ordering::Relaxed);
            self.responder.take();
            return;
        };
        let (mut head, body) = response.into_parts();
        prepare(&mut head.headers);
        let head = Response::from_parts(head, ());
        let Some(respond) = self.responder.take() else {
            return;
        };
        match self.connect {
            Some(connect) if head.status().is_success() => accept(connect, respond, head),
            _ => self.respond(respond, head, body).await,
        }
    }

    async fn unless_reset<Fut: Future>(&self, answer: Fut) -> Option<Fut::Output> {
        let mut answer = pin!(answer);
        poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(response) => Poll::Ready(Some(response)),
            Poll::Pending => self.responder.poll_reset(cx).map(|()| None),
        })
        .await
    }

    async fn respond<B>(self, mut respond: SendResponse<Bytes>, mut head: Response<()>, body: B)
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let has_content = !self.is_head && may_have_content(head.status());
        let is_end = !has_content || body.is_end_stream();
        if has_content && let Some(length @ 1..) = body.size_hint().exact() {
            let length = || HeaderValue::from(length);
            head.headers_mut()
                .entry(CONTENT_LENGTH)
                .or_insert_with(length);
        }
        match respond.send_response(head, is_end) {
            Ok(stream) if !is_end => send(stream, body, self.body_timeout).await,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "a response was not sent");
                respond.send_reset(Reason::INTERNAL_ERROR);
            }
        }
    }
}

async fn send<B>(stream: SendStream<Bytes>, body: B, timeout: Duration)
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut pipe = Pipe::new(stream, timeout);
    match poll_fn(|cx| pipe.poll(body.as_mut(), cx)).await {
        Ok(()) | Err(Stopped::ByPeer) => {}
        Err(Stopped::Body(error)) => {
            tracing::debug!(%error, "a response broke off");
            pipe.reset(Reason::INTERNAL_ERROR);
        }
        Err(Stopped::Stalled) => pipe.reset(Reason::CANCEL),
    }
}

/// RFC 9113, section 8.5: after a 2xx to CONNECT, DATA frames are the tunnel's bytes.
fn accept(connect: Connect, mut respond: SendResponse<Bytes>, mut head: Response<()>) {
    head.headers_mut().remove(CONTENT_LENGTH);
    match respond.send_response(head, false) {
        Ok(stream) => {
            let tunnel = StreamTunnel::new(stream, connect.stream, None);
            // Nobody wants it: dropped, it resets the stream.
            let _ = connect.sender.send(tunnel);
        }
        Err(_) => respond.send_reset(Reason::INTERNAL_ERROR),
    }
}

fn prepare(fields: &mut HeaderMap) {
    fields::strip_connection_specific(fields);
    fields.entry(DATE).or_insert_with(date::now);
}

fn may_have_content(status: StatusCode) -> bool {
    status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

//! One request and its response.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::header::{CONTENT_LENGTH, DATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use crate::message::BoxError;
use crate::proxy::date;
use crate::proxy::delivery::Delivery;
use crate::proxy::http2::fields;
use crate::proxy::http2::pipe::{Pipe, Stopped};
use crate::proxy::http2::tunnel::StreamTunnel;

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

pin_project! {
    /// Answers one request. The service and the response's body are dropped as soon as the client resets the stream.
    ///
    /// A state machine by hand: as an async function it would hold the service's future three times, and a task is
    /// moved and allocated for each request.
    pub(super) struct StreamTask<Fut, B> {
        about: About,
        #[pin]
        state: State<Fut, B>,
    }
}

/// What the exchange must know beside the service's answer.
#[derive(Debug)]
pub(super) struct About {
    pub(super) responder: Responder,
    pub(super) is_head: bool,
    pub(super) connect: Option<Connect>,
    pub(super) resets: Arc<AtomicU32>,
    pub(super) body_timeout: Duration,
}

pin_project! {
    #[project = StateProjection]
    enum State<Fut, B> {
        Answering { #[pin] answer: Fut },
        Sending { pipe: Pipe, #[pin] body: B },
        Done,
    }
}

impl<Fut, B> StreamTask<Fut, B> {
    pub(super) fn new(about: About, answer: Fut) -> Self {
        let state = State::Answering { answer };
        Self { about, state }
    }
}

impl<Fut, B> Future for StreamTask<Fut, B>
where
    Fut: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Delivery,
    B::Error: Into<BoxError>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Answering { answer } => match answer.poll(cx) {
                    Poll::Ready(response) => this.about.respond(response),
                    Poll::Pending => {
                        ready!(this.about.poll_reset(cx));
                        State::Done
                    }
                },
                StateProjection::Sending { pipe, mut body } => {
                    let sent = ready!(pipe.poll(body.as_mut(), cx));
                    if sent.is_ok() {
                        body.delivered();
                    }
                    end(pipe, sent);
                    State::Done
                }
                StateProjection::Done => return Poll::Ready(()),
            };
            this.state.set(next);
        }
    }
}

impl About {
    /// Ready when the client no longer wants an answer.
    fn poll_reset(&self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.responder.poll_reset(cx));
        // Counted only before the answer: to leave a download or a watch early is no abuse.
        self.resets.fetch_add(1, Ordering::Relaxed);
        self.responder.take();
        Poll::Ready(())
    }

    /// Sends the head, and what goes on after it.
    fn respond<Fut, B>(&mut self, response: Response<B>) -> State<Fut, B>
    where
        B: Body<Data = Bytes> + Delivery,
    {
        let Some(mut respond) = self.responder.take() else {
            return State::Done;
        };
        let (mut head, body) = response.into_parts();
        prepare(&mut head.headers);
        if head.status.is_success()
            && let Some(connect) = self.connect.take()
        {
            if accept(connect, respond, Response::from_parts(head, ())) {
                pin!(body).delivered();
            }
            return State::Done;
        }
        let has_content = !self.is_head && may_have_content(head.status);
        let is_end = !has_content || body.is_end_stream();
        if has_content && let Some(length @ 1..) = body.size_hint().exact() {
            let field = head.headers.entry(CONTENT_LENGTH);
            field.or_insert_with(|| HeaderValue::from(length));
        }
        match respond.send_response(Response::from_parts(head, ()), is_end) {
            Ok(stream) if !is_end => {
                let pipe = Pipe::new(stream, self.body_timeout);
                State::Sending { pipe, body }
            }
            Ok(_) => {
                pin!(body).delivered();
                State::Done
            }
            Err(error) => {
                tracing::debug!(%error, "a response was not sent");
                respond.send_reset(Reason::INTERNAL_ERROR);
                State::Done
            }
        }
    }
}

fn end(pipe: &mut Pipe, sent: Result<(), Stopped>) {
    match sent {
        Ok(()) | Err(Stopped::ByPeer) => {}
        Err(Stopped::Body(error)) => {
            tracing::debug!(%error, "a response broke off");
            pipe.reset(Reason::INTERNAL_ERROR);
        }
        Err(Stopped::Stalled) => pipe.reset(Reason::CANCEL),
    }
}

/// RFC 9113, section 8.5: after a 2xx to CONNECT, DATA frames are the tunnel's bytes. Tells whether the response was sent.
fn accept(connect: Connect, mut respond: SendResponse<Bytes>, mut head: Response<()>) -> bool {
    head.headers_mut().remove(CONTENT_LENGTH);
    match respond.send_response(head, false) {
        Ok(stream) => {
            let tunnel = StreamTunnel::new(stream, connect.stream, None);
            // Nobody wants it: dropped, it resets the stream.
            let _ = connect.sender.send(tunnel);
            true
        }
        Err(_) => {
            respond.send_reset(Reason::INTERNAL_ERROR);
            false
        }
    }
}

fn prepare(fields: &mut HeaderMap) {
    fields::strip_connection_specific(fields);
    fields.entry(DATE).or_insert_with(date::now);
}

fn may_have_content(status: StatusCode) -> bool {
    status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

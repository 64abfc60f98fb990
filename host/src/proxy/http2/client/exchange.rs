//! One request and its response, from the client's side.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;

use super::replay::Replay;
use super::shared::{ConnectionState, SendError};
use crate::counted::Counted;
use crate::message::{Body, Fields, OnInformational, ResponseHead};
use crate::proxy::http2::pipe::{Pipe, Stopped};
use crate::proxy::http2::{Error, RecvBody, fields};

/// Stream ids are 31 bits and never used twice; near their end a connection takes no more requests.
const LAST_STREAM: u32 = (1 << 31) - 4096;

/// A request that was sent and waits for its response.
#[derive(Debug)]
pub(super) struct SentRequest {
    response: ResponseFuture,
    upload: Option<Upload>,
    /// The whole body, when it is all here or was sent, and is kept to send it again.
    kept: Option<Body>,
    shared: Arc<ConnectionState>,
    slot: Counted,
}

/// A body that is on its way.
#[derive(Debug)]
struct Upload {
    pipe: Pipe,
    body: Replay,
    /// The backend wants no more of it. Whether that is an error the response tells.
    is_unwanted: bool,
}

impl SentRequest {
    pub(super) async fn start(
        requests: &SendRequest<Bytes>,
        shared: &Arc<ConnectionState>,
        request: Request<()>,
        body: Body,
    ) -> Result<Self, SendError> {
        let is_end = body.is_end_stream();
        let length = body.size_hint().exact().filter(|_| !is_end);
        let opened = open(requests, shared, request, length, is_end).await;
        let (response, stream, slot) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(never_sent(error, body)),
        };
        let (upload, kept) = match body {
            Body::Empty | Body::Full { .. } => (None, Some(send_whole(stream, body))),
            _ if is_end => (None, None),
            _ => {
                let pipe = Pipe::new(stream, shared.limits.body_timeout);
                let upload = Upload {
                    pipe,
                    body: Replay::new(body),
                    is_unwanted: false,
                };
                (Some(upload), None)
            }
        };
        Ok(Self {
            response,
            upload,
            kept,
            shared: shared.clone(),
            slot,
        })
    }

    /// A CONNECT's stream stays open, for the tunnel.
    pub(super) async fn start_connect(
        requests: &SendRequest<Bytes>,
        shared: &Arc<ConnectionState>,
        request: Request<()>,
    ) -> Result<(Self, SendStream<Bytes>), SendError> {
        let (response, stream, slot) = open(requests, shared, request, None, false)
            .await
            .map_err(|error| never_sent(error, Body::Empty))?;
        let exchange = Self {
            response,
            upload: None,
            kept: Some(Body::Empty),
            shared: shared.clone(),
            slot,
        };
        Ok((exchange, stream))
    }

    pub(super) fn poll(
        &mut self,
        on_informational: Option<&OnInformational>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<RecvStream>, Error>> {
        if let Some(tell) = on_informational {
            while let Poll::Ready(Some(interim)) = self.response.poll_informational(cx) {
                let interim = interim?;
                tell(&ResponseHead {
                    fields: Fields::from(interim.headers()),
                    ..ResponseHead::new(interim.status())
                });
            }
        }
        if let Poll::Ready(response) = Pin::new(&mut self.response).poll(cx) {
            let response = response.map_err(Error::from).and_then(|response| {
                self.shared.limits.bounds().check(response.headers())?;
                Ok(response)
            });
            return Poll::Ready(response);
        }
        self.poll_upload(cx).map(Err)
    }

    /// Ready when the upload fails by itself; otherwise it is the response that counts.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(upload) = self.upload.as_mut().filter(|upload| !upload.is_unwanted) else {
            return Poll::Pending;
        };
        let Poll::Ready(sent) = upload.poll(cx) else {
            return Poll::Pending;
        };
        match sent {
            Ok(()) => self.kept = self.upload.take().and_then(|upload| upload.body.whole()),
            Err(Stopped::ByPeer) => upload.is_unwanted = true,
            Err(Stopped::Body(error)) => return Poll::Ready(Error::RequestBody(error)),
            Err(Stopped::Stalled) => {
                let timeout = self.shared.limits.body_timeout;
                return Poll::Ready(Error::WindowTimedOut(timeout));
            }
        }
        Poll::Pending
    }

    /// The response came; what is left of the upload goes on beside its body.
    pub(super) fn into_response(
        self,
        response: Response<RecvStream>,
        is_head: bool,
    ) -> Response<RecvBody> {
        let upload = self.upload.filter(|upload| !upload.is_unwanted);
        let upload = upload.map(|mut upload| {
            upload.body.keep_no_more();
            upload
        });
        let upload = upload.map(|upload| tokio::spawn(upload.finish()).abort_handle());
        let timeout = self.shared.limits.body_timeout;
        let has_length = !is_head
            && response.status() != StatusCode::NO_CONTENT
            && response.status() != StatusCode::NOT_MODIFIED;
        let length = fields::content_length(response.headers()).filter(|_| has_length);
        let bounds = self.shared.limits.bounds();
        response.map(|stream| {
            RecvBody::new(stream, length, timeout, bounds).with_exchange(self.slot, upload)
        })
    }

    pub(super) fn into_slot(self) -> Counted {
        self.slot
    }

    pub(super) fn into_error(self, error: Error) -> SendError {
        let unsent = match &error {
            Error::Protocol(e) if was_not_processed(e) => self
                .kept
                .or_else(|| self.upload.and_then(|upload| upload.body.whole())),
            _ => None,
        };
        SendError { error, unsent }
    }
}

impl Upload {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        self.pipe.poll(Pin::new(&mut self.body), cx)
    }

    async fn finish(mut self) {
        match poll_fn(|cx| self.poll(cx)).await {
            Ok(()) | Err(Stopped::ByPeer) => {}
            Err(Stopped::Body(_) | Stopped::Stalled) => self.pipe.reset(Reason::CANCEL),
        }
    }
}

async fn open(
    requests: &SendRequest<Bytes>,
    shared: &ConnectionState,
    mut request: Request<()>,
    length: Option<u64>,
    is_end: bool,
) -> Result<(ResponseFuture, SendStream<Bytes>, Counted), Error> {
    prepare(&mut request, &shared.limits.scheme, length)?;
    let slot = shared.active.take();
    let mut requests = requests.clone();
    poll_fn(|cx| requests.poll_ready(cx)).await?;
    let (response, stream) = requests.send_request(request, is_end)?;
    if response.stream_id().as_u32() >= LAST_STREAM {
        shared.is_closed.store(true, Ordering::Relaxed);
    }
    Ok((response, stream, slot))
}

/// Hands a body that is all here to `h2` at once, so that it leaves in one write with its head, and gives it back to be
/// kept. That costs no memory: the bytes are shared.
fn send_whole(mut stream: SendStream<Bytes>, body: Body) -> Body {
    if let Body::Full { data, trailers } = &body
        && !body.is_end_stream()
    {
        // It fails when the backend is gone, and then the response tells why.
        let _ = stream.send_data(data.clone(), trailers.is_none());
        if let Some(mut trailers) = trailers.clone() {
            fields::strip_connection_specific(&mut trailers);
            let _ = stream.send_trailers(*trailers);
        }
    }
    body
}

fn never_sent(error: Error, body: Body) -> SendError {
    let is_of_connection = matches!(&error, Error::Protocol(e) if e.is_io() || e.is_go_away());
    SendError {
        error,
        unsent: is_of_connection.then_some(body),
    }
}

/// RFC 9113, section 8.7: streams above the last one that GOAWAY names, and REFUSED_STREAM. A backend that wants another
/// protocol (section 7) has not processed the request either.
fn was_not_processed(error: &h2::Error) -> bool {
    let refusals = [Reason::REFUSED_STREAM, Reason::HTTP_1_1_REQUIRED];
    let is_refused = error.is_reset() && error.reason().is_some_and(|r| refusals.contains(&r));
    error.is_remote() && (error.is_go_away() || is_refused)
}

/// Makes a request's head one of HTTP/2: absolute target, no `host` beside it, nothing of an HTTP/1.1 connection.
fn prepare(request: &mut Request<()>, scheme: &Scheme, length: Option<u64>) -> Result<(), Error> {
    *request.version_mut() = Version::HTTP_2;
    if request.uri().authority().is_none() {
        let target = std::mem::take(request.uri_mut());
        *request.uri_mut() = absolute(target, request, scheme)?;
    }
    let fields = request.headers_mut();
    fields.remove(HOST);
    fields::strip_connection_specific(fields);
    if let Some(length) = length {
        fields
            .entry(CONTENT_LENGTH)
            .or_insert_with(|| HeaderValue::from(length));
    }
    Ok(())
}

/// RFC 9113, section 8.3.1: "An intermediary that converts a request to HTTP/2 from another version MUST create an
/// ":authority" pseudo-header field" from the target or `host`.
fn absolute(target: Uri, request: &Request<()>, scheme: &Scheme) -> Result<Uri, Error> {
    let host = request.headers().get(HOST).ok_or(Error::NoAuthority)?;
    let authority = Authority::try_from(host.as_bytes()).map_err(|_| Error::NoAuthority)?;
    let mut parts = target.into_parts();
    parts.authority = Some(authority);
    let is_plain_connect = request.method() == Method::CONNECT
        && request.extensions().get::<h2::ext::Protocol>().is_none();
    if is_plain_connect {
        parts.path_and_query = None;
    } else {
        parts.scheme = Some(scheme.clone());
        let root = || PathAndQuery::from_static("/");
        parts.path_and_query = Some(parts.path_and_query.unwrap_or_else(root));
    }
    Uri::from_parts(parts).map_err(|_| Error::NoAuthority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_become_absolute_by_host() {
        let cases = [
            ("GET", "/a?b", Some("x:1"), Some("https://x:1/a?b")),
            ("OPTIONS", "*", Some("x"), Some("https://x*")),
            ("GET", "http://y/a", Some("x"), Some("http://y/a")),
            ("GET", "/a", None, None),
            ("GET", "/a", Some("a b"), None),
            ("CONNECT", "y:443", None, Some("y:443")),
        ];
        for (method, target, host, expected) in cases {
            let mut request = Request::builder().method(method).uri(target);
            if let Some(host) = host {
                request = request.header(HOST, host);
            }
            let mut request = request.header("connection", "close").body(()).unwrap();
            let prepared = prepare(&mut request, &Scheme::HTTPS, Some(3));
            assert_eq!(prepared.is_ok(), expected.is_some(), "{target}");
            let Some(expected) = expected else { continue };
            assert_eq!(request.uri().to_string(), expected);
            let fields: Vec<_> = request.headers().iter().collect();
            assert_eq!(fields.len(), 1, "{fields:?}");
            assert_eq!(request.headers()[CONTENT_LENGTH], "3");
        }
    }
}

//! Server and client against each other and against bare `h2` peers, over pipes in memory and TCP.

mod against_client;
mod against_server;
mod end_to_end;

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::client::{ClientLimits, Sender, handshake};
use super::server::{Inbound, ServerLimits, serve};
use super::{Error, RecvBody};
use crate::message::{Body, BoxError, Streaming};

/// Room for all that a test has in flight, so that the pipe itself never is what blocks.
const PIPE: usize = 16 << 20;

const LIMITS: ServerLimits = ServerLimits {
    max_streams: 100,
    max_head: 16 * 1024,
    max_fields: 100,
    handshake_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(75),
    body_timeout: Duration::from_secs(30),
};

/// Bounds a wait for a fact. On a paused clock it leaves room for the deadlines under test.
async fn soon<F: Future>(what: F) -> F::Output {
    within(Duration::from_secs(60), what).await
}

async fn within<F: Future>(bound: Duration, what: F) -> F::Output {
    let bound = tokio::time::timeout(bound, what).await;
    bound.expect("it never came")
}

/// Serves the other end of a pipe.
fn server<S, Fut>(service: S) -> (DuplexStream, JoinHandle<Result<(), Error>>)
where
    S: Fn(Inbound) -> Fut + Send + 'static,
    Fut: Future<Output = Response<Body>> + Send + 'static,
{
    let (near, far) = tokio::io::duplex(PIPE);
    (near, tokio::spawn(serve(far, LIMITS, service, pending())))
}

/// Our client and our server on one pipe.
async fn pair<S, Fut>(service: S) -> Sender
where
    S: Fn(Inbound) -> Fut + Send + 'static,
    Fut: Future<Output = Response<Body>> + Send + 'static,
{
    let (io, _) = server(service);
    let (sender, driver) = handshake(io, ClientLimits::default()).await.unwrap();
    tokio::spawn(driver);
    sender
}

/// A bare client on a pipe.
async fn bare_client(io: DuplexStream) -> h2::client::SendRequest<Bytes> {
    let (requests, connection) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    requests
}

/// Our client on a pipe, and its bare server.
async fn with_bare_server(
    limits: ClientLimits,
) -> (Sender, h2::server::Connection<DuplexStream, Bytes>) {
    with_server(limits, &h2::server::Builder::new()).await
}

async fn with_server(
    limits: ClientLimits,
    builder: &h2::server::Builder,
) -> (Sender, h2::server::Connection<DuplexStream, Bytes>) {
    let (near, far) = tokio::io::duplex(PIPE);
    let (client, server) = tokio::join!(handshake(near, limits), builder.handshake(far));
    let (sender, driver) = client.unwrap();
    tokio::spawn(driver);
    (sender, server.unwrap())
}

fn get(target: &str) -> Request<()> {
    Request::get(format!("http://test{target}"))
        .body(())
        .unwrap()
}

fn post(target: &str) -> Request<()> {
    Request::post(format!("http://test{target}"))
        .body(())
        .unwrap()
}

fn extended_connect() -> Request<()> {
    let mut request = Request::connect("http://test/chat").body(()).unwrap();
    let protocol = h2::ext::Protocol::from_static("websocket");
    request.extensions_mut().insert(protocol);
    request
}

fn answer(text: &'static str) -> Response<Body> {
    Response::new(Body::full(text))
}

fn trailers(name: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert(name, "1".parse().unwrap());
    trailers
}

type Feed = mpsc::UnboundedSender<Result<Frame<Bytes>, BoxError>>;

/// A body that the test feeds; it ends when the feed is dropped.
struct Fed(mpsc::UnboundedReceiver<Result<Frame<Bytes>, BoxError>>);

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx)
    }
}

fn fed() -> (Feed, Body) {
    let (feed, frames) = mpsc::unbounded_channel();
    (feed, Body::Stream(Streaming::new(Fed(frames))))
}

/// Reads the next frame's data.
async fn next_data(body: &mut RecvBody) -> Bytes {
    let frame = soon(body.frame()).await.unwrap().unwrap();
    frame.into_data().unwrap()
}

/// The reason for which the other side reset the stream.
async fn reset_reason(stream: &mut h2::SendStream<Bytes>) -> Reason {
    soon(poll_fn(|cx| stream.poll_reset(cx))).await.unwrap()
}

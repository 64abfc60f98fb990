//! Backends of the tests: real servers on loopback, most of them scripts over bare TCP, so that each byte and each
//! close is where a test wants it.

mod balance;
mod codec;
mod http1;
mod secure;
mod time;
mod upgrades;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::backend::{BackendAddress, BackendUrl};
use crate::message::{Body, RequestHead, ResponseHead, Streaming, Target, Trace};
use crate::proxy::tunnel::Opening;

/// What a script calls an answer with this body.
fn answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A server whose connections each run the script, numbered from 0; and how many there were.
async fn server<F, R>(script: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(usize, TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(script(number, stream));
        }
    });
    (address, count)
}

/// A server that answers all requests on all connections with this body.
async fn constant(body: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    server(move |_, mut stream| async move {
        while head(&mut stream).await.is_some() {
            say(&mut stream, &answer(body)).await;
        }
    })
    .await
}

/// Reads a request's head; none at the end of the connection.
async fn head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

async fn say(stream: &mut (impl tokio::io::AsyncWrite + Unpin), text: &str) {
    let _ = stream.write_all(text.as_bytes()).await;
}

fn url(address: SocketAddr) -> BackendUrl {
    BackendUrl {
        tls: false,
        address: BackendAddress::Tcp(address.to_string().parse().unwrap()),
    }
}

fn config(address: SocketAddr) -> BackendConfig {
    BackendConfig::new(vec![url(address)])
}

fn backend(config: BackendConfig) -> Arc<Backend> {
    Arc::new(Backend::new("test", config).unwrap())
}

fn request(method: &str, target: &str) -> RequestHead {
    RequestHead {
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        target: Target::new(target.as_bytes()).unwrap(),
        fields: [("host", "client.test")].into_iter().collect(),
        ..RequestHead::new()
    }
}

fn outgoing(head: &RequestHead, body: Body) -> Outgoing<'_> {
    Outgoing {
        head,
        body,
        upgrade: None,
        expect_continue: false,
        on_informational: None,
        trace: &Trace::OFF,
    }
}

async fn send(backend: &Backend, method: &str, body: Body) -> Result<Received, UpstreamError> {
    let head = request(method, "/");
    backend.send(outgoing(&head, body)).await
}

async fn text(received: Received) -> String {
    let bytes = received.body.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The body of the answer to a GET.
async fn get(backend: &Backend) -> Result<String, UpstreamError> {
    Ok(text(send(backend, "GET", Body::Empty).await?).await)
}

async fn kind(sending: impl Future<Output = Result<Received, UpstreamError>>) -> &'static str {
    sending
        .await
        .map(|r| r.head.status)
        .unwrap_err()
        .proxy_error()
        .as_str()
}

/// Frames of a body from a channel, so that a test decides when they come.
fn channel_body() -> (tokio::sync::mpsc::Sender<bytes::Bytes>, Body) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let frames = Frames(Box::new(move |cx| receiver.poll_recv(cx)));
    (sender, Body::Stream(Streaming::new(frames)))
}

type PollFrames =
    Box<dyn FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<bytes::Bytes>> + Send>;

struct Frames(PollFrames);

impl http_body::Body for Frames {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        (self.0)(cx).map(|data| data.map(|data| Ok(http_body::Frame::data(data))))
    }
}

/// What comes within 20 s.
async fn soon<T>(coming: impl Future<Output = T>) -> T {
    let waiting = tokio::time::timeout(Duration::from_secs(20), coming);
    waiting.await.expect("it did not come in 20 s")
}

/// Waits for a fact, for 20 s at most.
async fn until(what: &str, fact: impl Fn() -> bool) {
    for _ in 0..4000 {
        if fact() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not in 20 s: {what}");
}

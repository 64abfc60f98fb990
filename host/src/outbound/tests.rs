//! Real peers on loopback: hyper where a peer behaves, bare sockets where it doesn't.

mod addresses;
mod bodies;
mod hostile;
mod limits;
mod marks;
mod requests;
mod reuse;
mod secure;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;

/// For calls that must not run into a limit of time on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// For calls that must run into one.
const SHORT: Duration = Duration::from_millis(200);

/// A peer of which each connection is given to a function, with its number from 0.
struct Peers {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Peers {
    async fn new<F, Served>(serve: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Served + Send + Sync + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        Self::at("127.0.0.1:0", serve).await
    }

    async fn at<F, Served>(address: &str, serve: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Served + Send + Sync + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(number, stream));
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    /// Answers each request on each connection with these bytes.
    async fn saying(response: impl Into<Bytes>) -> Self {
        let response = response.into();
        Self::new(move |_, mut stream| {
            let response = response.clone();
            async move {
                while request(&mut stream).await.is_some() {
                    stream.write_all(&response).await.unwrap();
                }
            }
        })
        .await
    }

    /// The same, and closes each connection after one.
    async fn saying_once(response: impl Into<Bytes>) -> Self {
        let response = response.into();
        Self::new(move |_, mut stream| {
            let response = response.clone();
            async move {
                request(&mut stream).await;
                // The other side may have had enough of it.
                let _ = stream.write_all(&response).await;
                let _ = stream.shutdown().await;
                let _ = stream.read(&mut [0; 1]).await;
            }
        })
        .await
    }

    /// Reads requests and says nothing.
    async fn silent() -> Self {
        Self::new(|_, mut stream| async move { while request(&mut stream).await.is_some() {} })
            .await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The next request of a connection, with a body of `content-length`; none when it is closed.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = field(head, "content-length").map_or(0, |l| l.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A field's first value in a message's text.
fn field<'t>(message: &'t str, name: &str) -> Option<&'t str> {
    let lines = message.lines().skip(1).take_while(|line| !line.is_empty());
    let mut fields = lines.filter_map(|line| line.split_once(": "));
    let found = fields.find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn outbound(change: impl FnOnce(&mut OutboundConfig)) -> Outbound {
    let mut config = OutboundConfig {
        timeout: LONG,
        connect_timeout: LONG,
        ..OutboundConfig::default()
    };
    change(&mut config);
    Outbound::new(config).unwrap()
}

fn allowing(destinations: &[&str], private: &[&str]) -> Allow {
    let destinations = destinations.iter().map(|d| Destination::parse(d).unwrap());
    let private = private.iter().map(|r| AddressRange::parse(r).unwrap());
    Allow::new(destinations.collect(), private.collect())
}

/// May call all of 127.0.0.1.
fn caller(change: impl FnOnce(&mut OutboundConfig)) -> Caller {
    outbound(change).caller("p", allowing(&["http://127.0.0.1:*"], &[]))
}

fn call(method: &str, uri: &str) -> WholeCall {
    WholeCall {
        head: head(method, uri, &[]),
        ..WholeCall::default()
    }
}

fn head(method: &str, uri: &str, fields: &[(&str, &str)]) -> CallHead {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
    CallHead {
        method: method.to_owned(),
        uri: uri.to_owned(),
        fields: fields.iter().map(own).collect(),
    }
}

async fn get(caller: &Caller, uri: &str) -> Result<WholeAnswer, CallError> {
    caller.send(call("GET", uri), &CallBudget::new(0)).await
}

/// Waits until something is so.
async fn until(fact: impl Fn() -> bool) {
    while !fact() {
        tokio::task::yield_now().await;
    }
}

/// Something to wait for, from a test to its peer.
fn signal() -> (oneshot::Sender<()>, impl Future<Output = ()>) {
    let (sender, receiver) = oneshot::channel();
    (sender, async move {
        let _ = receiver.await;
    })
}

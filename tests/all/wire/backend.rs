//! A backend that knows by `x-forwarded-for` whose request it gets: each run of a row has a client address of its own, so
//! that many runs share one proxy and its connections.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::message::{Heard, find};

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Backend {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    expecting: Mutex<HashMap<Ipv4Addr, Expecting>>,
    /// Connections with a request that must break off, and has not yet.
    unbroken: AtomicUsize,
    /// What came and nobody expected.
    strays: Mutex<Vec<String>>,
}

/// What becomes of a client's requests.
#[derive(Debug, Clone)]
enum Expecting {
    /// They are taken by whoever plays the backend.
    Arrivals(mpsc::UnboundedSender<Arrival>),
    /// They must break off: what came is compared then.
    Beginnings(Heard),
}

/// A connection on which a head has come.
#[derive(Debug)]
pub struct Arrival {
    pub stream: TcpStream,
    /// The head, and what of its body came with it.
    pub got: Vec<u8>,
    shared: Arc<Shared>,
}

/// What became of a connection after an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing yet.
    Open,
    UsedAgain,
    Closed,
}

impl Backend {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let of_listener = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let fate = watch::Sender::new(Fate::Open);
                tokio::spawn(rest(stream, of_listener.clone(), fate));
            }
        });
        Self {
            address,
            shared,
            accepting,
        }
    }

    /// The requests that a client with this address makes.
    pub fn expect(&self, client: Ipv4Addr) -> mpsc::UnboundedReceiver<Arrival> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared.expect(client, Expecting::Arrivals(sender));
        receiver
    }

    /// Whatever the client asks must break off here, at the latest when this has come. None of it is answered.
    pub fn expect_beginnings(&self, heard: Heard) {
        self.shared
            .expect(heard.client, Expecting::Beginnings(heard));
    }

    /// How many connections have a request that should have broken off.
    pub fn unbroken(&self) -> usize {
        self.shared.unbroken.load(Ordering::SeqCst)
    }

    /// What came and nobody expected.
    pub fn strays(&self) -> Vec<String> {
        self.shared.strays.lock().unwrap().clone()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Arrival {
    /// Ends the exchange on this connection, and tells what becomes of it then.
    pub fn release(self) -> watch::Receiver<Fate> {
        let (sender, receiver) = watch::channel(Fate::Open);
        tokio::spawn(rest(self.stream, self.shared, sender));
        receiver
    }
}

/// Waits for the next head and hands it to who expects it.
async fn rest(mut stream: TcpStream, shared: Arc<Shared>, fate: watch::Sender<Fate>) {
    let mut got = Vec::new();
    while find(&got, b"\r\n\r\n").is_none() {
        if !matches!(stream.read_buf(&mut got).await, Ok(count) if count > 0) {
            if !got.is_empty() {
                shared.stray(&got);
            }
            fate.send_replace(Fate::Closed);
            return;
        }
    }
    fate.send_replace(Fate::UsedAgain);
    let expecting = client_of(&got).and_then(|client| {
        let expecting = shared.expecting.lock().unwrap();
        expecting.get(&client).cloned()
    });
    match expecting {
        Some(Expecting::Arrivals(player)) => {
            let arrival = Arrival {
                stream,
                got,
                shared: shared.clone(),
            };
            if let Err(stray) = player.send(arrival) {
                shared.stray(&stray.0.got);
            }
        }
        Some(Expecting::Beginnings(heard)) => {
            shared.unbroken.fetch_add(1, Ordering::SeqCst);
            break_off(stream, &shared, Heard { got, ..heard }).await;
            shared.unbroken.fetch_sub(1, Ordering::SeqCst);
        }
        None => shared.stray(&got),
    }
}

/// Reads a request until the proxy gives it up.
async fn break_off(mut stream: TcpStream, shared: &Shared, mut heard: Heard) {
    while matches!(stream.read_buf(&mut heard.got).await, Ok(count) if count > 0) {}
    if !heard.begins() {
        shared.stray(&heard.got);
    }
}

impl Shared {
    fn expect(&self, client: Ipv4Addr, expecting: Expecting) {
        self.expecting.lock().unwrap().insert(client, expecting);
    }

    fn stray(&self, got: &[u8]) {
        self.strays
            .lock()
            .unwrap()
            .push(got.escape_ascii().to_string());
    }
}

/// The client's address, as the proxy tells it.
fn client_of(head: &[u8]) -> Option<Ipv4Addr> {
    let head = head.to_ascii_lowercase();
    let name = b"\r\nx-forwarded-for: ";
    let value = &head[find(&head, name)? + name.len()..];
    let value = &value[..find(value, b"\r")?];
    std::str::from_utf8(value).ok()?.parse().ok()
}

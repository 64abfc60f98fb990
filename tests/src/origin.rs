//! An origin server that does as its script says and remembers every byte that it got.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::recorded::{Recorded, chunked_end};
use crate::reply::{Gate, Reply, Step, raw};

/// A server under construction.
#[derive(Debug, Default)]
pub struct OriginBuilder {
    routes: HashMap<String, Reply>,
}

/// An origin without routes, which answers 404 to everything.
pub fn origin() -> OriginBuilder {
    OriginBuilder::default()
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    routes: HashMap<String, Reply>,
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    gone: AtomicUsize,
    received: AtomicU64,
}

impl OriginBuilder {
    /// The reply to every request for this path, whatever its query.
    #[must_use]
    pub fn route(mut self, path: &str, reply: Reply) -> Self {
        self.routes.insert(path.to_owned(), reply);
        self
    }

    pub async fn start(self) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            routes: self.routes,
            ..Shared::default()
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Origin {
            address,
            shared,
            accepting,
        }
    }
}

impl Origin {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All complete requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The only request so far.
    pub fn request(&self) -> Recorded {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "one request: {requests:?}");
        requests[0].clone()
    }

    /// The last request so far.
    pub fn last_request(&self) -> Recorded {
        self.requests().pop().expect("a request")
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many connections were closed by the proxy while a reply waited for its gate.
    pub fn gone(&self) -> usize {
        self.shared.gone.load(Ordering::SeqCst)
    }

    /// Bytes of all requests so far, those that are not complete included.
    pub fn received(&self) -> u64 {
        self.shared.received.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve(socket, shared.clone()));
    }
}

async fn serve(socket: TcpStream, shared: Arc<Shared>) {
    let _ = socket.set_nodelay(true);
    let mut connection = Connection {
        socket,
        buffer: Vec::new(),
        shared: shared.clone(),
    };
    while let Some(head) = connection.head().await {
        let mut recorded = Recorded {
            head,
            body: Vec::new(),
        };
        let target = String::from_utf8_lossy(&recorded.target()).into_owned();
        let path = target.split('?').next().unwrap_or_default();
        let not_found = raw("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        let reply = shared.routes.get(path).unwrap_or(&not_found);
        if !reply.unread && !connection.body(&mut recorded).await {
            return;
        }
        shared.requests.lock().unwrap().push(recorded);
        if !connection.reply(reply).await || reply.unread {
            return;
        }
    }
}

struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
    shared: Arc<Shared>,
}

impl Connection {
    /// Up to and with the empty line; none when the connection ends.
    async fn head(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                return Some(self.buffer.drain(..end + 4).collect());
            }
            self.receive().await.then_some(())?;
        }
    }

    /// Reads the body as the head frames it. False when the connection ends before.
    async fn body(&mut self, recorded: &mut Recorded) -> bool {
        let length = recorded
            .texts("content-length")
            .first()
            .map_or(0, |length| length.parse().unwrap());
        let chunked = !recorded.values("transfer-encoding").is_empty();
        let mut end = length;
        loop {
            if chunked {
                end = chunked_end(&self.buffer).unwrap_or(usize::MAX);
            }
            if self.buffer.len() >= end {
                recorded.body = self.buffer.drain(..end).collect();
                return true;
            }
            if !self.receive().await {
                return false;
            }
        }
    }

    async fn receive(&mut self) -> bool {
        self.buffer.reserve(64 << 10);
        match self.socket.read_buf(&mut self.buffer).await {
            Ok(count) if count > 0 => {
                self.shared
                    .received
                    .fetch_add(count as u64, Ordering::SeqCst);
                true
            }
            _ => false,
        }
    }

    /// False when the connection is not to be used again.
    async fn reply(&mut self, reply: &Reply) -> bool {
        for step in &reply.steps {
            let sent = match step {
                Step::Bytes(bytes) => self.socket.write_all(bytes).await.is_ok(),
                Step::Fill(count) => self.fill(*count).await,
                Step::Wait(gate) => self.wait(gate).await,
                Step::Close => false,
            };
            if !sent {
                return false;
            }
        }
        true
    }

    /// False when the connection ends before the gate opens.
    async fn wait(&mut self, gate: &Gate) -> bool {
        let passing = gate.pass();
        tokio::pin!(passing);
        loop {
            tokio::select! {
                () = &mut passing => return true,
                more = self.receive() => if !more {
                    self.shared.gone.fetch_add(1, Ordering::SeqCst);
                    return false;
                }
            }
        }
    }

    async fn fill(&mut self, mut count: usize) -> bool {
        let block = vec![b'.'; 64 << 10];
        while count > 0 {
            let now = count.min(block.len());
            if self.socket.write_all(&block[..now]).await.is_err() {
                return false;
            }
            count -= now;
        }
        true
    }
}

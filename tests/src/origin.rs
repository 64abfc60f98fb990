//! An origin server that does as its script says and remembers every byte that it got.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A server under construction.
#[derive(Debug, Default)]
pub struct OriginBuilder {
    routes: HashMap<String, Reply>,
}

/// An origin without routes, which answers 404 to everything.
pub fn origin() -> OriginBuilder {
    OriginBuilder::default()
}

/// What to answer, step by step.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    steps: Vec<Step>,
    unread: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Bytes(Vec<u8>),
    /// So many bytes of no meaning.
    Fill(usize),
    Wait(Gate),
    Close,
}

/// A 200 with this body.
pub fn text(body: &str) -> Reply {
    raw(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// These bytes, whatever they are.
pub fn raw(bytes: impl AsRef<[u8]>) -> Reply {
    Reply::default().then(bytes)
}

impl Reply {
    /// Then these bytes.
    #[must_use]
    pub fn then(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Bytes(bytes.as_ref().to_vec()));
        self
    }

    /// Then so many bytes.
    #[must_use]
    pub fn then_fill(mut self, count: usize) -> Self {
        self.steps.push(Step::Fill(count));
        self
    }

    /// Then nothing until the gate opens.
    #[must_use]
    pub fn wait(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Waits before it says anything.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.steps.insert(0, Step::Wait(gate.clone()));
        self
    }

    /// Then closes the connection.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.steps.push(Step::Close);
        self
    }

    /// Answers as soon as the head is there, without a look at the body.
    #[must_use]
    pub fn without_reading(mut self) -> Self {
        self.unread = true;
        self
    }
}

/// Holds replies back until it is opened.
#[derive(Debug, Clone)]
pub struct Gate {
    open: watch::Sender<bool>,
    reached: Arc<AtomicUsize>,
}

impl Gate {
    pub fn new() -> Self {
        Self {
            open: watch::Sender::new(false),
            reached: Arc::default(),
        }
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// How many have come to it.
    pub fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    async fn pass(&self) {
        self.reached.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// With the empty line.
    pub head: Vec<u8>,
    /// With chunk framing, if there was any.
    pub body: Vec<u8>,
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

impl Recorded {
    /// The target as it stands in the request line.
    pub fn target(&self) -> Vec<u8> {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap();
        line.split(|byte| *byte == b' ')
            .nth(1)
            .unwrap_or_default()
            .to_vec()
    }

    /// All values of a field in their order.
    pub fn values(&self, name: &str) -> Vec<Vec<u8>> {
        let lines = self.head.split(|byte| *byte == b'\n').skip(1);
        let fields = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let same = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            same.then(|| line[colon + 1..].trim_ascii().to_vec())
        });
        fields.collect()
    }

    /// The same, as text.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.values(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// The body without chunk framing.
    pub fn content(&self) -> Vec<u8> {
        if self.values("transfer-encoding").is_empty() {
            return self.body.clone();
        }
        let (mut content, mut rest) = (Vec::new(), &self.body[..]);
        while let Some((size, after)) = chunk_size(rest).filter(|(size, _)| *size > 0) {
            content.extend_from_slice(&after[..size]);
            rest = &after[size + 2..];
        }
        content
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
                Step::Wait(gate) => {
                    gate.pass().await;
                    true
                }
                Step::Close => false,
            };
            if !sent {
                return false;
            }
        }
        true
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

/// The size of the chunk that these bytes begin with, and what follows its line.
fn chunk_size(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.windows(2).position(|window| window == b"\r\n")?;
    let size = std::str::from_utf8(&bytes[..end])
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    Some((usize::from_str_radix(size, 16).unwrap(), &bytes[end + 2..]))
}

/// Where a chunked body ends, trailers included; none while it isn't all there.
fn chunked_end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        let (size, after) = chunk_size(rest)?;
        if size == 0 {
            let line_before = &rest[rest.len() - after.len() - 2..];
            let end = line_before
                .windows(4)
                .position(|window| window == b"\r\n\r\n")?;
            return Some(bytes.len() - line_before.len() + end + 4);
        }
        rest = after.get(size + 2..)?;
    }
}

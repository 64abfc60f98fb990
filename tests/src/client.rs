//! A client that is raw enough to send bad requests and to see every byte of an answer.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Request, in_time};

/// One connection.
#[derive(Debug)]
pub struct Client {
    socket: TcpStream,
    /// Received and not yet taken.
    buffer: Vec<u8>,
}

/// The start line and the fields of an answer.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    /// Names in lower case, in the order of the message.
    pub fields: Vec<(String, Vec<u8>)>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub head: Head,
    /// Without chunk framing.
    pub body: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether it ended as its framing says; false when the connection broke off before.
    pub complete: bool,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let socket = in_time("a connection", TcpStream::connect(address))
            .await
            .unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        in_time("sent bytes", self.socket.write_all(bytes.as_ref()))
            .await
            .unwrap();
    }

    /// Sends a request and waits for the whole answer.
    pub async fn ask(&mut self, request: &Request) -> Answer {
        self.send(request.bytes()).await;
        self.answer(&request.method).await
    }

    /// The next answer, to a request with this method. Interim ones (1xx) are passed over.
    pub async fn answer(&mut self, method: &str) -> Answer {
        let mut head = self.head().await;
        while head.status < 200 {
            head = self.head().await;
        }
        let mut answer = Answer {
            head,
            body: Vec::new(),
            trailers: Vec::new(),
            complete: true,
        };
        if method == "HEAD" || matches!(answer.head.status, 204 | 304) {
            return answer;
        }
        let length = answer.head.field("content-length");
        if answer.head.field("transfer-encoding").as_deref() == Some("chunked") {
            answer.complete = self.chunks(&mut answer).await;
        } else if let Some(length) = length {
            let length = length.parse().unwrap();
            answer.complete = self.fill(length).await;
            answer.body = self.take(length.min(self.buffer.len()));
        } else {
            answer.body = self.rest().await;
        }
        answer
    }

    /// Sends no more, but goes on reading.
    pub async fn finish(&mut self) {
        self.socket.shutdown().await.unwrap();
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.socket.set_zero_linger().unwrap();
    }

    /// The next head, interim ones included.
    pub async fn head(&mut self) -> Head {
        let head = in_time("the head of an answer", self.line_end(b"\r\n\r\n")).await;
        let end = head
            .unwrap_or_else(|| panic!("closed after {:?}", String::from_utf8_lossy(&self.buffer)));
        parse_head(&self.take(end))
    }

    /// Everything until the proxy closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        in_time("the end of the connection", async {
            while self.receive().await {}
        })
        .await;
        std::mem::take(&mut self.buffer)
    }

    /// The next so many bytes, as they come.
    pub async fn bytes(&mut self, count: usize) -> Vec<u8> {
        assert!(
            self.fill(count).await,
            "closed before {count} bytes had come"
        );
        self.take(count)
    }

    /// Reads so many bytes and forgets them.
    pub async fn skip(&mut self, mut count: usize) {
        while count > 0 {
            let most = count.min(1 << 20);
            if self.buffer.is_empty() {
                assert!(
                    in_time("further bytes", self.receive()).await,
                    "closed {count} bytes too early"
                );
            }
            let now = most.min(self.buffer.len());
            self.buffer.drain(..now);
            count -= now;
        }
    }

    /// Whether anything has come that nobody has taken; does not wait.
    pub fn has_unread(&mut self) -> bool {
        let mut buffer = [0; 1024];
        if let Ok(count) = self.socket.try_read(&mut buffer) {
            self.buffer.extend_from_slice(&buffer[..count]);
        }
        !self.buffer.is_empty()
    }

    async fn chunks(&mut self, answer: &mut Answer) -> bool {
        loop {
            let Some(end) = self.line_end(b"\r\n").await else {
                return false;
            };
            let line = String::from_utf8(self.take(end)).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            if size == 0 {
                break;
            }
            if !self.fill(size + 2).await {
                answer.body.append(&mut self.buffer);
                return false;
            }
            answer.body.extend(self.take(size));
            assert_eq!(self.take(2), b"\r\n");
        }
        loop {
            let Some(end) = self.line_end(b"\r\n").await else {
                return false;
            };
            let line = self.take(end);
            if line == b"\r\n" {
                return true;
            }
            answer.trailers.push(parse_field(&line));
        }
    }

    /// Where the first such ending ends; none when the connection ends before.
    async fn line_end(&mut self, ending: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = self
                .buffer
                .windows(ending.len())
                .position(|window| window == ending)
            {
                return Some(at + ending.len());
            }
            if !in_time("the end of a line", self.receive()).await {
                return None;
            }
        }
    }

    /// Whether so many bytes could be had.
    async fn fill(&mut self, count: usize) -> bool {
        while self.buffer.len() < count {
            if !in_time("further bytes", self.receive()).await {
                return false;
            }
        }
        true
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.buffer.drain(..count).collect()
    }

    /// False when the connection has ended, however it did.
    async fn receive(&mut self) -> bool {
        self.buffer.reserve(64 << 10);
        matches!(self.socket.read_buf(&mut self.buffer).await, Ok(count) if count > 0)
    }
}

impl Head {
    /// The only value of a field; none when it is absent. Panics if there are several.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        assert!(values.len() < 2, "several {name}: {values:?}");
        values.pop()
    }

    /// All values of a field in their order.
    pub fn values(&self, name: &str) -> Vec<String> {
        let of_name = self.fields.iter().filter(|(n, _)| n == name);
        of_name
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// See [`Head::field`].
    pub fn field(&self, name: &str) -> Option<String> {
        self.head.field(name)
    }

    /// See [`Head::values`].
    pub fn values(&self, name: &str) -> Vec<String> {
        self.head.values(name)
    }

    /// The body, which must be UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn parse_head(bytes: &[u8]) -> Head {
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| line.len() > 1);
    let start = String::from_utf8_lossy(lines.next().unwrap()).into_owned();
    let status = start
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Head {
        status: status.unwrap_or_else(|| panic!("no status line: {start:?}")),
        fields: lines.map(parse_field).collect(),
    }
}

fn parse_field(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap();
    let name = String::from_utf8(line[..colon].to_ascii_lowercase()).unwrap();
    (name, line[colon + 1..].trim_ascii().to_vec())
}

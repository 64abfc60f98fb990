//! Requests as bytes: what is written here goes out exactly so.

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: String,
    head: Vec<u8>,
    body: Vec<u8>,
}

/// A request with a `host` field and nothing else.
pub fn request(method: &str, target: &str) -> Request {
    Request::new(format!(
        "{method} {target} HTTP/1.1\r\nhost: tollgate.test\r\n"
    ))
}

/// The most ordinary request.
pub fn get(target: &str) -> Request {
    request("GET", target)
}

impl Request {
    /// A request from its head without the empty line at the end.
    pub fn new(head: impl AsRef<[u8]>) -> Self {
        let head = head.as_ref().to_vec();
        let method = head.split(|byte| *byte == b' ').next().unwrap_or_default();
        Self {
            method: String::from_utf8_lossy(method).into_owned(),
            head,
            body: Vec::new(),
        }
    }

    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    /// A field before all others.
    #[must_use]
    pub fn first_field(mut self, name: &str, value: &str) -> Self {
        let line_end = self.head.iter().position(|byte| *byte == b'\n').unwrap();
        let field = format!("{name}: {value}\r\n").into_bytes();
        self.head.splice(line_end + 1..line_end + 1, field);
        self
    }

    /// A body of known length.
    #[must_use]
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len().to_string();
        let mut request = self.field("content-length", length);
        request.body = body.as_ref().to_vec();
        request
    }

    /// A body in chunks.
    #[must_use]
    pub fn chunked(self, chunks: &[&[u8]]) -> Self {
        let mut request = self.field("transfer-encoding", "chunked");
        for chunk in chunks {
            request
                .body
                .extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.body.extend_from_slice(chunk);
            request.body.extend_from_slice(b"\r\n");
        }
        request.body.extend_from_slice(b"0\r\n\r\n");
        request
    }

    /// The head with the empty line.
    pub fn head(&self) -> Vec<u8> {
        [&self.head[..], b"\r\n"].concat()
    }

    pub fn bytes(&self) -> Vec<u8> {
        [&self.head[..], b"\r\n", &self.body].concat()
    }
}

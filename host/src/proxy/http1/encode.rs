//! What goes out: heads, and bodies as they are framed on the wire.
//!
//! Small pieces are put together, so that a head and the first bytes of its body leave in one write; large ones are written
//! from where they are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Method, StatusCode, Version};
use tokio::io::AsyncWrite;

use crate::message::ResponseHead;

/// A piece of at least this size is not copied.
pub const LARGE: usize = 8 << 10;

/// Bytes that wait to be written, in their order.
#[derive(Debug, Default)]
pub struct Output {
    /// The small pieces before the first large one, and how much of them is written.
    small: Vec<u8>,
    written: usize,
    /// What follows: a large piece with the small ones behind it.
    rest: VecDeque<Bytes>,
    /// Something was written that may still be in a buffer below, of TLS.
    unflushed: bool,
}

impl Output {
    /// Where the next bytes can be written to: behind all that is here.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        debug_assert!(
            self.rest.is_empty(),
            "a head begins when all before it is written"
        );
        &mut self.small
    }

    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && !self.unflushed
    }

    /// How many bytes wait.
    pub fn waiting(&self) -> usize {
        self.small.len() - self.written + self.rest.iter().map(Bytes::len).sum::<usize>()
    }

    /// Adds bytes of a body.
    pub fn push(&mut self, data: Bytes) {
        if data.len() >= LARGE || !self.rest.is_empty() {
            self.rest.push_back(data);
        } else {
            self.small.extend_from_slice(&data);
        }
    }

    /// Adds bytes that are written out already, such as the frame of a chunk.
    pub fn push_slice(&mut self, bytes: &[u8]) {
        if self.rest.is_empty() {
            self.small.extend_from_slice(bytes);
        } else {
            self.rest.push_back(Bytes::copy_from_slice(bytes));
        }
    }

    /// Writes until nothing is left, and gives up the memory that it took.
    pub fn poll_write<IO: AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.waiting() > 0 {
            self.unflushed = true;
            let n = if self.rest.is_empty() {
                ready!(Pin::new(&mut *io).poll_write(cx, &self.small[self.written..]))?
            } else {
                ready!(self.poll_write_vectored(io, cx))?
            };
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(n);
        }
        self.small.clear();
        self.written = 0;
        if self.unflushed {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored<IO: AsyncWrite + Unpin>(
        &self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        const MOST: usize = 8;
        let mut slices = [IoSlice::new(&[]); MOST];
        let mut count = 0;
        if self.written < self.small.len() {
            slices[0] = IoSlice::new(&self.small[self.written..]);
            count = 1;
        }
        for data in self.rest.iter().take(MOST - count) {
            slices[count] = IoSlice::new(data);
            count += 1;
        }
        if io.is_write_vectored() {
            Pin::new(io).poll_write_vectored(cx, &slices[..count])
        } else {
            Pin::new(io).poll_write(cx, &slices[0])
        }
    }

    fn advance(&mut self, mut n: usize) {
        let small = n.min(self.small.len() - self.written);
        self.written += small;
        n -= small;
        while n > 0
            && let Some(first) = self.rest.front_mut()
        {
            let of_first = n.min(first.len());
            first.advance(of_first);
            n -= of_first;
            if first.is_empty() {
                self.rest.pop_front();
            }
        }
        // A piece of no bytes would be written for ever.
        while self.rest.front().is_some_and(Bytes::is_empty) {
            self.rest.pop_front();
        }
    }

    /// The memory for another message; none of it while the connection rests.
    pub fn release(&mut self) {
        *self = Self::default();
    }
}

/// How a body is framed on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is none, whatever the head says: of a HEAD, a 304.
    None,
    /// The head says how long it is.
    Length(u64),
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// Frames one body.
#[derive(Debug)]
pub struct Encoder {
    framing: BodyFraming,
    /// Whether the peer takes trailers.
    trailers: bool,
}

/// A body is longer or shorter than its head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not as long as its content-length says")]
pub struct WrongLength;

impl Encoder {
    pub fn new(framing: BodyFraming, trailers: bool) -> Self {
        Self { framing, trailers }
    }

    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Adds data to what goes out.
    ///
    /// # Errors
    /// When there is more than the head says. Nothing of it goes out.
    pub fn data(&mut self, data: Bytes, out: &mut Output) -> Result<(), WrongLength> {
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.framing {
            // Nobody asked for it: of a HEAD, say.
            BodyFraming::None => {}
            BodyFraming::UntilClose => out.push(data),
            BodyFraming::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(WrongLength)?;
                out.push(data);
            }
            BodyFraming::Chunked => {
                let mut line = [0; 18];
                out.push_slice(chunk_line(data.len(), &mut line));
                out.push(data);
                out.push_slice(b"\r\n");
            }
        }
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    /// When data is missing: the message must be broken off.
    pub fn end(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Output,
    ) -> Result<(), WrongLength> {
        match self.framing {
            BodyFraming::None | BodyFraming::UntilClose | BodyFraming::Length(0) => Ok(()),
            BodyFraming::Length(_) => Err(WrongLength),
            BodyFraming::Chunked => {
                out.push_slice(b"0\r\n");
                if let Some(trailers) = trailers.filter(|_| self.trailers) {
                    for (name, value) in trailers {
                        out.push_slice(name.as_str().as_bytes());
                        out.push_slice(b": ");
                        out.push_slice(value.as_bytes());
                        out.push_slice(b"\r\n");
                    }
                }
                out.push_slice(b"\r\n");
                Ok(())
            }
        }
    }
}

/// The line before a chunk.
fn chunk_line(len: usize, line: &mut [u8; 18]) -> &[u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut at = 16;
    let mut left = len;
    line[16..].copy_from_slice(b"\r\n");
    while left > 0 || at == 16 {
        at -= 1;
        line[at] = DIGITS[left % 16];
        left /= 16;
    }
    &line[at..]
}

/// Writes a response's line and fields, and the empty line.
///
/// Always as HTTP/1.1, whatever the client speaks (RFC 9110, section 2.5).
pub fn response(head: &ResponseHead, out: &mut Vec<u8>) {
    status_line(head, out);
    head.fields.write_to(out);
    out.extend_from_slice(b"\r\n");
}

fn status_line(head: &ResponseHead, out: &mut Vec<u8>) {
    if head.status == StatusCode::OK && head.reason.is_none() {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    match &head.reason {
        Some(reason) => out.extend_from_slice(reason),
        None => {
            let usual = head.status.canonical_reason().unwrap_or_default();
            out.extend_from_slice(usual.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

pub const CHUNKED_LINE: &[u8] = b"transfer-encoding: chunked\r\n";

/// How a response's body is framed for a client.
///
/// `exact` is how long it is, if that is known; `length` what the head says.
pub fn response_framing(
    method: &Method,
    version: Version,
    head: &ResponseHead,
    length: Option<u64>,
    exact: Option<u64>,
) -> BodyFraming {
    let status = head.status.as_u16();
    if *method == Method::HEAD || status < 200 || status == 204 || status == 304 {
        return BodyFraming::None;
    }
    match exact.or(length) {
        Some(length) => BodyFraming::Length(length),
        None if version == Version::HTTP_10 => BodyFraming::UntilClose,
        None => BodyFraming::Chunked,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    /// All that goes out, by a writer that takes `step` bytes at a time.
    async fn written(mut out: Output, step: usize) -> String {
        let (mut io, mut peer) = tokio::io::duplex(step);
        let writing = async move {
            std::future::poll_fn(|cx| out.poll_write(&mut io, cx))
                .await
                .unwrap();
            assert!(out.is_empty());
        };
        let mut text = String::new();
        let reading = tokio::io::AsyncReadExt::read_to_string(&mut peer, &mut text);
        let ((), read) = tokio::join!(writing, reading);
        read.unwrap();
        text
    }

    #[tokio::test]
    async fn bodies_are_framed() {
        let large = Bytes::from(vec![b'x'; LARGE]);
        for step in [1, 7, 100_000] {
            let mut out = Output::default();
            let mut encoder = Encoder::new(BodyFraming::Chunked, true);
            encoder.data("hello".into(), &mut out).unwrap();
            encoder.data(large.clone(), &mut out).unwrap();
            encoder.data(Bytes::new(), &mut out).unwrap();
            encoder.data("!".into(), &mut out).unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("a", "b".parse().unwrap());
            encoder.end(Some(&trailers), &mut out).unwrap();
            let data = "x".repeat(LARGE);
            let expected = format!("5\r\nhello\r\n2000\r\n{data}\r\n1\r\n!\r\n0\r\na: b\r\n\r\n");
            assert!(written(out, step).await == expected, "{step}");
        }
        let mut out = Output::default();
        let mut trailers = HeaderMap::new();
        trailers.insert("a", "b".parse().unwrap());
        Encoder::new(BodyFraming::Chunked, false)
            .end(Some(&trailers), &mut out)
            .unwrap();
        assert_eq!(
            written(out, 10).await,
            "0\r\n\r\n",
            "this peer takes no trailers"
        );
    }

    #[test]
    fn a_body_is_as_long_as_its_head_says() {
        let mut out = Output::default();
        let mut encoder = Encoder::new(BodyFraming::Length(5), false);
        encoder.data("hel".into(), &mut out).unwrap();
        assert_eq!(encoder.end(None, &mut out), Err(WrongLength));
        assert_eq!(encoder.data("lo!".into(), &mut out), Err(WrongLength));
        let mut encoder = Encoder::new(BodyFraming::Length(5), false);
        encoder.data("hello".into(), &mut out).unwrap();
        encoder.end(None, &mut out).unwrap();
        let mut encoder = Encoder::new(BodyFraming::None, false);
        let before = out.waiting();
        encoder.data("hello".into(), &mut out).unwrap();
        encoder.end(None, &mut out).unwrap();
        assert_eq!(out.waiting(), before);
    }

    #[test]
    fn heads_are_written() {
        let mut head = ResponseHead::new(StatusCode::NOT_FOUND);
        let mut out = Vec::new();
        response(&head, &mut out);
        head.reason = Some(b"Weg \xfc"[..].into());
        response(&head, &mut out);
        assert_eq!(
            out,
            b"HTTP/1.1 404 Not Found\r\n\r\nHTTP/1.1 404 Weg \xfc\r\n\r\n"
        );
    }

    #[test]
    fn how_responses_are_framed() {
        use BodyFraming::{Chunked, Length, None as Nothing, UntilClose};
        let head = |status| ResponseHead::new(StatusCode::from_u16(status).unwrap());
        let (get, v11, v10) = (Method::GET, Version::HTTP_11, Version::HTTP_10);
        for (method, version, status, length, exact, expected) in [
            (&get, v11, 200, Some(3), None, Length(3)),
            (&get, v11, 200, None, Some(3), Length(3)),
            (&get, v11, 200, None, None, Chunked),
            (&get, v10, 200, None, None, UntilClose),
            (&Method::HEAD, v11, 200, Some(3), None, Nothing),
            (&get, v11, 304, Some(3), None, Nothing),
            (&get, v11, 204, None, Some(0), Nothing),
            (&get, v11, 101, None, None, Nothing),
        ] {
            let framing = response_framing(method, version, &head(status), length, exact);
            assert_eq!(
                framing, expected,
                "{method} {version:?} {status} {length:?} {exact:?}"
            );
        }
    }

    #[test]
    fn chunk_lines() {
        for (len, line) in [(1, "1\r\n"), (16, "10\r\n"), (0xabc_def, "abcdef\r\n")] {
            assert_eq!(chunk_line(len, &mut [0; 18]), line.as_bytes());
        }
        assert_eq!(
            chunk_line(usize::MAX, &mut [0; 18]),
            b"ffffffffffffffff\r\n"
        );
    }
}

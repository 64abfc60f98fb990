//! Follows a client's byte stream from head to body to head, so that it is known which bytes may go on to hyper.
//!
//! Pure: it is given bytes and tells what they are. Heads and trailer sections go on only when they are complete.

use super::body::{self, BadBody, Chunks};
use super::head::{self, BadHead, Framing, HeadLimits};

/// Where in the stream we are.
#[derive(Debug)]
pub struct Stream {
    limits: HeadLimits,
    at: At,
    heads: u64,
    /// The last head asks for another protocol after its request.
    switches: bool,
    http10: bool,
}

#[derive(Debug)]
enum At {
    Head,
    Length { left: u64 },
    Chunks(Chunks),
    Trailers,
}

/// What stands behind the bytes that may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    More,
    /// The beginning of a head or of a trailer section: to be shown again with what comes after it.
    Incomplete,
    /// Bytes that may be of another protocol; nobody looks at them before it is known which.
    Switch,
    /// A head that must not be served. Nothing after it has a meaning.
    Refused(BadHead),
    /// Bytes that make no body. Nothing after them has a meaning.
    Broken(BadBody),
}

impl Stream {
    /// A stream whose first bytes are those of a head.
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            at: At::Head,
            heads: 0,
            switches: false,
            http10: false,
        }
    }

    /// Complete heads so far.
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether the last complete head may be followed by another protocol.
    pub fn switches(&self) -> bool {
        self.switches
    }

    /// Whether the next bytes may be of another protocol.
    pub fn is_at_switch(&self) -> bool {
        self.switches && !self.in_body()
    }

    /// Whether any head was of HTTP/1.0.
    pub fn http10(&self) -> bool {
        self.http10
    }

    /// Whether bytes of a body are due.
    pub fn in_body(&self) -> bool {
        !matches!(self.at, At::Head)
    }

    /// How many bytes come next that nobody has to look at.
    pub fn opaque(&self) -> u64 {
        match &self.at {
            At::Length { left } => *left,
            At::Chunks(chunks) => chunks.data_left(),
            At::Head | At::Trailers => 0,
        }
    }

    /// Goes over opaque bytes: at most as many as there are.
    pub fn skip(&mut self, n: u64) {
        match &mut self.at {
            At::Length { left } if *left == n => self.at = At::Head,
            At::Length { left } => *left -= n,
            At::Chunks(chunks) => chunks.skip(n),
            At::Head | At::Trailers => {}
        }
    }

    /// Follows `bytes` as far as they are complete and right. Tells how many these are and what stands behind them.
    pub fn follow(&mut self, bytes: &[u8]) -> (usize, Then) {
        let mut done = 0;
        loop {
            if self.is_at_switch() {
                return (done, Then::Switch);
            }
            let rest = &bytes[done..];
            if rest.is_empty() {
                return (done, Then::More);
            }
            match self.part(rest) {
                Ok(0) => return (done, Then::Incomplete),
                Ok(n) => done += n,
                Err((n, then)) => return (done + n, then),
            }
        }
    }

    /// What may follow a head that switches is HTTP after all.
    pub fn stay(&mut self) {
        self.switches = false;
    }

    fn part(&mut self, bytes: &[u8]) -> Result<usize, (usize, Then)> {
        match &mut self.at {
            At::Head => self.head(bytes).map_err(|error| (0, Then::Refused(error))),
            At::Length { left } => {
                let n = (*left).min(bytes.len() as u64);
                self.skip(n);
                // No more than the length of `bytes`.
                Ok(usize::try_from(n).unwrap_or(bytes.len()))
            }
            At::Chunks(chunks) => {
                let (n, result) = chunks.follow(bytes);
                if chunks.is_over() {
                    self.at = At::Trailers;
                }
                result.map(|()| n).map_err(|error| (n, Then::Broken(error)))
            }
            At::Trailers => {
                let end = body::trailers(bytes, &self.limits)
                    .map_err(|error| (0, Then::Broken(error)))?;
                if end.is_some() {
                    self.at = At::Head;
                }
                Ok(end.unwrap_or(0))
            }
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<usize, BadHead> {
        let Some(head) = head::check(bytes, &self.limits)? else {
            return Ok(0);
        };
        self.heads += 1;
        self.switches = head.switches;
        self.http10 |= head.http10;
        self.at = match head.framing {
            Framing::Length(0) => At::Head,
            Framing::Length(left) => At::Length { left },
            Framing::Chunked => At::Chunks(Chunks::default()),
        };
        Ok(head.len)
    }
}

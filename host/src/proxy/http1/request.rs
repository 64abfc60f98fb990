//! A request's head, read in one pass: the strict reading of RFC 9112, and what the connection must know of it.
//!
//! A lenient parser looks for what a client may have meant. A proxy must not: behind it stands another parser that may have
//! guessed otherwise, and the difference is where a request is smuggled. What is refused here never reaches a plugin or a
//! backend.

use http::{Method, Version};

use super::line;
use super::target;
use crate::message::syntax::{self, TOKEN, items};
use crate::message::{Known, RequestHead, Target, hygiene};
use crate::proxy::bad_head::BadHead;

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of a head from its method to its empty line; also of a trailer section.
    pub max_head: usize,
    /// Fields of a head; also of a trailer section.
    pub max_fields: usize,
    /// Bytes of a target.
    pub max_target: usize,
}

/// A head that is complete and valid.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: RequestHead,
    /// Bytes of the head, an empty line before it included.
    pub len: usize,
    pub framing: Framing,
    /// Whether the bytes after this request may be of another protocol: it asks to switch, or is a CONNECT.
    pub switches: bool,
    /// Whether the client wants the connection to stay (RFC 9112, section 9.3).
    pub keep_alive: bool,
    /// Whether the client waits to be told to send the body (RFC 9110, section 10.1.1).
    pub expects_continue: bool,
}

/// How the body that follows a request's head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes; no field, no bytes.
    Length(u64),
    /// With its last chunk and trailer section.
    Chunked,
}

/// Reads the head at the start of `bytes`; none while it is incomplete.
///
/// # Errors
///
/// Returns the first error in the order of the bytes. The result does not depend on how the head is divided into reads.
pub fn read(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Request>, BadHead> {
    // Empty lines before a request are the sign of an old client's body (RFC 9112, section 2.2).
    let mut skipped = 0;
    while bytes[skipped..].starts_with(b"\r\n") {
        skipped += 2;
    }
    if skipped > limits.max_head {
        return Err(BadHead::TooLarge(limits.max_head));
    }
    let all = &bytes[skipped..];
    if all == b"\r" {
        return Ok(None);
    }
    // What lies beyond the limit is never looked at, so that it can't matter whether it is there already.
    let seen = &all[..all.len().min(limits.max_head)];
    match read_head(seen, limits)? {
        Some(head) => Ok(Some(Request {
            len: head.len + skipped,
            ..head
        })),
        None if all.len() > limits.max_head => Err(BadHead::TooLarge(limits.max_head)),
        None => Ok(None),
    }
}

fn read_head(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Request>, BadHead> {
    let Some(first) = request_line(bytes, limits.max_target)? else {
        return Ok(None);
    };
    let mut facts = Facts {
        http10: first.version == Version::HTTP_10,
        ..Facts::default()
    };
    let section = line::section(
        &bytes[first.len..],
        limits.max_fields,
        BadHead::TooManyFields,
        |name, known, value| facts.see(name, known, value),
    )?;
    let Some((fields, len)) = section else {
        return Ok(None);
    };
    Ok(Some(Request {
        len: first.len + len,
        framing: match facts.length {
            _ if facts.chunked => Framing::Chunked,
            length => Framing::Length(length.unwrap_or(0)),
        },
        switches: first.method == Method::CONNECT
            || (facts.names_upgrade && facts.upgrade && !facts.http10),
        keep_alive: !facts.close && (!facts.http10 || facts.keep_alive),
        expects_continue: facts.expects_continue,
        head: RequestHead {
            method: first.method,
            authority: first.authority,
            target: first.target,
            version: first.version,
            later_minor: first.later_minor,
            fields,
        },
    }))
}

struct RequestLine {
    len: usize,
    method: Method,
    authority: Option<Box<str>>,
    target: Target,
    version: Version,
    later_minor: Option<u8>,
}

fn request_line(bytes: &[u8], max_target: usize) -> Result<Option<RequestLine>, BadHead> {
    let space = syntax::run_of(TOKEN, bytes);
    match bytes.get(space) {
        None => return Ok(None),
        Some(b' ') if space > 0 => {}
        Some(_) => return Err(BadHead::Method),
    }
    let (method, rest) = (&bytes[..space], &bytes[space + 1..]);
    let Some(end) = target::end(rest, max_target)? else {
        return Ok(None);
    };
    if rest[end] != b' ' {
        return Err(BadHead::RequestLine);
    }
    let (authority, target) = target::split(method, &rest[..end])?;
    let Some((version, later_minor)) = version(&rest[end + 1..])? else {
        return Ok(None);
    };
    Ok(Some(RequestLine {
        len: space + 1 + end + 1 + VERSION_LEN,
        method: Method::from_bytes(method).map_err(|_| BadHead::Method)?,
        authority,
        target,
        version,
        later_minor,
    }))
}

const VERSION_LEN: usize = b"HTTP/1.1\r\n".len();

/// What the end of the line says; none while it isn't there. A minor version that is not known is read as the highest that
/// is (RFC 9110, section 2.5), and told beside it.
fn version(bytes: &[u8]) -> Result<Option<(Version, Option<u8>)>, BadHead> {
    let given = &bytes[..bytes.len().min(VERSION_LEN)];
    let shape = b"HTTP/d.d\r\n";
    let fits =
        |(given, shape): (&u8, &u8)| given == shape || (*shape == b'd' && given.is_ascii_digit());
    match given {
        b"HTTP/1.1\r\n" => Ok(Some((Version::HTTP_11, None))),
        b"HTTP/1.0\r\n" => Ok(Some((Version::HTTP_10, None))),
        _ if !given.iter().zip(shape).all(fits) => Err(BadHead::RequestLine),
        _ if given.len() < VERSION_LEN => Ok(None),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, ..] => {
            Ok(Some((Version::HTTP_11, Some(minor - b'0'))))
        }
        _ => Err(BadHead::Version),
    }
}

/// What the fields say, as far as they have been read.
#[derive(Default)]
struct Facts {
    http10: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    expects_continue: bool,
    /// What `connection` names.
    names_upgrade: bool,
    close: bool,
    keep_alive: bool,
}

impl Facts {
    fn see(&mut self, name: &[u8], known: Known, value: &[u8]) -> Result<(), BadHead> {
        match known {
            Known::Expect => self.expect(value),
            Known::Upgrade => {
                self.upgrade = true;
                Ok(())
            }
            Known::Connection => {
                for item in items(value) {
                    self.names_upgrade |= item.eq_ignore_ascii_case(b"upgrade");
                    self.close |= item.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= item.eq_ignore_ascii_case(b"keep-alive");
                }
                Ok(())
            }
            Known::ContentLength => self.content_length(value),
            Known::TransferEncoding => self.transfer_encoding(value),
            Known::Other if hygiene::resembles_framing(name) => Err(BadHead::Ambiguous),
            _ => Ok(()),
        }
    }

    /// An expectation that a server can't meet is told; HTTP/1.0 has none (RFC 9110, section 10.1.1).
    fn expect(&mut self, value: &[u8]) -> Result<(), BadHead> {
        if self.http10 {
            return Ok(());
        }
        self.expects_continue = value.eq_ignore_ascii_case(b"100-continue");
        self.expects_continue
            .then_some(())
            .ok_or(BadHead::Expectation)
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), BadHead> {
        if self.chunked {
            return Err(BadHead::TwoFramings);
        }
        // The same number twice is allowed to be taken as one (RFC 9112, section 6.3); nobody means it.
        if self.length.is_some() {
            return Err(BadHead::ContentLength);
        }
        self.length = Some(syntax::decimal(value).ok_or(BadHead::ContentLength)?);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), BadHead> {
        if self.length.is_some() {
            return Err(BadHead::TwoFramings);
        }
        if self.http10 || self.chunked {
            return Err(BadHead::TransferEncoding);
        }
        self.chunked = true;
        check_codings(value)
    }
}

/// Only `chunked` alone will do. A request whose last coding is another has no end that can be known, which is worse
/// than a coding that isn't known (RFC 9112, sections 6.1 and 6.3).
fn check_codings(value: &[u8]) -> Result<(), BadHead> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let is_chunked = |item: &[u8]| item.eq_ignore_ascii_case(b"chunked");
    let chunked = items(value).filter(|item| is_chunked(item)).count();
    if items(value).all(syntax::is_token)
        && chunked == 1
        && items(value).last().is_some_and(is_chunked)
    {
        return Err(BadHead::Coding);
    }
    Err(BadHead::TransferEncoding)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;

//! Whether a request's head is one that nobody can read in two ways: the strict reading of RFC 9112.
//!
//! hyper's parser forgives much (a bare LF, equal lengths twice, a length beside chunks, a fragment), because it looks
//! for what a client may have meant. A proxy must not: behind it stands another parser that may have guessed otherwise,
//! and the difference is where a request is smuggled. What is refused here never reaches a plugin or a backend.

use http::{StatusCode, Uri};

use super::fields::{self, BadField, Line, PATH, QUERY, TOKEN, VISIBLE};

/// More fields than this are refused. hyper has room for as many without allocating.
const MAX_FIELDS: usize = 100;
/// The longest target that `http::Uri` takes.
const MAX_URI: usize = (u16::MAX - 1) as usize;
/// Above it a sum of lengths could leave 64 bits.
const MAX_LENGTH: u64 = i64::MAX as u64;

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of a head from its method to its empty line.
    pub max_head: usize,
    /// Bytes of a target. No more than 65,534 are taken, whatever is set.
    pub max_target: usize,
}

/// What the connection must know of a head that is complete and valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the head, an empty line before it included.
    pub len: usize,
    pub framing: Framing,
    /// Whether the bytes after this request may be of another protocol: it asks to switch, or is a CONNECT.
    pub switches: bool,
    /// Whether it is of HTTP/1.0, which knows no interim responses.
    pub http10: bool,
}

/// How the body that follows a head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes; no field, no bytes.
    Length(u64),
    /// With its last chunk and trailer section.
    Chunked,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    #[error(
        "the request's line is not a method, a target and HTTP/1.1, one space between them, and CR LF"
    )]
    RequestLine,
    #[error("the method is not a token")]
    Method,
    #[error("the target is not a path, an http or https URI, or what else its method takes")]
    Target,
    #[error("the target is longer than {0} bytes")]
    TargetTooLong(usize),
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    Version,
    #[error("{0}")]
    Field(#[from] BadField),
    #[error("the head is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the head has more than {MAX_FIELDS} fields")]
    TooManyFields,
    #[error("content-length is not one decimal number")]
    ContentLength,
    #[error("transfer-encoding does not end with chunked, once, in HTTP/1.1")]
    TransferEncoding,
    #[error("no transfer coding but chunked is known here")]
    Coding,
    #[error("the request has both a content-length and a transfer-encoding")]
    TwoFramings,
    #[error("a field's name can be mistaken for content-length or transfer-encoding")]
    Ambiguous,
    #[error("no expectation but 100-continue is known here")]
    Expectation,
    #[error("the request's head did not come in time")]
    Timeout,
}

impl BadHead {
    /// The status that tells the client.
    pub fn status(&self) -> StatusCode {
        match self {
            BadHead::TargetTooLong(_) => StatusCode::URI_TOO_LONG,
            BadHead::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            BadHead::TooLarge(_) | BadHead::TooManyFields => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            BadHead::Coding => StatusCode::NOT_IMPLEMENTED,
            BadHead::Expectation => StatusCode::EXPECTATION_FAILED,
            BadHead::Timeout => StatusCode::REQUEST_TIMEOUT,
            BadHead::RequestLine
            | BadHead::Method
            | BadHead::Target
            | BadHead::Field(_)
            | BadHead::ContentLength
            | BadHead::TransferEncoding
            | BadHead::TwoFramings
            | BadHead::Ambiguous => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads the head at the start of `bytes`; none while it is incomplete.
///
/// # Errors
///
/// Returns the first error in the order of the bytes. The result does not depend on how the head is divided into reads.
pub fn check(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Head>, BadHead> {
    // One empty line before a request is the sign of an old client's body (RFC 9112, section 2.2).
    let skipped = match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r'] => return Ok(None),
        _ => 0,
    };
    let all = &bytes[skipped..];
    // What lies beyond the limit is never looked at, so that it can't matter whether it is there already.
    let seen = &all[..all.len().min(limits.max_head)];
    match read(seen, limits)? {
        Some(head) => Ok(Some(Head {
            len: head.len + skipped,
            ..head
        })),
        None if all.len() > limits.max_head => Err(BadHead::TooLarge(limits.max_head)),
        None => Ok(None),
    }
}

fn read(bytes: &[u8], limits: &HeadLimits) -> Result<Option<Head>, BadHead> {
    let Some(request) = request_line(bytes, limits.max_target.min(MAX_URI))? else {
        return Ok(None);
    };
    let mut len = request.len;
    let mut facts = Facts {
        http10: request.http10,
        ..Facts::default()
    };
    loop {
        match fields::line(&bytes[len..])? {
            None => return Ok(None),
            Some(Line::End) => break,
            Some(Line::Field {
                name,
                value,
                len: of_line,
            }) => {
                facts.see(name, value)?;
                len += of_line;
            }
        }
    }
    Ok(Some(Head {
        len: len + 2,
        framing: match facts.length {
            _ if facts.chunked => Framing::Chunked,
            length => Framing::Length(length.unwrap_or(0)),
        },
        switches: request.connect || (facts.names_upgrade && facts.upgrade && !facts.http10),
        http10: facts.http10,
    }))
}

struct RequestLine {
    len: usize,
    http10: bool,
    connect: bool,
}

fn request_line(bytes: &[u8], max_target: usize) -> Result<Option<RequestLine>, BadHead> {
    let space = fields::run_of(TOKEN, bytes);
    match bytes.get(space) {
        None => return Ok(None),
        Some(b' ') if space > 0 => {}
        Some(_) => return Err(BadHead::Method),
    }
    let (method, rest) = (&bytes[..space], &bytes[space + 1..]);
    let end = target_end(rest);
    if end > max_target {
        return Err(BadHead::TargetTooLong(max_target));
    }
    match rest.get(end) {
        None => return Ok(None),
        Some(b' ') => {}
        Some(b'\r' | b'\n') => return Err(BadHead::RequestLine),
        Some(_) => return Err(BadHead::Target),
    }
    check_target(method, &rest[..end])?;
    let Some(http10) = version(&rest[end + 1..])? else {
        return Ok(None);
    };
    Ok(Some(RequestLine {
        len: space + 1 + end + 1 + VERSION_LEN,
        http10,
        connect: method == b"CONNECT",
    }))
}

/// Bytes that may be a target's. Those of a fragment may not: a URI has it, a target has not.
fn target_end(bytes: &[u8]) -> usize {
    if bytes.first() != Some(&b'/') {
        return fields::run_of(VISIBLE, bytes);
    }
    let path = fields::run_of(PATH, bytes);
    match bytes.get(path) {
        Some(b'?') => path + 1 + fields::run_of(QUERY, &bytes[path + 1..]),
        _ => path,
    }
}

/// Whether a target has the form that its method takes (RFC 9112, section 3.2).
fn check_target(method: &[u8], target: &[u8]) -> Result<(), BadHead> {
    let valid = match (method, target) {
        (b"CONNECT", _) => is_authority(target),
        (_, [b'/', ..]) => true,
        (b"OPTIONS", b"*") => true,
        _ => is_absolute(target),
    };
    valid.then_some(()).ok_or(BadHead::Target)
}

/// Host and port, and nothing else (RFC 9110, section 9.3.6).
fn is_authority(target: &[u8]) -> bool {
    Uri::try_from(target).is_ok_and(|uri| {
        uri.scheme().is_none()
            && uri
                .path_and_query()
                .is_none_or(|path| path.as_str().is_empty())
            && uri
                .authority()
                .is_some_and(|a| port(a).is_some_and(|port| !port.is_empty()))
    })
}

fn is_absolute(target: &[u8]) -> bool {
    // The type drops a fragment without a word.
    !target.contains(&b'#')
        && Uri::try_from(target).is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some_and(|a| port(a).is_some())
        })
}

/// The port after a host, empty when there is none. None if there is no host, something before the host (RFC 9110,
/// section 4.2.4), or the port isn't one.
fn port(authority: &http::uri::Authority) -> Option<&str> {
    let host = Some(authority.host()).filter(|host| !host.is_empty())?;
    let port = authority.as_str().strip_prefix(host)?;
    let port = port.strip_prefix(':').unwrap_or(port);
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    (port.is_empty() || (digits && port.parse::<u16>().is_ok())).then_some(port)
}

const VERSION_LEN: usize = b"HTTP/1.1\r\n".len();

/// Whether the end of the line says HTTP/1.0; none while it isn't there.
fn version(bytes: &[u8]) -> Result<Option<bool>, BadHead> {
    let given = &bytes[..bytes.len().min(VERSION_LEN)];
    let shape = b"HTTP/d.d\r\n";
    let fits =
        |(given, shape): (&u8, &u8)| given == shape || (*shape == b'd' && given.is_ascii_digit());
    match given {
        b"HTTP/1.1\r\n" => Ok(Some(false)),
        b"HTTP/1.0\r\n" => Ok(Some(true)),
        _ if !given.iter().zip(shape).all(fits) => Err(BadHead::RequestLine),
        _ if given.len() < VERSION_LEN => Ok(None),
        _ => Err(BadHead::Version),
    }
}

/// What the fields say, as far as they have been read.
#[derive(Default)]
struct Facts {
    http10: bool,
    count: usize,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    /// Whether `connection` names `upgrade`.
    names_upgrade: bool,
}

impl Facts {
    fn see(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadHead> {
        self.count += 1;
        if self.count > MAX_FIELDS {
            return Err(BadHead::TooManyFields);
        }
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"expect") => self.expect(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrade = true;
                Ok(())
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.names_upgrade |=
                    items(value).any(|item| item.eq_ignore_ascii_case(b"upgrade"));
                Ok(())
            }
            14 if fields::resembles(name, b"content-length") => self.content_length(name, value),
            17 if fields::resembles(name, b"transfer-encoding") => {
                self.transfer_encoding(name, value)
            }
            _ => Ok(()),
        }
    }

    /// An expectation that a server can't meet is told; HTTP/1.0 has none (RFC 9110, section 10.1.1).
    fn expect(&self, value: &[u8]) -> Result<(), BadHead> {
        if self.http10 || value.eq_ignore_ascii_case(b"100-continue") {
            return Ok(());
        }
        Err(BadHead::Expectation)
    }

    fn content_length(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadHead> {
        if name.contains(&b'_') {
            return Err(BadHead::Ambiguous);
        }
        if self.chunked {
            return Err(BadHead::TwoFramings);
        }
        // The same number twice is allowed to be taken as one (RFC 9112, section 6.3); nobody means it.
        if self.length.is_some() {
            return Err(BadHead::ContentLength);
        }
        self.length = Some(decimal(value).ok_or(BadHead::ContentLength)?);
        Ok(())
    }

    fn transfer_encoding(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadHead> {
        if name.contains(&b'_') {
            return Err(BadHead::Ambiguous);
        }
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
    let tokens =
        items(value).all(|item| !item.is_empty() && fields::run_of(TOKEN, item) == item.len());
    let chunked = items(value).filter(|item| is_chunked(item)).count();
    if tokens && chunked == 1 && items(value).last().is_some_and(is_chunked) {
        return Err(BadHead::Coding);
    }
    Err(BadHead::TransferEncoding)
}

fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(fields::trim)
}

/// `1*DIGIT`, and not so large that it could overflow.
fn decimal(digits: &[u8]) -> Option<u64> {
    let add = |sum: u64, &digit: &u8| {
        let digit = digit
            .is_ascii_digit()
            .then_some(u64::from(digit.wrapping_sub(b'0')))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    let number = digits.iter().try_fold(0u64, add)?;
    (!digits.is_empty() && number <= MAX_LENGTH).then_some(number)
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;

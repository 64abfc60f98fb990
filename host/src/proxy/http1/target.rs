//! Targets of requests: where one ends in its line, and what it is made of (RFC 9112, section 3.2).

use std::fmt;

use http::uri::Authority;

use crate::message::Target;
use crate::message::syntax::{self, TARGET};

/// Why a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the target is not a path, an http or https URI, or what else its method takes")]
    Form,
    #[error("the target holds {} at byte {}, which no target may hold: percent-encode it", Shown(*.byte), .at + 1)]
    Byte { at: usize, byte: u8 },
    #[error("the target is longer than {0} bytes")]
    TooLong(usize),
    /// The line ends where the version should come.
    #[error("no version follows the target")]
    NoVersion,
}

/// A byte as people read it.
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b' ' => f.write_str("a space"),
            byte @ 0x21..0x7f => write!(f, "{:?}", char::from(byte)),
            byte => write!(f, "the byte 0x{byte:02x}"),
        }
    }
}

/// Where the space after the target is; none while it is not there.
pub fn end(bytes: &[u8], max_target: usize) -> Result<Option<usize>, TargetError> {
    let plain = syntax::run_of(TARGET, bytes);
    let end = match bytes.get(plain) {
        // Other characters than ASCII are checked when all of them are there.
        Some(0x80..) => {
            let end = bytes.iter().position(|b| matches!(b, 0..=b' ' | 0x7f));
            end.unwrap_or(bytes.len())
        }
        _ => plain,
    };
    if end > max_target {
        return Err(TargetError::TooLong(max_target));
    }
    let mistake = match end == plain {
        true => None,
        false => mistake(&bytes[..end], bytes.len() == end),
    };
    match (mistake, bytes.get(end)) {
        (Some(mistake), _) => Err(mistake),
        (None, None) => Ok(None),
        (None, Some(b' ')) if end > 0 => Ok(Some(end)),
        (None, Some(b' ')) => Err(TargetError::Form),
        (None, Some(b'\r' | b'\n')) => Err(TargetError::NoVersion),
        (None, Some(&byte)) => Err(TargetError::Byte { at: end, byte }),
    }
}

/// What is wrong with a target that holds other characters than ASCII. One that is cut off may be right when more is there.
fn mistake(target: &[u8], may_go_on: bool) -> Option<TargetError> {
    let (at, byte) = syntax::not_of_a_target(target)?;
    let is_cut_off = |rest: &[u8]| matches!(std::str::from_utf8(rest), Err(e) if e.error_len().is_none() && e.valid_up_to() == 0);
    let cut_off = may_go_on && is_cut_off(&target[at..]);
    (!cut_off).then_some(TargetError::Byte { at, byte })
}

/// The target of a form that its method takes (RFC 9112, section 3.2), without its authority, and that.
pub fn split(method: &[u8], target: &[u8]) -> Option<(Option<Box<str>>, Target)> {
    match (method, target) {
        (b"CONNECT", _) => Some((Some(authority_form(target)?), Target::root())),
        (_, [b'/', ..]) | (b"OPTIONS", b"*") => Some((None, Target::new(target)?)),
        _ => absolute_form(method, target),
    }
}

/// Host and port, and nothing else (RFC 9110, section 9.3.6).
fn authority_form(target: &[u8]) -> Option<Box<str>> {
    let authority = Authority::try_from(target).ok()?;
    let has_port = port(&authority).is_some_and(|port| !port.is_empty());
    has_port.then(|| authority.as_str().into())
}

fn absolute_form(method: &[u8], target: &[u8]) -> Option<(Option<Box<str>>, Target)> {
    let text = std::str::from_utf8(target).ok()?;
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = Authority::try_from(authority).ok()?;
    port(&authority)?;
    let target = match path {
        // RFC 9112, section 3.2.4.
        "" if method == b"OPTIONS" => Target::new(b"*"),
        "" => Some(Target::root()),
        path if path.starts_with('?') => Target::new(format!("/{path}").as_bytes()),
        path => Target::new(path.as_bytes()),
    };
    Some((Some(authority.as_str().into()), target?))
}

/// The port after a host, empty when there is none. None if there is no host, something before the host (RFC 9110,
/// section 4.2.4), or the port isn't one.
fn port(authority: &Authority) -> Option<&str> {
    let host = Some(authority.host()).filter(|host| !host.is_empty())?;
    let port = authority.as_str().strip_prefix(host)?;
    let port = port.strip_prefix(':').unwrap_or(port);
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    (port.is_empty() || (digits && port.parse::<u16>().is_ok())).then_some(port)
}

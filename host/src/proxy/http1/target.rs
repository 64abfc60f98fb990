//! Targets of requests: where one ends in its line, and what it is made of (RFC 9112, section 3.2).

use http::uri::Authority;

use crate::message::syntax::{self, TARGET};
use crate::message::{Target, TargetError};

/// Where the target ends: at a space, or with the whole line; none while neither is there.
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
        (None, Some(b' ' | b'\r' | b'\n')) => Ok(Some(end)),
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
///
/// # Errors
/// When it is of another form, or not what a target is.
pub fn split(method: &[u8], target: &[u8]) -> Result<(Option<Box<str>>, Target), TargetError> {
    match (method, target) {
        (b"CONNECT", _) => {
            let authority = authority_form(target).ok_or(TargetError::Form)?;
            Ok((Some(authority), Target::root()))
        }
        (_, [b'/', ..]) | (b"OPTIONS", b"*") => Ok((None, Target::new(target)?)),
        _ => {
            let (authority, path) = absolute_form(target).ok_or(TargetError::Form)?;
            Ok((Some(authority), rooted(method, path)?))
        }
    }
}

/// Host and port, and nothing else (RFC 9110, section 9.3.6).
fn authority_form(target: &[u8]) -> Option<Box<str>> {
    let authority = Authority::try_from(target).ok()?;
    let has_port = port(&authority).is_some_and(|port| !port.is_empty());
    has_port.then(|| authority.as_str().into())
}

/// The authority of an `http` or `https` URI, and what follows it.
fn absolute_form(target: &[u8]) -> Option<(Box<str>, &str)> {
    let text = std::str::from_utf8(target).ok()?;
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = Authority::try_from(authority).ok()?;
    port(&authority)?;
    Some((authority.as_str().into(), path))
}

/// The path of a URI as a target (RFC 9112, section 3.2.4).
fn rooted(method: &[u8], path: &str) -> Result<Target, TargetError> {
    match path {
        "" if method == b"OPTIONS" => Target::new(b"*"),
        "" => Ok(Target::root()),
        path if path.starts_with('?') => Target::new(format!("/{path}").as_bytes()),
        path => Target::new(path.as_bytes()),
    }
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

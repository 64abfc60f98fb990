//! What an error of hyper, h2, rustls or the system means for a call.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use hyper_util::client::legacy;

use super::connect::of_tls;
use super::error::{CallError, Part};
use crate::tls::TlsError;

/// Why a request's body can't be sent on.
#[derive(Debug)]
pub(super) enum BodyFault {
    TooLarge(u64),
    /// More or fewer bytes than promised.
    Length(u64),
    Source(String),
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "it is larger than {limit} bytes"),
            Self::Length(said) => write!(f, "it doesn't have the {said} bytes of content-length"),
            Self::Source(why) => f.write_str(why),
        }
    }
}

impl StdError for BodyFault {}

/// Of a request that got no response. `max_head` is in bytes, `peer` the authority of its URL.
pub(super) fn of_request(error: &legacy::Error, peer: &str, max_head: usize) -> CallError {
    if let Some(own) = find::<CallError>(error) {
        return own.clone();
    }
    if let Some(fault) = find::<BodyFault>(error) {
        return of_request_body(fault);
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse_too_large) {
        return CallError::TooLarge {
            what: Part::ResponseHead,
            limit: max_head as u64,
        };
    }
    if let Some(tls) = TlsError::find(error) {
        return of_tls(peer, &tls);
    }
    of_transport(error)
}

/// Of a request whose own body stood in its way.
pub(super) fn of_request_body(fault: &BodyFault) -> CallError {
    match fault {
        BodyFault::TooLarge(limit) => CallError::TooLarge {
            what: Part::RequestBody,
            limit: *limit,
        },
        other => CallError::InvalidRequest(format!("its body can't be sent: {other}")),
    }
}

/// Of a response that broke off or went wrong behind its head.
pub(super) fn of_body(error: &hyper::Error) -> CallError {
    match find::<BodyFault>(error) {
        Some(fault) => of_request_body(fault),
        None => of_transport(error),
    }
}

fn of_transport(error: &(dyn StdError + 'static)) -> CallError {
    let why = with_causes(error);
    if let Some(h2) = find::<h2::Error>(error) {
        return if h2.is_io() || h2.is_go_away() || h2.is_reset() && h2.is_remote() {
            CallError::Terminated(why)
        } else {
            CallError::Protocol(why)
        };
    }
    // Bytes that nobody asked for have no test of their own in hyper.
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
        || why.contains("unexpected message")
    {
        return CallError::Protocol(why);
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => CallError::Protocol(why),
        _ => CallError::Terminated(why),
    }
}

/// Whether a request that failed this way was never seen by the peer: it said so itself (RFC 9113, section 8.7).
pub(super) fn is_unprocessed(error: &legacy::Error) -> bool {
    find::<h2::Error>(error)
        .is_some_and(|h2| h2.is_remote() && h2.reason() == Some(h2::Reason::REFUSED_STREAM))
}

/// Whether the connection ended under a request, and nothing of a response is known.
pub(super) fn is_lost(error: &legacy::Error) -> bool {
    if find::<CallError>(error).is_some() || find::<BodyFault>(error).is_some() {
        return false;
    }
    matches!(of_transport(error), CallError::Terminated(_))
}

/// The first error of a type among an error and its causes.
fn find<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of an `io::Error` is that of the error inside, which would be passed over.
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

/// An error with its causes, in one line.
fn with_causes(error: &dyn StdError) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        // Many layers repeat what the one below says.
        if !text.ends_with(&said) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&said);
        }
        next = error.source();
    }
    text
}

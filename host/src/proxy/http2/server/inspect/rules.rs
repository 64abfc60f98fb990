//! What `h2` takes of a field, by the functions that it uses itself.

use http::uri::PathAndQuery;
use http::{HeaderName, Method, StatusCode};

use crate::message::syntax;

/// Bytes of a path that the type takes.
const MOST_OF_URI: usize = u16::MAX as usize - 1;

/// What a field is to `h2`, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    Field,
    /// A pseudo-header field that may hold any text.
    Text,
    Path,
    Method,
    Status,
    /// None that a message may have.
    Bad,
}

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Fine,
    /// No message may hold it.
    Bad,
    /// A path that `h2` would alter or refuse. It goes on in a field of its own.
    Beside,
}

impl FieldKind {
    pub(super) fn is_pseudo(self) -> bool {
        matches!(
            self,
            FieldKind::Text | FieldKind::Path | FieldKind::Method | FieldKind::Status
        )
    }
}

pub(super) fn kind_of(name: &[u8]) -> FieldKind {
    match name {
        b":method" => FieldKind::Method,
        b":status" => FieldKind::Status,
        b":path" => FieldKind::Path,
        b":scheme" | b":authority" | b":protocol" => FieldKind::Text,
        [b':', ..] => FieldKind::Bad,
        // The type takes one character more than a token has.
        _ if syntax::is_token(name) && HeaderName::from_lowercase(name).is_ok() => FieldKind::Field,
        _ => FieldKind::Bad,
    }
}

/// Whether `h2` takes this value: its own rules, by the same functions.
pub(super) fn fate(kind: FieldKind, value: &[u8]) -> Fate {
    let is_valid = match kind {
        FieldKind::Field => syntax::is_value(value),
        FieldKind::Text => std::str::from_utf8(value).is_ok(),
        FieldKind::Path => return fate_of_path(value),
        FieldKind::Method => Method::from_bytes(value).is_ok(),
        FieldKind::Status => StatusCode::from_bytes(value).is_ok(),
        FieldKind::Bad => false,
    };
    if is_valid { Fate::Fine } else { Fate::Bad }
}

/// Whether a target is right is decided later, for all protocols alike. Here it is decided whether it gets there.
fn fate_of_path(value: &[u8]) -> Fate {
    // Most paths hold nothing that either table of that type refuses.
    let is_common = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'/' | b'?' | b'&' | b'=' | b'%' | b'-' | b'.' | b'_' | b'~' | b'+' | b':' | b','
            )
    };
    if value.len() <= MOST_OF_URI && value.iter().all(is_common) {
        return Fate::Fine;
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return Fate::Bad;
    };
    match PathAndQuery::try_from(value) {
        Ok(path) if path.as_str() == text => Fate::Fine,
        _ if text.starts_with('/') && syntax::is_value(value) => Fate::Beside,
        // No path, or none that a field could hold.
        _ => Fate::Bad,
    }
}

//! The value of a header field: bytes that are usually text.
//!
//! A value may contain any bytes except CR, LF and NUL (RFC 9110, section 5.5), so it is not a `String`. It can be compared
//! with strings, printed, and converted to a string if it is UTF-8.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Name and value as they cross the boundary.
pub(crate) type Field = (String, Vec<u8>);

/// The fields that describe the connection or the framing (`wit/v0.1/types.wit`).
#[cfg(any(feature = "http", not(target_family = "wasm")))]
const OWNED_BY_HOST: [&str; 8] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether the host alone sets this field; the name is in lower case.
#[cfg(any(feature = "http", not(target_family = "wasm")))]
pub(crate) fn is_owned_by_host(name: &str) -> bool {
    OWNED_BY_HOST.contains(&name)
}

/// The value of a header field, as it was sent.
///
/// ```
/// use tollgate_plugin::FieldValue;
///
/// let value = FieldValue::from("text/html; charset=utf-8");
/// assert_eq!(value, "text/html; charset=utf-8");
/// assert!(value.text().starts_with("text/"));
///
/// let odd = FieldValue::from(vec![b'a', 0xff]);
/// assert_eq!(odd.as_str(), None);
/// assert_eq!(odd.to_string(), "a\u{fffd}");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldValue(Vec<u8>);

impl FieldValue {
    /// The bytes of the value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of the value, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The value as text, or `None` if it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// The value as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether this comma-separated list contains `member`, ignoring case (RFC 9110, section 5.6.1).
    ///
    /// ```
    /// # use tollgate_plugin::FieldValue;
    /// let value = FieldValue::from("gzip, BR");
    /// assert!(value.has_member("br") && !value.has_member("zip"));
    /// ```
    pub fn has_member(&self, member: &str) -> bool {
        self.0
            .split(|byte| *byte == b',')
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(member.as_bytes()))
    }
}

impl From<Vec<u8>> for FieldValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for FieldValue {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl AsRef<[u8]> for FieldValue {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for FieldValue {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for FieldValue {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_text_where_it_is_text() {
        let value = FieldValue::from(b"gzip, BR ,identity".to_vec());
        assert_eq!(value, "gzip, BR ,identity");
        assert!(value.has_member("br") && !value.has_member("zip"));

        let odd = FieldValue::from(vec![b'a', 0xff]);
        assert_eq!(odd.as_str(), None);
        assert_eq!(odd.to_string(), "a\u{fffd}");
        assert_eq!(format!("{odd:?}"), "\"a\\xff\"");
    }
}

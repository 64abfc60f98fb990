//! Names and values of fields: what they are looked up by and set with.

use std::fmt;

use http::{HeaderName, HeaderValue};

use crate::message::known::Known;
use crate::message::syntax;

/// A field's name as it came. Compared without case.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) known: Known,
}

/// What names a field: a name that the host knows, or any text.
pub trait AsName {
    fn bytes(&self) -> &[u8];

    fn known(&self) -> Known {
        Known::of(self.bytes())
    }
}

/// What may be put in as a value: without control characters but the tab.
pub trait AsValue {
    fn bytes(&self) -> &[u8];
}

impl<'a> Name<'a> {
    /// As it came.
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// As it came.
    pub fn as_str(self) -> &'a str {
        // A name is a token, and so ASCII.
        std::str::from_utf8(self.bytes).unwrap_or_default()
    }

    /// In lower case, as HTTP/2 and plugins have it.
    pub fn to_lower(self) -> String {
        match self.known {
            Known::Other => self.as_str().to_ascii_lowercase(),
            known => known.as_str().to_owned(),
        }
    }

    /// Which of the names it is that the host knows.
    pub fn known(self) -> Known {
        self.known
    }

    pub fn is(self, other: impl AsName) -> bool {
        match other.known() {
            Known::Other => self.bytes.eq_ignore_ascii_case(other.bytes()),
            known => self.known == known,
        }
    }
}

impl AsName for Name<'_> {
    fn bytes(&self) -> &[u8] {
        self.bytes
    }
    fn known(&self) -> Known {
        self.known
    }
}

impl AsName for Known {
    fn bytes(&self) -> &[u8] {
        self.as_str().as_bytes()
    }
    fn known(&self) -> Known {
        *self
    }
}

impl AsName for &str {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// What somebody gives as a name, after a look at whether it can be one. A token is ASCII, so whoever has bytes needs no other
/// check of them as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenName<'a> {
    Token(&'a [u8]),
    /// No field has such a name.
    Other(&'a str),
}

impl<'a> GivenName<'a> {
    /// # Errors
    /// When it is no UTF-8.
    pub fn of(bytes: &'a [u8]) -> Result<Self, std::str::Utf8Error> {
        if syntax::is_token(bytes) {
            Ok(Self::Token(bytes))
        } else {
            std::str::from_utf8(bytes).map(Self::Other)
        }
    }

    /// As it was given.
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Token(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            Self::Other(text) => text,
        }
    }
}

impl<'a> From<&'a str> for GivenName<'a> {
    fn from(text: &'a str) -> Self {
        if syntax::is_token(text.as_bytes()) {
            Self::Token(text.as_bytes())
        } else {
            Self::Other(text)
        }
    }
}

impl AsName for HeaderName {
    fn bytes(&self) -> &[u8] {
        self.as_str().as_bytes()
    }
}

impl<T: AsName> AsName for &T {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
    fn known(&self) -> Known {
        (**self).known()
    }
}

impl AsValue for HeaderValue {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<T: AsValue> AsValue for &T {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
}

impl AsValue for &'static str {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// A value that was checked, or that came as one: see [`syntax::is_value`].
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a>(&'a [u8]);

impl<'a> Checked<'a> {
    /// None if the bytes can't be a value.
    pub fn new(value: &'a [u8]) -> Option<Self> {
        syntax::is_value(value).then_some(Self(value))
    }

    pub fn len(self) -> usize {
        self.0.len()
    }

    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl AsValue for Checked<'_> {
    fn bytes(&self) -> &[u8] {
        self.0
    }
}

/// A value as text, if it is of visible ASCII characters, spaces and tabs.
pub fn as_text(value: &[u8]) -> Option<&str> {
    let is_text = value.iter().all(|b| b.is_ascii());
    std::str::from_utf8(value).ok().filter(|_| is_text)
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

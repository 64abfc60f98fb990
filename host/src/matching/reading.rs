//! The ways in which backends read a path: whoever puts a rule before a backend must expect each of them.
//!
//! A path such as `/public/..%2Fadmin` is one resource for a backend that takes paths as they are sent and another one for
//! a backend that decodes them first. A rule that knew only one of these readings could be got round.

use std::borrow::Cow;

/// One way to read a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathReading {
    /// Escaped letters, digits, `-`, `.`, `_` and `~` are what they stand for (RFC 3986, section 6.2.2.2).
    Unreserved,
    /// The same, with the segments `.` and `..` resolved (RFC 3986, section 5.2.4).
    Resolved,
    /// Everything is decoded, `\` is a slash, several slashes are one, what follows a `;` in a segment is no part of it,
    /// and then `.` and `..` are resolved.
    Decoded,
    /// The same, decoded [`MOST_DECODED`] times.
    DecodedAgain,
}

/// How often [`PathReading::DecodedAgain`] decodes: more hops in a row than decode what they forward. It bounds the time that a
/// path full of escapes takes.
pub const MOST_DECODED: usize = 4;

impl PathReading {
    pub const ALL: [Self; 4] = [
        Self::Unreserved,
        Self::Resolved,
        Self::Decoded,
        Self::DecodedAgain,
    ];

    /// The path in this reading. It has no query.
    pub fn read(self, path: &str) -> Cow<'_, str> {
        if is_plain(path) {
            return Cow::Borrowed(path);
        }
        Cow::Owned(match self {
            Self::Unreserved => unreserved(path),
            Self::Resolved => resolved(&unreserved(path)),
            Self::Decoded => simplest(&decoded(path, |_| true)),
            Self::DecodedAgain => {
                let mut text = decoded(path, |_| true);
                for _ in 1..MOST_DECODED {
                    text = decoded(&text, |_| true);
                }
                simplest(&text)
            }
        })
    }
}

/// Whether every reading of a path is the path itself. Most are, and this is all that is asked of those.
pub fn is_plain(path: &str) -> bool {
    let mut before = b' ';
    path.bytes().all(|byte| {
        let plain = !matches!(
            (before, byte),
            (_, b'%' | b'\\' | b';') | (b'/', b'/' | b'.')
        );
        before = byte;
        plain
    })
}

fn unreserved(path: &str) -> String {
    decoded(path, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
    })
}

/// With the escapes decoded whose bytes are wanted. What is not UTF-8 then becomes U+FFFD.
fn decoded(path: &str, wanted: impl Fn(u8) -> bool) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match escaped(&bytes[at..]).filter(|byte| wanted(*byte)) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The byte that an escape at the beginning stands for.
fn escaped(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}

fn simplest(path: &str) -> String {
    let segments = path.split(['/', '\\']);
    let segments = segments.map(|segment| segment.split(';').next().unwrap_or_default());
    let last_is_empty = path.ends_with(['/', '\\']);
    let mut text = String::with_capacity(path.len());
    for segment in segments.filter(|segment| !segment.is_empty()) {
        text.push('/');
        text.push_str(segment);
    }
    if last_is_empty || text.is_empty() {
        text.push('/');
    }
    resolved(&text)
}

/// Without the segments `.` and `..`.
fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    let mut text = String::with_capacity(path.len());
    for segment in kept {
        text.push('/');
        text.push_str(segment);
    }
    if text.is_empty() {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_backends_read_them() {
        let cases = [
            ("/", ["/", "/", "/", "/"]),
            ("/api/x", ["/api/x"; 4]),
            ("/a.b/c", ["/a.b/c"; 4]),
            ("/%61pi", ["/api"; 4]),
            ("/%2561pi", ["/%2561pi", "/%2561pi", "/%61pi", "/api"]),
            ("/a%20b", ["/a%20b", "/a%20b", "/a b", "/a b"]),
            ("/x/../api", ["/x/../api", "/api", "/api", "/api"]),
            ("/x/%2e%2E/api", ["/x/../api", "/api", "/api", "/api"]),
            (
                "/x/..%2Fapi",
                ["/x/..%2Fapi", "/x/..%2Fapi", "/api", "/api"],
            ),
            (
                "/x%5c..%5capi",
                ["/x%5c..%5capi", "/x%5c..%5capi", "/api", "/api"],
            ),
            ("//api", ["//api", "//api", "/api", "/api"]),
            ("/./api/.", ["/./api/.", "/api/", "/api/", "/api/"]),
            (
                "/api;v=1/x",
                ["/api;v=1/x", "/api;v=1/x", "/api/x", "/api/x"],
            ),
            ("/x/..;/api", ["/x/..;/api", "/x/..;/api", "/api", "/api"]),
            ("/../..", ["/../..", "/", "/", "/"]),
            ("/x/", ["/x/"; 4]),
            ("/%zz%4", ["/%zz%4"; 4]),
            ("/%", ["/%"; 4]),
            ("*", ["*"; 4]),
            ("/%ff", ["/%ff", "/%ff", "/\u{fffd}", "/\u{fffd}"]),
        ];
        for (path, expected) in cases {
            let read = PathReading::ALL.map(|reading| reading.read(path).into_owned());
            assert_eq!(read, expected, "{path}");
            let same = read.iter().all(|read| read == path);
            assert!(same || !is_plain(path), "{path}");
        }
    }
}

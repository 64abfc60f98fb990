//! What a request asks for. One rule and one table of characters for every protocol.

use std::fmt::{self, Write as _};

use http::Uri;
use http::uri::PathAndQuery;

use super::syntax;

/// A path with its query as they are on the wire, or `*` (RFC 9112, section 3.2). The authority is in the field `host`.
///
/// Free of what no target may hold: see [`syntax::not_of_a_target`].
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Box<str>);

/// Why a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the target is not a path, an http or https URI, or what else its method takes")]
    Form,
    #[error("the target holds {} at byte {}, which no target may hold: percent-encode it", Shown(*.byte), .at + 1)]
    Byte { at: usize, byte: u8 },
    #[error("the target is longer than {0} bytes")]
    TooLong(usize),
}

/// A byte as people read it.
struct Shown(u8);

/// Bytes that the `http` crate's form of a target holds.
const MOST_OF_URI: usize = u16::MAX as usize - 1;

impl Target {
    /// `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// A path with or without a query, or `*`.
    ///
    /// # Errors
    /// When it is neither, or holds what no target may.
    pub fn new(target: &[u8]) -> Result<Self, TargetError> {
        if !matches!(target, [b'/', ..] | b"*") {
            return Err(TargetError::Form);
        }
        if let Some((at, byte)) = syntax::not_of_a_target(target) {
            return Err(TargetError::Byte { at, byte });
        }
        let text = std::str::from_utf8(target).map_err(|_| TargetError::Form)?;
        Ok(Self(text.into()))
    }

    /// Path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn path(&self) -> &str {
        self.0.split_once('?').map_or(&*self.0, |(path, _)| path)
    }

    /// What follows the first `?`.
    pub fn query(&self) -> Option<&str> {
        self.0.split_once('?').map(|(_, query)| query)
    }
}

/// From the `http` crate's form, as hyper, `h2` and `wasi:http` have it.
impl TryFrom<&Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: &Uri) -> Result<Self, TargetError> {
        let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        match target.as_bytes() {
            // `http://h?q` has an empty path, which means the root (RFC 9110, section 4.2.3).
            [b'?', ..] => Self::new(format!("/{target}").as_bytes()),
            bytes => Self::new(bytes),
        }
    }
}

/// To the same. That type takes less than a target may hold: what it refuses is percent-encoded (`"` to `%22`, a backtick to
/// `%60`), which means the same (RFC 3986, section 2). It is only for what is sent in that form, never for a decision.
///
/// # Errors
/// When that makes it too long.
impl TryFrom<&Target> for PathAndQuery {
    type Error = TargetError;

    fn try_from(target: &Target) -> Result<Self, TargetError> {
        let whole = target.as_str();
        Self::try_from(whole)
            .or_else(|_| Self::try_from(encoded(target)))
            .map_err(|_| TargetError::TooLong(MOST_OF_URI))
    }
}

fn encoded(target: &Target) -> String {
    let mut encoded = String::with_capacity(target.as_str().len() + 16);
    let parts = [(true, target.path()), (false, target.query().unwrap_or(""))];
    for (is_path, part) in parts {
        if !is_path && target.query().is_some() {
            encoded.push('?');
        }
        for c in part.chars() {
            if is_refused(is_path, c) {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Writing to a string does not fail.
                    let _ = write!(encoded, "%{byte:02X}");
                }
            } else {
                encoded.push(c);
            }
        }
    }
    encoded
}

/// Asks the type itself, since it has its own view of what a path and a query hold.
fn is_refused(is_path: bool, c: char) -> bool {
    let before = if is_path { "/" } else { "/?" };
    !c.is_ascii_alphanumeric() && PathAndQuery::try_from(format!("{before}{c}")).is_err()
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b' ' => f.write_str("a space"),
            byte @ 0x21..0x7f => write!(f, "{:?}", char::from(byte)),
            byte => write!(f, "the byte 0x{byte:02x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_kept_as_they_are() {
        for good in ["/", "*", "/a%2Fb//c/../d?x=%20&y=é", "/?", "/a`?q=\"?\""] {
            assert_eq!(Target::new(good.as_bytes()).unwrap().as_str(), good);
        }
        for bad in ["", "a", "http://h/", "?a", "*a"] {
            assert_eq!(Target::new(bad.as_bytes()), Err(TargetError::Form), "{bad}");
        }
        for (bad, at, byte) in [
            (&b"/a b"[..], 2, b' '),
            (b"/a#b", 2, b'#'),
            (b"/\r\n", 1, b'\r'),
            (b"/\xff", 1, 0xff),
        ] {
            assert_eq!(Target::new(bad), Err(TargetError::Byte { at, byte }));
        }
        let target = Target::new(b"/a?b?c").unwrap();
        assert_eq!((target.path(), target.query()), ("/a", Some("b?c")));
        assert_eq!(Target::root().query(), None);
    }

    #[test]
    fn a_type_that_takes_less_gets_the_same_encoded() {
        for (target, expected) in [
            ("/a%2F?x=%20", "/a%2F?x=%20"),
            ("*", "*"),
            ("/?", "/?"),
            ("/a`b?c`d", "/a%60b?c`d"),
            ("/\"?q=up{job=\"x\"}", "/\"?q=up{job=%22x%22}"),
            ("/a?b?c", "/a?b?c"),
        ] {
            let target = Target::new(target.as_bytes()).unwrap();
            assert_eq!(PathAndQuery::try_from(&target).unwrap().as_str(), expected);
        }
        // Whatever a target may hold, the type takes it then.
        let all: String = (0x21..0x7f_u8)
            .map(char::from)
            .filter(|c| *c != '#')
            .collect();
        for target in [format!("/{all}"), format!("/?{all}"), "/é?é".to_owned()] {
            let target = Target::new(target.as_bytes()).unwrap();
            assert!(PathAndQuery::try_from(&target).is_ok(), "{target}");
        }
    }

    #[test]
    fn what_is_too_long_encoded_becomes_no_other_target() {
        for (length, is_fine) in [(20_000, true), (30_000, false)] {
            let target = Target::new(format!("/{}", "`".repeat(length)).as_bytes()).unwrap();
            let sent = PathAndQuery::try_from(&target);
            assert_eq!(sent.is_ok(), is_fine);
            assert!(is_fine || sent == Err(TargetError::TooLong(65_534)));
        }
    }
}

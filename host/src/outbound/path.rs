//! Whether a path lies below a prefix for every server that may read it.
//!
//! A path is sent as the plugin wrote it. Servers decode it, once or twice, take dot segments away, cut parameters off,
//! and some read backslashes as slashes. A path whose place depends on any of that is below no prefix.

/// How often a path is decoded before it is too deep. Servers behind one another decode it once each.
const MOST_ROUNDS: usize = 4;

/// Whether `path` is `prefix` or below it, on the borders of segments. Both are as they were written, and the case
/// counts: that a server reads `/V1` or `/%761` as `/v1` makes a call that would be allowed one that isn't, which is
/// the safe mistake.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Why a server may take this path for another one; none if it can't.
pub(super) fn ambiguity(path: &str) -> Option<&'static str> {
    let slashes = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'/').count();
    if !path.contains('%') {
        return of_decoded(path.as_bytes());
    }
    let mut bytes = path.as_bytes().to_vec();
    for round in 0..MOST_ROUNDS {
        if let Some(why) = of_decoded(&bytes) {
            return Some(why);
        }
        let (decoded, malformed) = decoded(&bytes);
        // What was decoded once may hold a plain `%`.
        if malformed && round == 0 {
            return Some("a `%` without two hexadecimal digits behind it");
        }
        if decoded == bytes {
            return None;
        }
        if slashes(&decoded) > slashes(&bytes) {
            return Some("an encoded slash");
        }
        bytes = decoded;
    }
    Some("encodings within encodings")
}

fn of_decoded(path: &[u8]) -> Option<&'static str> {
    if path.iter().any(u8::is_ascii_control) {
        return Some("a control character");
    }
    if std::str::from_utf8(path).is_err() {
        // Among them the overlong forms of `.` and `/`.
        return Some("bytes that are not UTF-8");
    }
    if path.contains(&b'\\') {
        return Some("a backslash");
    }
    let mut segments = path.split(|b| *b == b'/');
    segments.any(is_dots).then_some("a segment of dots")
}

/// `.` and `..`, also with parameters behind them (`..;x`, which servers of Java cut off) or spaces (which Windows does).
fn is_dots(segment: &[u8]) -> bool {
    let name = segment.split(|b| *b == b';').next().unwrap_or(segment);
    name.contains(&b'.') && name.iter().all(|b| matches!(b, b'.' | b' '))
}

/// One round of percent-decoding, and whether there is a `%` that begins no encoding. Those stay.
fn decoded(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len());
    let mut malformed = false;
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            (byte, _, _) => {
                malformed |= *byte == b'%';
                out.push(*byte);
                rest = tail;
            }
        }
    }
    (out, malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_a_segment_does() {
        for (path, prefix, expected) in [
            ("/v1", "/v1", true),
            ("/v1/", "/v1", true),
            ("/v1/a", "/v1", true),
            ("/v1/a", "/v1/", true),
            ("/v1", "/v1/", true),
            ("/v1//a", "/v1", true),
            ("/v10", "/v1", false),
            ("/v1;a", "/v1", false),
            ("/v1%2fa", "/v1", false),
            ("/V1/a", "/v1", false),
            ("/%761/a", "/v1", false),
            ("//v1/a", "/v1", false),
            ("/a/v1", "/v1", false),
            ("/", "/v1", false),
            ("/a", "/", true),
        ] {
            assert_eq!(is_below(path, prefix), expected, "{path} {prefix}");
        }
    }

    #[test]
    fn what_a_server_may_move_is_ambiguous() {
        for path in [
            "/v1/../admin",
            "/v1/..",
            "/v1/./../admin",
            "/v1/%2e%2e/admin",
            "/v1/.%2E/admin",
            "/v1/%252e%252e/admin",
            "/v1/%25252e%25252e/admin",
            "/v1/%25%32%65%25%32%65/admin",
            "/v1/..;/admin",
            "/v1/..;a=b/admin",
            "/v1/%2e%2e%3b/admin",
            "/v1/..%20/admin",
            "/v1/.../admin",
            "/v1/..%2fadmin",
            "/v1/a%2fb",
            "/v1/a%2Fb",
            "/v1/a%252fb",
            "/v1/..%5cadmin",
            "/v1/a%5cb",
            "/v1/..\\admin",
            "/v1/%00",
            "/v1/%0d%0a",
            "/v1/%c0%ae%c0%ae/admin",
            "/v1/%c0%af",
            "/v1/%u002e%u002e/admin",
            "/v1/%",
            "/v1/%2",
            "/v1/%zz",
            "/v1/%252525252525252e",
            "/v1/100%25/%252e%252e/admin",
            "/v1/%252%65%252%65/admin",
        ] {
            assert!(ambiguity(path).is_some(), "{path}");
        }
        for path in [
            "/v1",
            "/v1/a.b/..c/d..",
            "/v1/.well-known",
            "/v1/a%20b",
            "/v1/100%25",
            "/v1/100%25/of",
            "/v1/%C3%A9",
            "/v1//a",
            "/v1/a;b=c",
            "/v1/@a:b!$&'()*+,=~",
        ] {
            assert_eq!(ambiguity(path), None, "{path}");
        }
    }
}

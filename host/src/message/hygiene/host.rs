//! Whom a request is for: one authority, in the field `host`.

use http::Version;

use super::refusal::BadRequest;
use crate::message::{Checked, Fields, Known, RequestHead, syntax};

/// Moves the authority of the target to `host`.
///
/// A target with an authority (absolute form, or HTTP/2's) wins over `host` (RFC 9112, section 3.2.2). In HTTP/2 they agree
/// when they come here: a request in which they don't is malformed ([`is_same_authority`]).
///
/// # Errors
/// When it is not clear whom the request is for.
pub(super) fn take_authority(head: &mut RequestHead) -> Result<(), BadRequest> {
    let Some(authority) = head.authority.take() else {
        return check_host(&head.fields, head.version);
    };
    if head.version != Version::HTTP_2 || head.fields.contains(Known::Host) {
        check_host(&head.fields, head.version)?;
    }
    let value = Checked::new(authority.as_bytes())
        .filter(|_| is_authority(authority.as_bytes()) && !authority.is_empty())
        .ok_or(BadRequest::InvalidHost)?;
    head.fields.insert(Known::Host, value);
    Ok(())
}

/// "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header
/// field and to any request message that contains more than one Host header field line or a Host header field with an
/// invalid field value" (RFC 9112, section 3.2).
fn check_host(fields: &Fields, version: Version) -> Result<(), BadRequest> {
    let mut hosts = fields.get_all(Known::Host);
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (Some(host), None) if is_authority(host) => Ok(()),
        (Some(_), None) => Err(BadRequest::InvalidHost),
        _ => Err(BadRequest::NotOneHost),
    }
}

/// Host and optional port, without userinfo; empty is allowed (RFC 9110, section 7.2).
pub fn is_authority(authority: &[u8]) -> bool {
    parts(authority).is_some()
}

/// Whether two authorities of a URI with this scheme name the same: the letters' case doesn't count, nor does an empty port,
/// nor one that the scheme means without it (RFC 9113, section 8.3.1, and RFC 3986, sections 6.2.2.1 and 6.2.3). What is
/// no authority names nothing.
pub fn is_same_authority(scheme: &str, a: &[u8], b: &[u8]) -> bool {
    let default = [("http", 80), ("https", 443)]
        .into_iter()
        .find_map(|(name, port)| scheme.eq_ignore_ascii_case(name).then_some(port));
    match (parts(a), parts(b)) {
        (Some((a, a_port)), Some((b, b_port))) => {
            a.eq_ignore_ascii_case(b) && a_port.or(default) == b_port.or(default)
        }
        _ => false,
    }
}

/// The host and the port of an authority; no port if it is empty or not there. None if this is no authority.
fn parts(authority: &[u8]) -> Option<(&[u8], Option<u64>)> {
    let end = match authority {
        [] => 0,
        [b'[', literal @ ..] => {
            // An address, and whatever zone it has.
            let end = literal.iter().position(|&b| b == b']')?;
            let is_literal = end > 0 && literal[..end].iter().all(|&b| is_of_literal(b));
            is_literal.then_some(end + 2)?
        }
        _ => match syntax::run_of(syntax::HOST, authority) {
            0 => return None,
            end => end,
        },
    };
    let (host, rest) = authority.split_at(end);
    match rest {
        [] | [b':'] => Some((host, None)),
        [b':', port @ ..] => {
            let port = syntax::decimal(port).filter(|port| *port <= u64::from(u16::MAX))?;
            Some((host, Some(port)))
        }
        _ => None,
    }
}

fn is_of_literal(byte: u8) -> bool {
    matches!(byte, b':' | b'%') || syntax::run_of(syntax::HOST, &[byte]) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_with_or_without_a_port() {
        for good in [
            "a",
            "a:80",
            "a:",
            "a.b-c_d~",
            "127.0.0.1:65535",
            "[::1]:80",
            "[::1]",
            "[fe80::1%25eth0]",
            "",
        ] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "a, b", "u@a", "a b", "a/b", "a:b", "a:+80", "a:65536", "[::1]a", "a:1:2", ":80", "[]",
            "[::1", "a%41", "ü", "a?b", "a#b", "a\\b", "a\"b",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn authorities_that_are_written_in_two_ways_are_the_same() {
        for (scheme, a, b) in [
            ("http", "a", "A"),
            ("http", "a:80", "a"),
            ("HTTP", "a:80", "a:"),
            ("http", "a:", "A"),
            ("http", "a:0080", "a"),
            ("https", "a:443", "a"),
            ("https", "a:80", "A:80"),
            ("http", "[::1]:80", "[::1]"),
            ("http", "[FE80::1]", "[fe80::1]:"),
            ("coap", "a:", "a"),
            ("coap", "a:5683", "A:5683"),
        ] {
            assert!(is_same_authority(scheme, a.as_bytes(), b.as_bytes()));
            assert!(is_same_authority(scheme, b.as_bytes(), a.as_bytes()));
        }
        for (scheme, a, b) in [
            ("http", "a", "b"),
            ("http", "a", ""),
            ("http", "a:443", "a"),
            ("https", "a:80", "a"),
            ("http", "a:8", "a:80"),
            ("coap", "a:80", "a"),
            ("http", "a.", "a"),
            ("http", "[::1]", "[0::1]"),
            ("http", "a", "u@a"),
            ("http", "a b", "a b"),
            ("http", "a:80:80", "a"),
        ] {
            assert!(!is_same_authority(scheme, a.as_bytes(), b.as_bytes()));
            assert!(!is_same_authority(scheme, b.as_bytes(), a.as_bytes()));
        }
    }

    fn taken(
        version: Version,
        authority: Option<&str>,
        hosts: &[&'static str],
    ) -> Result<Fields, BadRequest> {
        let mut head = RequestHead {
            version,
            authority: authority.map(Into::into),
            fields: hosts.iter().map(|host| (Known::Host, *host)).collect(),
            ..RequestHead::new()
        };
        take_authority(&mut head).map(|()| head.fields)
    }

    #[test]
    fn a_request_names_one_host() {
        use Version as V;
        for (version, authority, hosts, expected) in [
            (V::HTTP_11, None, &["a"][..], Ok("a")),
            (V::HTTP_11, None, &["u@a"], Err(BadRequest::InvalidHost)),
            (V::HTTP_11, None, &[], Err(BadRequest::NotOneHost)),
            (V::HTTP_10, None, &[], Ok("")),
            (V::HTTP_10, None, &["a", "a"], Err(BadRequest::NotOneHost)),
            (V::HTTP_11, Some("b:81"), &["a"], Ok("b:81")),
            (V::HTTP_11, Some("b:81"), &[], Err(BadRequest::NotOneHost)),
            (V::HTTP_10, Some("b"), &[], Ok("b")),
            (
                V::HTTP_11,
                Some("u@b"),
                &["a"],
                Err(BadRequest::InvalidHost),
            ),
            (V::HTTP_2, Some("a:1"), &[], Ok("a:1")),
            (V::HTTP_2, Some("a"), &["A"], Ok("a")),
            (V::HTTP_2, Some("a:80"), &["a"], Ok("a:80")),
            (
                V::HTTP_2,
                Some("a"),
                &["a", "a"],
                Err(BadRequest::NotOneHost),
            ),
            (V::HTTP_11, Some("a:80"), &["a"], Ok("a:80")),
            (
                V::HTTP_11,
                Some("a"),
                &["a", "a:80"],
                Err(BadRequest::NotOneHost),
            ),
            (V::HTTP_2, Some(""), &[], Err(BadRequest::InvalidHost)),
            (V::HTTP_2, None, &["a"], Ok("a")),
            (V::HTTP_2, None, &[], Err(BadRequest::NotOneHost)),
        ] {
            let taken = taken(version, authority, hosts);
            let host = taken
                .as_ref()
                .map(|fields| fields.get_text(Known::Host).unwrap_or(""));
            assert_eq!(
                host,
                expected.as_ref().copied(),
                "{version:?} {authority:?} {hosts:?}"
            );
        }
    }
}

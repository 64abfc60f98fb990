//! Whom a request is for: one authority, in the field `host`.

use http::Version;

use super::refusal::BadRequest;
use crate::message::{Checked, Fields, Known, RequestHead, syntax};

/// Moves the authority of the target to `host`.
///
/// A target with an authority (absolute form, or HTTP/2's) wins over `host` in HTTP/1.1 (RFC 9112, section 3.2.2); in
/// HTTP/2 both must agree (RFC 9113, section 8.3.1).
///
/// # Errors
/// When it is not clear whom the request is for.
pub(super) fn take_authority(head: &mut RequestHead) -> Result<(), BadRequest> {
    let http2 = head.version == Version::HTTP_2;
    let Some(authority) = head.authority.take() else {
        return check_host(&head.fields, head.version);
    };
    let sent = head.fields.get(Known::Host);
    if sent.is_some() || !http2 {
        check_host(&head.fields, head.version)?;
    }
    let value = Checked::new(authority.as_bytes())
        .filter(|_| is_authority(authority.as_bytes()) && !authority.is_empty())
        .ok_or(BadRequest::InvalidHost)?;
    if http2 && sent.is_some_and(|sent| !sent.eq_ignore_ascii_case(authority.as_bytes())) {
        return Err(BadRequest::OtherHost);
    }
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
    let rest = match authority {
        [] => return true,
        [b'[', literal @ ..] => match literal.iter().position(|&b| b == b']') {
            // An address, and whatever zone it has.
            Some(end) if end > 0 && literal[..end].iter().all(|&b| is_of_literal(b)) => {
                &literal[end + 1..]
            }
            _ => return false,
        },
        _ => match syntax::run_of(syntax::HOST, authority) {
            0 => return false,
            end => &authority[end..],
        },
    };
    match rest {
        [] => true,
        [b':', port @ ..] => {
            port.is_empty() || syntax::decimal(port).is_some_and(|port| port <= u64::from(u16::MAX))
        }
        _ => false,
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
            (V::HTTP_2, Some("a"), &["b"], Err(BadRequest::OtherHost)),
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

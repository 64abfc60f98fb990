//! Makes a received request ready for the chain.

use http::{HeaderName, Method, Version};

use super::refusal::BadRequest;
use super::{hop, host, via};
use crate::message::lengths::{self, BadLength};
use crate::message::{Checked, Fields, Known, RequestHead, syntax};

/// What a request asks of this hop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// To switch to the protocol in `upgrade`, which stays among the fields.
    pub upgrade: bool,
    /// To be told to go on before it sends its body (RFC 9110, section 10.1.1). The field stays among the fields.
    pub expect_continue: bool,
    /// Fields that `connection` named: they are not for the next hop in the trailers either.
    pub not_in_trailers: Vec<HeaderName>,
}

/// Makes a received request ready for the chain: one authority, in `host`; no field of this hop but what [`Asked`] tells.
///
/// An extended CONNECT (RFC 8441), which comes with its `:protocol` in `upgrade`, becomes the handshake that it stands for,
/// so that plugins see one kind of WebSocket request. Another field `upgrade` HTTP/2 does not have (RFC 9113, section 8.2.2).
///
/// # Errors
/// When it is not clear whom the request is for: rules and backend might read it differently. When it may not go on.
pub fn receive_request(head: &mut RequestHead) -> Result<Asked, BadRequest> {
    let upgrade = if head.method == Method::CONNECT {
        take_extended_connect(head)?;
        true
    } else {
        head.version == Version::HTTP_11 && asks_upgrade(&head.fields)
    };
    let kept = if upgrade { Known::Upgrade.bit() } else { 0 };
    let not_in_trailers = hop::strip_but(&mut head.fields, kept);
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.fields);
    }
    host::take_authority(head)?;
    via::count_forwards(head)?;
    via::check_loop(&head.fields)?;
    lengths::settle(&mut head.fields).map_err(|BadLength| BadRequest::Length)?;
    let mut names = head.fields.names();
    // The parser of HTTP/1.1 has seen to it.
    if head.version == Version::HTTP_2 && names.any(|name| hop::resembles_framing(name.as_bytes()))
    {
        return Err(BadRequest::Ambiguous);
    }
    drop(names);
    Ok(Asked {
        upgrade,
        expect_continue: expects_continue(head)?,
        not_in_trailers,
    })
}

fn take_extended_connect(head: &mut RequestHead) -> Result<(), BadRequest> {
    let protocol = head.fields.get(Known::Upgrade);
    let protocol = protocol.filter(|_| head.version == Version::HTTP_2);
    if !protocol
        .ok_or(BadRequest::Tunnel)?
        .eq_ignore_ascii_case(b"websocket")
    {
        return Err(BadRequest::Protocol(
            "any protocol but websocket over HTTP/2",
        ));
    }
    head.method = Method::GET;
    head.fields.insert(Known::Upgrade, "websocket");
    Ok(())
}

/// Whether the client asks to switch protocols. `h2c` is not among those that it is heard for: RFC 9113 has deprecated it.
fn asks_upgrade(fields: &Fields) -> bool {
    let Some(protocol) = fields.get(Known::Upgrade) else {
        return false;
    };
    let named = |name: Known, option: &[u8]| {
        let mut items = fields.get_all(name).flat_map(syntax::items);
        items.any(|item| item.eq_ignore_ascii_case(option))
    };
    named(Known::Connection, b"upgrade") && !named(Known::Upgrade, b"h2c") && !protocol.is_empty()
}

/// Cookies may come in pieces over HTTP/2, which another hop would take for several fields (RFC 9113, section 8.2.3).
fn join_cookies(fields: &mut Fields) {
    if fields.get_all(Known::Cookie).nth(1).is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = fields.get_all(Known::Cookie).collect();
    let whole = pieces.join(&b"; "[..]);
    if let Some(whole) = Checked::new(&whole) {
        fields.insert(Known::Cookie, whole);
    }
}

/// Whether the client waits to be told to go on. An expectation that can't be met is told; HTTP/1.0 has none (RFC 9110,
/// section 10.1.1).
fn expects_continue(head: &mut RequestHead) -> Result<bool, BadRequest> {
    if head.version == Version::HTTP_10 {
        head.fields.remove(Known::Expect);
    }
    if !head.fields.contains(Known::Expect) {
        return Ok(false);
    }
    let mut expectations = head.fields.get_all(Known::Expect);
    if expectations.all(|value| value.eq_ignore_ascii_case(b"100-continue")) {
        Ok(true)
    } else {
        Err(BadRequest::Expectation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(version: Version, lines: &[(&'static str, &'static str)]) -> RequestHead {
        RequestHead {
            version,
            fields: lines.iter().copied().collect(),
            ..RequestHead::new()
        }
    }

    #[test]
    fn an_upgrade_is_asked_by_two_fields_together() {
        for (version, lines, asked) in [
            (
                Version::HTTP_11,
                &[
                    ("connection", "keep-alive, Upgrade"),
                    ("upgrade", "websocket"),
                ][..],
                true,
            ),
            (Version::HTTP_11, &[("upgrade", "websocket")], false),
            (Version::HTTP_11, &[("connection", "upgrade")], false),
            (
                Version::HTTP_11,
                &[("connection", "upgrade"), ("upgrade", "")],
                false,
            ),
            (
                Version::HTTP_10,
                &[("connection", "upgrade"), ("upgrade", "websocket")],
                false,
            ),
            (
                Version::HTTP_11,
                &[
                    ("connection", "upgrade, http2-settings"),
                    ("upgrade", "h2c"),
                    ("http2-settings", "AA"),
                ],
                false,
            ),
        ] {
            let mut head = head(version, &[lines, &[("host", "a")]].concat());
            assert_eq!(
                receive_request(&mut head).unwrap().upgrade,
                asked,
                "{lines:?}"
            );
            assert_eq!(head.fields.contains("upgrade"), asked, "{lines:?}");
            assert!(!head.fields.contains("connection") && !head.fields.contains("http2-settings"));
        }
    }

    #[test]
    fn an_extended_connect_is_a_handshake_and_another_connect_no_request() {
        for (version, protocol, expected) in [
            (Version::HTTP_2, &[("upgrade", "WebSocket")][..], Ok(true)),
            (
                Version::HTTP_2,
                &[("upgrade", "connect-udp")],
                Err(BadRequest::Protocol(
                    "any protocol but websocket over HTTP/2",
                )),
            ),
            (Version::HTTP_2, &[], Err(BadRequest::Tunnel)),
            (
                Version::HTTP_11,
                &[("upgrade", "websocket"), ("connection", "upgrade")],
                Err(BadRequest::Tunnel),
            ),
        ] {
            let mut head = head(version, &[protocol, &[("host", "a")]].concat());
            head.method = Method::CONNECT;
            let asked = receive_request(&mut head).map(|asked| asked.upgrade);
            assert_eq!(asked, expected, "{version:?} {protocol:?}");
            if expected.is_ok() {
                assert_eq!(head.method, Method::GET);
                assert_eq!(head.fields.get("upgrade"), Some(&b"websocket"[..]));
            }
        }
    }

    #[test]
    fn over_http2_cookies_come_together() {
        let lines = &[("cookie", "a=1"), ("host", "a"), ("cookie", "d=2")];
        for (version, expected) in [
            (Version::HTTP_2, &[&b"a=1; d=2"[..]][..]),
            (Version::HTTP_11, &[b"a=1", b"d=2"]),
        ] {
            let mut head = head(version, lines);
            receive_request(&mut head).unwrap();
            let cookies: Vec<_> = head.fields.get_all("cookie").collect();
            assert_eq!(cookies, expected);
        }
    }

    #[test]
    fn an_expectation_stays_but_of_http_1_0() {
        for (version, expect, expected) in [
            (Version::HTTP_11, "100-Continue", Ok(true)),
            (Version::HTTP_2, "100-continue", Ok(true)),
            (Version::HTTP_10, "100-continue", Ok(false)),
            (Version::HTTP_11, "other", Err(BadRequest::Expectation)),
            (Version::HTTP_2, "other", Err(BadRequest::Expectation)),
        ] {
            let mut head = head(version, &[("host", "a"), ("expect", expect)]);
            let asked = receive_request(&mut head).map(|asked| asked.expect_continue);
            assert_eq!(asked, expected);
            assert_eq!(head.fields.contains("expect"), expected != Ok(false));
        }
    }

    #[test]
    fn lengths_and_what_looks_like_them_are_clear() {
        for (version, lines, expected) in [
            (Version::HTTP_2, &[("content-length", "5, 5")][..], Ok("5")),
            (
                Version::HTTP_2,
                &[("content-length", "5"), ("content-length", "6")],
                Err(BadRequest::Length),
            ),
            (
                Version::HTTP_2,
                &[("content_length", "5")],
                Err(BadRequest::Ambiguous),
            ),
            (
                Version::HTTP_2,
                &[("Transfer_Encoding", "chunked")],
                Err(BadRequest::Ambiguous),
            ),
            (Version::HTTP_2, &[("content_type", "5")], Ok("")),
        ] {
            let mut head = head(version, &[lines, &[("host", "a")]].concat());
            let length = receive_request(&mut head)
                .map(|_| head.fields.get_text("content-length").unwrap_or(""));
            assert_eq!(length, expected, "{lines:?}");
        }
    }
}

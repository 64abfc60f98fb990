//! What a proxy must do to every message, as pure functions on fields.

use http::header::{CONNECTION, EXPECT, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE, VIA};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri, Version, request};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATE: HeaderName = http::header::PROXY_AUTHENTICATE;
const TRAILER: HeaderName = http::header::TRAILER;
const CONTENT_LENGTH: HeaderName = http::header::CONTENT_LENGTH;

/// Fields that only the host may set, because they speak of one connection or of the framing.
pub fn is_owned_by_host(name: &HeaderName) -> bool {
    [
        CONNECTION,
        CONTENT_LENGTH,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ]
    .contains(name)
}

/// Removes what is meant for this hop only.
///
/// RFC 9110, section 7.6.1: "Intermediaries MUST parse a received Connection header field before a message is
/// forwarded and, for each connection-option in this field, remove any header or trailer field(s) from the message with
/// the same name as the connection-option, and then remove the Connection header field itself". `TE: trailers` is kept: it
/// is what asks for the trailers that this proxy passes on.
pub fn strip_hop_by_hop(fields: &mut HeaderMap) {
    if fields.contains_key(CONNECTION) {
        strip_connection_options(fields);
        fields.remove(CONNECTION);
    }
    fields.remove(KEEP_ALIVE);
    fields.remove(PROXY_CONNECTION);
    fields.remove(TRANSFER_ENCODING);
    fields.remove(UPGRADE);
    if fields.get(TE).is_some_and(|te| te != "trailers") {
        let trailers = fields.get_all(TE).iter().any(mentions_trailers);
        fields.remove(TE);
        if trailers {
            fields.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
}

fn strip_connection_options(fields: &mut HeaderMap) {
    let simple = |v: &HeaderValue| v == "keep-alive" || v == "close";
    if fields.get_all(CONNECTION).iter().all(simple) {
        return;
    }
    let named: Vec<HeaderName> = fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|option| HeaderName::from_bytes(option.trim().as_bytes()).ok())
        .filter(|name| !is_end_to_end_always(name))
        .collect();
    for name in named {
        if name != TE {
            fields.remove(name);
        }
    }
}

/// Fields that no `Connection` option takes away: without them the message would mean something else to the receiver.
fn is_end_to_end_always(name: &HeaderName) -> bool {
    use http::header::{AUTHORIZATION, COOKIE};
    [
        CONTENT_LENGTH,
        HOST,
        AUTHORIZATION,
        COOKIE,
        PROXY_AUTHENTICATE,
    ]
    .contains(name)
}

fn mentions_trailers(te: &HeaderValue) -> bool {
    te.to_str().is_ok_and(|te| {
        te.split(',')
            .any(|t| t.trim().eq_ignore_ascii_case("trailers"))
    })
}

/// Why a request can't be forwarded as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    #[error("a request has one host field")]
    NotOneHost,
    #[error("the host field is not an authority")]
    InvalidHost,
    #[error("this proxy makes no tunnels")]
    Tunnel,
}

/// Makes a received request ready for the chain: one authority, in `host`; no field of this hop.
///
/// An absolute-form target names the authority and wins over `host` (RFC 9112, section 3.2.2). `Expect: 100-continue` is
/// answered here, when somebody first wants the body, so it is not passed on.
///
/// # Errors
/// When it is not clear whom the request is for: rules and backend might read it differently.
pub fn receive_request(head: &mut request::Parts) -> Result<(), BadRequest> {
    if head.method == Method::CONNECT {
        return Err(BadRequest::Tunnel);
    }
    strip_hop_by_hop(&mut head.headers);
    head.headers.remove(EXPECT);
    check_host(&head.headers, head.version)?;
    if head.uri.authority().is_some() {
        let uri = std::mem::take(&mut head.uri);
        let mut parts = uri.into_parts();
        if let Some(authority) = parts.authority.take()
            && let Ok(value) = HeaderValue::from_str(authority.as_str())
        {
            head.headers.insert(HOST, value);
        }
        parts.scheme = None;
        if parts.path_and_query.is_none() {
            parts.path_and_query = Some(PathAndQuery::from_static("/"));
        }
        head.uri = Uri::from_parts(parts).unwrap_or_default();
    }
    Ok(())
}

/// "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header
/// field and to any request message that contains more than one Host header field line or a Host header field with an
/// invalid field value" (RFC 9112, section 3.2).
fn check_host(fields: &HeaderMap, version: Version) -> Result<(), BadRequest> {
    let mut hosts = fields.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (Some(host), None) if is_authority(host.as_bytes()) => Ok(()),
        (Some(_), None) => Err(BadRequest::InvalidHost),
        _ => Err(BadRequest::NotOneHost),
    }
}

/// Host and optional port, without userinfo; empty is allowed (RFC 9110, section 7.2).
fn is_authority(host: &[u8]) -> bool {
    host.is_empty() || (!host.contains(&b'@') && Authority::try_from(host).is_ok())
}

/// Adds this hop to `Via` (RFC 9110, section 7.6.3).
pub fn add_via(fields: &mut HeaderMap, received: Version) {
    let via = match received {
        Version::HTTP_10 => HeaderValue::from_static("1.0 tollgate"),
        Version::HTTP_2 => HeaderValue::from_static("2 tollgate"),
        _ => HeaderValue::from_static("1.1 tollgate"),
    };
    fields.append(VIA, via);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        map
    }

    fn stripped(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut map = fields(lines);
        strip_hop_by_hop(&mut map);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        // Removing from a `HeaderMap` moves its last name forward; the order of one name's values stays.
        let mut rest: Vec<_> = map.iter().map(line).collect();
        rest.sort();
        rest
    }

    #[test]
    fn hop_by_hop_fields_go_and_all_others_stay() {
        type Fields<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Fields<'_>, Fields<'_>)] = &[
            (
                &[
                    ("connection", "keep-alive"),
                    ("keep-alive", "timeout=5"),
                    ("a", "1"),
                ],
                &[("a", "1")],
            ),
            (
                &[
                    ("connection", "close, x-hop"),
                    ("x-hop", "1"),
                    ("x-end", "2"),
                ],
                &[("x-end", "2")],
            ),
            (
                &[
                    ("connection", "X-Hop"),
                    ("connection", "x-other"),
                    ("x-hop", "1"),
                    ("x-other", "1"),
                ],
                &[],
            ),
            (
                &[
                    ("transfer-encoding", "chunked"),
                    ("upgrade", "h2c"),
                    ("proxy-connection", "close"),
                ],
                &[],
            ),
            (&[("te", "trailers")], &[("te", "trailers")]),
            (&[("te", "gzip, Trailers;q=1")], &[]),
            (
                &[("te", "gzip, trailers"), ("connection", "te")],
                &[("te", "trailers")],
            ),
            (&[("te", "gzip")], &[]),
            // A Connection option must not be a way to take the framing or the credentials off a message.
            (
                &[
                    ("connection", "content-length, host"),
                    ("content-length", "3"),
                    ("host", "h"),
                ],
                &[("content-length", "3"), ("host", "h")],
            ),
        ];
        for (given, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(n, v)| (n.to_string(), v.to_string()))
                .collect();
            assert_eq!(stripped(given), expected, "{given:?}");
        }
    }

    #[test]
    fn an_absolute_target_becomes_host_and_origin_form() {
        for (target, host, origin) in [
            ("http://b:81/p?q=%20", "b:81", "/p?q=%20"),
            ("http://b", "b", "/"),
            ("/only", "a", "/only"),
        ] {
            let request = http::Request::builder()
                .uri(target)
                .header("host", "a")
                .body(())
                .unwrap();
            let (mut head, ()) = request.into_parts();
            receive_request(&mut head).unwrap();
            assert_eq!(head.headers["host"], host);
            assert_eq!(head.uri.to_string(), origin);
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let given = |version, hosts: &[&'static str]| {
            let mut head = http::Request::builder()
                .version(version)
                .body(())
                .unwrap()
                .into_parts()
                .0;
            for host in hosts {
                head.headers.append(HOST, HeaderValue::from_static(host));
            }
            receive_request(&mut head)
        };
        for good in ["a", "a:80", "[::1]:80", ""] {
            assert_eq!(given(Version::HTTP_11, &[good]), Ok(()), "{good}");
        }
        for bad in ["a, b", "u@a", "a b", "a/b"] {
            assert_eq!(
                given(Version::HTTP_11, &[bad]),
                Err(BadRequest::InvalidHost),
                "{bad}"
            );
        }
        assert_eq!(given(Version::HTTP_11, &[]), Err(BadRequest::NotOneHost));
        assert_eq!(given(Version::HTTP_10, &[]), Ok(()));
        assert_eq!(
            given(Version::HTTP_10, &["a", "a"]),
            Err(BadRequest::NotOneHost)
        );
    }

    #[test]
    fn via_names_the_version_received() {
        let mut map = fields(&[("via", "1.0 other")]);
        add_via(&mut map, Version::HTTP_11);
        let all: Vec<_> = map.get_all("via").iter().collect();
        assert_eq!(all, ["1.0 other", "1.1 tollgate"]);
    }
}

//! What a proxy must do to every message, as pure functions on fields.

use http::header::{
    CONNECTION, COOKIE, EXPECT, HOST, HeaderName, MAX_FORWARDS, TE, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri, Version, request};

use super::lengths::{self, BadLength};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
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
///
/// Returns the fields that `connection` named, apart from those above: the trailers may have them too.
pub fn strip_hop_by_hop(fields: &mut HeaderMap) -> Vec<HeaderName> {
    let mut named = Vec::new();
    if fields.contains_key(CONNECTION) {
        named = connection_options(fields);
        for name in &named {
            fields.remove(name);
        }
        fields.remove(CONNECTION);
    }
    fields.remove(KEEP_ALIVE);
    fields.remove(PROXY_CONNECTION);
    fields.remove(TRANSFER_ENCODING);
    fields.remove(UPGRADE);
    fields.remove(HTTP2_SETTINGS);
    if fields.get(TE).is_some_and(|te| te != "trailers") {
        let trailers = fields.get_all(TE).iter().any(mentions_trailers);
        fields.remove(TE);
        if trailers {
            fields.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
    named
}

/// The fields that `connection` names, but those that no option takes away.
fn connection_options(fields: &HeaderMap) -> Vec<HeaderName> {
    let simple = |v: &HeaderValue| v == "keep-alive" || v == "close";
    if fields.get_all(CONNECTION).iter().all(simple) {
        return Vec::new();
    }
    fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|option| HeaderName::from_bytes(option.trim().as_bytes()).ok())
        .filter(|name| *name != TE && !is_end_to_end_always(name))
        .collect()
}

/// The fields of an interim response as they go on: without those of the backend's hop and without framing.
pub fn interim_fields(fields: &HeaderMap) -> HeaderMap {
    let mut fields = fields.clone();
    strip_hop_by_hop(&mut fields);
    for name in [CONTENT_LENGTH, TE, TRAILER] {
        fields.remove(name);
    }
    fields
}

/// Removes from trailers what has no meaning there or another one than in a head: fields of one hop, those that
/// `connection` names, framing, and the host (RFC 9110, section 6.5.1).
pub fn clean_trailers(trailers: &mut HeaderMap) {
    strip_hop_by_hop(trailers);
    for name in [CONTENT_LENGTH, HOST, TE, TRAILER] {
        trailers.remove(name);
    }
    let unclear: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| resembles_framing(name) || !is_token(name))
        .cloned()
        .collect();
    for name in unclear {
        trailers.remove(name);
    }
}

/// Whether a recipient may take this name for one that frames a message: CGI and its heirs (WSGI, Rack) make the same
/// variable of `_` and `-`.
fn resembles_framing(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name.len(), 14 | 17)
        && name.contains('_')
        && ["content-length", "transfer-encoding"].contains(&&*name.replace('_', "-"))
}

/// Whether the name is a token (RFC 9110, section 5.6.2). The type takes one character more.
pub fn is_token(name: &HeaderName) -> bool {
    !name.as_str().contains('"')
}

/// Fields that no `Connection` option takes away: without them the message would mean something else to the receiver.
fn is_end_to_end_always(name: &HeaderName) -> bool {
    use http::header::AUTHORIZATION;
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
    #[error("the host field and the target name different hosts")]
    OtherHost,
    #[error("content-length is not one number")]
    Length,
    #[error("a field's name can be mistaken for content-length or transfer-encoding")]
    Ambiguous,
    #[error("no expectation but 100-continue is supported")]
    Expectation,
    #[error("this proxy makes no tunnels")]
    Tunnel,
    #[error("this proxy does not switch to {0}")]
    Protocol(&'static str),
    #[error("the request may not be forwarded any further (max-forwards)")]
    NoForwards,
    #[error("the request has passed through this proxy {0} times")]
    Loop(usize),
}

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

/// More passes through one proxy than any arrangement of plugins that call their own proxy needs.
const MOST_PASSES: usize = 10;

/// Makes a received request ready for the chain: one authority, in `host`; no field of this hop but what [`Asked`] tells.
///
/// A target with an authority (absolute form, or HTTP/2's) wins over `host` in HTTP/1.1 (RFC 9112, section 3.2.2); in
/// HTTP/2 both must agree (RFC 9113, section 8.3.1).
///
/// # Errors
/// When it is not clear whom the request is for: rules and backend might read it differently. When it may not go on.
pub fn receive_request(head: &mut request::Parts) -> Result<Asked, BadRequest> {
    if head.method == Method::CONNECT {
        return Err(BadRequest::Tunnel);
    }
    let upgrade = head.version == Version::HTTP_11 && asks_upgrade(&head.headers);
    let protocol = head.headers.get(UPGRADE).filter(|_| upgrade).cloned();
    let not_in_trailers = strip_hop_by_hop(&mut head.headers);
    if let Some(protocol) = protocol {
        head.headers.insert(UPGRADE, protocol);
    }
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    take_authority(head)?;
    if head.headers.contains_key(MAX_FORWARDS) {
        count_forwards(&head.method, &mut head.headers)?;
    }
    check_loop(&head.headers)?;
    lengths::settle(&mut head.headers).map_err(|BadLength| BadRequest::Length)?;
    if head.headers.keys().any(resembles_framing) {
        return Err(BadRequest::Ambiguous);
    }
    let expect_continue = expects_continue(head)?;
    Ok(Asked {
        upgrade,
        expect_continue,
        not_in_trailers,
    })
}

/// Whether the client waits to be told to go on. An expectation that can't be met is told; HTTP/1.0 has none (RFC 9110,
/// section 10.1.1).
fn expects_continue(head: &mut request::Parts) -> Result<bool, BadRequest> {
    if head.version == Version::HTTP_10 {
        head.headers.remove(EXPECT);
    }
    let mut expectations = head.headers.get_all(EXPECT).iter();
    let is_known = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if !expectations.all(is_known) {
        return Err(BadRequest::Expectation);
    }
    Ok(head.headers.contains_key(EXPECT))
}

/// Whether the client asks to switch protocols. `h2c` is not among those that it is heard for: RFC 9113 has deprecated it.
fn asks_upgrade(fields: &HeaderMap) -> bool {
    let Some(protocol) = fields.get(UPGRADE) else {
        return false;
    };
    let named = |name: &HeaderName, option: &str| {
        let lists = fields.get_all(name).iter().filter_map(|v| v.to_str().ok());
        lists
            .flat_map(|list| list.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(option))
    };
    named(&CONNECTION, "upgrade") && !named(&UPGRADE, "h2c") && !protocol.is_empty()
}

/// Cookies may come in pieces over HTTP/2, which another hop would take for several fields (RFC 9113, section 8.2.3).
fn join_cookies(fields: &mut HeaderMap) {
    let mut cookies = fields.get_all(COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = fields
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(whole) = HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        fields.insert(COOKIE, whole);
    }
}

/// Moves the authority from the target to `host`.
fn take_authority(head: &mut request::Parts) -> Result<(), BadRequest> {
    let http2 = head.version == Version::HTTP_2;
    if !(http2 && head.uri.authority().is_some() && !head.headers.contains_key(HOST)) {
        check_host(&head.headers, head.version)?;
    }
    if head.uri.authority().is_none() {
        return Ok(());
    }
    let mut parts = std::mem::take(&mut head.uri).into_parts();
    if let Some(authority) = parts.authority.take() {
        let authority = HeaderValue::from_str(authority.as_str())
            .ok()
            .filter(|value| is_authority(value.as_bytes()) && !value.is_empty())
            .ok_or(BadRequest::InvalidHost)?;
        let other =
            |host: &HeaderValue| !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
        if http2 && head.headers.get(HOST).is_some_and(other) {
            return Err(BadRequest::OtherHost);
        }
        head.headers.insert(HOST, authority);
    }
    parts.scheme = None;
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
    }
    head.uri = Uri::from_parts(parts).unwrap_or_default();
    Ok(())
}

/// "Each intermediary that receives a TRACE or OPTIONS request containing a Max-Forwards header field MUST check and
/// update its value prior to forwarding the request" (RFC 9110, section 7.6.2). Of other methods the field is ignored.
fn count_forwards(method: &Method, fields: &mut HeaderMap) -> Result<(), BadRequest> {
    if *method != Method::OPTIONS && *method != Method::TRACE {
        return Ok(());
    }
    let left = fields
        .get(MAX_FORWARDS)
        .and_then(|v| v.to_str().ok()?.parse::<u32>().ok());
    match left {
        Some(0) => Err(BadRequest::NoForwards),
        Some(left) => {
            fields.insert(MAX_FORWARDS, HeaderValue::from(left - 1));
            Ok(())
        }
        None => Ok(()),
    }
}

fn check_loop(fields: &HeaderMap) -> Result<(), BadRequest> {
    let hops = fields.get_all(VIA).iter().filter_map(|v| v.to_str().ok());
    let passes = hops
        .flat_map(|list| list.split(','))
        .filter(|hop| hop.trim_end().ends_with(" tollgate"))
        .count();
    if passes >= MOST_PASSES {
        Err(BadRequest::Loop(passes))
    } else {
        Ok(())
    }
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
    if host.is_empty() {
        return true;
    }
    let Ok(authority) = Authority::try_from(host) else {
        return false;
    };
    // The parser takes anything behind the last colon for a port, and anything behind a bracket.
    let (host, rest) = (authority.host(), authority.as_str());
    let Some(port) = rest.strip_prefix(host) else {
        return false;
    };
    match port.strip_prefix(':') {
        Some("") => true,
        Some(port) => port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok(),
        None => port.is_empty(),
    }
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
        for good in ["a", "a:80", "a:", "[::1]:80", "[::1]", ""] {
            assert_eq!(
                given(Version::HTTP_11, &[good]),
                Ok(Asked::default()),
                "{good}"
            );
        }
        for bad in [
            "a, b", "u@a", "a b", "a/b", "a:b", "a:+80", "a:65536", "[::1]a", "a:1:2",
        ] {
            assert_eq!(
                given(Version::HTTP_11, &[bad]),
                Err(BadRequest::InvalidHost),
                "{bad}"
            );
        }
        assert_eq!(given(Version::HTTP_11, &[]), Err(BadRequest::NotOneHost));
        assert_eq!(given(Version::HTTP_10, &[]), Ok(Asked::default()));
        assert_eq!(
            given(Version::HTTP_10, &["a", "a"]),
            Err(BadRequest::NotOneHost)
        );
    }

    fn head(version: Version, target: &str, lines: &[(&str, &str)]) -> request::Parts {
        let mut head = http::Request::builder()
            .version(version)
            .uri(target)
            .body(())
            .unwrap()
            .into_parts()
            .0;
        head.headers = fields(lines);
        head
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
            let mut head = head(version, "/", &[lines, &[("host", "a")]].concat());
            assert_eq!(
                receive_request(&mut head).unwrap().upgrade,
                asked,
                "{lines:?}"
            );
            assert_eq!(head.headers.contains_key("upgrade"), asked, "{lines:?}");
            assert!(
                !head.headers.contains_key("connection")
                    && !head.headers.contains_key("http2-settings")
            );
        }
    }

    #[test]
    fn over_http2_the_authority_is_the_host_and_cookies_come_together() {
        let mut good = head(
            Version::HTTP_2,
            "https://a:1/x",
            &[("cookie", "a=1"), ("b", "c"), ("cookie", "d=2")],
        );
        receive_request(&mut good).unwrap();
        assert_eq!(good.headers["host"], "a:1");
        assert_eq!(
            good.headers.get_all("cookie").iter().collect::<Vec<_>>(),
            ["a=1; d=2"]
        );
        assert_eq!(good.uri, "/x");
        let mut same = head(Version::HTTP_2, "https://a/x", &[("host", "A")]);
        assert!(receive_request(&mut same).is_ok());
        let mut other = head(Version::HTTP_2, "https://a/x", &[("host", "b")]);
        assert_eq!(receive_request(&mut other), Err(BadRequest::OtherHost));
        let mut none = head(Version::HTTP_2, "/x", &[]);
        assert_eq!(receive_request(&mut none), Err(BadRequest::NotOneHost));
    }

    #[test]
    fn forwards_are_counted_for_options_and_trace_alone() {
        for (method, before, after) in [
            (Method::OPTIONS, "1", Ok("0")),
            (Method::TRACE, "0", Err(BadRequest::NoForwards)),
            (Method::GET, "0", Ok("0")),
            (Method::OPTIONS, "x", Ok("x")),
        ] {
            let mut head = head(
                Version::HTTP_11,
                "/",
                &[("host", "a"), ("max-forwards", before)],
            );
            head.method = method;
            let received =
                receive_request(&mut head).map(|_| head.headers["max-forwards"].to_str().unwrap());
            assert_eq!(received, after);
        }
    }

    #[test]
    fn a_request_that_goes_in_circles_is_stopped() {
        let hops = |n: usize| vec!["1.1 tollgate"; n].join(", ");
        let given = |n| {
            receive_request(&mut head(
                Version::HTTP_11,
                "/",
                &[("host", "a"), ("via", &hops(n))],
            ))
        };
        assert!(given(9).is_ok());
        assert_eq!(given(10), Err(BadRequest::Loop(10)));
    }

    #[test]
    fn an_expectation_stays_but_of_http_1_0() {
        for (version, expected) in [(Version::HTTP_11, true), (Version::HTTP_10, false)] {
            let mut head = head(version, "/", &[("host", "a"), ("expect", "100-continue")]);
            assert_eq!(
                receive_request(&mut head).unwrap().expect_continue,
                expected
            );
            assert_eq!(head.headers.contains_key("expect"), expected);
        }
    }

    #[test]
    fn via_names_the_version_received() {
        let mut map = fields(&[("via", "1.0 other")]);
        add_via(&mut map, Version::HTTP_11);
        let all: Vec<_> = map.get_all("via").iter().collect();
        assert_eq!(all, ["1.0 other", "1.1 tollgate"]);
    }
}

//! Fields that are meant for one hop, and those that frame a message: what goes from heads, interim responses and trailers.

use http::{HeaderMap, HeaderName};

use crate::message::{Fields, Known, syntax};

/// What is meant for one hop whatever `connection` says; of `te`, `trailers` stays.
const OF_ONE_HOP: u64 = Known::set(&[
    Known::Connection,
    Known::Http2Settings,
    Known::KeepAlive,
    Known::ProxyConnection,
    Known::TransferEncoding,
    Known::Upgrade,
]);

/// What says how a body is framed, beside `transfer-encoding`. An interim response has none, and in trailers it comes too late.
const OF_A_BODY: u64 = Known::set(&[Known::ContentLength, Known::Te, Known::Trailer]);

/// What has no meaning in trailers or another one than in a head (RFC 9110, section 6.5.1).
const NOT_IN_TRAILERS: u64 = OF_ONE_HOP | OF_A_BODY | Known::Host.bit();

/// Fields that no `connection` option takes away: without them the message would mean something else to the receiver.
const END_TO_END: u64 = Known::set(&[
    Known::Authorization,
    Known::ContentLength,
    Known::Cookie,
    Known::Host,
    Known::ProxyAuthenticate,
    Known::Te,
]);

/// Fields that only the host may set, because they speak of one connection or of the framing.
const OWNED_BY_HOST: u64 = OF_A_BODY
    | Known::set(&[
        Known::Connection,
        Known::KeepAlive,
        Known::ProxyConnection,
        Known::TransferEncoding,
        Known::Upgrade,
    ]);

/// Whether only the host may set this field.
pub fn is_owned_by_host(name: Known) -> bool {
    OWNED_BY_HOST & name.bit() != 0
}

/// Removes what is meant for this hop only.
///
/// RFC 9110, section 7.6.1: "Intermediaries MUST parse a received Connection header field before a message is
/// forwarded and, for each connection-option in this field, remove any header or trailer field(s) from the message with
/// the same name as the connection-option, and then remove the Connection header field itself". `TE: trailers` is kept: it
/// is what asks for the trailers that this proxy passes on.
///
/// Returns the fields that `connection` named, apart from those that never go on: the trailers may have them too.
pub fn strip_hop_by_hop(fields: &mut Fields) -> Vec<HeaderName> {
    strip_but(fields, 0)
}

/// The same, but these known names stay.
pub(super) fn strip_but(fields: &mut Fields, kept: u64) -> Vec<HeaderName> {
    // Most heads have none of them.
    if !fields.contains_any(OF_ONE_HOP | Known::Te.bit()) {
        return Vec::new();
    }
    let named = match fields.get_plain(Known::Connection) {
        // Nearly all say no more.
        Some(b"keep-alive" | b"close") => Vec::new(),
        _ => named_by_connection(fields.get_all(Known::Connection)),
    };
    for name in &named {
        fields.remove(name);
    }
    fields.remove_all(OF_ONE_HOP & !kept);
    keep_te_trailers(fields);
    named
}

/// The fields of an interim response as they go on: without those of the backend's hop and without framing.
pub fn interim_fields(fields: &Fields) -> Fields {
    let mut fields = fields.clone();
    strip_hop_by_hop(&mut fields);
    fields.remove_all(OF_A_BODY);
    fields
}

/// Removes from trailers what has no meaning there or another one than in a head: fields of one hop, those that
/// `connection` names, framing, and the host (RFC 9110, section 6.5.1).
pub fn clean_trailers(trailers: &mut HeaderMap) {
    let lists = trailers.get_all(http::header::CONNECTION).iter();
    let named = named_by_connection(lists.map(http::HeaderValue::as_bytes));
    let goes = |name: &HeaderName| {
        let bytes = name.as_str().as_bytes();
        NOT_IN_TRAILERS & Known::of(bytes).bit() != 0
            || resembles_framing(bytes)
            // The type takes one character more.
            || !syntax::is_token(bytes)
            || named.contains(name)
    };
    let going: Vec<HeaderName> = trailers.keys().filter(|name| goes(name)).cloned().collect();
    for name in going {
        trailers.remove(name);
    }
}

/// The fields that `connection` names, but those that go anyway and those that no option takes away.
fn named_by_connection<'a>(lists: impl Iterator<Item = &'a [u8]>) -> Vec<HeaderName> {
    let goes = |option: &&[u8]| {
        (OF_ONE_HOP | END_TO_END) & Known::of(option).bit() == 0
            && !option.eq_ignore_ascii_case(b"close")
    };
    let options = lists.flat_map(syntax::items).filter(goes);
    options
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .collect()
}

/// Whether `te` says that trailers are taken (RFC 9110, section 10.1.4).
pub fn asks_trailers(fields: &Fields) -> bool {
    let mut codings = fields.get_all(Known::Te).flat_map(syntax::items);
    fields.contains(Known::Te) && codings.any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

/// Of `te`, only the wish for trailers goes on.
fn keep_te_trailers(fields: &mut Fields) {
    let mut values = fields.get_all(Known::Te);
    let (Some(first), second) = (values.next(), values.next()) else {
        return;
    };
    if first == b"trailers" && second.is_none() {
        return;
    }
    drop(values);
    if asks_trailers(fields) {
        fields.insert(Known::Te, "trailers");
    } else {
        fields.remove(Known::Te);
    }
}

/// Whether a recipient may take this name for one that frames a message: CGI and its heirs (WSGI, Rack) make the same
/// variable of `_` and `-`.
pub fn resembles_framing(name: &[u8]) -> bool {
    matches!(name.len(), 14 | 17)
        && name.contains(&b'_')
        && (syntax::resembles(name, b"content-length")
            || syntax::resembles(name, b"transfer-encoding"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'a> = &'a [(&'static str, &'static str)];

    fn stripped(lines: Lines<'_>) -> (Fields, Vec<HeaderName>) {
        let mut fields: Fields = lines.iter().copied().collect();
        let named = strip_hop_by_hop(&mut fields);
        (fields, named)
    }

    #[test]
    fn hop_by_hop_fields_go_and_all_others_stay() {
        let cases: &[(Lines<'_>, Lines<'_>)] = &[
            (
                &[("a", "1"), ("te", "trailers")],
                &[("a", "1"), ("te", "trailers")],
            ),
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
                    ("X-Hop", "1"),
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
            (&[("http2-settings", "AA"), ("a", "1")], &[("a", "1")]),
            (&[("te", "gzip, Trailers;q=1")], &[]),
            (
                &[("te", "gzip, trailers"), ("connection", "te")],
                &[("te", "trailers")],
            ),
            (&[("te", "trailers"), ("te", "gzip")], &[("te", "trailers")]),
            (&[("te", "gzip")], &[]),
            // A Connection option must not be a way to take the framing or the credentials off a message.
            (
                &[
                    ("connection", "content-length, host, cookie"),
                    ("content-length", "3"),
                    ("host", "h"),
                    ("cookie", "c"),
                ],
                &[("content-length", "3"), ("host", "h"), ("cookie", "c")],
            ),
        ];
        for (given, expected) in cases {
            let expected: Fields = expected.iter().copied().collect();
            assert_eq!(stripped(given).0, expected, "{given:?}");
        }
    }

    #[test]
    fn what_connection_named_is_told_for_the_trailers() {
        let named = |value| stripped(&[("connection", value)]).1;
        assert!(named("keep-alive").is_empty() && named("Close, TE, upgrade").is_empty());
        assert_eq!(named("close, X-A,, x-b"), ["x-a", "x-b"]);
    }

    #[test]
    fn an_interim_response_has_neither_hop_nor_framing() {
        let given: Fields = [
            ("link", "</a>"),
            ("connection", "x-n, close"),
            ("x-n", "1"),
            ("keep-alive", "1"),
            ("transfer-encoding", "chunked"),
            ("content-length", "0"),
            ("upgrade", "x"),
            ("trailer", "a"),
            ("te", "trailers"),
        ]
        .into_iter()
        .collect();
        let expected: Fields = [("link", "</a>")].into_iter().collect();
        assert_eq!(interim_fields(&given), expected);
    }

    #[test]
    fn trailers_say_nothing_of_hop_framing_or_host() {
        let mut trailers = HeaderMap::new();
        for name in [
            "grpc-status",
            "connection",
            "x-n",
            "keep-alive",
            "content-length",
            "content_length",
            "transfer_encoding",
            "host",
            "te",
            "trailer",
            "content_type",
            "a\"b",
        ] {
            let value = if name == "connection" { "x-n" } else { "1" };
            trailers.append(
                HeaderName::from_lowercase(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        clean_trailers(&mut trailers);
        let mut left: Vec<_> = trailers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content_type", "grpc-status"]);
    }
}

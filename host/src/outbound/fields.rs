//! Header fields of a call: what a plugin may set, and what of a response it gets to see.
//!
//! Fields that speak of one connection or of the framing are the host's (RFC 9110, section 7.6.1; RFC 9112, section 6). A
//! request that sets one is refused with its name, for a plugin that sets it expects something of it. Three may stand there
//! if they say what the host does anyway: a `content-length` that is right, `te: trailers`, and `host`, see
//! [`prepare`](super::prepare).

use http::header::{
    self, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

use super::error::{CallError, Part};
use super::mark::{CDN_LOOP, MARK, cdn_loop, mark};
use crate::message::syntax;
use crate::text;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// What speaks of one connection.
const OF_ONE_HOP: [HeaderName; 6] = [
    CONNECTION,
    HTTP2_SETTINGS,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// How one line takes part in the size of a head: its colon, space and line end.
const LINE: usize = 4;

/// What a plugin's fields say.
#[derive(Debug)]
pub(super) struct Given {
    /// Without those that follow, and with the marks of this host.
    pub(super) fields: HeaderMap,
    pub(super) content_length: Option<u64>,
    pub(super) host: Option<HeaderValue>,
}

/// Takes a plugin's fields on and adds the marks of a call of this depth.
pub(super) fn of_request(
    given: &[(String, Vec<u8>)],
    room: usize,
    limit: usize,
    depth: u32,
) -> Result<Given, CallError> {
    let mut taken = Given {
        fields: HeaderMap::with_capacity(given.len() + 3),
        content_length: None,
        host: None,
    };
    let mut room = Some(room);
    for (name, value) in given {
        room = room.and_then(|room| room.checked_sub(name.len() + value.len() + LINE));
        if room.is_none() {
            return Err(CallError::TooLarge {
                what: Part::RequestHead,
                limit: limit as u64,
            });
        }
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid(name, "is no name of a field, use letters, digits and `-`"))?;
        let value = HeaderValue::from_bytes(syntax::trim(value))
            .map_err(|_| invalid(name, "has a control character in its value, leave it out"))?;
        taken.take(parsed, value)?;
    }
    let (name, value) = mark(depth);
    let added = taken.fields.try_insert(name, value).is_ok()
        && taken.fields.try_append(CDN_LOOP, cdn_loop(depth)).is_ok();
    if added { Ok(taken) } else { Err(too_many()) }
}

impl Given {
    fn take(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), CallError> {
        match &name {
            // A plugin that copies the fields of its own request copies this too.
            _ if name == MARK => return Ok(()),
            _ if name == CONTENT_LENGTH => return self.take_length(&value),
            _ if name == HOST => {
                if self.host.replace(value).is_some() {
                    return Err(invalid("host", "is there twice"));
                }
                return Ok(());
            }
            _ if name == TE && value.as_bytes().eq_ignore_ascii_case(b"trailers") => {}
            _ if is_owned_by_host(name.as_str()) => {
                return Err(invalid(
                    name.as_str(),
                    "is set by the host alone, leave it out",
                ));
            }
            _ => {}
        }
        match self.fields.try_append(name, value) {
            Ok(_) => Ok(()),
            Err(_) => Err(too_many()),
        }
    }

    fn take_length(&mut self, value: &HeaderValue) -> Result<(), CallError> {
        let length = syntax::decimal(value.as_bytes());
        let Some(length) = length.filter(|new| self.content_length.is_none_or(|old| old == *new))
        else {
            return Err(invalid(
                "content-length",
                "is no single number, leave it out",
            ));
        };
        self.content_length = Some(length);
        Ok(())
    }
}

/// Also what a recipient may take for such a field (CGI and its heirs).
fn is_owned_by_host(name: &str) -> bool {
    let resembles = |owned: &HeaderName| {
        name.len() == owned.as_str().len()
            && syntax::resembles(name.as_bytes(), owned.as_str().as_bytes())
    };
    OF_ONE_HOP.iter().any(resembles)
        || [TE, TRAILER, CONTENT_LENGTH, HOST, MARK]
            .iter()
            .any(resembles)
}

fn invalid(name: &str, what: &str) -> CallError {
    CallError::InvalidRequest(format!("the field {:?} {what}", text::name(name)))
}

fn too_many() -> CallError {
    CallError::InvalidRequest("there are too many fields, leave some out".into())
}

/// Takes away what was for this hop, also what `connection` names.
pub(super) fn strip_response(fields: &mut HeaderMap) {
    if fields.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = fields
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| syntax::items(value.as_bytes()))
            .filter_map(|name| HeaderName::from_bytes(name).ok())
            // A peer can't have the length or the type of its body forgotten that way.
            .filter(|name| *name != CONTENT_LENGTH && *name != header::CONTENT_TYPE)
            .collect();
        for name in named {
            fields.remove(name);
        }
    }
    for name in OF_ONE_HOP {
        fields.remove(name);
    }
}

/// A map as the list that guests get: repeated values stay apart, one name's values stand together.
pub(super) fn list(fields: HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let mut list = Vec::with_capacity(fields.len());
    let mut last = None;
    for (name, value) in fields {
        last = name.or(last);
        list.extend(last.clone().map(|name| (name, value)));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(fields: &[(&str, &str)]) -> Result<Given, CallError> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        let fields: Vec<_> = fields.iter().map(own).collect();
        of_request(&fields, 1000, 1000, 1)
    }

    #[test]
    fn what_is_the_hosts_is_refused_by_name() {
        for (name, value) in [
            ("connection", "close"),
            ("Connection", "x-a"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("Transfer_Encoding", "chunked"),
            ("content_length", "5"),
            ("tollgate_call", "x"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("te", "gzip"),
            ("te", "trailers, gzip"),
            ("trailer", "x"),
            ("content-length", "1, 2"),
            ("content-length", "+1"),
            ("", "x"),
            (":path", "/"),
            ("a b", "x"),
            ("a\n", "x"),
            ("a", "x\r\nb: c"),
            ("a", "x\0"),
        ] {
            let error = given(&[(name, value)]).unwrap_err();
            assert!(
                matches!(&error, CallError::InvalidRequest(why) if why.contains("field")),
                "{name}: {error}"
            );
        }
        for twice in [
            [("host", "a"), ("Host", "a")],
            [("content-length", "1"), ("content-length", "2")],
        ] {
            assert!(given(&twice).is_err());
        }
    }

    #[test]
    fn repeated_values_and_bytes_stay() {
        let fields = [
            ("X-A", " 1 "),
            ("x-b", "2"),
            ("x-a", "3"),
            ("te", "Trailers"),
            ("content-length", "7"),
            ("host", "b"),
            ("tollgate-call", "forged"),
            ("cdn-loop", "other"),
            ("x-\u{65}", "\u{e9}"),
        ];
        let taken = given(&fields).unwrap();
        let (own, token) = mark(1);
        assert_eq!(taken.content_length, Some(7));
        assert_eq!(taken.host.unwrap(), "b");
        let listed: Vec<_> = list(taken.fields)
            .into_iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect();
        let expected = [
            ("x-a", &b"1"[..]),
            ("x-a", b"3"),
            ("x-b", b"2"),
            ("te", b"Trailers"),
            ("cdn-loop", b"other"),
            ("cdn-loop", b"tollgate;d=1"),
            ("x-e", b"\xc3\xa9"),
            (own.as_str(), token.as_bytes()),
        ];
        assert_eq!(
            listed,
            expected.map(|(name, value)| (name.to_owned(), value.to_vec()))
        );
    }

    #[test]
    fn a_head_has_an_end() {
        let value = "x".repeat(990);
        assert!(given(&[("a", &value)]).is_ok());
        let error = given(&[("a", &value), ("b", "1234")]).unwrap_err();
        let what = Part::RequestHead;
        assert_eq!(error, CallError::TooLarge { what, limit: 1000 });
    }

    #[test]
    fn responses_lose_what_was_for_one_hop() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, x-hop"),
            ("connection", "content-length"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("content-length", "5"),
            ("set-cookie", "a"),
            ("set-cookie", "b"),
        ] {
            fields.append(name, HeaderValue::from_static(value));
        }
        strip_response(&mut fields);
        let listed = list(fields);
        let names: Vec<_> = listed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-length", "set-cookie", "set-cookie"]);
    }
}

//! Recorded messages made into messages that go through a chain again.

use std::borrow::Cow;
use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;

use super::data::{Field, Message, StartLine};
use super::message::Content;
use crate::message::{
    Body, Checked, Fields, Known, RequestHead, ResponseHead, Streaming, Target, TargetError,
};

/// Why a recorded message can't be sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the body was not kept whole: {kept} of {length} bytes")]
    NotWhole { kept: usize, length: u64 },
    #[error("{0}")]
    Target(#[from] TargetError),
    #[error("{0}")]
    Other(String),
}

impl Message {
    /// A response that came, with its whole body and without trailers.
    pub fn of_response(head: &ResponseHead, body: Vec<u8>) -> Self {
        Self {
            line: StartLine::Response {
                status: head.status.as_u16(),
            },
            fields: recorded_fields(&head.fields),
            content: Content::whole(body),
            trailers: Vec::new(),
        }
    }

    /// A request that came, of which the authority is in the field `host`, with its whole body and without trailers.
    pub fn of_request(head: &RequestHead, body: Vec<u8>) -> Self {
        let authority = head.fields.get_text(Known::Host);
        Self {
            line: StartLine::Request {
                method: head.method.as_str().to_owned(),
                target: head.target.as_str().to_owned(),
                authority: authority.unwrap_or("").to_owned(),
            },
            fields: recorded_fields(&head.fields),
            content: Content::whole(body),
            trailers: Vec::new(),
        }
    }

    /// Whether its body was kept to its last byte.
    ///
    /// # Errors
    /// How much is missing.
    pub fn is_whole(&self) -> Result<(), Unusable> {
        let (kept, length) = (self.content.kept.len(), self.content.length);
        match kept as u64 >= length {
            true => Ok(()),
            false => Err(Unusable::NotWhole { kept, length }),
        }
    }

    /// Says the length of what is kept of the body, if it says one: what was masked may have another one.
    pub fn settle_length(&mut self) {
        let length = self.content.kept.len().to_string();
        for field in &mut self.fields {
            if field.name.eq_ignore_ascii_case("content-length") {
                field.value = length.clone().into_bytes();
            }
        }
    }

    /// The head of a request, with its authority as the field `host`.
    ///
    /// # Errors
    /// When it is none that this host would take.
    pub fn request_head(&self) -> Result<RequestHead, Unusable> {
        let StartLine::Request {
            method,
            target,
            authority,
        } = &self.line
        else {
            return Err(Unusable::Other("it is a response".to_owned()));
        };
        let mut head = RequestHead::new();
        head.method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Unusable::Other(format!("{method:?} is no method")))?;
        head.target = Target::new(origin_form(target).as_bytes())?;
        head.fields = fields(&self.fields)?;
        if !head.fields.contains(Known::Host)
            && let Some(authority) = Checked::new(authority.as_bytes())
            && !authority.is_empty()
        {
            head.fields.insert(Known::Host, authority);
        }
        Ok(head)
    }

    /// The head of a response.
    ///
    /// # Errors
    /// When it is none that this host would take.
    pub fn response_head(&self) -> Result<ResponseHead, Unusable> {
        let status = self.status().and_then(|it| StatusCode::from_u16(it).ok());
        let status = status.ok_or_else(|| Unusable::Other("it has no status".to_owned()))?;
        let mut head = ResponseHead::new(status);
        head.fields = fields(&self.fields)?;
        Ok(head)
    }

    /// The body as it comes from a peer: it can be read once, unless a plugin keeps it.
    ///
    /// # Errors
    /// When it was not kept whole.
    pub fn body(&self) -> Result<Body, Unusable> {
        self.is_whole()?;
        let data = Bytes::copy_from_slice(&self.content.kept);
        let trailers = trailers(&self.trailers);
        if data.is_empty() && trailers.is_none() {
            return Ok(Body::Empty);
        }
        let frames = [Some(Frame::data(data)), trailers.map(Frame::trailers)];
        let frames = frames.into_iter().flatten().map(Ok::<_, Infallible>);
        let body = StreamBody::new(stream::iter(frames));
        Ok(Body::Stream(Streaming::new(body)))
    }
}

/// Path and query of a target. That of a request to a proxy begins with a scheme (RFC 9112, section 3.2.2); a URL further on, as in
/// `/login?next=http://host/path`, is a part of the query.
pub(super) fn origin_form(target: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target.into();
    };
    if scheme.contains(['/', '?']) {
        return target.into();
    }
    match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('?') => format!("/{}", &rest[at..]).into(),
        Some(at) => rest[at..].into(),
        None => "/".into(),
    }
}

fn recorded_fields(fields: &Fields) -> Vec<Field> {
    let fields = fields.iter().map(|(name, value)| Field {
        name: String::from_utf8_lossy(name.as_bytes()).into_owned(),
        value: value.to_vec(),
    });
    fields.collect()
}

fn fields(recorded: &[Field]) -> Result<Fields, Unusable> {
    let mut fields = Fields::new();
    for Field { name, value } in recorded {
        let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
        let value = Checked::new(value).filter(|_| is_name);
        let value = value.ok_or_else(|| Unusable::Other(format!("the field {name:?} is none")))?;
        fields.append(&name[..], value);
    }
    Ok(fields)
}

/// Trailers as messages have them; none if there are none.
pub fn trailers(recorded: &[Field]) -> Option<HeaderMap> {
    let mut trailers = HeaderMap::new();
    for Field { name, value } in recorded {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            trailers.append(name, value);
        }
    }
    (!trailers.is_empty()).then_some(trailers)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::record::sample::{self, field};

    #[tokio::test]
    async fn a_message_goes_on_as_it_was() {
        let mut exchange = sample::exchange();
        exchange.request.trailers.push(field("x-sum", "1"));
        let head = exchange.request.request_head().unwrap();
        assert_eq!(
            (head.method.as_str(), head.target.as_str()),
            ("POST", "/orders/7?x=1")
        );
        let names: Vec<String> = head
            .fields
            .names()
            .map(|name| name.as_str().to_owned())
            .collect();
        assert_eq!(names, ["Host", "X-Tenant", "Content-Type"]);
        let mut body = exchange.request.body().unwrap();
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(data, exchange.request.content.kept);
        let trailers = body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_trailers()
            .unwrap();
        assert_eq!(trailers["x-sum"], "1");
        let answer = exchange.answer().unwrap().response_head().unwrap();
        assert_eq!(answer.status, StatusCode::CREATED);
    }

    #[test]
    fn what_can_not_be_sent_says_why() {
        let mut exchange = sample::exchange();
        exchange.request.content.length += 1;
        let error = exchange.request.body().unwrap_err().to_string();
        assert_eq!(error, "the body was not kept whole: 22 of 23 bytes");
        for (target, expected) in [
            ("http://h:1/a?b", Some("/a?b")),
            ("http://h", Some("/")),
            ("*", Some("*")),
            ("h:443", None),
        ] {
            exchange.request.line = StartLine::Request {
                method: "GET".to_owned(),
                target: target.to_owned(),
                authority: "h".to_owned(),
            };
            let head = exchange.request.request_head().ok();
            assert_eq!(
                head.as_ref().map(|head| head.target.as_str()),
                expected,
                "{target}"
            );
        }
    }

    #[test]
    fn a_url_in_a_query_is_no_target_of_its_own() {
        for (target, expected) in [
            (
                "/login?next=http://h/admin/delete",
                "/login?next=http://h/admin/delete",
            ),
            ("/a/http://h/b", "/a/http://h/b"),
            ("http://h/a?next=http://i/b", "/a?next=http://i/b"),
            ("http://h?x=1", "/?x=1"),
            ("http://h", "/"),
            ("*", "*"),
        ] {
            assert_eq!(origin_form(target), expected, "{target}");
        }
    }
}

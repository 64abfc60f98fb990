//! Exchanges as `wasi:http` has them, and back.

use std::sync::Arc;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::{LentReader, wasi_error};
use super::life::GuestLife;
use crate::interceptor::{InterceptError, NextError, NextErrorKind};
use crate::message::{Body, Checked, Exchange, Known, RequestHead, Streaming, hygiene};

/// The authority that stands for what comes next.
pub const PLACEHOLDER: &str = "backend.internal";

/// A client that names nobody (HTTP/1.0) still has to have asked somebody.
const NOBODY: &str = "localhost";

/// The request as a guest gets it: with an absolute URI, without what is between client and proxy alone.
pub fn to_guest(
    exchange: &Exchange,
    body: LentReader,
) -> Result<Request<WasiBody>, InterceptError> {
    let head = &exchange.request;
    let host = head.fields.get(Known::Host);
    let authority = host.and_then(|host| Authority::try_from(host).ok());
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(match exchange.scheme {
        crate::message::Scheme::Http => Scheme::HTTP,
        crate::message::Scheme::Https => Scheme::HTTPS,
    });
    parts.authority = Some(authority.unwrap_or(Authority::from_static(NOBODY)));
    let refused = |error: &dyn std::fmt::Display| {
        InterceptError::Returned(format!("can't be given this target: {error}"))
    };
    let target = PathAndQuery::try_from(&head.target).map_err(|error| refused(&error))?;
    parts.path_and_query = Some(target);
    let uri = Uri::from_parts(parts).map_err(|error| refused(&error))?;
    let mut request = Request::new(body.boxed_unsync());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = HeaderMap::from(&head.fields);
    request.headers_mut().remove(header::EXPECT);
    Ok(request)
}

/// Whether an answer to this method with this status has no body, whatever its fields say (RFC 9110, section 6.4.1).
pub fn has_no_body(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED
}

/// The length that a head gives its body.
pub fn content_length(fields: &HeaderMap) -> Option<u64> {
    fields
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// The head of an answer as the client may get it.
pub fn checked_answer(
    mut response: Response<WasiBody>,
) -> Result<Response<WasiBody>, InterceptError> {
    let status = response.status();
    if !(200..600).contains(&status.as_u16()) {
        let why = format!("answered with the status {status}, which is none of 200 to 599");
        return Err(InterceptError::Returned(why));
    }
    *response.version_mut() = Version::HTTP_11;
    Ok(response)
}

/// The head of a request that a guest sends on; `host` is the one that the client asked for.
pub async fn from_guest(
    request: Request<WasiBody>,
    host: Option<&[u8]>,
) -> Result<(RequestHead, Body), Error> {
    let (parts, body) = request.into_parts();
    let mut head = RequestHead::try_from(&parts).map_err(|_| Error::HttpRequestUriInvalid)?;
    let authority = head.authority.take().unwrap_or_default();
    let stands_for_next = authority.is_empty() || is_placeholder(&authority);
    let asked_for = match host {
        Some(host) if stands_for_next => Some(host),
        None if stands_for_next || &*authority == NOBODY => None,
        _ => Some(authority.as_bytes()),
    };
    match asked_for.map(|host| Checked::new(host).ok_or(Error::HttpRequestUriInvalid)) {
        Some(host) => head.fields.insert(Known::Host, host?),
        None => {
            head.fields.remove(Known::Host);
        }
    }
    head.version = Version::HTTP_11;
    hygiene::strip_hop_by_hop(&mut head.fields);
    let body = sent_body(&head, body).await?;
    Ok((head, body))
}

/// Whether a guest means what comes next by this authority.
pub fn is_placeholder(authority: &str) -> bool {
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    host.eq_ignore_ascii_case(PLACEHOLDER)
}

/// The body of a request that a guest sends on. One of no bytes is told from one that is still to come, or a GET would go to
/// the backend with an empty body in chunks.
async fn sent_body(head: &RequestHead, mut body: WasiBody) -> Result<Body, Error> {
    if body.is_end_stream() || body.size_hint().exact() == Some(0) {
        return Ok(Body::Empty);
    }
    let usual = matches!(head.method, Method::POST | Method::PUT | Method::PATCH);
    if usual || head.fields.contains(Known::ContentLength) {
        return Ok(Body::Stream(Streaming::new(
            body.map_err(|error| std_error(&error)),
        )));
    }
    match body.frame().await {
        None => Ok(Body::Empty),
        Some(Err(error)) => Err(error),
        Some(Ok(frame)) => match frame.into_data() {
            Ok(read) => Ok(Body::Resumed {
                read,
                rest: Streaming::new(body.map_err(|error| std_error(&error))),
            }),
            Err(_) => Ok(Body::Empty),
        },
    }
}

fn std_error(error: &Error) -> std::io::Error {
    std::io::Error::other(error.to_string())
}

/// An answer as a guest gets it that asked what comes next; to read it is a sign of life.
pub fn answer_to_guest(
    exchange: Exchange,
    life: Arc<GuestLife>,
) -> (HeaderMap, StatusCode, WasiBody) {
    let body = exchange.response_body.map_frame(move |frame| {
        life.moved();
        frame
    });
    let body = body.map_err(|error| wasi_error(&*error)).boxed_unsync();
    let fields = HeaderMap::from(&exchange.response.fields);
    (fields, exchange.response.status, body)
}

/// What a guest is told of a failure of what comes next.
pub fn next_error(error: &NextError) -> Error {
    match error.kind {
        NextErrorKind::Unreachable => Error::DestinationUnavailable,
        NextErrorKind::TimedOut => Error::HttpResponseTimeout,
        NextErrorKind::Broken => Error::HttpResponseIncomplete,
        NextErrorKind::Refused => Error::HttpRequestDenied,
        NextErrorKind::Other => Error::InternalError(Some(error.text.clone())),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Empty, Full};

    use super::*;
    use crate::message::Target;
    use crate::plugin::kind::wasi_http::body::Lent;

    fn boxed(text: &'static str) -> WasiBody {
        Full::new(bytes::Bytes::from_static(text.as_bytes()))
            .map_err(|never| match never {})
            .boxed_unsync()
    }

    fn sent(method: Method, uri: &str, body: WasiBody) -> Request<WasiBody> {
        let request = Request::builder().method(method).uri(uri);
        request
            .header("host", "set-by-the-library")
            .body(body)
            .unwrap()
    }

    #[test]
    fn a_guest_gets_an_absolute_uri_and_a_raw_target() {
        let lent = Lent::new(Body::Empty);
        let given = |host: Option<&'static str>, target: &'static str| {
            let mut exchange = Exchange::blank();
            exchange.request.target = Target::new(target.as_bytes()).unwrap();
            let fields = &mut exchange.request.fields;
            fields.insert(Known::Expect, "100-continue");
            if let Some(host) = host {
                fields.insert(Known::Host, host);
            }
            let request = to_guest(&exchange, lent.reader(Arc::new(GuestLife::new(1)))).unwrap();
            assert!(!request.headers().contains_key(header::EXPECT));
            request.uri().to_string()
        };
        assert_eq!(given(Some("a.b:1"), "/x%2F?y"), "http://a.b:1/x%2F?y");
        assert_eq!(given(None, "/"), "http://localhost/");
    }

    #[tokio::test]
    async fn the_placeholder_stands_for_whom_the_client_asked() {
        let cases = [
            (
                "http://backend.internal/x?y",
                Some("client:1"),
                Some("client:1"),
            ),
            (
                "https://BACKEND.internal:80/x?y",
                Some("client:1"),
                Some("client:1"),
            ),
            ("http://other/x?y", Some("client:1"), Some("other")),
            ("http://localhost/x?y", None, None),
            ("http://backend.internal/x?y", None, None),
        ];
        for (uri, host, expected) in cases {
            let request = sent(Method::GET, uri, boxed(""));
            let (head, body) = from_guest(request, host.map(str::as_bytes)).await.unwrap();
            let got = head.fields.get_text(Known::Host);
            assert_eq!((got, head.target.as_str()), (expected, "/x?y"), "{uri}");
            assert!(matches!(body, Body::Empty));
        }
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_that_is_empty_is_none() {
        // Neither says how long it is.
        let silent = |body: WasiBody| {
            let frames = http_body_util::BodyStream::new(body);
            http_body_util::StreamBody::new(frames).boxed_unsync()
        };
        let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = sent(Method::GET, "http://a/", silent(empty));
        let (_, body) = from_guest(request, None).await.unwrap();
        assert!(matches!(body, Body::Empty), "{body:?}");

        let request = sent(Method::DELETE, "http://a/", silent(boxed("text")));
        let (_, body) = from_guest(request, None).await.unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "text");
    }

    #[test]
    fn only_final_answers_are_answers() {
        for (status, good) in [(199, false), (200, true), (599, true), (600, false)] {
            let mut response = Response::new(boxed(""));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            assert_eq!(checked_answer(response).is_ok(), good, "{status}");
        }
    }
}

//! The only place where an error becomes a status, a body and a `Proxy-Status` field (RFC 9209).

use std::io;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::{ExchangeError, Resource};
use super::error_fields::ErrorFields;
use super::form::Form;
use super::proxy_status::ProxyError;
use super::upstream::UpstreamError;
use crate::interceptor::{Hook, InterceptError};
use crate::message::hygiene::BadRequest;
use crate::message::trace::Failure;
use crate::message::{Body, BodyError, ExchangeId, Known, ResponseHead};

/// The answer that the client gets in place of the one that failed. It carries the fields that plugins kept for it, but
/// none of them changes its status or body.
pub fn from_error(error: &ExchangeError, form: Form, kept: &ErrorFields) -> (ResponseHead, Body) {
    let (status, proxy_error) = classify(error);
    let details = public_details(error);
    let proxy_status = proxy_status(proxy_error, &details, error);
    let is_tape = matches!(
        error,
        ExchangeError::Upstream {
            error: UpstreamError::NotOnTape { .. },
            ..
        }
    );
    let (mut head, body) = match form {
        // Whoever plays a tape must see what it lacks; to try again helps nobody.
        Form::Empty if is_tape => {
            written(status, "text/plain; charset=utf-8", text(status, &details))
        }
        Form::Grpc => grpc(status, &details),
        Form::Json => written(
            status,
            "application/json",
            json(status, proxy_error, &details),
        ),
        Form::Text => written(status, "text/plain; charset=utf-8", text(status, &details)),
        Form::Empty => empty(status),
    };
    let fields = &mut head.fields;
    // RFC 9209.
    fields.insert(Known::ProxyStatus, proxy_status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        fields.insert(Known::RetryAfter, "1");
    }
    if matches!(error, ExchangeError::Request(BadRequest::NoForwards)) {
        fields.insert(Known::Allow, "GET, HEAD, OPTIONS");
    }
    // Where the next request begins, or whom this client takes us for, is not certain any more; or there are too many.
    if let ExchangeError::Head(_)
    | ExchangeError::Request(_)
    | ExchangeError::NoListener(_)
    | ExchangeError::Saturated(Resource::Connections) = error
    {
        fields.insert(Known::Connection, "close");
    }
    kept.put_on(fields);
    (head, body)
}

/// The same for observers.
pub fn failure(error: &ExchangeError) -> Failure {
    let (status, proxy_error) = classify(error);
    Failure {
        status: status.as_u16(),
        proxy_error: proxy_error.as_str(),
        text: error.to_string(),
    }
}

/// Says in the log what went wrong. What clients do is no warning: anyone could fill the log.
pub fn log(exchange: ExchangeId, error: &ExchangeError) {
    if error.is_clients() {
        tracing::debug!(%exchange, "{error}");
    } else {
        tracing::warn!(%exchange, "{error}");
    }
}

/// Tells a client that speaks cleartext where TLS is expected.
pub async fn cleartext_refused(mut io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    const ANSWER: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
        content-length: 57\r\nconnection: close\r\n\r\n\
        400 Bad Request\nthis port speaks TLS: use https:// here\n\n";
    io.write_all(ANSWER).await?;
    io.shutdown().await?;
    // What is left unread would make the kernel reset the connection before the answer is read.
    let (mut unread, mut nowhere) = (io.take(64 << 10), tokio::io::sink());
    let drained = tokio::io::copy(&mut unread, &mut nowhere);
    let _ = tokio::time::timeout(Duration::from_secs(1), drained).await;
    Ok(())
}

fn written(status: StatusCode, content_type: &'static str, body: String) -> (ResponseHead, Body) {
    let mut head = ResponseHead::new(status);
    head.fields.append(Known::ContentType, content_type);
    (head, Body::full(body))
}

fn empty(status: StatusCode) -> (ResponseHead, Body) {
    let mut head = ResponseHead::new(status);
    head.fields.append(Known::ContentLength, "0");
    (head, Body::Empty)
}

fn text(status: StatusCode, details: &str) -> String {
    let reason = status.canonical_reason().unwrap_or("");
    format!("{} {reason}\n{details}\n", status.as_u16())
}

fn json(status: StatusCode, error: ProxyError, details: &str) -> String {
    let body = serde_json::json!({ "status": status.as_u16(), "error": error.as_str(), "message": details });
    format!("{body}\n")
}

/// An error as gRPC has it: in fields of a 200 without body. The codes are those of gRPC's `http-grpc-status-mapping.md`,
/// with 413 and 504 as their meanings have them.
fn grpc(status: StatusCode, details: &str) -> (ResponseHead, Body) {
    let code = match status.as_u16() {
        400 | 431 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        408 | 504 => "4",
        413 => "8",
        429 | 502 | 503 => "14",
        _ => "2",
    };
    let mut head = ResponseHead::new(StatusCode::OK);
    let fields = &mut head.fields;
    fields.append(Known::ContentType, "application/grpc");
    fields.append("grpc-status", code);
    // Percent signs would need escaping; there are none in our own words.
    if let Ok(details) = HeaderValue::from_str(details) {
        fields.append("grpc-message", details);
    }
    (head, Body::Empty)
}

/// The status, and the error type of RFC 9209, section 2.3.
fn classify(error: &ExchangeError) -> (StatusCode, ProxyError) {
    if let Some((hook, body)) = error.body() {
        return classify_body(hook, body);
    }
    match error {
        ExchangeError::Head(bad) => (bad.status(), ProxyError::HttpRequestError),
        ExchangeError::Request(bad) => classify_request(*bad),
        ExchangeError::TooLarge { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, ProxyError::HttpRequestError)
        }
        ExchangeError::Ambiguous => (StatusCode::BAD_REQUEST, ProxyError::HttpRequestError),
        ExchangeError::NoRoute => (StatusCode::NOT_FOUND, ProxyError::DestinationNotFound),
        ExchangeError::Saturated(_) | ExchangeError::NoListener(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            ProxyError::ProxyInternalResponse,
        ),
        ExchangeError::TimedOut(_) => {
            (StatusCode::GATEWAY_TIMEOUT, ProxyError::HttpResponseTimeout)
        }
        ExchangeError::Panicked | ExchangeError::NoBackend(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            ProxyError::ProxyInternalError,
        ),
        ExchangeError::Missing { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            ProxyError::ProxyConfigurationError,
        ),
        ExchangeError::Interceptor {
            error: InterceptError::Unavailable(_),
            ..
        } => (
            StatusCode::SERVICE_UNAVAILABLE,
            ProxyError::ProxyInternalError,
        ),
        ExchangeError::Interceptor { .. } => {
            (StatusCode::BAD_GATEWAY, ProxyError::ProxyInternalError)
        }
        ExchangeError::Extensions(_) => (StatusCode::BAD_GATEWAY, ProxyError::HttpProtocolError),
        ExchangeError::Upstream { error, .. } => classify_upstream(error),
    }
}

fn classify_request(bad: BadRequest) -> (StatusCode, ProxyError) {
    match bad {
        BadRequest::Tunnel | BadRequest::Protocol(_) => {
            (StatusCode::NOT_IMPLEMENTED, ProxyError::HttpRequestError)
        }
        BadRequest::Expectation => (StatusCode::EXPECTATION_FAILED, ProxyError::HttpRequestError),
        BadRequest::NoForwards => (
            StatusCode::METHOD_NOT_ALLOWED,
            ProxyError::HttpRequestDenied,
        ),
        BadRequest::Loop(_) => (StatusCode::LOOP_DETECTED, ProxyError::ProxyLoopDetected),
        BadRequest::Length
        | BadRequest::Ambiguous
        | BadRequest::NotOneHost
        | BadRequest::InvalidHost => (StatusCode::BAD_REQUEST, ProxyError::HttpRequestError),
    }
}

fn classify_upstream(error: &UpstreamError) -> (StatusCode, ProxyError) {
    let kind = error.proxy_error();
    if let UpstreamError::NotOnTape { status, .. } = error {
        return (*status, kind);
    }
    let status = match kind {
        ProxyError::ConnectionTimeout
        | ProxyError::HttpResponseTimeout
        | ProxyError::DnsTimeout => StatusCode::GATEWAY_TIMEOUT,
        ProxyError::ConnectionLimitReached => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    (status, kind)
}

/// A request's body is the client's affair, a response's the backend's.
fn classify_body(hook: Hook, body: &BodyError) -> (StatusCode, ProxyError) {
    match (hook, body) {
        (Hook::ForwardRequest, BodyError::TooLarge { .. }) => {
            (StatusCode::PAYLOAD_TOO_LARGE, ProxyError::HttpRequestError)
        }
        (Hook::ForwardRequest, BodyError::TimedOut { .. }) => {
            (StatusCode::REQUEST_TIMEOUT, ProxyError::HttpRequestError)
        }
        (Hook::ForwardRequest, BodyError::Disconnected(_)) => {
            (StatusCode::BAD_REQUEST, ProxyError::HttpRequestError)
        }
        (Hook::ReturnResponse, BodyError::TooLarge { .. }) => {
            (StatusCode::BAD_GATEWAY, ProxyError::HttpResponseBodySize)
        }
        (Hook::ReturnResponse, BodyError::TimedOut { .. }) => {
            (StatusCode::GATEWAY_TIMEOUT, ProxyError::HttpResponseTimeout)
        }
        (Hook::ReturnResponse, BodyError::Disconnected(_)) => {
            (StatusCode::BAD_GATEWAY, ProxyError::HttpResponseIncomplete)
        }
        (_, BodyError::AlreadyStreamed | BodyError::Rewriting(_))
        | (Hook::Handle | Hook::Body(_) | Hook::Messages, _) => {
            (StatusCode::BAD_GATEWAY, ProxyError::ProxyInternalError)
        }
    }
}

/// What the client may know: which plugin and what kind of failure, not a plugin's own words nor a backtrace.
fn public_details(error: &ExchangeError) -> String {
    match error {
        ExchangeError::Interceptor { name, hook, error } => {
            let kind = match error {
                InterceptError::Returned(_) => "returned an error".to_owned(),
                InterceptError::Body { body, .. } => format!("could not read the body: {body}"),
                InterceptError::Trapped(_) => "trapped".to_owned(),
                InterceptError::NotStarted(_) => "could not be started".to_owned(),
                InterceptError::Unavailable(_) => "found no free instance".to_owned(),
                InterceptError::Next(_) => "got no response from the rest of the chain".to_owned(),
                other => other.to_string(),
            };
            format!("plugin {name}: {hook} {kind}")
        }
        ExchangeError::Missing { name, .. } => {
            format!("plugin {name} is required and no version of it serves")
        }
        ExchangeError::Upstream {
            error: UpstreamError::RequestBody(body),
            ..
        } => match body {
            BodyError::Disconnected(_) => "the request's body broke off".to_owned(),
            BodyError::Rewriting(_) => body.to_string(),
            other => format!("the request: {other}"),
        },
        ExchangeError::Upstream { backend, error } => {
            let backend = public_name(backend)
                .map_or("the backend".to_owned(), |name| format!("backend {name}"));
            match error {
                UpstreamError::Reset(_)
                | UpstreamError::GoAway(_)
                | UpstreamError::HeadTooLarge(_)
                // Whoever plays a tape wants to know what it lacks; its secrets are masked.
                | UpstreamError::NotOnTape { .. } => format!("{backend}: {error}"),
                other => format!("{backend}: {}", in_words(other.proxy_error())),
            }
        }
        ExchangeError::NoBackend(_) => "the chosen backend is not there".to_owned(),
        ExchangeError::Request(why) => why.to_string(),
        ExchangeError::Head(why) => why.to_string(),
        other => other.to_string(),
    }
}

/// A backend's name, unless it is one that was made of its address.
fn public_name(backend: &str) -> Option<&str> {
    (!backend.contains([':', '/'])).then_some(backend)
}

/// What an error type of RFC 9209 means, without internal details.
fn in_words(error: ProxyError) -> &'static str {
    match error {
        ProxyError::DnsError | ProxyError::DnsTimeout => "its name can't be resolved",
        ProxyError::DestinationIpUnroutable => "there is no way to its address",
        ProxyError::ConnectionRefused => "it takes no connections",
        ProxyError::ConnectionTimeout => "it did not take the connection in time",
        ProxyError::ConnectionTerminated => "it closed the connection before it answered",
        ProxyError::ConnectionLimitReached => "no further connection may be opened",
        ProxyError::TlsCertificateError => "its certificate is not accepted",
        ProxyError::TlsAlertReceived | ProxyError::TlsProtocolError => {
            "no TLS connection came about"
        }
        ProxyError::HttpResponseIncomplete => "its response broke off",
        ProxyError::HttpResponseTimeout => "it did not answer in time",
        ProxyError::HttpUpgradeFailed => "it did not switch protocols as it said",
        ProxyError::HttpProtocolError => "its response is not valid HTTP",
        _ => "it failed",
    }
}

/// `tollgate; error=…; details="…"` as a structured field (RFC 8941): a string holds printable ASCII only. What came about
/// on the way to a backend names it as the next hop.
fn proxy_status(kind: ProxyError, details: &str, error: &ExchangeError) -> HeaderValue {
    let mut value = format!("tollgate; error={kind}");
    if let ExchangeError::Upstream { backend, .. } = error
        && error.body().is_none()
    {
        push_string(
            &mut value,
            "next-hop",
            public_name(backend).unwrap_or("backend"),
        );
    }
    push_string(&mut value, "details", details);
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(
        "tollgate; error=proxy_internal_error",
    ))
}

fn push_string(value: &mut String, parameter: &str, text: &str) {
    value.extend(["; ", parameter, "=\""]);
    for c in text.chars() {
        match c {
            '"' | '\\' => value.extend(['\\', c]),
            ' '..='~' => value.push(c),
            _ => value.push('?'),
        }
    }
    value.push('"');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn failed(hook: Hook, error: InterceptError) -> ExchangeError {
        ExchangeError::Interceptor {
            name: "cors".into(),
            hook,
            error,
        }
    }

    fn body(error: BodyError) -> InterceptError {
        InterceptError::Body {
            message: "secret".into(),
            body: error,
        }
    }

    /// An error, and the status, error type and a mention that it must have.
    type Case = (ExchangeError, u16, ProxyError, &'static str);

    fn cases() -> Vec<Case> {
        use Hook::{ForwardRequest, ReturnResponse};
        let late = BodyError::TimedOut {
            after: Duration::from_secs(30),
        };
        vec![
            (
                failed(ForwardRequest, InterceptError::Returned("secret".into())),
                502,
                ProxyError::ProxyInternalError,
                "cors",
            ),
            (
                failed(ReturnResponse, InterceptError::Trapped("secret".into())),
                502,
                ProxyError::ProxyInternalError,
                "trapped",
            ),
            (
                failed(ForwardRequest, body(BodyError::TooLarge { limit: 9 })),
                413,
                ProxyError::HttpRequestError,
                "9 bytes",
            ),
            (
                failed(ReturnResponse, body(BodyError::TooLarge { limit: 9 })),
                502,
                ProxyError::HttpResponseBodySize,
                "9 bytes",
            ),
            (
                failed(ForwardRequest, body(late.clone())),
                408,
                ProxyError::HttpRequestError,
                "30 s",
            ),
            (
                failed(ReturnResponse, body(late)),
                504,
                ProxyError::HttpResponseTimeout,
                "30 s",
            ),
            (
                failed(ForwardRequest, InterceptError::NotStarted("secret".into())),
                502,
                ProxyError::ProxyInternalError,
                "could not be started",
            ),
            (
                failed(ForwardRequest, InterceptError::Unavailable("secret".into())),
                503,
                ProxyError::ProxyInternalError,
                "free",
            ),
        ]
    }

    #[test]
    fn every_failure_has_its_status_and_says_who() {
        for (error, status, kind, mention) in cases() {
            let (head, _) = from_error(&error, Form::Empty, &ErrorFields::default());
            let field = head.fields.get_text(Known::ProxyStatus).unwrap();
            assert_eq!(head.status, status, "{error}");
            assert!(
                field.starts_with(&format!("tollgate; error={kind}; details=\"")),
                "{field}"
            );
            assert!(field.contains(mention), "{field}");
            assert!(!field.contains("secret"), "{field}");
        }
    }

    #[test]
    fn details_are_a_structured_field_string() {
        assert_eq!(
            proxy_status(ProxyError::DnsError, "a\"b\\c\nü", &ExchangeError::NoRoute),
            "tollgate; error=dns_error; details=\"a\\\"b\\\\c??\""
        );
    }
}

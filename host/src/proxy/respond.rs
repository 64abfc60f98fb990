//! The only place where an error becomes a status, a body and a `Proxy-Status` field (RFC 9209).

use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::error::ExchangeError;
use crate::interceptor::{Hook, InterceptError};
use crate::message::hygiene::BadRequest;
use crate::message::{Body, BodyError};

/// RFC 9209.
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// The answer that the client gets in place of the one that failed.
pub fn from_error(error: &ExchangeError) -> Response<Body> {
    let (status, proxy_error) = classify(error);
    let details = public_details(error);
    let body = format!(
        "{} {}\n{details}\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or("")
    );
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    fields.insert(PROXY_STATUS, proxy_status(proxy_error, &details));
    response
}

/// The status, and the error type of RFC 9209, section 2.3.
fn classify(error: &ExchangeError) -> (StatusCode, &'static str) {
    if let Some((hook, body)) = error.body() {
        return classify_body(hook, body);
    }
    match error {
        ExchangeError::Request(BadRequest::Tunnel) => {
            (StatusCode::NOT_IMPLEMENTED, "http_request_error")
        }
        ExchangeError::Request(_) => (StatusCode::BAD_REQUEST, "http_request_error"),
        ExchangeError::Interceptor {
            error: InterceptError::Unavailable(_),
            ..
        } => (StatusCode::SERVICE_UNAVAILABLE, "proxy_internal_error"),
        ExchangeError::Interceptor { .. } => (StatusCode::BAD_GATEWAY, "proxy_internal_error"),
        ExchangeError::Connect(_) => (StatusCode::BAD_GATEWAY, "connection_refused"),
        ExchangeError::NoResponse(_) => (StatusCode::BAD_GATEWAY, "connection_terminated"),
        ExchangeError::BadResponse(_) => (StatusCode::BAD_GATEWAY, "http_protocol_error"),
        ExchangeError::RequestBody(_) => (StatusCode::BAD_REQUEST, "http_request_error"),
    }
}

/// A request's body is the client's affair, a response's the backend's.
fn classify_body(hook: Hook, body: &BodyError) -> (StatusCode, &'static str) {
    match (hook, body) {
        (Hook::ForwardRequest, BodyError::TooLarge { .. }) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "http_request_error")
        }
        (Hook::ForwardRequest, BodyError::TimedOut { .. }) => {
            (StatusCode::REQUEST_TIMEOUT, "http_request_error")
        }
        (Hook::ForwardRequest, BodyError::Disconnected(_)) => {
            (StatusCode::BAD_REQUEST, "http_request_error")
        }
        (Hook::ReturnResponse, BodyError::TooLarge { .. }) => {
            (StatusCode::BAD_GATEWAY, "http_response_body_size")
        }
        (Hook::ReturnResponse, BodyError::TimedOut { .. }) => {
            (StatusCode::GATEWAY_TIMEOUT, "http_response_timeout")
        }
        (Hook::ReturnResponse, BodyError::Disconnected(_)) => {
            (StatusCode::BAD_GATEWAY, "http_response_incomplete")
        }
        (_, BodyError::AlreadyStreamed) => (StatusCode::BAD_GATEWAY, "proxy_internal_error"),
    }
}

/// What the client may know: which plugin and what kind of failure, not a plugin's own words nor a backtrace.
fn public_details(error: &ExchangeError) -> String {
    match error {
        ExchangeError::Interceptor { name, hook, error } => {
            let kind = match error {
                InterceptError::Returned(_) => "returned an error".to_owned(),
                InterceptError::Body { body, .. } => format!("can't have the body: {body}"),
                InterceptError::Trapped(_) => "trapped".to_owned(),
                InterceptError::Unavailable(_) => "has no instance free".to_owned(),
                other => other.to_string(),
            };
            format!("plugin {name} {kind} in {hook}")
        }
        ExchangeError::Connect(_) => "the backend can't be reached".to_owned(),
        ExchangeError::NoResponse(_) => {
            "the backend closed the connection before it answered".to_owned()
        }
        ExchangeError::BadResponse(_) => "the backend's response is not valid HTTP".to_owned(),
        ExchangeError::RequestBody(_) => "the request's body broke off".to_owned(),
        ExchangeError::Request(why) => why.to_string(),
    }
}

/// `tollgate; error=…; details="…"` as a structured field (RFC 8941): a string holds printable ASCII only.
fn proxy_status(error: &str, details: &str) -> HeaderValue {
    let mut value = format!("tollgate; error={error}; details=\"");
    for c in details.chars() {
        match c {
            '"' | '\\' => value.extend(['\\', c]),
            ' '..='~' => value.push(c),
            _ => value.push('?'),
        }
    }
    value.push('"');
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(
        "tollgate; error=proxy_internal_error",
    ))
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
    type Case = (ExchangeError, u16, &'static str, &'static str);

    fn cases() -> Vec<Case> {
        use Hook::{ForwardRequest, ReturnResponse};
        let late = BodyError::TimedOut {
            after: Duration::from_secs(30),
        };
        vec![
            (
                failed(ForwardRequest, InterceptError::Returned("secret".into())),
                502,
                "proxy_internal_error",
                "cors",
            ),
            (
                failed(ReturnResponse, InterceptError::Trapped("secret".into())),
                502,
                "proxy_internal_error",
                "trapped",
            ),
            (
                failed(ForwardRequest, body(BodyError::TooLarge { limit: 9 })),
                413,
                "http_request_error",
                "9 bytes",
            ),
            (
                failed(ReturnResponse, body(BodyError::TooLarge { limit: 9 })),
                502,
                "http_response_body_size",
                "9 bytes",
            ),
            (
                failed(ForwardRequest, body(late.clone())),
                408,
                "http_request_error",
                "30 s",
            ),
            (
                failed(ReturnResponse, body(late)),
                504,
                "http_response_timeout",
                "30 s",
            ),
            (
                failed(ForwardRequest, InterceptError::Unavailable("secret".into())),
                503,
                "proxy_internal_error",
                "free",
            ),
            (
                ExchangeError::Connect("secret".into()),
                502,
                "connection_refused",
                "backend",
            ),
            (
                ExchangeError::NoResponse("secret".into()),
                502,
                "connection_terminated",
                "backend",
            ),
        ]
    }

    #[test]
    fn every_failure_has_its_status_and_says_who() {
        for (error, status, kind, mention) in cases() {
            let response = from_error(&error);
            let field = response.headers()["proxy-status"].to_str().unwrap();
            assert_eq!(response.status(), status, "{error}");
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
            proxy_status("e", "a\"b\\c\nü"),
            "tollgate; error=e; details=\"a\\\"b\\\\c??\""
        );
    }
}

//! What can go wrong in a component, before its answer and behind it.

use std::future::pending;
use std::hint;

use super::bindings::wasi::clocks::monotonic_clock::wait_for;
use super::bindings::wasi::http::types::{ErrorCode, Request, Response};
use super::message::{self, Sink, fields, first_line};
use super::next::ask;

/// Longer than any test waits.
const HOUR: u64 = 3_600_000_000_000;

/// The error that x-error names; `internal-error` with a text without it.
pub fn error(request: &Request) -> ErrorCode {
    let name = first_line(&request.get_headers(), "x-error");
    match name.as_deref().unwrap_or("internal-error") {
        "connection-refused" => ErrorCode::ConnectionRefused,
        "connection-timeout" => ErrorCode::ConnectionTimeout,
        "HTTP-request-denied" => ErrorCode::HttpRequestDenied,
        "HTTP-response-timeout" => ErrorCode::HttpResponseTimeout,
        "loop-detected" => ErrorCode::LoopDetected,
        "internal-error" => ErrorCode::InternalError(Some("as asked".into())),
        other => panic!("no error {other}"),
    }
}

pub fn trap() -> ! {
    panic!("trapped as asked")
}

pub async fn trap_after_next(request: Request) -> Result<Response, ErrorCode> {
    let (line, fields, body) = message::take(request);
    let _next = ask(line.with(fields, Some(body))).await;
    trap()
}

pub fn trap_after_head(_request: Request) -> Response {
    after_head(async |_sink| trap())
}

pub fn spin() -> ! {
    loop {
        hint::black_box(());
    }
}

pub fn loop_after_head(_request: Request) -> Response {
    after_head(async |_sink| spin())
}

/// Reports that the request could not be taken, and never answers it.
pub async fn report(request: Request) -> ! {
    message::reject(
        request,
        ErrorCode::InternalError(Some("as asked".into())),
    )
    .await;
    hang().await
}

/// Waits for a clock that is not due while anyone looks.
pub async fn hang() -> ! {
    loop {
        wait_for(HOUR).await;
    }
}

/// Waits for nothing at all.
pub async fn never() -> ! {
    pending().await
}

pub fn hang_after_head(_request: Request) -> Response {
    after_head(async |_sink| hang().await)
}

/// A body that ends with an error.
pub fn break_off(_request: Request) -> Response {
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        if sink.write(b"first\n").await {
            let error = ErrorCode::InternalError(Some("as asked".into()));
            sink.finish(Err(error)).await;
        }
    });
    message::response(200, fields(&[("content-type", "text/plain")]), Some(body))
}

/// A body of six bytes that is said to have another length.
pub fn wrong_length(_request: Request, length: &str) -> Response {
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        if sink.write(b"first\n").await {
            sink.finish(Ok(None)).await;
        }
    });
    let fields = fields(&[("content-type", "text/plain"), ("content-length", length)]);
    message::response(200, fields, Some(body))
}

/// Takes memory until there is no more.
pub fn grow() -> ! {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(vec![1; 1 << 20]);
        hint::black_box(&taken);
    }
}

/// A response whose body begins well.
fn after_head(then: impl AsyncFnOnce(&mut Sink) + 'static) -> Response {
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        if sink.write(b"first\n").await {
            then(&mut sink).await;
        }
    });
    message::response(200, fields(&[("content-type", "text/plain")]), Some(body))
}

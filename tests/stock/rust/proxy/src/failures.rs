//! What can go wrong in a component, before its answer and behind it.

use std::hint;

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::types::{ErrorCode, OutgoingBody, ResponseOutparam};

use super::forward::ask;
use super::message::{Exchange, begin, fields, first_line, write};

/// Longer than any test waits.
const HOUR: u64 = 3_600_000_000_000;

const TEXT: (&str, &str) = ("content-type", "text/plain");

/// Answers with the error that x-error names; `internal-error` with a text without it.
pub fn error(exchange: Exchange) {
    let name = first_line(&exchange.request.headers(), "x-error");
    let error = match name.as_deref().unwrap_or("internal-error") {
        "connection-refused" => ErrorCode::ConnectionRefused,
        "connection-timeout" => ErrorCode::ConnectionTimeout,
        "HTTP-request-denied" => ErrorCode::HttpRequestDenied,
        "HTTP-response-timeout" => ErrorCode::HttpResponseTimeout,
        "loop-detected" => ErrorCode::LoopDetected,
        "internal-error" => ErrorCode::InternalError(Some("as asked".into())),
        other => panic!("no error {other}"),
    };
    ResponseOutparam::set(exchange.out, Err(error));
}

pub fn trap() -> ! {
    panic!("trapped as asked")
}

pub fn trap_after_next(exchange: Exchange) {
    let _next = ask(&exchange.request, true);
    trap()
}

pub fn spin() -> ! {
    loop {
        hint::black_box(());
    }
}

/// Waits for a clock that is not due while anyone looks.
pub fn hang() -> ! {
    loop {
        subscribe_duration(HOUR).block();
    }
}

/// Drops what an answer would be set with, and stays.
pub fn give_up(exchange: Exchange) {
    drop(exchange);
    hang()
}

/// The answer's body begins well.
pub fn after_head(exchange: Exchange, then: fn() -> !) {
    let body = begin(exchange.out, 200, fields(&[TEXT]));
    let sink = body.write().expect("once");
    if write(&sink, b"first\n").is_ok() {
        then();
    }
}

/// The answer's body is dropped in place of finished.
pub fn unfinished(exchange: Exchange) {
    let body = begin(exchange.out, 200, fields(&[TEXT]));
    let sink = body.write().expect("once");
    let _ = write(&sink, b"first\n");
    drop(sink);
    drop(body);
}

/// A body of six bytes that is said to have another length.
pub fn wrong_length(exchange: Exchange, length: &str) {
    let body = begin(
        exchange.out,
        200,
        fields(&[TEXT, ("content-length", length)]),
    );
    let sink = body.write().expect("once");
    let _ = write(&sink, b"first\n");
    drop(sink);
    let _ = OutgoingBody::finish(body, None);
}

/// Takes memory until there is no more.
pub fn grow() -> ! {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(vec![1; 1 << 20]);
        hint::black_box(&taken);
    }
}

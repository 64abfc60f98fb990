//! Actions that answer without asking what stands behind this component.

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::types::{OutgoingBody, ResponseOutparam};

use super::message::{self, Exchange, Gone, begin, fields, first_line, read, write};

/// Long enough for the host to have sent the head of an answer.
const LATE: u64 = 300_000_000;

const TEXT: (&str, &str) = ("content-type", "text/plain");

/// A text; the request's body is left alone until the answer is out.
pub fn text(exchange: Exchange, status: u16, text: &str) {
    respond(exchange.out, status, text);
    drop(exchange.request);
}

/// A text as the answer.
pub fn respond(out: ResponseOutparam, status: u16, text: &str) {
    let length = text.len().to_string();
    let body = begin(out, status, fields(&[TEXT, ("content-length", &length)]));
    let stream = body.write().expect("once");
    let written = write(&stream, text.as_bytes());
    drop(stream);
    if written.is_ok() {
        // Nobody may be left to hear it.
        let _ = OutgoingBody::finish(body, None);
    }
}

/// The request's body is taken and dropped unread, before the answer.
pub fn drop_request(exchange: Exchange) {
    drop(exchange.request.consume());
    drop(exchange.request);
    respond(exchange.out, 200, "dropped\n");
}

/// An event at once, and one for each piece of the request's body that comes: who reads says when the next is sent.
pub fn turns(exchange: Exchange) {
    let incoming = exchange.request.consume().expect("once");
    let source = incoming.stream().expect("once");
    let body = begin(
        exchange.out,
        200,
        fields(&[("content-type", "text/event-stream")]),
    );
    let sink = body.write().expect("once");
    let mut number = 0;
    let mut turn = || -> Result<bool, Gone> {
        write(
            &sink,
            format!("id: {number}\ndata: something\n\n").as_bytes(),
        )?;
        number += 1;
        Ok(read(&source)?.is_some())
    };
    while turn().unwrap_or(false) {}
    drop(sink);
    let _ = OutgoingBody::finish(body, None);
}

/// The request's body with its trailers.
pub fn echo(exchange: Exchange) {
    let incoming = exchange.request.consume().expect("once");
    let body = begin(
        exchange.out,
        200,
        fields(&[("content-type", "application/octet-stream")]),
    );
    // What breaks off has no end, and its reader sees that.
    let _: Result<(), Gone> = message::pump(incoming, body);
}

/// Answers first; well after that it begins to read the request's body, which is the rest of the answer's.
pub fn late(exchange: Exchange) {
    let body = begin(exchange.out, 200, fields(&[TEXT]));
    let sink = body.write().expect("once");
    if write(&sink, b"first\n").is_err() {
        return;
    }
    subscribe_duration(LATE).block();
    let incoming = exchange.request.consume().expect("once");
    let source = incoming.stream().expect("once");
    while let Ok(Some(piece)) = read(&source) {
        if write(&sink, &piece).is_err() {
            return;
        }
    }
    drop((source, sink));
    if message::trailers(incoming).is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// A body with trailers of the component's own, announced as HTTP/1.1 wants it.
pub fn trailers(exchange: Exchange) {
    let body = begin(exchange.out, 200, fields(&[TEXT, ("trailer", "x-made")]));
    let sink = body.write().expect("once");
    if write(&sink, b"with trailers\n").is_ok() {
        drop(sink);
        let _ = OutgoingBody::finish(body, Some(fields(&[("x-made", "trailer")])));
    }
}

/// A response without a body, of the status in x-status.
pub fn status(exchange: Exchange) {
    let status = first_line(&exchange.request.headers(), "x-status");
    let status = status.map_or(204, |status| status.parse().expect("it is a number"));
    let body = begin(exchange.out, status, fields(&[("x-made", "status")]));
    let _ = OutgoingBody::finish(body, None);
}

/// A body that ends only when nobody reads it any more.
pub fn endless(exchange: Exchange) {
    let body = begin(
        exchange.out,
        200,
        fields(&[("content-type", "text/event-stream")]),
    );
    let sink = body.write().expect("once");
    while write(&sink, &[b'e'; 4096]).is_ok() {}
}

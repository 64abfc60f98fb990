//! Actions that answer without asking what stands behind this component.

use wit_bindgen::StreamResult;

use super::bindings::wasi::clocks::monotonic_clock::wait_for;
use super::bindings::wasi::http::types::{Request, Response};
use super::message::{self, Sink, fields, number};

/// Long enough for the host to have sent the head of an answer.
const LATE: u64 = 300_000_000;

pub fn hello(_request: Request) -> Response {
    message::text(200, "hello from a standard component\n")
}

pub fn deny(_request: Request) -> Response {
    message::text(403, "denied\n")
}

/// The request's body is dropped unread.
pub fn drop_request(request: Request) -> Response {
    let (_line, _fields, body) = message::take(request);
    drop(body);
    message::text(200, "dropped\n")
}

/// x-pieces (3) events, one after the other.
pub fn pieces(request: Request) -> Response {
    let count = number(&request, "x-pieces", 3);
    streaming(async move |sink| {
        for number in 0..count {
            if !sink.write(event(number).as_bytes()).await {
                return;
            }
        }
    })
}

/// An event at once, and one for each piece of the request's body that comes: who reads says when the next is sent.
pub fn turns(request: Request) -> Response {
    let (_line, _fields, mut body) = message::take(request);
    streaming(async move |sink| {
        for number in 0.. {
            if !sink.write(event(number).as_bytes()).await {
                return;
            }
            let (result, piece) = body.bytes.read(Vec::with_capacity(1024)).await;
            if piece.is_empty() && matches!(result, StreamResult::Dropped) {
                return;
            }
        }
    })
}

fn event(number: usize) -> String {
    format!("id: {number}\ndata: something\n\n")
}

fn streaming(write: impl AsyncFnOnce(&mut Sink) + 'static) -> Response {
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        write(&mut sink).await;
        sink.finish(Ok(None)).await;
    });
    let fields = fields(&[("content-type", "text/event-stream")]);
    message::response(200, fields, Some(body))
}

/// The request's body, copied through this component's memory, with its trailers.
pub fn echo(request: Request) -> Response {
    let (_line, _fields, from) = message::take(request);
    let (sink, to) = message::body();
    wit_bindgen::spawn_local(sink.pump(from));
    let fields = fields(&[("content-type", "application/octet-stream")]);
    message::response(200, fields, Some(to))
}

/// Answers first; well after that it begins to read the request's body, which is the rest of the answer's.
pub fn late(request: Request) -> Response {
    let (mut sink, to) = message::body();
    wit_bindgen::spawn_local(async move {
        if sink.write(b"first\n").await {
            wait_for(LATE).await;
            let (_line, _fields, from) = message::take(request);
            sink.pump(from).await;
        }
    });
    let fields = fields(&[("content-type", "text/plain")]);
    message::response(200, fields, Some(to))
}

/// A body with trailers of the component's own, announced as HTTP/1.1 wants it.
pub fn trailers(_request: Request) -> Response {
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        if sink.write(b"with trailers\n").await {
            let trailers = fields(&[("x-made", "trailer")]);
            sink.finish(Ok(Some(trailers))).await;
        }
    });
    let fields = fields(&[("content-type", "text/plain"), ("trailer", "x-made")]);
    message::response(200, fields, Some(body))
}

/// A response without a body, of the status in x-status.
pub fn status(request: Request) -> Response {
    let status = number(&request, "x-status", 204);
    let status = u16::try_from(status).expect("it is a status");
    message::response(status, fields(&[("x-made", "status")]), None)
}

/// A body that ends only when nobody reads it any more.
pub fn endless(_request: Request) -> Response {
    let piece = [b'e'; 16 << 10];
    streaming(async move |sink| while sink.write(&piece).await {})
}

//! Requests and responses made anew from those that came.

use wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};

use super::bindings::wasi::http::types::{
    ErrorCode, Fields, Method, Request, Response, Scheme, Trailers,
};
use super::bindings::{wit_future, wit_stream};

/// How a body ends: with or without trailers, or broken.
pub type End = Result<Option<Trailers>, ErrorCode>;

/// The most that is read at once.
const PIECE: usize = 64 << 10;

/// A body on its way: its bytes, then how it ends.
pub struct Body {
    pub bytes: StreamReader<u8>,
    pub end: FutureReader<End>,
}

impl Body {
    /// Reads to the end of the bytes.
    pub async fn collect(self) -> (Vec<u8>, End) {
        let bytes = self.bytes.collect().await;
        (bytes, self.end.await)
    }
}

/// Where a new body is written.
pub struct Sink {
    bytes: StreamWriter<u8>,
    end: FutureWriter<End>,
}

impl Sink {
    /// Writes a piece; false when nobody reads any more.
    pub async fn write(&mut self, piece: &[u8]) -> bool {
        self.bytes.write_all(piece.to_vec()).await.is_empty()
    }

    /// Ends the body.
    pub async fn finish(self, end: End) {
        drop(self.bytes);
        // Nobody may be left to hear it.
        let _ = self.end.write(end).await;
    }

    /// Copies a body through this component's memory, trailers included.
    pub async fn pump(mut self, mut body: Body) {
        loop {
            let (result, piece) = body.bytes.read(Vec::with_capacity(PIECE)).await;
            if !piece.is_empty() && !self.write(&piece).await {
                return;
            }
            if matches!(result, StreamResult::Dropped) {
                break;
            }
        }
        self.finish(body.end.await).await;
    }
}

/// A body that is still to be written.
pub fn body() -> (Sink, Body) {
    let (writer, bytes) = wit_stream::new();
    let (end_writer, end) = wit_future::new(|| {
        Err(ErrorCode::InternalError(Some(
            "the body was given up".into(),
        )))
    });
    let sink = Sink {
        bytes: writer,
        end: end_writer,
    };
    (sink, Body { bytes, end })
}

/// What a request says of itself but for its fields, so that others can be made like it.
pub struct Line {
    method: Method,
    path: Option<String>,
    scheme: Option<Scheme>,
    authority: Option<String>,
}

impl Line {
    fn of(request: &Request) -> Self {
        Line {
            method: request.get_method(),
            path: request.get_path_with_query(),
            scheme: request.get_scheme(),
            authority: request.get_authority(),
        }
    }

    /// A request of these fields and this body, which says the same.
    pub fn with(&self, fields: Fields, body: Option<Body>) -> Request {
        let (bytes, end) = split(body);
        let (made, _sent) = Request::new(fields, bytes, end, None);
        let set = [
            made.set_method(&self.method),
            made.set_path_with_query(self.path.as_deref()),
            made.set_scheme(self.scheme.as_ref()),
            made.set_authority(self.authority.as_deref()),
        ];
        assert!(set.iter().all(Result::is_ok), "what it came with is valid");
        made
    }
}

/// A request taken apart: its line, its fields (which may be changed, and have x-do without its first word), its body.
pub fn take(request: Request) -> (Line, Fields, Body) {
    let fields = request.get_headers().clone();
    shift_orders(&fields);
    let line = Line::of(&request);
    let (bytes, end) = Request::consume_body(request, done());
    (line, fields, Body { bytes, end })
}

/// Takes a request and reports that its body could not be handled.
pub async fn reject(request: Request, why: ErrorCode) {
    let (writer, reader) = wit_future::new(|| Ok(()));
    let taken = Request::consume_body(request, reader);
    // Nobody may be left to hear it.
    let _ = writer.write(Err(why)).await;
    drop(taken);
}

/// A response taken apart: its status, its fields (which may be changed), its body.
pub fn take_response(response: Response) -> (u16, Fields, Body) {
    let status = response.get_status_code();
    let fields = response.get_headers().clone();
    let (bytes, end) = Response::consume_body(response, done());
    (status, fields, Body { bytes, end })
}

/// A response of the component's own.
pub fn response(status: u16, fields: Fields, body: Option<Body>) -> Response {
    let (bytes, end) = split(body);
    let (made, _sent) = Response::new(fields, bytes, end);
    made.set_status_code(status).expect("it is a status");
    made
}

/// A response with a text that is written in one piece.
pub fn text(status: u16, text: &str) -> Response {
    let (mut sink, body) = body();
    let text = text.to_owned();
    let length = text.len().to_string();
    wit_bindgen::spawn_local(async move {
        if sink.write(text.as_bytes()).await {
            sink.finish(Ok(None)).await;
        }
    });
    let fields = fields(&[("content-type", "text/plain"), ("content-length", &length)]);
    response(status, fields, Some(body))
}

/// Fields with these lines.
pub fn fields(lines: &[(&str, &str)]) -> Fields {
    let made = Fields::new();
    for (name, value) in lines {
        add(&made, name, value);
    }
    made
}

/// Adds a line.
pub fn add(fields: &Fields, name: &str, value: &str) {
    let added = fields.append(name, value.as_bytes());
    added.expect("the field may be added");
}

/// The first line of this name.
pub fn first_line(fields: &Fields, name: &str) -> Option<String> {
    let value = fields.get(name).into_iter().next()?;
    String::from_utf8(value).ok()
}

/// The text of a field that is a number; `other` without it.
pub fn number(request: &Request, name: &str, other: usize) -> usize {
    let text = first_line(&request.get_headers(), name);
    text.map_or(other, |text| text.parse().expect("it is a number"))
}

/// Says that what was taken was handled well; written when the other end is dropped.
fn done() -> FutureReader<Result<(), ErrorCode>> {
    let (_writer, reader) = wit_future::new(|| Ok(()));
    reader
}

fn split(body: Option<Body>) -> (Option<StreamReader<u8>>, FutureReader<End>) {
    match body {
        Some(body) => (Some(body.bytes), body.end),
        None => (None, wit_future::new(|| Ok(None)).1),
    }
}

/// The first word of x-do is done; the rest is for the next component.
fn shift_orders(fields: &Fields) {
    let orders = first_line(fields, "x-do").unwrap_or_default();
    let deleted = fields.delete("x-do");
    deleted.expect("a copy may be changed");
    if let Some((_, rest)) = orders.split_once(',') {
        add(fields, "x-do", rest.trim());
    }
}

//! What both directions need: fields, and bodies that are copied piece by piece.

use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse,
    ResponseOutparam, Trailers,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// The most that is read or written at once; `blocking-write-and-flush` takes no more.
const PIECE: usize = 4096;

/// What a handler is called with.
pub struct Exchange {
    pub request: IncomingRequest,
    pub out: ResponseOutparam,
}

/// Nobody reads any more, or the sender broke off.
#[derive(Debug)]
pub struct Gone;

/// The answer has begun; its body can be written.
pub fn begin(out: ResponseOutparam, status: u16, fields: Fields) -> OutgoingBody {
    let response = OutgoingResponse::new(fields);
    let set = response.set_status_code(status);
    set.expect("it is a status");
    let body = response.body().expect("it is taken once");
    ResponseOutparam::set(out, Ok(response));
    body
}

/// Writes a piece of at most [`PIECE`] bytes.
pub fn write(stream: &OutputStream, piece: &[u8]) -> Result<(), Gone> {
    stream.blocking_write_and_flush(piece).map_err(|_| Gone)
}

/// The next piece; none at the end.
pub fn read(stream: &InputStream) -> Result<Option<Vec<u8>>, Gone> {
    match stream.blocking_read(PIECE as u64) {
        Ok(piece) => Ok(Some(piece)),
        Err(StreamError::Closed) => Ok(None),
        Err(StreamError::LastOperationFailed(_)) => Err(Gone),
    }
}

/// Copies a body with its trailers. What breaks off is left without an end, so that it breaks off for the reader too.
pub fn pump(from: IncomingBody, to: OutgoingBody) -> Result<(), Gone> {
    let (source, sink) = (from.stream().expect("once"), to.write().expect("once"));
    while let Some(piece) = read(&source)? {
        write(&sink, &piece)?;
    }
    drop((source, sink));
    let trailers = trailers(from)?;
    OutgoingBody::finish(to, trailers).map_err(|_| Gone)
}

/// Waits for the end of a body whose stream was read.
pub fn trailers(body: IncomingBody) -> Result<Option<Trailers>, Gone> {
    let coming = IncomingBody::finish(body);
    coming.subscribe().block();
    let trailers = coming
        .get()
        .expect("it is there")
        .expect("it is taken once");
    let copied = trailers.map(|trailers| trailers.map(|trailers| trailers.clone()));
    copied.map_err(|_: ErrorCode| Gone)
}

/// Fields with these lines.
pub fn fields(lines: &[(&str, &str)]) -> Fields {
    let made = Fields::new();
    for (name, value) in lines {
        let added = made.append(name, value.as_bytes());
        added.expect("the field may be added");
    }
    made
}

/// The first line of this name.
pub fn first_line(fields: &Fields, name: &str) -> Option<String> {
    let value = fields.get(name).into_iter().next()?;
    String::from_utf8(value).ok()
}

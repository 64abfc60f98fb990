//! A request's body that can be sent again while it is small: for a backend that ends the stream without having processed
//! the request (RFC 9113, section 8.7).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::message::{Body, BoxError};

/// Bytes that are kept, in no more than so many pieces: each may hold a larger buffer.
const MOST: usize = 64 << 10;
const MOST_PIECES: usize = 16;

/// Gives a body out and keeps what it gave.
#[derive(Debug)]
pub(super) struct Replay {
    body: Body,
    /// None once it is too much, or the body has failed.
    given: Option<Given>,
}

#[derive(Debug, Default)]
struct Given {
    pieces: Vec<Bytes>,
    size: usize,
    trailers: Option<HeaderMap>,
    /// All of the body was given out.
    is_all: bool,
}

impl Replay {
    pub(super) fn new(body: Body) -> Self {
        let too_large = body.size_hint().lower() > MOST as u64;
        let given = Given::default();
        Self {
            body,
            given: Some(given).filter(|_| !too_large),
        }
    }

    pub(super) fn keep_no_more(&mut self) {
        self.given = None;
    }

    /// The body from its start, if that can still be had.
    pub(super) fn whole(self) -> Option<Body> {
        let given = self.given?;
        let read = join(&given.pieces);
        match self.body {
            _ if given.is_all => Some(Body::Full {
                data: read,
                trailers: given.trailers.map(Box::new),
            }),
            body if read.is_empty() => Some(body),
            Body::Stream(rest) => Some(Body::Resumed { read, rest }),
            _ => None,
        }
    }
}

impl Given {
    /// False when it is too much.
    fn add(&mut self, frame: &Frame<Bytes>) -> bool {
        if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
        }
        if let Some(data) = frame.data_ref() {
            self.size += data.len();
            self.pieces.push(data.clone());
        }
        self.size <= MOST && self.pieces.len() <= MOST_PIECES
    }
}

fn join(pieces: &[Bytes]) -> Bytes {
    if let [piece] = pieces {
        return piece.clone();
    }
    let mut all = BytesMut::new();
    for piece in pieces {
        all.extend_from_slice(piece);
    }
    all.freeze()
}

impl HttpBody for Replay {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let is_end = self.body.is_end_stream();
        if let Some(given) = &mut self.given {
            let is_kept = match &frame {
                None => true,
                Some(Ok(frame)) => given.add(frame),
                Some(Err(_)) => false,
            };
            given.is_all |= frame.is_none() || given.trailers.is_some() || is_end;
            if !is_kept {
                self.given = None;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

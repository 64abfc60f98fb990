//! `Expect: 100-continue` over HTTP/2: the interim answer goes out when somebody first reads the body. Over HTTP/1.1 hyper
//! does the same by itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::http2::RecvBody;
use super::http2::server::Informational;
use crate::message::{Body, BoxError, Fields, Known, Streaming};

/// The body of a request with these fields. It asks for itself, if its client waits to be asked.
pub fn asking_when_wanted(fields: &Fields, body: RecvBody, client: &Informational) -> Body {
    if body.is_end_stream() {
        Body::Empty
    } else if fields.contains(Known::Expect) {
        Body::Stream(Streaming::new(Asking {
            body,
            client: Some(client.clone()),
        }))
    } else {
        Body::Stream(Streaming::new(body))
    }
}

/// A body whose client has not been asked to send it yet.
struct Asking {
    body: RecvBody,
    client: Option<Informational>,
}

impl HttpBody for Asking {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(client) = self.client.take() {
            client.send(StatusCode::CONTINUE, &HeaderMap::new());
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! `Expect: 100-continue` over HTTP/2: the interim answer goes out when somebody first reads the body. Over HTTP/1.1 hyper
//! does the same by itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::http2::RecvBody;
use super::http2::server::Informational;
use crate::message::{Body, BoxError, Streaming};

/// The request with a body that asks for itself, if its client waits to be asked.
pub fn asking_when_wanted(request: Request<RecvBody>, client: &Informational) -> Request<Body> {
    let waits = request.headers().contains_key(header::EXPECT);
    request.map(|body| {
        if body.is_end_stream() {
            Body::Empty
        } else if waits {
            Body::Stream(Streaming::new(Asking {
                body,
                client: Some(client.clone()),
            }))
        } else {
            Body::Stream(Streaming::new(body))
        }
    })
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

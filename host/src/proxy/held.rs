//! A response's body with what its exchange holds until the last byte.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::http1::Busy;
use super::slots::Slot;
use crate::message::{Body, BoxError};

/// The body, and what is let go with it: the chain `C`, the count of what is under way, the connection's business.
#[derive(Debug)]
pub struct Held<C> {
    body: Body,
    busy: Option<Busy>,
    _chain: Option<Arc<C>>,
    _slot: Slot,
}

impl<C> Held<C> {
    pub fn new(body: Body, chain: Option<Arc<C>>, slot: Slot) -> Self {
        Self {
            body,
            busy: None,
            _chain: chain,
            _slot: slot,
        }
    }

    /// Keeps the connection busy for as long as the body lasts.
    #[must_use]
    pub fn keeping(mut self, busy: Busy) -> Self {
        self.busy = Some(busy);
        self
    }
}

impl<C> HttpBody for Held<C> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! A request's way over HTTP/1.1: on a connection that is kept alive, or on a new one.
//!
//! A kept-alive connection may be closed by the backend just as the request is written. What was not written is sent
//! again; what was, only if it is idempotent and has no body (RFC 9112, section 9.3.1).

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;

use super::endpoint::{Call, Endpoint, Miss};
use super::error::UpstreamError;
use super::head;
use super::pool::Grant;
use super::switched::Switched;
use super::upgrade::{self, SentKey, Upgrade};
use super::upload::{Progress, Upload, informed};
use super::wire::{Failure, Wire};
use super::{MOST_STALE, Received, download};
use crate::message::{Body, Fields, Known, ResponseHead, Tunnel};
use crate::tls::Alpn;

/// A request as hyper takes it, with what is needed to understand the answer.
type Prepared = (Request<Upload>, Option<Arc<Progress>>, Option<SentKey>);

impl Endpoint {
    /// Sends a request over HTTP/1.1 and waits for the response's head.
    pub(super) async fn by_http1(&self, call: &mut Call<'_>) -> Result<Received, Miss> {
        let mut stale = 0;
        loop {
            let mut wire = self.wire(stale < MOST_STALE).await?;
            let reused = std::mem::take(&mut wire.reused);
            let (request, progress, key) = self.http1_request(call)?;
            let exchange =
                wire.exchange(request, progress.as_deref(), self.config.first_byte_timeout);
            match exchange.await {
                Ok((response, wire)) => {
                    return self.receive(response, wire, progress, call, key).await;
                }
                Err(Failure::Unsent(body, error)) => {
                    call.body = body;
                    if !reused || stale > 2 * MOST_STALE {
                        return Err(Miss::unsent(error));
                    }
                }
                Err(Failure::Silent(_)) if reused && call.repeatable => call.body = Body::Empty,
                Err(Failure::Silent(error) | Failure::Final(error)) => {
                    return Err(Miss::sent(error));
                }
            }
            stale += 1;
        }
    }

    /// A connection at rest if `any`, else a new one. Whether the backend has closed it is the first thing that the
    /// exchange sees.
    async fn wire(&self, any: bool) -> Result<Box<Wire>, Miss> {
        let taken = if any {
            self.pool.take()
        } else {
            self.pool.reserve()
        };
        match self.granted(taken).await.map_err(Miss::unsent)? {
            Grant::Wire(wire) => Ok(wire),
            Grant::Slot(slot) => {
                let connected = self.connect(Alpn::Http1).await?;
                let wire = Box::pin(Wire::new(connected, slot));
                wire.await.map_err(Miss::unsent)
            }
        }
    }

    fn http1_request(&self, call: &mut Call<'_>) -> Result<Prepared, Miss> {
        let body = std::mem::take(&mut call.body);
        let expect = call.expect_continue && !body.is_end_stream();
        head::check_length(&call.head.fields, &body)
            .map_err(|e| Miss::sent(UpstreamError::RequestBody(e)))?;
        let mut fields = head::fields(call.head, &self.host, expect);
        if head::is_empty_by_length(call.head, &body) {
            fields.insert(Known::ContentLength, "0");
        }
        let is_chunked = head::is_oddly_chunked(call.head, &body);
        head::for_http1(&mut fields, call.upgrade.is_some(), is_chunked);
        let key = match call.upgrade {
            Some(Upgrade::ExtendedConnect) => {
                Some(upgrade::add_key(&mut fields).map_err(Miss::sent)?)
            }
            _ => None,
        };
        let (upload, progress) = Upload::new(body, expect);
        let mut request = head::request(call.head, &fields, upload);
        let listener = informed(
            call.on_informational.as_ref(),
            progress.as_ref().filter(|_| expect),
        );
        if let Some(listener) = listener {
            hyper::ext::on_informational(&mut request, move |interim| {
                listener(interim.status(), &Fields::from(interim.headers()));
            });
        }
        Ok((request, progress, key))
    }

    async fn receive(
        &self,
        response: Response<Incoming>,
        wire: Box<Wire>,
        progress: Option<Arc<Progress>>,
        call: &mut Call<'_>,
        key: Option<SentKey>,
    ) -> Result<Received, Miss> {
        let (parts, body) = response.into_parts();
        let mut head = ResponseHead::from(&parts);
        let reason = parts.extensions.get::<ReasonPhrase>();
        head.reason = reason.map(|reason| reason.as_bytes().into());
        head::check_framing(&head.fields).map_err(Miss::sent)?;
        let pending = call.pending.take();
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            let body = download::receive(body, wire, progress, self.config.body_timeout, pending);
            return Ok(Received::new(head, body));
        }
        if call.upgrade.is_none() {
            let text = "it switches to a protocol that nobody asked for".to_owned();
            return Err(Miss::sent(UpstreamError::Protocol(text)));
        }
        if let Some(key) = key {
            upgrade::to_extended_connect(&mut head, &key).map_err(Miss::sent)?;
        }
        let parts = Box::pin(wire.into_parts()).await.map_err(Miss::sent)?;
        let tunnel: Tunnel = Box::new(Switched::new(parts, pending));
        Ok(Received::with_tunnel(head, tunnel))
    }
}

//! A request's way over HTTP/1.1: on a connection that is kept alive, or on a new one.
//!
//! A kept-alive connection may be closed by the backend just as the request is written. What was not written is sent
//! again; what was, only if it is idempotent and has no body (RFC 9112, section 9.3.1).

mod apart;
mod download;
mod exchange;
mod head;
mod reading;
mod sending;
mod switched;

use std::borrow::Cow;
use std::future::poll_fn;

use http::StatusCode;
use http_body::Body as _;

use super::call::{Call, Miss, Received};
use super::endpoint::{Endpoint, MOST_STALE};
use super::error::UpstreamError;
use super::pool::Grant;
use super::upgrade::{self, SentKey, Upgrade};
use super::wire::Wire;
use crate::message::{Body, Streaming, Tunnel};
use crate::proxy::http1::body::Decoder;
use crate::proxy::http1::encode::Output;
use crate::proxy::http1::response::{self, Response, ResponseFraming};
use crate::tls::Alpn;
use apart::Apart;
use download::{Begun, Download, Line};
use exchange::{Answered, Bounds, Failure};
use head::{Framing, Hop};
use sending::Sending;
use switched::Switched;

impl Endpoint {
    /// Sends a request over HTTP/1.1 and waits for the response's head.
    pub(super) async fn by_http1(&self, call: &mut Call<'_>) -> Result<Received, Miss> {
        let bounds = Bounds::new(&self.config);
        let mut stale = 0;
        loop {
            let wire = self.wire(stale < MOST_STALE).await?;
            let reused = wire.reused;
            let (sending, key) = self.http1_request(call)?;
            let mut talk = wire.talk(sending, call.on_informational.as_ref(), &bounds);
            match poll_fn(|cx| talk.poll(cx)).await {
                Ok(found) => {
                    let answered = talk.answered(found);
                    return self.http1_response(answered, call, key, &bounds);
                }
                Err(error) => match talk.failure(error) {
                    Failure::Unsent(body, error) => {
                        call.body = body;
                        if !reused || stale > 2 * MOST_STALE {
                            return Err(Miss::unsent(error));
                        }
                    }
                    Failure::Silent(_) if reused && call.repeatable => call.body = Body::Empty,
                    Failure::Silent(error) | Failure::Final(error) => {
                        return Err(Miss::sent(error));
                    }
                },
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
            Grant::Idle(wire) => Ok(wire),
            Grant::Slot(slot) => Ok(Wire::new(self.connect(Alpn::Http1).await?, slot)),
        }
    }

    fn http1_request(&self, call: &mut Call<'_>) -> Result<(Sending, Option<SentKey>), Miss> {
        let body = std::mem::take(&mut call.body);
        let expect = call.expect_continue && !body.is_end_stream();
        let framing =
            Framing::of(call.head, &body).map_err(|e| Miss::sent(UpstreamError::RequestBody(e)))?;
        let (mut head, mut key) = (Cow::Borrowed(call.head), None);
        if let Some(Upgrade::ExtendedConnect) = call.upgrade {
            let fields = &mut head.to_mut().fields;
            key = Some(upgrade::add_key(fields).map_err(Miss::sent)?);
        }
        let hop = Hop {
            host: self.host.value(&head.fields),
            upgrade: call.upgrade.is_some(),
            expect_continue: expect,
            framing,
        };
        let mut output = Output::default();
        head::write(&head, &hop, output.buffer());
        let sending = Sending::new(output, framing.of_body(), body, expect);
        Ok((sending, key))
    }

    fn http1_response(
        &self,
        mut answered: Answered,
        call: &mut Call<'_>,
        key: Option<SentKey>,
        bounds: &Bounds,
    ) -> Result<Received, Miss> {
        let status = answered.found.response.head.status;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return http1_tunnel(answered, call, key);
        }
        let bad = |e: response::BadResponse| Miss::sent(UpstreamError::Protocol(e.to_string()));
        let Response { head, .. } = &mut answered.found.response;
        let framing = response::framing(head, &call.head.method).map_err(bad)?;
        let head = std::mem::take(head);
        let body = self.http1_body(answered, framing, call, bounds);
        Ok(Received::new(head, body))
    }

    /// The body of a response. If it is here already its connection is free at once.
    fn http1_body(
        &self,
        answered: Answered,
        framing: ResponseFraming,
        call: &mut Call<'_>,
        bounds: &Bounds,
    ) -> Body {
        let Answered {
            found,
            wire,
            left,
            refused,
        } = answered;
        let mut rest = found.rest;
        let keep = found.response.keep_alive && !refused;
        let here = match framing {
            ResponseFraming::Length(0) => Some(Body::Empty),
            // All that came, which is not divided from anything.
            ResponseFraming::Length(length) if length == rest.len() as u64 => {
                Some(Body::Arrived(std::mem::take(&mut rest).freeze()))
            }
            ResponseFraming::Length(length) => usize::try_from(length)
                .ok()
                .filter(|length| *length < rest.len())
                .map(|length| Body::Arrived(rest.split_to(length).freeze())),
            ResponseFraming::Chunked | ResponseFraming::UntilClose => None,
        };
        if let Some(body) = here {
            let keep = keep && rest.is_empty();
            match left {
                Some(left) => Apart::start(wire, left).response_is_over(keep),
                None if keep => wire.give_back(),
                None => {}
            }
            return body;
        }
        let begun = Begun {
            decoder: Decoder::of_response(framing, bounds.head),
            rest,
            is_full: found.is_full,
            keep: keep && framing != ResponseFraming::UntilClose,
        };
        let line = match left {
            Some(left) => Line::apart(wire, left),
            None => Line::Own(wire),
        };
        let limit = self.config.body_timeout;
        let download = Download::new(begun, line, limit, call.pending.take());
        Body::Stream(Streaming::new(download))
    }
}

/// The bare connection after a switch of protocols, with what was read beyond the response's head.
fn http1_tunnel(
    answered: Answered,
    call: &mut Call<'_>,
    key: Option<SentKey>,
) -> Result<Received, Miss> {
    if call.upgrade.is_none() {
        let text = "it switches to a protocol that nobody asked for".to_owned();
        return Err(Miss::sent(UpstreamError::Protocol(text)));
    }
    let Answered {
        found,
        wire,
        left,
        refused,
    } = answered;
    let mut head = found.response.head;
    if let Some(key) = key {
        upgrade::to_extended_connect(&mut head, &key).map_err(Miss::sent)?;
    }
    // RFC 9110, section 7.8: the new protocol begins when all of the request was sent.
    if refused || left.is_some() {
        let text = "it switches protocols before it has the whole request".to_owned();
        return Err(Miss::sent(UpstreamError::Upgrade(text)));
    }
    let tunnel: Tunnel = Box::new(Switched::new(
        *wire,
        found.rest.freeze(),
        call.pending.take(),
    ));
    Ok(Received::with_tunnel(head, tunnel))
}

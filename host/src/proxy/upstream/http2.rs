//! A request's way over HTTP/2: on a connection that many share.

use http::uri::Scheme;
use http::{Method, Response};
use http_body::Body as _;

use super::call::{Call, Miss, Received};
use super::connect::Connected;
use super::endpoint::{Endpoint, MOST_STALE};
use super::error::UpstreamError;
use super::head;
use super::pool::{Grant, Taken};
use super::shared::{self, from_http2};
use super::upgrade::{self, Upgrade};
use super::upload::{Upload, informed};
use super::wire::Slot;
use crate::message::{Body, Known, ResponseHead, Streaming};
use crate::proxy::http2::client as http2;
use crate::tls::Alpn;

impl Endpoint {
    /// Sends a request over HTTP/2 and waits for the response's head.
    pub(super) async fn by_http2(&self, call: &mut Call<'_>) -> Result<Received, Miss> {
        let mut refused = 0;
        loop {
            let sender = self.sender().await?;
            let result = match call.upgrade {
                Some(_) if upgrade::is_websocket(&call.head.fields) => {
                    self.connect_over(&sender, call).await
                }
                _ => self.send_over(&sender, call).await,
            };
            match result {
                // Whatever the method: the connection took no more requests (RFC 9113, section 8.7).
                Err(miss)
                    if miss.is_unsent && refused < MOST_STALE && !miss.error.wants_http1() =>
                {
                    refused += 1;
                }
                other => return other,
            }
        }
    }

    /// A connection with room, else a new one, else the one with the shortest line.
    async fn sender(&self) -> Result<http2::Sender, Miss> {
        if let Some(sender) = self.shared.pick(false) {
            return Ok(sender);
        }
        let _opening = self.shared.opening.lock().await;
        if let Some(sender) = self.shared.pick(false) {
            return Ok(sender);
        }
        let slot = match self.pool.reserve() {
            Taken::Now(Grant::Slot(slot)) => slot,
            other => match self.shared.pick(true) {
                Some(sender) => return Ok(sender),
                None => match self.granted(other).await.map_err(Miss::unsent)? {
                    Grant::Slot(slot) => slot,
                    Grant::Idle(wire) => {
                        drop(wire);
                        self.slot().await.map_err(Miss::unsent)?
                    }
                },
            },
        };
        let connected = self.connect(Alpn::Http2).await?;
        self.add_shared(connected, slot).await
    }

    /// Begins HTTP/2 on a new connection.
    pub(super) async fn add_shared(
        &self,
        connected: Connected,
        slot: Slot,
    ) -> Result<http2::Sender, Miss> {
        let scheme = if self.connector.tls.is_some() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let limits = http2::ClientLimits {
            scheme,
            body_timeout: self.config.body_timeout,
            max_head: self.config.max_head,
            max_fields: self.config.max_fields,
            ..http2::ClientLimits::default()
        };
        self.shared
            .add(connected, slot, limits)
            .await
            .map_err(Miss::unsent)
    }

    async fn send_over(
        &self,
        sender: &http2::Sender,
        call: &mut Call<'_>,
    ) -> Result<Received, Miss> {
        let body = match std::mem::take(&mut call.body) {
            // Nobody behind here could read it, and it may have to be sent again.
            Body::Arrived(data) => Body::full(data),
            body => body,
        };
        let expect = call.expect_continue && !body.is_end_stream();
        head::check_length(&call.head.fields, &body)
            .map_err(|e| Miss::sent(UpstreamError::RequestBody(e)))?;
        let mut fields = head::fields(call.head, &self.host, expect);
        if head::is_empty_by_length(call.head, &body) {
            fields.insert(Known::ContentLength, "0");
        }
        let request = head::request(call.head, &fields).map_err(Miss::sent)?;
        let (body, progress) = match body {
            body @ (Body::Empty | Body::Full { .. }) if !expect => (body, None),
            body => {
                let (upload, progress) = Upload::new(body, expect);
                (Body::Stream(Streaming::new(upload)), progress)
            }
        };
        let on_informational = informed(
            call.on_informational.as_ref(),
            progress.as_ref().filter(|_| expect),
        );
        let sending = sender.send(request, body, on_informational);
        let first_byte = self.config.first_byte_timeout;
        let answer = self.shared.within(first_byte, progress.as_deref(), sending);
        match answer.await {
            None => Err(Miss::sent(UpstreamError::ResponseTimeout {
                after: first_byte,
            })),
            Some(Err(mut failed)) => Err(unsent_or_lost(&mut failed, call)),
            Some(Ok(response)) => {
                let (head, body) = received(response);
                let pending = call.pending.take();
                Ok(Received::new(
                    head,
                    shared::receive(body, progress, pending),
                ))
            }
        }
    }

    /// Makes a WebSocket handshake an extended CONNECT (RFC 8441).
    async fn connect_over(
        &self,
        sender: &http2::Sender,
        call: &mut Call<'_>,
    ) -> Result<Received, Miss> {
        let first_byte = self.config.first_byte_timeout;
        let late = || Miss::sent(UpstreamError::ResponseTimeout { after: first_byte });
        let settings = self.shared.within(first_byte, None, sender.settings());
        settings.await.ok_or_else(late)?;
        if !sender.supports_connect_protocol() {
            let text = "the backend speaks HTTP/2 without extended CONNECT".to_owned();
            return Err(Miss::sent(UpstreamError::Upgrade(text)));
        }
        let mut fields = head::fields(call.head, &self.host, false);
        let key = upgrade::into_extended_connect(&mut fields);
        let mut request = head::request(call.head, &fields).map_err(Miss::sent)?;
        *request.method_mut() = Method::CONNECT;
        let protocol = h2::ext::Protocol::from_static("websocket");
        request.extensions_mut().insert(protocol);
        let sending = sender.connect(request, call.on_informational.clone());
        let answer = self.shared.within(first_byte, None, sending);
        match answer.await.ok_or_else(late)? {
            Err(mut failed) => Err(unsent_or_lost(&mut failed, call)),
            Ok(http2::ConnectAnswer::Refused(response)) => {
                let (head, body) = received(response);
                let pending = call.pending.take();
                Ok(Received::new(head, shared::receive(body, None, pending)))
            }
            Ok(http2::ConnectAnswer::Tunnel(response, tunnel)) => {
                let (mut head, ()) = received(response);
                if call.upgrade == Some(Upgrade::Http1) {
                    upgrade::to_switching_protocols(&mut head, &key.unwrap_or_default());
                }
                Ok(Received::with_tunnel(head, tunnel))
            }
        }
    }
}

fn received<B>(response: Response<B>) -> (ResponseHead, B) {
    let (parts, body) = response.into_parts();
    (ResponseHead::from(&parts), body)
}

fn unsent_or_lost(failed: &mut http2::SendError, call: &mut Call<'_>) -> Miss {
    let error = from_http2(&failed.error);
    match failed.unsent.take() {
        Some(body) => {
            call.body = body;
            Miss::unsent(error)
        }
        None => Miss::sent(error),
    }
}

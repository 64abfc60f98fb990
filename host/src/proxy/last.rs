//! What comes last in a chain: the backend, or whoever answers in its place.

use std::fmt;
use std::future::Future;

use http::{StatusCode, Version};

use super::backends::Backends;
use super::error::ExchangeError;
use super::from_tape::{self, Played};
use super::tunnel::Opening;
use super::upstream::{Outgoing, Upgrade, UpstreamError};
use super::websocket::Conversation;
use crate::message::{
    Body, Checked, Exchange, Known, OnInformational, ResponseHead, hygiene, lengths, syntax,
};

/// Answers the requests that a chain forwards.
pub trait Last: Send + Sync + 'static {
    /// Puts a response into the exchange. It goes in by [`receive_response`], so that every chain sees the same of it.
    /// Gives its side of a switch of protocols, if it agrees to the one that the client asked for.
    fn answer(
        &self,
        exchange: &mut Exchange,
        wish: Wish,
    ) -> impl Future<Output = Result<Option<Switch>, ExchangeError>> + Send;
}

/// What the client wants beside an answer.
#[derive(Default)]
pub struct Wish {
    /// How it asked to switch protocols.
    pub upgrade: Option<Upgrade>,
    /// It waits to be told to go on before it sends its body.
    pub expect_continue: bool,
    /// Passes interim responses on to it.
    pub on_informational: Option<OnInformational>,
}

/// The backend's side of a switch of protocols, with what `upgrade` said in the answer.
pub struct Switch {
    pub opening: Opening,
    pub protocol: Option<Box<[u8]>>,
    pub status: StatusCode,
    /// The interceptors that get the messages of the WebSocket that it is; none if bytes are copied.
    pub conversation: Option<Conversation>,
}

/// The backend that the exchange has chosen.
impl Last for Backends {
    async fn answer(
        &self,
        exchange: &mut Exchange,
        wish: Wish,
    ) -> Result<Option<Switch>, ExchangeError> {
        let mut backend = self.chosen(&exchange.backend)?;
        if let Some(answers) = backend.answers() {
            // Boxed: few exchanges meet a tape.
            let (name, on_miss) = (backend.name(), &backend.config().replay.on_miss);
            exchange.trace.address(&backend.config().shown());
            let played = Box::pin(from_tape::play(name, answers, on_miss, exchange)).await?;
            backend = match played {
                Played::Answered(answer) => {
                    let (head, body) = *answer;
                    let failed = |error| ExchangeError::Upstream {
                        backend: backend.name().to_owned(),
                        error,
                    };
                    receive_response(exchange, head, body).map_err(failed)?;
                    return Ok(None);
                }
                Played::Missed(other) => self.named(&other)?,
            };
        }
        let body = exchange.request_body.send();
        // Nobody need be asked whether a body that is here already may come.
        let expect_continue = wish.expect_continue && matches!(body, Body::Stream(_));
        if wish.expect_continue && !expect_continue {
            exchange.request.fields.remove(Known::Expect);
        }
        exchange.trace.carry_on(&mut exchange.request.fields);
        let outgoing = Outgoing {
            head: &exchange.request,
            body,
            upgrade: wish.upgrade,
            expect_continue,
            on_informational: wish.on_informational,
            trace: &exchange.trace,
        };
        let failed = |error| ExchangeError::Upstream {
            backend: backend.name().to_owned(),
            error,
        };
        let received = backend.send(outgoing).await.map_err(failed)?;
        let protocol = receive_response(exchange, received.head, received.body).map_err(failed)?;
        let status = exchange.response.status;
        Ok(received.tunnel.map(|opening| Switch {
            opening,
            protocol: protocol.filter(|_| status == StatusCode::SWITCHING_PROTOCOLS),
            status,
            conversation: None,
        }))
    }
}

/// Puts a response into the exchange as the chain is to see it: without fields of the backend's hop, and with a length that
/// is read in one way only. Gives what its `upgrade` said.
///
/// # Errors
/// When clients could read it in different ways.
pub fn receive_response(
    exchange: &mut Exchange,
    mut head: ResponseHead,
    mut body: Body,
) -> Result<Option<Box<[u8]>>, UpstreamError> {
    let protocol: Option<Box<[u8]>> = head.fields.get(Known::Upgrade).map(Into::into);
    body.without_trailers(hygiene::strip_hop_by_hop(&mut head.fields));
    check(&mut head)?;
    if let Some(protocol) = &protocol
        && head.status == StatusCode::UPGRADE_REQUIRED
    {
        // It belongs to the answer's meaning (RFC 9110, section 15.5.22).
        switches_to(&mut head, protocol);
    }
    exchange.response = head;
    exchange.response_body = body;
    Ok(protocol)
}

/// What every client must read in the same way, whatever protocol the response came by and goes out by.
fn check(head: &mut ResponseHead) -> Result<(), UpstreamError> {
    lengths::settle(&mut head.fields)
        .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
    // The parser of HTTP/1.1 has seen to it.
    let mut names = head.fields.names();
    if head.version == Version::HTTP_2 && !names.all(|name| syntax::is_token(name.as_bytes())) {
        let text = "the name of a field is not a token".to_owned();
        return Err(UpstreamError::Protocol(text));
    }
    Ok(())
}

/// Names a protocol to switch to, for this hop (RFC 9110, section 7.8).
pub fn switches_to(head: &mut ResponseHead, protocol: &[u8]) {
    if let Some(protocol) = Checked::new(protocol) {
        head.fields.insert(Known::Connection, "upgrade");
        head.fields.insert(Known::Upgrade, protocol);
    }
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wish")
            .field("upgrade", &self.upgrade)
            .field("expect_continue", &self.expect_continue)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

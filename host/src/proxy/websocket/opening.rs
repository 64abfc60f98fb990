//! The handshake of a WebSocket of which interceptors may want the messages.

use std::pin::pin;
use std::sync::Arc;

use http::header::SEC_WEBSOCKET_EXTENSIONS;

use super::conversation::Conversation;
use super::extensions::{Agreed, of_response, understood};
use crate::interceptor::{Hook, MessageInterceptor, Transform};
use crate::message::{Checked, Exchange, Fields};
use crate::proxy::chain;
use crate::proxy::error::ExchangeError;
use crate::proxy::steps::Watch;

/// Whether any of these may want messages.
pub fn is_wanted<H: Transform>(ran: &[&Arc<H>]) -> bool {
    ran.iter().any(|interceptor| interceptor.reads_messages())
}

/// Whether a field `upgrade` names WebSocket among its protocols.
pub fn names_websocket(upgrade: &[u8]) -> bool {
    upgrade.split(|byte| *byte == b',').any(|protocol| {
        let name = protocol.split(|byte| *byte == b'/').next();
        let name = name.unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"websocket")
    })
}

/// Leaves in a request the extensions that can be read here.
pub fn offer(fields: &mut Fields) {
    let left = understood(fields.get_all(SEC_WEBSOCKET_EXTENSIONS));
    fields.remove(SEC_WEBSOCKET_EXTENSIONS);
    if let Some(left) = left
        .as_deref()
        .and_then(|left| Checked::new(left.as_bytes()))
    {
        fields.append(SEC_WEBSOCKET_EXTENSIONS, left);
    }
}

/// Asks those that may want the messages of a WebSocket that the backend has accepted, in this order. `agreed`: to what the
/// backend agreed; what the client is told of that may be different. None if nobody wants them.
///
/// # Errors
/// When one of them fails, and when there is an extension that can't be read.
pub async fn open<H: Transform>(
    exchange: &mut Exchange,
    ran: &[&Arc<H>],
    agreed: Agreed,
) -> Result<Option<Conversation>, ExchangeError> {
    let mut interceptors = Vec::new();
    for interceptor in ran.iter().filter(|one| one.reads_messages()) {
        // What it changes has no effect.
        let mut copy = Box::new(exchange.without_bodies());
        let watch = Watch::begin(&mut copy, interceptor.as_ref(), Hook::Messages);
        let call = pin!(interceptor.open_websocket(copy));
        let (mut copy, result) = watch.over(call).await;
        match chain::settle(&mut copy, result, interceptor.as_ref(), Hook::Messages) {
            Ok(opened) => interceptors.extend(opened.flatten()),
            Err(error) => return Err(abandon(interceptors, error).await),
        }
    }
    if interceptors.is_empty() {
        return Ok(None);
    }
    let client = of_response(&exchange.response.fields);
    match client.and_then(|client| Ok((client, agreed?))) {
        Ok((client, backend)) => Ok(Some(Conversation {
            interceptors,
            client,
            backend,
        })),
        Err(why) => Err(abandon(interceptors, ExchangeError::Extensions(why)).await),
    }
}

/// Tells those that wanted messages that none will come.
async fn abandon(
    interceptors: Vec<Box<dyn MessageInterceptor>>,
    error: ExchangeError,
) -> ExchangeError {
    for interceptor in interceptors {
        let name = interceptor.name().to_owned();
        if let Err(error) = interceptor.closed().await {
            tracing::warn!("plugin {name}: {} {error}", Hook::Messages);
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn websocket_is_found_among_other_protocols() {
        for (upgrade, expected) in [
            (&b"WebSocket"[..], true),
            (b"foo/1, websocket/13", true),
            (b"", false),
            (b"websockets", false),
            (b"foo", false),
        ] {
            assert_eq!(names_websocket(upgrade), expected, "{upgrade:?}");
        }
    }

    #[test]
    fn an_offer_of_nothing_that_is_understood_is_none() {
        let offered = |values: &[&'static str]| {
            let mut fields = Fields::new();
            for value in values {
                fields.append("Sec-WebSocket-Extensions", *value);
            }
            offer(&mut fields);
            let left = fields.get_all(SEC_WEBSOCKET_EXTENSIONS);
            left.map(|value| String::from_utf8(value.to_vec()).unwrap())
                .collect::<Vec<_>>()
        };
        assert!(offered(&["x-webkit-deflate-frame"]).is_empty());
        assert!(offered(&[]).is_empty());
        let left = offered(&["a", "permessage-deflate", "permessage-deflate; b"]);
        assert_eq!(left, ["permessage-deflate"]);
    }
}

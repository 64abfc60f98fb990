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
    let mut opened = Opened(Vec::new());
    for interceptor in ran.iter().filter(|one| one.reads_messages()) {
        // What it changes has no effect.
        let mut copy = Box::new(exchange.without_bodies());
        let watch = Watch::begin(&mut copy, interceptor.as_ref(), Hook::Messages);
        let call = pin!(interceptor.open_websocket(copy));
        let (mut copy, result) = watch.over(call).await;
        match chain::settle(&mut copy, result, interceptor.as_ref(), Hook::Messages) {
            Ok(one) => opened.0.extend(one.flatten()),
            Err(error) => return Err(error),
        }
    }
    if opened.0.is_empty() {
        return Ok(None);
    }
    let client = of_response(&exchange.response.fields);
    match client.and_then(|client| Ok((client, agreed?))) {
        Ok((client, backend)) => Ok(Some(Conversation {
            interceptors: std::mem::take(&mut opened.0),
            client,
            backend,
        })),
        Err(why) => Err(ExchangeError::Extensions(why)),
    }
}

/// Those that wanted messages so far. If none come after all, also because whoever opens it gives up meanwhile, each is told.
struct Opened(Vec<Box<dyn MessageInterceptor>>);

impl Drop for Opened {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            tokio::spawn(abandon(std::mem::take(&mut self.0)));
        }
    }
}

/// Tells those that wanted messages that none will come.
async fn abandon(interceptors: Vec<Box<dyn MessageInterceptor>>) {
    for interceptor in interceptors {
        let name = interceptor.name().to_owned();
        if let Err(error) = interceptor.closed().await {
            tracing::warn!("plugin {name}: {} {error}", Hook::Messages);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::Pin;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::interceptor::{
        InterceptError, Interceptor, Matches, MessageCall, OnFailure, Outcome, Verdict,
    };
    use crate::message::Side;
    use crate::message::websocket::{Content, MessageOutbox, Peer};

    /// How many were told that no message will come.
    static TOLD: AtomicUsize = AtomicUsize::new(0);

    /// Wants the messages of each WebSocket, or never says whether it does.
    struct Asked {
        answers: bool,
    }

    struct Wants;

    impl Interceptor for Asked {
        fn name(&self) -> &str {
            "asked"
        }
        fn rules(&self) -> &Matches {
            static EVERYTHING: LazyLock<Matches> = LazyLock::new(Matches::default);
            &EVERYTHING
        }
        fn on_failure(&self) -> OnFailure {
            OnFailure::Closed
        }
    }

    impl Transform for Asked {
        async fn forward_request(&self, exchange: Box<Exchange>) -> Outcome<Verdict> {
            (exchange, Ok(Verdict::Forward))
        }
        async fn return_response(&self, exchange: Box<Exchange>) -> Outcome<()> {
            (exchange, Ok(()))
        }
        fn rewrites(&self, _: Side) -> bool {
            false
        }
        async fn rewrite_body(self: &Arc<Self>, _: Side, exchange: Box<Exchange>) -> Outcome<()> {
            (exchange, Ok(()))
        }
        fn reads_messages(&self) -> bool {
            true
        }
        async fn open_websocket(
            self: &Arc<Self>,
            exchange: Box<Exchange>,
        ) -> Outcome<Option<Box<dyn MessageInterceptor>>> {
            if !self.answers {
                pending::<()>().await;
            }
            (exchange, Ok(Some(Box::new(Wants))))
        }
    }

    impl MessageInterceptor for Wants {
        fn name(&self) -> &str {
            "asked"
        }
        fn longest(&self) -> usize {
            0
        }
        fn outbox(&self) -> MessageOutbox {
            MessageOutbox::default()
        }
        fn message(self: Box<Self>, _: Peer, _: Content) -> MessageCall {
            Box::pin(pending())
        }
        fn closed(
            self: Box<Self>,
        ) -> Pin<Box<dyn Future<Output = Result<(), InterceptError>> + Send>> {
            Box::pin(async {
                TOLD.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_wanted_messages_is_told_when_the_opening_is_given_up() {
        let answers = [true, true, false].map(|answers| Arc::new(Asked { answers }));
        let mut exchange = Exchange::blank();
        let ran: Vec<_> = answers.iter().collect();
        let opening = open(&mut exchange, &ran, Ok(None));
        let given_up = tokio::time::timeout(Duration::from_secs(1), opening).await;
        assert!(given_up.is_err());
        while TOLD.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        // Who gets the messages hears of their end, and not before.
        let opened = open(&mut exchange, &ran[..2], Ok(None)).await;
        assert!(opened.unwrap().is_some());
        tokio::task::yield_now().await;
        assert_eq!(TOLD.load(Ordering::SeqCst), 2);
    }

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

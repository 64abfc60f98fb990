//! A running exchange's way: through the chain, to the backend, and back; and around what an interceptor surrounds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderValue, StatusCode, Version};

use super::chain::{self, Due, Ran, Step};
use super::error::ExchangeError;
use super::error_fields::ErrorFields;
use super::routing::Route;
use super::tunnel::Opening;
use super::upstream::{Outgoing, Upgrade, UpstreamError};
use crate::interceptor::{
    Asking, ChainOf, ChainSource, Hook, InterceptError, Interceptor, Next, OnFailure, Surround,
};
use crate::message::hygiene::{self, Asked};
use crate::message::{
    Body, Checked, Exchange, Known, OnInformational, ResponseHead, lengths, syntax,
};

/// The backend's side of a switch of protocols, with what `upgrade` said in the answer.
pub struct Switch {
    pub opening: Opening,
    pub protocol: Option<Box<[u8]>>,
    pub status: StatusCode,
}

/// What the client wants beside an answer.
pub struct Wish {
    /// The client's address as fields show it.
    pub client_shown: HeaderValue,
    pub asked: Asked,
    pub upgrade: Option<Upgrade>,
    pub on_informational: Option<OnInformational>,
}

/// Takes an exchange through the chain, to the backend and back. The exchange is given back also after a failure. `kept`
/// gets what plugins want on an error answer.
pub async fn pass<S: ChainSource>(
    chain: &Arc<ChainOf<S>>,
    route: &Arc<Route<S>>,
    exchange: Box<Exchange>,
    wish: Wish,
    kept: &ErrorFields,
) -> (Box<Exchange>, Result<Option<Switch>, ExchangeError>) {
    let due = Due::of(chain, &exchange);
    pass_from(chain, route, &due, 0, exchange, wish, kept).await
}

/// The same from a position on.
async fn pass_from<S: ChainSource>(
    chain: &Arc<ChainOf<S>>,
    route: &Arc<Route<S>>,
    due: &Due,
    from: usize,
    exchange: Box<Exchange>,
    wish: Wish,
    kept: &ErrorFields,
) -> (Box<Exchange>, Result<Option<Switch>, ExchangeError>) {
    let mut ran = Ran::new();
    let (mut exchange, mut step) =
        chain::forward_request(chain.as_ref(), due, from, &mut ran, kept, exchange).await;
    let mut wish = Some(wish);
    // As often as there are interceptors that surround and failed without a trace.
    while let Ok(Step::Surround { around, position }) = step {
        // On the heap: few exchanges come here, and this future would be larger for all.
        let rest = Arc::new(Rest {
            chain: chain.clone(),
            route: route.clone(),
            due: due.clone(),
            from: position + 1,
            wish: Mutex::new(wish.take()),
            kept: kept.surrounded(),
            asked: AtomicBool::new(false),
            failed: Mutex::new(None),
        });
        let (returned, result) = Box::pin(surround(around.as_ref(), &rest, exchange)).await;
        exchange = returned;
        step = match result {
            Ok(true) => Ok(Step::Answered),
            Ok(false) => {
                wish = lock(&rest.wish).take();
                let on = chain::forward_request(
                    chain.as_ref(),
                    due,
                    position + 1,
                    &mut ran,
                    kept,
                    exchange,
                );
                let (returned, step) = Box::pin(on).await;
                exchange = returned;
                step
            }
            Err(error) => Err(error),
        };
    }
    let answered = match (step, wish) {
        (Ok(Step::Backend), Some(wish)) => ask_backend(route, &mut exchange, wish).await,
        // Nobody was asked, so there is nothing to answer with.
        (Ok(Step::Backend), None) => Err(ExchangeError::Panicked),
        (Ok(Step::Answered | Step::Surround { .. }), _) => Ok(None),
        (Err(error), _) => Err(error),
    };
    match answered {
        Ok(switch) => {
            let (exchange, result) = chain::return_response(exchange, &ran).await;
            (exchange, result.map(|()| switch))
        }
        Err(error) => (exchange, Err(error)),
    }
}

/// Has an interceptor answer with what comes after it at hand. False when it failed and the exchange goes on as if it weren't
/// there; then nobody saw the request.
async fn surround<S: ChainSource>(
    interceptor: &S::Around,
    rest: &Arc<Rest<S>>,
    exchange: Box<Exchange>,
) -> (Box<Exchange>, Result<bool, ExchangeError>) {
    let (mut exchange, result) = interceptor.handle(exchange, rest.clone()).await;
    let error = match result {
        Ok(()) => {
            hygiene::strip_hop_by_hop(&mut exchange.response.fields);
            return (exchange, Ok(true));
        }
        Err(error) => error,
    };
    let whole = !matches!(exchange.request_body, Body::Gone | Body::Broken(_));
    if interceptor.on_failure() == OnFailure::Open && whole && !rest.asked.load(Ordering::Acquire) {
        tracing::warn!(exchange = %exchange.id, "plugin {}: {} {error}; continuing without it", interceptor.name(), Hook::Handle);
        exchange.reset_response();
        return (exchange, Ok(false));
    }
    let failed = lock(&rest.failed).take();
    let error = match (failed, error) {
        // It handed on what it was told; that is what the client shall hear of.
        (Some(cause), InterceptError::Next(_)) => cause,
        (_, error) => ExchangeError::Interceptor {
            name: interceptor.name().to_owned(),
            hook: Hook::Handle,
            error,
        },
    };
    (exchange, Err(error))
}

/// What comes after an interceptor that surrounds it.
struct Rest<S: ChainSource> {
    chain: Arc<ChainOf<S>>,
    route: Arc<Route<S>>,
    due: Due,
    from: usize,
    /// Of the client's, for the first request that goes on; a second one can't switch its connection.
    wish: Mutex<Option<Wish>>,
    kept: Arc<ErrorFields>,
    asked: AtomicBool,
    /// Why the last request failed.
    failed: Mutex<Option<ExchangeError>>,
}

impl<S: ChainSource> Next for Rest<S> {
    fn ask(self: Arc<Self>, exchange: Box<Exchange>) -> Asking {
        self.asked.store(true, Ordering::Release);
        let kept = self.kept.surrounded();
        let on_informational = lock(&self.wish)
            .as_mut()
            .and_then(|wish| wish.on_informational.take());
        Box::pin(async move {
            let wish = Wish {
                client_shown: HeaderValue::from_static(""),
                // A switch of protocols is between two that are connected, which an answer in between is not.
                asked: Asked::default(),
                upgrade: None,
                on_informational,
            };
            let passing = pass_from(
                &self.chain,
                &self.route,
                &self.due,
                self.from,
                exchange,
                wish,
                &kept,
            );
            let (exchange, result) = passing.await;
            match result {
                Ok(_) => Ok(exchange),
                Err(error) => {
                    let told = error.as_next();
                    *lock(&self.failed) = Some(error);
                    Err(told)
                }
            }
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What every client must read in the same way, whatever protocol the response came by and goes out by.
fn check_response(head: &mut ResponseHead) -> Result<(), UpstreamError> {
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

async fn ask_backend<S>(
    route: &Route<S>,
    exchange: &mut Exchange,
    wish: Wish,
) -> Result<Option<Switch>, ExchangeError> {
    let body = exchange.request_body.send();
    // Nobody need be asked whether a body that is here already may come.
    let expect_continue = wish.asked.expect_continue && matches!(body, Body::Stream(_));
    if wish.asked.expect_continue && !expect_continue {
        exchange.request.fields.remove(Known::Expect);
    }
    let outgoing = Outgoing {
        head: &exchange.request,
        body,
        upgrade: wish.upgrade,
        expect_continue,
        on_informational: wish.on_informational,
    };
    let failed = |error| ExchangeError::Upstream {
        backend: route.backend.name().to_owned(),
        error,
    };
    let received = route.backend.send(outgoing).await.map_err(failed)?;
    let (mut response, mut body) = (received.head, received.body);
    let protocol: Option<Box<[u8]>> = response.fields.get(Known::Upgrade).map(Into::into);
    body.without_trailers(hygiene::strip_hop_by_hop(&mut response.fields));
    check_response(&mut response).map_err(failed)?;
    let status = response.status;
    if let Some(protocol) = &protocol
        && status == StatusCode::UPGRADE_REQUIRED
    {
        // It belongs to the answer's meaning (RFC 9110, section 15.5.22).
        switches_to(&mut response, protocol);
    }
    exchange.response = response;
    exchange.response_body = body;
    Ok(received.tunnel.map(|opening| Switch {
        opening,
        protocol: protocol.filter(|_| status == StatusCode::SWITCHING_PROTOCOLS),
        status,
    }))
}

/// Names a protocol to switch to, for this hop (RFC 9110, section 7.8).
pub fn switches_to(head: &mut ResponseHead, protocol: &[u8]) {
    if let Some(protocol) = Checked::new(protocol) {
        head.fields.insert(Known::Connection, "upgrade");
        head.fields.insert(Known::Upgrade, protocol);
    }
}

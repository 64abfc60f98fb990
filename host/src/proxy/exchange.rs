//! One exchange from the request's head to the response's: the straight line that everything else hangs on.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{HeaderValue, StatusCode, Version};
use http_body::Body as _;
use tokio_util::task::TaskTracker;

use super::error::ExchangeError;
use super::error_fields::ErrorFields;
use super::held::Held;
use super::http1::BadHead;
use super::pass::{self, Switch, Wish};
use super::respond::Form;
use super::routing::{Route, Routing};
use super::slots::Slots;
use super::tunnel::{self, Opening};
use super::upstream::Upgrade;
use super::{forwarding, respond};
use crate::essential;
use crate::interceptor::{ChainOf, ChainSource};
use crate::message::hygiene::{self, Asked};
use crate::message::{
    Body, Exchange, Known, Limited, OnInformational, RequestHead, ResponseHead, Scheme, Streaming,
};

/// What all connections share.
#[derive(Debug)]
pub struct Proxy<S> {
    routing: ArcSwap<Routing<S>>,
    under_way: Slots,
    next_id: AtomicU64,
    /// Tunnels outlive the exchanges that opened them.
    tunnels: TaskTracker,
}

/// A request as a connection hands it over.
pub struct Inbound {
    /// An extended CONNECT (RFC 8441) comes with its `:protocol` in `upgrade`.
    pub head: RequestHead,
    pub body: Body,
    pub client: SocketAddr,
    /// The client's address as fields show it.
    pub client_shown: HeaderValue,
    pub scheme: Scheme,
    /// Why the request stands in for one that could not be read.
    pub refused: Option<BadHead>,
    /// The client's side of a tunnel, should the answer agree to one.
    pub tunnel: Option<Opening>,
    /// Passes interim responses on.
    pub on_informational: Option<OnInformational>,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// A request that was taken on.
pub struct Begun {
    exchange: Box<Exchange>,
    wish: Wish,
    client_tunnel: Option<Opening>,
    /// What form an error takes. Decided here, because a timeout drops the exchange.
    form: Form,
    /// Why it goes no further.
    refused: Option<ExchangeError>,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun")
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// The response to a client. Its body holds what its exchange took until its last byte is sent or given up.
#[derive(Debug)]
pub struct Answer<C> {
    pub head: ResponseHead,
    pub body: Held<C>,
}

impl<S: ChainSource> Proxy<S> {
    /// Exchanges are numbered from `first_id`; runs that start far apart never meet.
    pub fn new(routing: Routing<S>, first_id: u64, tunnels: TaskTracker) -> Self {
        Self {
            routing: ArcSwap::from_pointee(routing),
            under_way: Slots::default(),
            next_id: AtomicU64::new(first_id),
            tunnels,
        }
    }

    /// What new exchanges go by.
    pub fn routing(&self) -> Arc<Routing<S>> {
        self.routing.load_full()
    }

    /// Makes this what new exchanges go by; those that run go on by the old.
    pub fn set_routing(&self, routing: Routing<S>) {
        self.routing.store(Arc::new(routing));
    }

    /// Takes a request on. On a connection that is one too many (`shed`) it will be turned away.
    ///
    /// Not part of [`run`](Self::run), whose state then has no room for the request as it came: every connection at rest
    /// keeps that room.
    pub fn begin(&self, inbound: Inbound, shed: bool) -> Begun {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let form = Form::wanted(&inbound.head.fields);
        let (head, body) = (inbound.head, inbound.body);
        let exchange = Exchange::new(id, inbound.client, inbound.scheme, head, body);
        let refused = match inbound.refused {
            _ if shed => Some(ExchangeError::Saturated("connections")),
            Some(bad) => Some(bad.into()),
            None => None,
        };
        Begun {
            exchange: Box::new(exchange),
            wish: Wish {
                client_shown: inbound.client_shown,
                asked: Asked::default(),
                upgrade: None,
                on_informational: inbound.on_informational,
            },
            client_tunnel: inbound.tunnel,
            form,
            refused,
        }
    }

    /// Answers a request. Whatever goes wrong becomes an answer too.
    pub async fn run(&self, begun: Begun) -> Answer<ChainOf<S>> {
        let slot = self.under_way.take();
        let routing = self.routing.load_full();
        let (mut exchange, wish) = (begun.exchange, begun.wish);
        let (id, form) = (exchange.id, begun.form);
        let kept = ErrorFields::default();
        let refused = match begun.refused {
            Some(error) => Err(error),
            None if slot.is_above(routing.server.max_requests) => {
                Err(ExchangeError::Saturated("requests"))
            }
            None => Ok(()),
        };

        // A head without the fields of the client's hop, and the route that it takes.
        let route = refused.and_then(|()| receive(&mut exchange, &routing, wish));
        let (exchange, chain, result) = match route {
            Err(error) => (exchange, None, Err(error)),
            Ok((route, wish)) => {
                // This exchange keeps this chain to its last byte, whatever is swapped in meanwhile.
                let chain = route.chains.current();
                let (exchange, result) = {
                    let passing = pin!(pass::pass(&chain, route, exchange, wish, &kept));
                    within(routing.server.request_timeout, passing).await
                };
                (exchange, Some(chain), result)
            }
        };
        let (head, body) = match result {
            Ok(switch) => self.finish(&routing, exchange, switch, begun.client_tunnel),
            Err(error) => {
                respond::log(id, &error);
                respond::from_error(&error, form, &kept)
            }
        };
        Answer {
            head,
            body: Held::new(body, chain, slot),
        }
    }

    /// The response, with the tunnel that it agrees to under way.
    fn finish(
        &self,
        routing: &Routing<S>,
        exchange: Box<Exchange>,
        switch: Option<Switch>,
        client: Option<Opening>,
    ) -> (ResponseHead, Body) {
        let (mut head, mut body) = (exchange.response, exchange.response_body);
        if head.status == StatusCode::NO_CONTENT {
            // RFC 9110, section 8.6 and 15.3.5. A client of HTTP/2 fails on either.
            head.fields.remove(Known::ContentLength);
            body = Body::Empty;
        }
        if routing.forwarding.via {
            hygiene::add_via(&mut head.fields, head.version);
        }
        let agreed = switch.filter(|switch| switch.status == head.status);
        let Some(switch) = agreed else {
            return (head, body);
        };
        if let Some(protocol) = &switch.protocol {
            pass::switches_to(&mut head, protocol);
        }
        if let Some(client) = client {
            let (id, idle) = (exchange.id, routing.server.tunnel_timeout);
            self.tunnels.spawn(async move {
                if let Err(error) = tunnel::join(client, switch.opening, idle).await {
                    tracing::debug!(exchange = %id, "tunnel ended: {error}");
                }
            });
        }
        (head, Body::Empty)
    }
}

/// Makes the request ready for the chain and finds its route.
fn receive<'a, S>(
    exchange: &mut Exchange,
    routing: &'a Routing<S>,
    mut wish: Wish,
) -> Result<(&'a Arc<Route<S>>, Wish), ExchangeError> {
    let head = &mut exchange.request;
    let version = head.version;
    wish.asked = hygiene::receive_request(head)?;
    let not_in_trailers = std::mem::take(&mut wish.asked.not_in_trailers);
    exchange.request_body.without_trailers(not_in_trailers);
    wish.upgrade = wish.asked.upgrade.then_some(match version {
        Version::HTTP_2 => Upgrade::ExtendedConnect,
        _ => Upgrade::Http1,
    });
    if routing.forwarding.via {
        hygiene::add_via(&mut head.fields, version);
    }
    forwarding::tell(
        &mut head.fields,
        &routing.forwarding,
        exchange.client,
        &wish.client_shown,
        exchange.scheme,
    );
    head.version = Version::HTTP_11;
    if let Some(limit) = routing.server.max_body {
        limit_body(&mut exchange.request_body, limit)?;
    }
    let route = routing.find(&exchange.request)?;
    Ok((route, wish))
}

fn limit_body(body: &mut Body, limit: u64) -> Result<(), ExchangeError> {
    if body.size_hint().lower() > limit {
        return Err(ExchangeError::TooLarge { limit });
    }
    if let Body::Stream(stream) = body
        && stream.size_hint().upper().is_none_or(|upper| upper > limit)
        && let Body::Stream(stream) = std::mem::take(body)
    {
        *body = Body::Stream(Streaming::new(Limited::new(stream, limit)));
    }
    Ok(())
}

/// Bounds the time of an exchange up to its response's head, and what a panic can do to it: no exchange goes on after one.
async fn within<T>(
    bound: Option<Duration>,
    passing: Pin<&mut impl Future<Output = (Box<Exchange>, Result<T, ExchangeError>)>>,
) -> (Box<Exchange>, Result<T, ExchangeError>) {
    let passing = essential::caught(passing);
    let failed = match bound {
        None => match passing.await {
            Ok(done) => return done,
            Err(_) => ExchangeError::Panicked,
        },
        Some(bound) => match tokio::time::timeout(bound, passing).await {
            Ok(Ok(done)) => return done,
            Ok(Err(_)) => ExchangeError::Panicked,
            Err(_) => ExchangeError::TimedOut(bound),
        },
    };
    // The exchange went with what was dropped; the answer needs none of it.
    (Box::new(Exchange::blank()), Err(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_and_no_exchange_goes_on_after_it() {
        for bound in [None, Some(Duration::from_secs(20))] {
            let passing = pin!(async {
                tokio::task::yield_now().await;
                assert!(bound.is_some_and(|bound| bound.is_zero()), "on purpose");
                (Box::new(Exchange::blank()), Ok(()))
            });
            let (_, result) = within(bound, passing).await;
            let error = result.unwrap_err();
            assert!(matches!(error, ExchangeError::Panicked), "{error}");
            let form = Form::wanted(&crate::message::Fields::new());
            let (answer, _) = respond::from_error(&error, form, &ErrorFields::default());
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}

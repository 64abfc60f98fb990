//! One exchange from the request's head to the response's: the straight line that everything else hangs on.

use std::any::Any;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Method, StatusCode, Version};
use http_body::Body as _;
use tokio_util::task::TaskTracker;

use super::error::{ExchangeError, Resource};
use super::error_fields::ErrorFields;
use super::flow;
use super::form::Form;
use super::held::Held;
use super::inbound::{Client, Inbound};
use super::last::{Switch, Wish, switches_to};
use super::respond;
use super::routing::{Route, Routing};
use super::tunnel::{self, Opening};
use super::upstream::Upgrade;
use super::websocket;
use crate::counted::Counter;
use crate::essential;
use crate::interceptor::ChainSource;
use crate::message::hygiene::BadRequest;
use crate::message::trace::{Beginning, Observers};
use crate::message::{
    Body, Exchange, ExchangeId, Fields, Known, Limited, ResponseHead, Streaming, Trace, hygiene,
};
use crate::outbound;

/// What all connections share.
#[derive(Debug)]
pub struct Proxy<S> {
    routing: ArcSwap<Routing<S>>,
    under_way: Counter,
    connections: Counter,
    accepted: AtomicU64,
    next_id: AtomicU64,
    /// Tunnels outlive the exchanges that opened them.
    tunnels: TaskTracker,
    observers: Arc<Observers>,
}

/// A request that is ready for its chain.
struct Received<S> {
    exchange: Box<Exchange>,
    wish: Wish,
    route: Arc<Route<S>>,
}

impl<S: ChainSource> Proxy<S> {
    /// Exchanges are numbered from `first_id`; runs that start far apart never meet.
    pub fn new(
        routing: Routing<S>,
        first_id: u64,
        tunnels: TaskTracker,
        observers: Arc<Observers>,
    ) -> Self {
        Self {
            routing: ArcSwap::from_pointee(routing),
            under_way: Counter::default(),
            connections: Counter::default(),
            accepted: AtomicU64::new(0),
            next_id: AtomicU64::new(first_id),
            tunnels,
            observers,
        }
    }

    /// The number of the next exchange.
    pub fn next_id(&self) -> u64 {
        self.next_id.load(Ordering::Relaxed)
    }

    /// Exchanges and WebSockets that are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.count()
    }

    /// The clients' connections that are open.
    pub fn connections(&self) -> &Counter {
        &self.connections
    }

    /// A client has connected.
    pub(super) fn count_connection(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a client has connected.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// What new exchanges go by.
    pub fn routing(&self) -> Arc<Routing<S>> {
        self.routing.load_full()
    }

    /// Makes this what new exchanges go by; those that run go on by the old.
    pub fn set_routing(&self, routing: Routing<S>) {
        self.routing.store(Arc::new(routing));
    }

    /// Answers a request; the response's body holds what its exchange took until its last byte is sent or given up. Whatever
    /// goes wrong becomes an answer too. On a connection that is one too many (`shed`) it is turned away.
    ///
    /// What waits for nothing is done at the call. The future then has no room for the request as it came, only for the
    /// exchange on the heap.
    pub fn run<'a>(
        &'a self,
        inbound: Inbound,
        client: &Client,
        shed: bool,
    ) -> impl Future<Output = (ResponseHead, Held)> + Send + use<'a, S> {
        self.run_as(self.new_id(), inbound, client, shed)
    }

    /// An id that no exchange of this process has had.
    pub(super) fn new_id(&self) -> ExchangeId {
        ExchangeId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// As [`run`](Self::run), for who wants to know the id before the exchange is over.
    pub(super) fn run_as<'a>(
        &'a self,
        id: ExchangeId,
        mut inbound: Inbound,
        client: &Client,
        shed: bool,
    ) -> impl Future<Output = (ResponseHead, Held)> + Send + use<'a, S> {
        let slot = self.under_way.take();
        let routing = self.routing.load();
        let (bound, ending) = (routing.server.request_timeout, Ending::of(&routing));
        // Decided here, because a timeout drops the exchange.
        let form = Form::wanted(&inbound.head.fields);
        let tunnel = inbound.tunnel.take();
        let trace = Trace::begin(
            &self.observers,
            Beginning {
                id,
                client: client.address,
                scheme: client.scheme,
                head: &inbound.head,
            },
        );
        trace.listener(&client.listener);
        let is_head = inbound.head.method == Method::HEAD;
        let refused = match inbound.refused {
            _ if shed => Err(ExchangeError::Saturated(Resource::Connections)),
            Some(bad) => Err(bad.into()),
            None if slot.is_above(routing.server.max_requests) => {
                Err(ExchangeError::Saturated(Resource::Requests))
            }
            None => Ok(()),
        };
        let received = refused.and_then(|()| receive(id, inbound, client, &routing, &trace));
        drop(routing);
        async move {
            let kept = ErrorFields::default();
            let mut held: Option<Arc<dyn Any + Send + Sync>> = None;
            let result = match received {
                Err(error) => Err(error),
                Ok(Received {
                    exchange,
                    wish,
                    route,
                }) => {
                    // This exchange keeps this chain to its last byte, whatever is swapped in meanwhile.
                    let chain = route.chains.current();
                    let result = {
                        let flow = pin!(flow::run(&chain, &route.backends, exchange, wish, &kept));
                        within(bound, flow).await
                    };
                    held = Some(chain);
                    result
                }
            };
            let (head, body) = match result {
                Ok((exchange, switch)) => self.finish(ending, exchange, switch, tunnel),
                Err(error) => {
                    respond::log(id, &error);
                    let (head, mut body) = respond::from_error(&error, form, &kept);
                    trace.fail(|| respond::failure(&error));
                    trace.host_answers(&head, &mut body);
                    (head, body)
                }
            };
            trace.answers(&head);
            let has_content = !is_head && head.status != StatusCode::NOT_MODIFIED;
            (head, Held::new(body, has_content, held, slot, trace))
        }
    }

    /// The response, with the tunnel that it agrees to under way.
    fn finish(
        &self,
        ending: Ending,
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
        if ending.via {
            hygiene::add_via(&mut head.fields, head.version, head.later_minor);
        }
        exchange.trace.host_left_response(&head);
        let agreed = switch.filter(|switch| switch.status == head.status);
        let Some(switch) = agreed else {
            return (head, body);
        };
        if let Some(protocol) = &switch.protocol {
            switches_to(&mut head, protocol);
        }
        if let Some(client) = client {
            let (id, idle) = (exchange.id, ending.tunnel_timeout);
            let trace = exchange.trace;
            self.tunnels.spawn(async move {
                let joined = match switch.conversation {
                    Some(conversation) => {
                        websocket::run(id, conversation, client, switch.opening, idle).await
                    }
                    None => tunnel::join(client, switch.opening, idle).await,
                };
                if let Err(error) = joined {
                    trace.cut_off();
                    tracing::debug!(exchange = %id, "tunnel ended: {error}");
                }
            });
        }
        (head, Body::Empty)
    }
}

/// What the end of an exchange takes from the configuration of its beginning.
#[derive(Debug, Clone, Copy)]
struct Ending {
    via: bool,
    tunnel_timeout: Duration,
}

impl Ending {
    fn of<S>(routing: &Routing<S>) -> Self {
        Self {
            via: routing.forwarding.via,
            tunnel_timeout: routing.server.tunnel_timeout,
        }
    }
}

/// Makes a request ready for the chain, without the fields of the client's hop, and finds its route.
fn receive<S>(
    id: ExchangeId,
    inbound: Inbound,
    client: &Client,
    routing: &Routing<S>,
    trace: &Trace,
) -> Result<Received<S>, ExchangeError> {
    let (mut head, mut body) = (inbound.head, inbound.body);
    let version = head.version;
    let asked = hygiene::receive_request(&mut head)?;
    body.without_trailers(asked.not_in_trailers);
    let upgrade = asked.upgrade.then_some(match version {
        Version::HTTP_2 => Upgrade::ExtendedConnect,
        _ => Upgrade::Http1,
    });
    if routing.forwarding.via {
        hygiene::add_via(&mut head.fields, version, head.later_minor);
    }
    hygiene::tell_of_client(
        &mut head.fields,
        &routing.forwarding,
        client.address,
        &client.shown,
        client.scheme,
    );
    head.version = Version::HTTP_11;
    if let Some(limit) = routing.server.max_body {
        limit_body(&mut body, limit)?;
    }
    trace.came(&mut body);
    let depth = calls_deep(&mut head.fields)?;
    let route = routing.find(&head, &client.listener)?.clone();
    trace.route(&route.label);
    let mut exchange = Exchange::new(id.0, client.address, client.scheme, head, body);
    exchange.depth = depth;
    exchange.trace = trace.clone();
    trace.host_left_request(&exchange.request);
    exchange.backend = route.backend.clone();
    Ok(Received {
        exchange: Box::new(exchange),
        wish: Wish {
            upgrade,
            expect_continue: asked.expect_continue,
            on_informational: inbound.on_informational,
        },
        route,
    })
}

/// How many calls of plugins deep a request is. The mark by which this process knows its own calls goes no further, whoever
/// wrote it.
fn calls_deep(fields: &mut Fields) -> Result<u32, ExchangeError> {
    let mut is_marked = false;
    let mark = outbound::MARK;
    let depth = outbound::depth_of(fields.iter().map(|(name, value)| {
        let name = name.as_bytes();
        is_marked |= name.eq_ignore_ascii_case(mark.as_str().as_bytes());
        (name, value)
    }));
    let depth = depth.unwrap_or(0);
    if is_marked {
        fields.remove(mark.as_str());
    }
    if depth >= outbound::DEEPEST {
        return Err(BadRequest::Loop(depth as usize).into());
    }
    Ok(depth)
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
/// The exchange is given back with what it came to, unless it failed; an error answer needs none of it.
async fn within<T>(
    bound: Option<Duration>,
    flow: Pin<&mut impl Future<Output = (Box<Exchange>, Result<T, ExchangeError>)>>,
) -> Result<(Box<Exchange>, T), ExchangeError> {
    let flow = essential::caught(flow);
    let done = match bound {
        None => flow.await,
        Some(bound) => match tokio::time::timeout(bound, flow).await {
            Ok(done) => done,
            Err(_) => return Err(ExchangeError::TimedOut(bound)),
        },
    };
    let (exchange, result) = done.map_err(|_| ExchangeError::Panicked)?;
    Ok((exchange, result?))
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
            let error = within(bound, passing).await.unwrap_err();
            assert!(matches!(error, ExchangeError::Panicked), "{error}");
            let form = Form::wanted(&crate::message::Fields::new());
            let (answer, _) = respond::from_error(&error, form, &ErrorFields::default());
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}

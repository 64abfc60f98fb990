//! The onion: requests go through the interceptors in order, responses in reverse order, each through those that saw
//! its request.

use std::pin::pin;
use std::sync::Arc;

use smallvec::SmallVec;

use super::error::ExchangeError;
use super::error_fields::ErrorFields;
use super::steps::{self, Watch};
use crate::interceptor::{
    Chain, Hook, InterceptError, Interceptor, Link, OnFailure, Surround, Transform, Verdict,
};
use crate::matching::{Matcher, Set};
use crate::message::{Exchange, Known, RequestHead, Side};

/// The interceptors whose `forward_request` ran, in order.
pub type Ran<'c, H> = SmallVec<[&'c Arc<H>; 8]>;

/// What is to come after the interceptors that a request went through.
#[derive(Debug)]
pub enum Step<'c, A> {
    /// None is left: what comes last answers.
    Last,
    /// One of them answered.
    Answered,
    /// This interceptor surrounds what comes after its position.
    Surround { around: &'c A, position: usize },
}

/// The links that a request takes part in as it came to the chain.
///
/// Rules are asked twice: of the request as it came, and of the request as those before a link have left it. A link is met
/// if either matches, so that no interceptor can keep a request from a later one by changing it.
#[derive(Debug, Clone, Default)]
pub struct Due(Set);

impl Due {
    pub fn of<H: Interceptor, A: Interceptor>(chain: &Chain<H, A>, exchange: &Exchange) -> Self {
        let matcher = chain.matcher();
        Self(matcher.map_or_else(Set::default, |matcher| matching(matcher, &exchange.request)))
    }
}

/// Takes a request through the chain, from a position on, until one interceptor answers it, surrounds the remainder or none is
/// left. Those that ran are added to `ran`, and what they set on the response of a request that goes on to `kept`.
pub async fn forward_request<'c, H: Transform, A: Surround>(
    chain: &'c Chain<H, A>,
    due: &Due,
    from: usize,
    ran: &mut Ran<'c, H>,
    kept: &ErrorFields,
    mut exchange: Box<Exchange>,
) -> (Box<Exchange>, Result<Step<'c, A>, ExchangeError>) {
    // The links that the request matches as it is now. Asked for when it may have changed and the answer matters.
    let (mut now, mut is_edited) = (Set::default(), from > 0 || !ran.is_empty());
    for (position, link) in chain.links().iter().enumerate().skip(from) {
        if let Some(matcher) = chain.matcher()
            && !due.0.contains(position)
        {
            if std::mem::take(&mut is_edited) {
                now = matching(matcher, &exchange.request);
            }
            if !now.contains(position) {
                continue;
            }
        }
        let interceptor = match link {
            Link::Hooks(interceptor) => interceptor,
            Link::Around(around) => {
                let around = around.as_ref();
                return (exchange, Ok(Step::Surround { around, position }));
            }
            Link::Missing(missing) => {
                let (name, why) = (missing.name.clone(), missing.why);
                return (exchange, Err(ExchangeError::Missing { name, why }));
            }
        };
        ran.push(interceptor);
        checkpoint(&mut exchange, interceptor.on_failure());
        let hook = Hook::ForwardRequest;
        let watch = Watch::begin(&mut exchange, interceptor.as_ref(), hook);
        let call = pin!(interceptor.forward_request(exchange));
        let (returned, result) = watch.over(call).await;
        (exchange, is_edited) = (returned, true);
        match settle(&mut exchange, result, interceptor.as_ref(), hook) {
            Ok(Some(Verdict::Respond)) => {
                steps::responded(&mut exchange);
                return (exchange, Ok(Step::Answered));
            }
            Ok(Some(Verdict::Forward)) => {
                kept.keep(&mut exchange.response.fields);
                exchange.reset_response();
            }
            Ok(None) => {}
            Err(error) => return (exchange, Err(error)),
        }
    }
    (exchange, Ok(Step::Last))
}

/// Takes a response back through the interceptors that ran.
pub async fn return_response<H: Transform>(
    mut exchange: Box<Exchange>,
    ran: &Ran<'_, H>,
) -> (Box<Exchange>, Result<(), ExchangeError>) {
    for interceptor in ran.iter().rev() {
        checkpoint(&mut exchange, interceptor.on_failure());
        let hook = Hook::ReturnResponse;
        let watch = Watch::begin(&mut exchange, interceptor.as_ref(), hook);
        let call = pin!(interceptor.return_response(exchange));
        let (returned, result) = watch.over(call).await;
        exchange = returned;
        if let Err(error) = settle(&mut exchange, result, interceptor.as_ref(), hook) {
            return (exchange, Err(error));
        }
    }
    (exchange, Ok(()))
}

/// Whether any of these may want to rewrite this body as it flows.
pub fn may_rewrite<H: Transform>(ran: &[&Arc<H>], side: Side, exchange: &Exchange) -> bool {
    ran.iter().any(|interceptor| interceptor.rewrites(side)) && exchange.has_body_to_rewrite(side)
}

/// Lets those that may want to rewrite a body as it flows, in this order: who comes first sees it first.
pub async fn rewrite_body<H: Transform>(
    mut exchange: Box<Exchange>,
    ran: impl Iterator<Item = &Arc<H>>,
    side: Side,
) -> (Box<Exchange>, Result<(), ExchangeError>) {
    for interceptor in ran.filter(|interceptor| interceptor.rewrites(side)) {
        checkpoint(&mut exchange, interceptor.on_failure());
        let hook = Hook::Body(side);
        let watch = Watch::begin(&mut exchange, interceptor.as_ref(), hook);
        let call = pin!(interceptor.rewrite_body(side, exchange));
        let (returned, result) = watch.over(call).await;
        exchange = returned;
        if let Err(error) = settle(&mut exchange, result, interceptor.as_ref(), hook) {
            return (exchange, Err(error));
        }
    }
    (exchange, Ok(()))
}

/// The positions of the links that a request matches. Its host is the field `host`.
fn matching(matcher: &Matcher, request: &RequestHead) -> Set {
    let host = request.fields.get_text(Known::Host).unwrap_or("");
    matcher.matching(host, request.target.as_str(), request.method.as_str())
}

fn checkpoint(exchange: &mut Exchange, policy: OnFailure) {
    if policy == OnFailure::Open {
        exchange.checkpoint();
    }
}

/// What a call came to under the interceptor's policy; `None` when it failed and was undone.
pub(super) fn settle<T>(
    exchange: &mut Exchange,
    result: Result<T, InterceptError>,
    interceptor: &impl Interceptor,
    hook: Hook,
) -> Result<Option<T>, ExchangeError> {
    steps::end(exchange, &result, interceptor.on_failure(), hook);
    match (result, interceptor.on_failure()) {
        (Ok(value), _) => {
            exchange.commit();
            Ok(Some(value))
        }
        (Err(error), OnFailure::Open) => {
            tracing::warn!(exchange = %exchange.id, "plugin {}: {hook} {error}; its changes are undone, continuing without it", interceptor.name());
            exchange.rollback();
            Ok(None)
        }
        (Err(error), OnFailure::Closed) => Err(ExchangeError::Interceptor {
            name: interceptor.name().to_owned(),
            hook,
            error,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::interceptor::{Absence, Matches, Missing, Next, Outcome};
    use crate::matching::MatchRule;
    use crate::message::{Body, Fields, Target};

    /// Appends its name to the field `trail` of what it sees, then does as told.
    struct Marker {
        name: &'static str,
        forward: Result<Verdict, InterceptError>,
        back: Result<(), InterceptError>,
        policy: OnFailure,
        rules: Matches,
        /// What it makes of the target.
        target: Option<&'static str>,
    }

    fn marker(name: &'static str) -> Marker {
        Marker {
            name,
            rules: Matches::default(),
            target: None,
            forward: Ok(Verdict::Forward),
            back: Ok(()),
            policy: OnFailure::Closed,
        }
    }

    impl Interceptor for Marker {
        fn name(&self) -> &str {
            self.name
        }
        fn rules(&self) -> &Matches {
            &self.rules
        }
        fn on_failure(&self) -> OnFailure {
            self.policy
        }
    }

    impl Transform for Marker {
        async fn forward_request(&self, mut exchange: Box<Exchange>) -> Outcome<Verdict> {
            exchange.request.fields.append("trail", self.name);
            exchange.response.fields.append("trail", self.name);
            exchange.set_request_body(self.name.into());
            if let Some(target) = self.target {
                exchange.request.target = Target::new(target.as_bytes()).unwrap();
            }
            (exchange, self.forward.clone())
        }
        async fn return_response(&self, mut exchange: Box<Exchange>) -> Outcome<()> {
            exchange.response.fields.append("trail", self.name);
            exchange.set_response_body(self.name.into());
            (exchange, self.back.clone())
        }
        fn rewrites(&self, _: Side) -> bool {
            false
        }
        async fn rewrite_body(self: &Arc<Self>, _: Side, exchange: Box<Exchange>) -> Outcome<()> {
            (exchange, Ok(()))
        }
        fn reads_messages(&self) -> bool {
            false
        }
        async fn open_websocket(
            self: &Arc<Self>,
            exchange: Box<Exchange>,
        ) -> Outcome<Option<Box<dyn crate::interceptor::MessageInterceptor>>> {
            (exchange, Ok(None))
        }
    }

    impl Surround for Marker {
        async fn handle(&self, exchange: Box<Exchange>, _: Arc<dyn Next>) -> Outcome<()> {
            (exchange, Ok(()))
        }
    }

    fn trail(fields: &Fields) -> Vec<&str> {
        let values = fields.get_all("trail");
        values.map(|v| std::str::from_utf8(v).unwrap()).collect()
    }

    fn bytes(body: &Body) -> &[u8] {
        match body {
            Body::Full { data, .. } => data,
            _ => b"",
        }
    }

    type Ended = (Box<Exchange>, Result<&'static str, ExchangeError>);

    async fn run(markers: Vec<Marker>) -> Ended {
        run_links(markers.into_iter().map(Arc::new).map(Link::Hooks).collect()).await
    }

    async fn run_links(links: Vec<Link<Marker, Marker>>) -> Ended {
        let chain = Chain::new(links);
        let mut ran = Ran::new();
        let exchange = Box::new(Exchange::blank());
        let due = Due::of(&chain, &exchange);
        let kept = ErrorFields::default();
        let (exchange, step) = forward_request(&chain, &due, 0, &mut ran, &kept, exchange).await;
        let step = match step {
            Ok(Step::Last) => "last",
            Ok(Step::Answered) => "answered",
            Ok(Step::Surround { .. }) => "surround",
            Err(error) => return (exchange, Err(error)),
        };
        let (exchange, returned) = return_response(exchange, &ran).await;
        (exchange, returned.map(|()| step))
    }

    #[tokio::test]
    async fn requests_go_in_order_and_responses_in_reverse() {
        let (exchange, verdict) = run(vec![marker("a"), marker("b")]).await;
        assert_eq!(verdict.unwrap(), "last");
        assert_eq!(trail(&exchange.request.fields), ["a", "b"]);
        assert_eq!(trail(&exchange.response.fields), ["b", "a"]);
    }

    #[tokio::test]
    async fn an_answer_skips_what_comes_after_and_returns_through_the_responder() {
        let (exchange, verdict) = run(vec![
            marker("a"),
            Marker {
                forward: Ok(Verdict::Respond),
                ..marker("b")
            },
            marker("c"),
        ])
        .await;
        assert_eq!(verdict.unwrap(), "answered");
        assert_eq!(trail(&exchange.request.fields), ["a", "b"]);
        // What a set on a response that it then forwarded is forgotten; b's answer stands.
        assert_eq!(trail(&exchange.response.fields), ["b", "b", "a"]);
    }

    #[tokio::test]
    async fn a_closed_failure_ends_the_exchange() {
        let failing = Marker {
            forward: Err(InterceptError::Trapped("x".into())),
            ..marker("b")
        };
        let (exchange, verdict) = run(vec![marker("a"), failing, marker("c")]).await;
        let error = verdict.unwrap_err();
        assert_eq!(error.to_string(), "plugin b: forward-request trapped: x");
        assert_eq!(trail(&exchange.request.fields), ["a", "b"]);
    }

    #[tokio::test]
    async fn an_open_failure_is_undone_both_ways() {
        let failing = |policy| Marker {
            forward: Err(InterceptError::Returned("x".into())),
            back: Err(InterceptError::Returned("y".into())),
            policy,
            ..marker("b")
        };
        let (exchange, verdict) =
            run(vec![marker("a"), failing(OnFailure::Open), marker("c")]).await;
        assert_eq!(verdict.unwrap(), "last");
        assert_eq!(trail(&exchange.request.fields), ["a", "c"]);
        assert_eq!(trail(&exchange.response.fields), ["c", "a"]);
        assert_eq!(bytes(&exchange.request_body), b"c");
        assert_eq!(bytes(&exchange.response_body), b"a");

        let (exchange, _) = run(vec![marker("a"), failing(OnFailure::Open)]).await;
        assert_eq!(
            bytes(&exchange.request_body),
            b"a",
            "the body that the failed call replaced is back"
        );
    }

    /// Interceptors on paths; the request is for `/`.
    #[tokio::test]
    async fn an_interceptor_takes_part_if_its_rules_match_the_request_as_it_came_or_as_it_is() {
        let on = |name, path: &str| Marker {
            rules: Matches::new(vec![MatchRule {
                path: Some(path.parse().unwrap()),
                ..MatchRule::default()
            }]),
            ..marker(name)
        };
        let to = |target, marker| Marker {
            target: Some(target),
            ..marker
        };
        for (markers, expected) in [
            (vec![on("a", "/x"), on("b", "/"), on("c", "/y")], &["b"][..]),
            // Changed on the way, and changed again.
            (
                vec![
                    on("early", "/x"),
                    to("/x", on("a", "/")),
                    on("no", "/y"),
                    on("b", "/x"),
                    on("c", "/"),
                    to("/y", on("d", "/x")),
                    on("gone", "/x"),
                    on("e", "/y"),
                ],
                &["a", "b", "c", "d", "e"],
            ),
            // What a failed one changed is undone.
            (
                vec![
                    Marker {
                        forward: Err(InterceptError::Returned("x".into())),
                        policy: OnFailure::Open,
                        ..to("/x", on("a", "/"))
                    },
                    on("no", "/x"),
                    on("b", "/"),
                ],
                &["b"],
            ),
            (vec![on("a", "/x")], &[]),
        ] {
            let (exchange, verdict) = run(markers).await;
            assert_eq!(verdict.unwrap(), "last");
            assert_eq!(trail(&exchange.request.fields), expected);
        }
    }

    #[tokio::test]
    async fn nothing_passes_the_place_of_a_missing_plugin() {
        let missing = Missing {
            name: "auth".into(),
            rules: Matches::default(),
            why: Absence::NoFile,
        };
        let hooks = |name| Link::Hooks(Arc::new(marker(name)));
        let links = vec![
            hooks("a"),
            Link::Missing(Arc::new(missing)),
            Link::Around(Arc::new(marker("b"))),
            hooks("c"),
        ];
        let (exchange, verdict) = run_links(links).await;
        let error = verdict.unwrap_err();
        assert!(
            matches!(&error, ExchangeError::Missing { name, .. } if name == "auth"),
            "{error}"
        );
        assert_eq!(trail(&exchange.request.fields), ["a"]);
    }
}

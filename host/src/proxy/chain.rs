//! The onion: requests go through the interceptors in order, responses in reverse order, each through those that saw
//! its request.

use smallvec::SmallVec;

use super::error::ExchangeError;
use super::error_fields::ErrorFields;
use crate::interceptor::{Chain, Hook, InterceptError, Interceptor, OnFailure, Outcome, Verdict};
use crate::message::Exchange;

/// Positions in the chain of the interceptors whose `forward_request` ran, in order.
pub type Ran = SmallVec<[u16; 16]>;

/// What is to come after the interceptors that a request went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// None is left: the backend is asked.
    Backend,
    /// One of them answered.
    Answered,
    /// The interceptor at this position surrounds what comes after it.
    Surround(u16),
}

/// Takes a request through the chain, from a position on, until one interceptor answers it, surrounds the rest or none is
/// left. Those that ran are added to `ran`, and what they set on the response of a request that goes on to `kept`.
pub async fn forward_request<I: Interceptor>(
    chain: &Chain<I>,
    from: u16,
    ran: &mut Ran,
    kept: &ErrorFields,
    mut exchange: Box<Exchange>,
) -> (Box<Exchange>, Result<Step, ExchangeError>) {
    for (position, interceptor) in (0..).zip(&chain.interceptors).skip(from.into()) {
        if !interceptor.matches(&exchange.request) {
            continue;
        }
        if interceptor.surrounds() {
            return (exchange, Ok(Step::Surround(position)));
        }
        ran.push(position);
        checkpoint(&mut exchange, interceptor.on_failure());
        let (returned, result) = interceptor.forward_request(exchange).await;
        exchange = returned;
        match settle(
            &mut exchange,
            result,
            interceptor.as_ref(),
            Hook::ForwardRequest,
        ) {
            Ok(Some(Verdict::Respond)) => return (exchange, Ok(Step::Answered)),
            Ok(Some(Verdict::Forward)) => {
                kept.keep(&mut exchange.response.headers);
                exchange.reset_response();
            }
            Ok(None) => {}
            Err(error) => return (exchange, Err(error)),
        }
    }
    (exchange, Ok(Step::Backend))
}

/// Takes a response back through the interceptors that ran.
pub async fn return_response<I: Interceptor>(
    chain: &Chain<I>,
    mut exchange: Box<Exchange>,
    ran: &Ran,
) -> (Box<Exchange>, Result<(), ExchangeError>) {
    for &position in ran.iter().rev() {
        let interceptor = &chain.interceptors[usize::from(position)];
        checkpoint(&mut exchange, interceptor.on_failure());
        let (returned, result): Outcome<()> = interceptor.return_response(exchange).await;
        exchange = returned;
        if let Err(error) = settle(
            &mut exchange,
            result,
            interceptor.as_ref(),
            Hook::ReturnResponse,
        ) {
            return (exchange, Err(error));
        }
    }
    (exchange, Ok(()))
}

fn checkpoint(exchange: &mut Exchange, policy: OnFailure) {
    if policy == OnFailure::Open {
        exchange.checkpoint();
    }
}

/// What a call came to under the interceptor's policy; `None` when it failed and was undone.
fn settle<T>(
    exchange: &mut Exchange,
    result: Result<T, InterceptError>,
    interceptor: &impl Interceptor,
    hook: Hook,
) -> Result<Option<T>, ExchangeError> {
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

    use http::{HeaderValue, request};

    use super::*;
    use crate::interceptor::Next;
    use crate::message::Body;

    /// Appends its name to the field `trail` of what it sees, then does as told.
    struct Marker {
        name: &'static str,
        forward: Result<Verdict, InterceptError>,
        back: Result<(), InterceptError>,
        policy: OnFailure,
        matches: bool,
    }

    fn marker(name: &'static str) -> Marker {
        Marker {
            name,
            forward: Ok(Verdict::Forward),
            back: Ok(()),
            policy: OnFailure::Closed,
            matches: true,
        }
    }

    impl Interceptor for Marker {
        fn name(&self) -> &str {
            self.name
        }
        fn matches(&self, _: &request::Parts) -> bool {
            self.matches
        }
        fn on_failure(&self) -> OnFailure {
            self.policy
        }
        async fn forward_request(&self, mut exchange: Box<Exchange>) -> Outcome<Verdict> {
            exchange
                .request
                .headers
                .append("trail", HeaderValue::from_static(self.name));
            exchange
                .response
                .headers
                .append("trail", HeaderValue::from_static(self.name));
            exchange.set_request_body(self.name.into());
            (exchange, self.forward.clone())
        }
        async fn return_response(&self, mut exchange: Box<Exchange>) -> Outcome<()> {
            exchange
                .response
                .headers
                .append("trail", HeaderValue::from_static(self.name));
            exchange.set_response_body(self.name.into());
            (exchange, self.back.clone())
        }
        async fn handle(&self, exchange: Box<Exchange>, _: Arc<dyn Next>) -> Outcome<()> {
            (exchange, Ok(()))
        }
    }

    fn trail(fields: &http::HeaderMap) -> Vec<&str> {
        fields
            .get_all("trail")
            .iter()
            .map(|v| v.to_str().unwrap())
            .collect()
    }

    fn bytes(body: &Body) -> &[u8] {
        match body {
            Body::Full { data, .. } => data,
            _ => b"",
        }
    }

    async fn run(markers: Vec<Marker>) -> (Box<Exchange>, Result<Step, ExchangeError>) {
        let chain = Chain {
            interceptors: markers.into_iter().map(Arc::new).collect(),
            generation: 0,
        };
        let mut ran = Ran::new();
        let exchange = Box::new(Exchange::probe());
        let (exchange, step) =
            forward_request(&chain, 0, &mut ran, &ErrorFields::default(), exchange).await;
        if step.is_err() {
            return (exchange, step);
        }
        let (exchange, returned) = return_response(&chain, exchange, &ran).await;
        (exchange, returned.and(step))
    }

    #[tokio::test]
    async fn requests_go_in_order_and_responses_in_reverse() {
        let (exchange, verdict) = run(vec![
            marker("a"),
            marker("b"),
            Marker {
                matches: false,
                ..marker("c")
            },
        ])
        .await;
        assert_eq!(verdict.unwrap(), Step::Backend);
        assert_eq!(trail(&exchange.request.headers), ["a", "b"]);
        assert_eq!(trail(&exchange.response.headers), ["b", "a"]);
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
        assert_eq!(verdict.unwrap(), Step::Answered);
        assert_eq!(trail(&exchange.request.headers), ["a", "b"]);
        // What a set on a response that it then forwarded is forgotten; b's answer stands.
        assert_eq!(trail(&exchange.response.headers), ["b", "b", "a"]);
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
        assert_eq!(trail(&exchange.request.headers), ["a", "b"]);
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
        assert_eq!(verdict.unwrap(), Step::Backend);
        assert_eq!(trail(&exchange.request.headers), ["a", "c"]);
        assert_eq!(trail(&exchange.response.headers), ["c", "a"]);
        assert_eq!(bytes(&exchange.request_body), b"c");
        assert_eq!(bytes(&exchange.response_body), b"a");

        let (exchange, _) = run(vec![marker("a"), failing(OnFailure::Open)]).await;
        assert_eq!(
            bytes(&exchange.request_body),
            b"a",
            "the body that the failed call replaced is back"
        );
    }
}

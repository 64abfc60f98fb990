//! The way of one exchange: through the chain, to what comes last, and back; and around what an interceptor surrounds.
//!
//! Everything that runs a chain runs it by [`run`]: the proxy with a backend as what comes [last](Last), `tollgate test`
//! with an answer from a file. So the order of the calls, what a failure does, and what is kept from an interceptor are
//! the same everywhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chain::{self, Due, Ran, Step};
use super::error::ExchangeError;
use super::error_fields::ErrorFields;
use super::last::{Last, Switch, Wish};
use super::steps::{self, Watch};
use super::websocket;
use crate::interceptor::{
    Asking, Chain, Hook, InterceptError, Next, OnFailure, Surround, Transform,
};
use crate::message::{Body, Exchange, Known, OnInformational, Side, hygiene};

/// The exchange, also after a failure, and the other side of a switch of protocols.
pub type Flowed = (Box<Exchange>, Result<Option<Switch>, ExchangeError>);

/// Takes an exchange through the chain, to what comes last, and back. `kept` gets what interceptors want on an error answer.
pub async fn run<H: Transform, A: Surround, L: Last>(
    chain: &Arc<Chain<H, A>>,
    last: &Arc<L>,
    exchange: Box<Exchange>,
    wish: Wish,
    kept: &ErrorFields,
) -> Flowed {
    let due = Due::of(chain, &exchange);
    let flow = Flow {
        chain,
        last,
        due: &due,
        kept,
    };
    flow.run_from(0, exchange, wish).await
}

/// What one way through a chain, or through the remainder of one, goes by.
struct Flow<'a, H, A, L> {
    chain: &'a Arc<Chain<H, A>>,
    last: &'a Arc<L>,
    due: &'a Due,
    kept: &'a ErrorFields,
}

impl<'a, H: Transform, A: Surround, L: Last> Flow<'a, H, A, L> {
    async fn run_from(&self, position: usize, exchange: Box<Exchange>, wish: Wish) -> Flowed {
        let mut ran = Ran::new();
        // How many of those that ran were asked whether they rewrite the request's body.
        let mut asked = 0;
        let (mut exchange, mut step) = self.forward(position, &mut ran, exchange).await;
        let answered = loop {
            let goes_on = matches!(step, Ok(Step::Last | Step::Surround { .. }));
            if goes_on && chain::may_rewrite(&ran[asked..], Side::Request, &exchange) {
                let ran = ran[asked..].iter().copied();
                // On the heap, as few exchanges come here.
                let rewrite = Box::pin(chain::rewrite_body(exchange, ran, Side::Request));
                let rewritten = rewrite.await;
                exchange = rewritten.0;
                step = rewritten.1.and(step);
            }
            asked = ran.len();
            match step {
                Ok(Step::Last) => {
                    if wish.upgrade.is_some() && websocket::is_wanted(&ran) {
                        websocket::offer(&mut exchange.request.fields);
                    }
                    steps::send(&mut exchange);
                    let answered = self.last.answer(&mut exchange, wish).await;
                    steps::received(&mut exchange, &answered);
                    break answered;
                }
                Ok(Step::Answered) => break Ok(None),
                Err(error) => break Err(error),
                // On the heap: few exchanges come here, and this future would be larger for all.
                Ok(Step::Surround { around, position }) => {
                    let around = self.go_around(around, position, &wish, &mut ran, exchange);
                    (exchange, step) = Box::pin(around).await;
                }
            }
        };
        match answered {
            Ok(Some(switch)) if websocket::is_wanted(&ran) => {
                // On the heap, as few exchanges come here.
                Box::pin(return_websocket(exchange, switch, &ran)).await
            }
            Ok(switch) => {
                let (exchange, result) = chain::return_response(exchange, &ran).await;
                if result.is_err()
                    || switch.is_some()
                    || !chain::may_rewrite(&ran, Side::Response, &exchange)
                {
                    return (exchange, result.map(|()| switch));
                }
                let ran = ran.iter().rev().copied();
                let rewrite = Box::pin(chain::rewrite_body(exchange, ran, Side::Response));
                let (exchange, result) = rewrite.await;
                (exchange, result.map(|()| switch))
            }
            Err(error) => (exchange, Err(error)),
        }
    }

    fn forward(
        &self,
        position: usize,
        ran: &mut Ran<'a, H>,
        exchange: Box<Exchange>,
    ) -> impl Future<Output = (Box<Exchange>, Result<Step<'a, A>, ExchangeError>)> + Send {
        chain::forward_request(self.chain, self.due, position, ran, self.kept, exchange)
    }

    /// Has an interceptor answer with the remainder at hand. If it failed and the exchange may go on as if it weren't
    /// there, takes the exchange on from behind it.
    async fn go_around(
        &self,
        around: &A,
        position: usize,
        wish: &Wish,
        ran: &mut Ran<'a, H>,
        exchange: Box<Exchange>,
    ) -> (Box<Exchange>, Result<Step<'a, A>, ExchangeError>) {
        let remainder = Arc::new(Remainder {
            chain: self.chain.clone(),
            last: self.last.clone(),
            due: self.due.clone(),
            from: position + 1,
            kept: self.kept.surrounded(),
            told: Mutex::new(Told {
                on_informational: wish.on_informational.clone(),
                ..Told::default()
            }),
        });
        let mut exchange = exchange;
        // The guest computes in a task of its own.
        Watch::begin(&mut exchange, around, Hook::Handle);
        let (mut exchange, result) = around.handle(exchange, remainder.clone()).await;
        steps::end(&mut exchange, &result, around.on_failure(), Hook::Handle);
        let error = match result {
            Ok(()) => {
                hygiene::strip_hop_by_hop(&mut exchange.response.fields);
                return (exchange, Ok(Step::Answered));
            }
            Err(error) => error,
        };
        let whole = !matches!(exchange.request_body, Body::Gone | Body::Broken(_));
        let told = std::mem::take(&mut *remainder.told());
        if around.on_failure() == OnFailure::Open && whole && !told.asked {
            tracing::warn!(exchange = %exchange.id, "plugin {}: {} {error}; continuing without it", around.name(), Hook::Handle);
            exchange.reset_response();
            return self.forward(position + 1, ran, exchange).await;
        }
        let error = match (told.failed, error) {
            // It handed on what it was told; that is what the client shall hear of.
            (Some(cause), InterceptError::Next(_)) => cause,
            (_, error) => ExchangeError::Interceptor {
                name: around.name().to_owned(),
                hook: Hook::Handle,
                error,
            },
        };
        (exchange, Err(error))
    }
}

/// Takes a switch of protocols back through those that ran, and asks them for the messages if it is to WebSocket.
async fn return_websocket<H: Transform>(
    exchange: Box<Exchange>,
    mut switch: Switch,
    ran: &Ran<'_, H>,
) -> Flowed {
    // What the backend agreed to, whatever becomes of the fields.
    let agreed = websocket::of_response(&exchange.response.fields);
    let protocol = switch.protocol.as_deref();
    let protocol = protocol.or_else(|| exchange.request.fields.get(Known::Upgrade));
    let is_websocket = protocol.is_some_and(websocket::names_websocket);
    let (mut exchange, result) = chain::return_response(exchange, ran).await;
    if let Err(error) = result {
        return (exchange, Err(error));
    }
    if is_websocket && exchange.response.status == switch.status {
        match websocket::open(&mut exchange, ran, agreed).await {
            Ok(conversation) => switch.conversation = conversation,
            Err(error) => return (exchange, Err(error)),
        }
    }
    (exchange, Ok(Some(switch)))
}

/// What of the chain lies behind an interceptor that surrounds it, and behind that what comes last.
struct Remainder<H, A, L> {
    chain: Arc<Chain<H, A>>,
    last: Arc<L>,
    due: Due,
    from: usize,
    kept: Arc<ErrorFields>,
    told: Mutex<Told>,
}

/// What came of the remainder so far.
#[derive(Default)]
struct Told {
    asked: bool,
    /// The client's, for the first request that goes on.
    on_informational: Option<OnInformational>,
    /// Why the last request failed.
    failed: Option<ExchangeError>,
}

impl<H, A, L> Remainder<H, A, L> {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H: Transform, A: Surround, L: Last> Next for Remainder<H, A, L> {
    fn ask(self: Arc<Self>, mut exchange: Box<Exchange>) -> Asking {
        steps::asked(&mut exchange);
        let kept = self.kept.surrounded();
        let wish = {
            let mut told = self.told();
            told.asked = true;
            Wish {
                on_informational: told.on_informational.take(),
                // A switch of protocols is between two that are connected, which an answer in between is not.
                ..Wish::default()
            }
        };
        Box::pin(async move {
            let flow = Flow {
                chain: &self.chain,
                last: &self.last,
                due: &self.due,
                kept: &kept,
            };
            let (exchange, result) = flow.run_from(self.from, exchange, wish).await;
            match result {
                Ok(_) => Ok(exchange),
                Err(error) => {
                    let told = error.as_next();
                    self.told().failed = Some(error);
                    Err(told)
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interceptor::{Interceptor, Link, Matches, MessageInterceptor, Outcome, Verdict};
    use crate::message::trace::{
        Beginning, Finished, Level, Observer, Observers, Outcome as TraceOutcome, Performer,
    };
    use crate::message::{ResponseHead, Trace};
    use crate::proxy::last::receive_response;
    use crate::proxy::upstream::{Upgrade, UpstreamError};

    /// With hooks it leaves its name; around others it does as told.
    #[derive(Clone)]
    enum Fake {
        Marks(&'static str),
        AsksTwice,
        Fails,
        HandsOn,
    }

    impl Interceptor for Fake {
        fn name(&self) -> &str {
            "fake"
        }
        fn rules(&self) -> &Matches {
            static EVERYTHING: std::sync::LazyLock<Matches> =
                std::sync::LazyLock::new(Matches::default);
            &EVERYTHING
        }
        fn on_failure(&self) -> OnFailure {
            OnFailure::Open
        }
    }

    impl Transform for Fake {
        async fn forward_request(&self, mut exchange: Box<Exchange>) -> Outcome<Verdict> {
            if let Fake::Marks(name) = self {
                exchange.request.fields.append("trail", *name);
            }
            (exchange, Ok(Verdict::Forward))
        }
        async fn return_response(&self, mut exchange: Box<Exchange>) -> Outcome<()> {
            if let Fake::Marks(name) = self {
                exchange.response.fields.append("trail", *name);
            }
            (exchange, Ok(()))
        }
        fn rewrites(&self, _: Side) -> bool {
            matches!(self, Fake::Marks(_))
        }
        async fn rewrite_body(
            self: &Arc<Self>,
            side: Side,
            mut exchange: Box<Exchange>,
        ) -> Outcome<()> {
            if let Fake::Marks(name) = &**self {
                exchange.fields_mut(side).append("rewritten", *name);
            }
            (exchange, Ok(()))
        }
        fn reads_messages(&self) -> bool {
            false
        }
        async fn open_websocket(
            self: &Arc<Self>,
            exchange: Box<Exchange>,
        ) -> Outcome<Option<Box<dyn MessageInterceptor>>> {
            (exchange, Ok(None))
        }
    }

    impl Surround for Fake {
        async fn handle(&self, mut exchange: Box<Exchange>, next: Arc<dyn Next>) -> Outcome<()> {
            let failed = InterceptError::Trapped("x".to_owned());
            match self {
                Fake::AsksTwice => {
                    for _ in 0..2 {
                        let request = exchange.request.clone();
                        let mut sent = Box::new(Exchange::blank());
                        sent.request = request;
                        sent.trace = exchange.trace.deeper();
                        exchange.response = next.clone().ask(sent).await.unwrap().response;
                    }
                    (exchange, Ok(()))
                }
                Fake::HandsOn => {
                    let error = next.ask(Box::new(Exchange::blank())).await.unwrap_err();
                    (exchange, Err(InterceptError::Next(error)))
                }
                Fake::Marks(_) | Fake::Fails => (exchange, Err(failed)),
            }
        }
    }

    /// Notes of each request who marked it and what its client wants, and answers with a mark of its own.
    #[derive(Default)]
    struct Noting {
        asked: Mutex<Vec<String>>,
        refuses: bool,
    }

    impl Last for Noting {
        async fn answer(
            &self,
            exchange: &mut Exchange,
            wish: Wish,
        ) -> Result<Option<Switch>, ExchangeError> {
            let trail = exchange.request.fields.get_all("trail");
            let trail = trail.map(|mark| std::str::from_utf8(mark).unwrap());
            let note = format!(
                "{} upgrade {} continue {} interim {}",
                trail.collect::<Vec<_>>().concat(),
                wish.upgrade.is_some(),
                wish.expect_continue,
                wish.on_informational.is_some()
            );
            self.asked.lock().unwrap().push(note);
            let failed = |error| ExchangeError::Upstream {
                backend: "noting".to_owned(),
                error,
            };
            if self.refuses {
                return Err(failed(UpstreamError::Protocol("no".to_owned())));
            }
            let mut head = ResponseHead::new(http::StatusCode::OK);
            head.fields.append("trail", "last");
            receive_response(exchange, head, Body::Empty).map_err(failed)?;
            Ok(None)
        }
    }

    async fn flow(links: Vec<Link<Fake, Fake>>, last: &Arc<Noting>) -> Result<String, String> {
        let wish = Wish {
            upgrade: Some(Upgrade::Http1),
            expect_continue: true,
            on_informational: Some(Arc::new(|_| {})),
        };
        let exchange = Box::new(Exchange::blank());
        let chain = Arc::new(Chain::new(links));
        let (exchange, result) = run(&chain, last, exchange, wish, &ErrorFields::default()).await;
        let trail = exchange.response.fields.get_all("trail");
        let trail = trail.map(|mark| std::str::from_utf8(mark).unwrap());
        result
            .map(|_| trail.collect::<Vec<_>>().join(" "))
            .map_err(|error| error.to_string())
    }

    fn hooks(name: &'static str) -> Link<Fake, Fake> {
        Link::Hooks(Arc::new(Fake::Marks(name)))
    }

    fn around(fake: Fake) -> Link<Fake, Fake> {
        Link::Around(Arc::new(fake))
    }

    #[tokio::test]
    async fn each_request_to_the_remainder_meets_what_is_behind_and_switches_nothing() {
        let last = Arc::new(Noting::default());
        let links = vec![hooks("a"), around(Fake::AsksTwice), hooks("b")];
        assert_eq!(flow(links, &last).await.unwrap(), "last b a");
        let first = "ab upgrade false continue false interim true";
        let second = "ab upgrade false continue false interim false";
        assert_eq!(*last.asked.lock().unwrap(), [first, second]);
    }

    #[tokio::test]
    async fn observers_learn_who_worked_on_it_in_which_order_and_how_deep() {
        let keeping = Arc::new(Keeping::default());
        let observers = Arc::new(Observers::new(vec![keeping.clone()]));
        let last = Arc::new(Noting::default());
        let mut exchange = Box::new(Exchange::blank());
        let beginning = Beginning {
            id: exchange.id,
            client: exchange.client,
            scheme: exchange.scheme,
            head: &exchange.request,
        };
        exchange.trace = Trace::begin(&observers, beginning);
        let links = vec![hooks("a"), around(Fake::AsksTwice), around(Fake::Fails)];
        let chain = Arc::new(Chain::new(links));
        let kept = ErrorFields::default();
        let (exchange, result) = run(&chain, &last, exchange, Wish::default(), &kept).await;
        assert!(result.is_ok() && keeping.0.lock().unwrap().is_empty());
        drop(exchange);
        let kept = keeping.0.lock().unwrap();
        let steps = kept[0].times.steps.iter().map(|step| {
            let who = match &step.performer {
                Performer::Host => "host",
                Performer::Plugin { hook, .. } => hook,
                Performer::Backend { .. } => "backend",
            };
            let what = match &step.outcome {
                TraceOutcome::Done => "done",
                TraceOutcome::Undone(_) => "undone",
                other => panic!("{other:?}"),
            };
            format!("{who} {what} {}", step.depth)
        });
        let inside = ["handle undone 1", "backend done 1"];
        let mut expected = vec!["forward-request done 0", "handle done 0"];
        expected.extend([inside, inside].concat());
        expected.extend(["return-response done 0", "response-body done 0"]);
        assert_eq!(steps.collect::<Vec<_>>(), expected);
    }

    #[derive(Debug, Default)]
    struct Keeping(Mutex<Vec<Arc<Finished>>>);

    impl Observer for Keeping {
        fn wants(&self) -> Level {
            Level::Times
        }
        fn finished(&self, exchange: &Arc<Finished>) {
            self.0.lock().unwrap().push(exchange.clone());
        }
    }

    #[tokio::test]
    async fn who_fails_without_a_trace_leaves_the_client_all_that_it_wants() {
        let last = Arc::new(Noting::default());
        let links = vec![
            hooks("a"),
            around(Fake::Fails),
            hooks("b"),
            around(Fake::Fails),
            hooks("c"),
        ];
        assert_eq!(flow(links, &last).await.unwrap(), "last c b a");
        let all = "abc upgrade true continue true interim true";
        assert_eq!(*last.asked.lock().unwrap(), [all]);
    }

    #[tokio::test]
    async fn the_error_that_an_interceptor_hands_on_is_the_one_that_it_was_told() {
        let last = Arc::new(Noting {
            refuses: true,
            ..Noting::default()
        });
        let links = vec![around(Fake::HandsOn), hooks("b")];
        let error = flow(links, &last).await.unwrap_err();
        assert!(error.starts_with("backend noting: "), "{error}");
        assert_eq!(last.asked.lock().unwrap().len(), 1);
    }
}

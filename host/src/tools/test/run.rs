//! The exchanges of a case through a chain of one plugin, as the proxy would run them, but for a backend that answers from the
//! file.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::calls::{CallsCame, CannedCalls};
use super::case::{Case, Input};
use super::metrics::Samples;
use super::state::Entry;
use super::{message, messages, metrics, timed};
use crate::config::backend::DEFAULT_BACKEND;
use crate::interceptor::{Chain, Hook, InterceptError, Link, Surround, Transform};
use crate::message::{
    BackendChoice, BackendNames, Body, BodyError, BoxError, Exchange, RequestHead, ResponseHead,
    Streaming, TargetError,
};
use crate::metrics::Metrics;
use crate::plugin::{Guest, Instance, PluginState};
use crate::proxy::upstream::{Upgrade, UpstreamError};
use crate::proxy::{ErrorFields, ExchangeError, Last, Switch, Wish, flow, receive_response};
use crate::store::{MOST_KEYS, StoreError};
use crate::tools::conditions::Conditions;
use crate::tools::cut::Cut;
use crate::tools::log::PluginLines;

/// Every case begins with the first exchange, of a client at this port of this machine: plugins that show them show the
/// same each time.
const FIRST_EXCHANGE: u64 = 1;
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);

/// Where a case runs.
#[derive(Debug)]
pub(super) struct Stage {
    /// With nothing in its memory.
    pub plugin: Guest,
    pub conditions: Conditions,
    /// The plugin's bucket, empty.
    pub state: PluginState,
    /// The answers to the plugin's outbound requests.
    pub calls: Arc<CannedCalls>,
    /// Where the plugin counts and measures.
    pub metrics: Metrics,
}

/// What came of an exchange.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// What reached the backend.
    pub request: Option<Request<Bytes>>,
    /// What the client would get; none when a hook failed.
    pub response: Option<Response<Bytes>>,
    /// In which pieces the bodies left, the request's and the response's.
    pub pieces: [Vec<Bytes>; 2],
    /// Which messages of a WebSocket reached whom.
    pub messages: Vec<String>,
    pub calls: CallsCame,
    /// The plugin's state afterwards.
    pub state: Vec<Entry>,
    /// It is not the one that was there before.
    pub has_changed_state: bool,
    /// What the plugin has counted and measured by then.
    pub metrics: Samples,
    /// The hook that failed, and why: `forward-request: TEXT`.
    pub error: Option<String>,
    /// `LEVEL text`
    pub log: Vec<String>,
}

/// Runs the exchanges of a case. `log` is where the plugin's lines go.
///
/// # Errors
/// When the plugin's state can't be what the case says.
pub(super) async fn run(stage: &Stage, case: &Case, log: &PluginLines) -> Result<Vec<Got>, String> {
    let mut state = fill(&stage.state, &case.state).await?;
    let mut all = Vec::with_capacity(case.exchanges.len());
    let mut ticking = None;
    let mut ids = FIRST_EXCHANGE..;
    for exchange in &case.exchanges {
        if !exchange.after.is_zero() {
            tokio::time::sleep(exchange.after).await;
            state = read(&stage.state).await?;
        }
        log.take();
        stage.calls.begin(&exchange.expect.calls);
        let mut got = match &exchange.input {
            Some(input) => {
                let id = ids.next().unwrap_or_default();
                run_link(stage.plugin.link(), id, input, &stage.conditions).await
            }
            None => tick(stage, &mut ticking).await?,
        };
        got.metrics = metrics::samples(&stage.metrics.snapshot());
        got.calls = stage.calls.end();
        got.log = log.take();
        got.state = read(&stage.state).await?;
        got.has_changed_state = got.state != state;
        state.clone_from(&got.state);
        all.push(got);
    }
    Ok(all)
}

/// Calls a plugin's background work, on the instance that is kept for it.
///
/// # Errors
/// When the plugin has none.
async fn tick(stage: &Stage, kept: &mut Option<Instance>) -> Result<Got, String> {
    let plugin = match &stage.plugin {
        Guest::Hooks(plugin) if plugin.has_background() => plugin,
        _ => return Err("the plugin has no background work that `tick` could call".to_owned()),
    };
    let limit = stage.conditions.timeout;
    let error = match tokio::time::timeout(limit, plugin.tick(kept)).await {
        Ok(Ok(())) => None,
        Ok(Err(InterceptError::Returned(text) | InterceptError::NotStarted(text))) => Some(text),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("took longer than {} s", limit.as_secs_f64())),
    };
    Ok(Got {
        error: error.map(|error| one_line(&format!("tick: {error}"))),
        ..Got::default()
    })
}

/// Puts what a case says into a state, and says what is there.
async fn fill(state: &PluginState, entries: &[Entry]) -> Result<Vec<Entry>, String> {
    for Entry { key, value, left } in entries {
        let set = state.store.set(&state.bucket, key, value.clone(), *left);
        set.await
            .map_err(|error| format!("state: {key}: {error}"))?;
    }
    read(state).await
}

/// All that a plugin's state holds, in the order of its keys.
async fn read(state: &PluginState) -> Result<Vec<Entry>, String> {
    let PluginState { store, bucket } = state;
    let failed = |error: StoreError| format!("the plugin's state can't be read: {error}");
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.key.clone());
        let page = store.keys(bucket, "", after.as_deref(), MOST_KEYS).await;
        let page = page.map_err(failed)?;
        if page.is_empty() {
            return Ok(entries);
        }
        for key in page {
            // One that expires meanwhile is not there.
            if let Some(value) = store.get(bucket, &key).await.map_err(failed)? {
                let left = store.time_left(bucket, &key).await.map_err(failed)?;
                entries.push(Entry { key, value, left });
            }
        }
    }
}

/// Runs an exchange through a chain of this link.
pub(super) async fn run_link<H: Transform, A: Surround>(
    link: Link<H, A>,
    id: u64,
    input: &Input,
    conditions: &Conditions,
) -> Got {
    let backend = Arc::new(Canned {
        fields: input.request.headers().clone(),
        response: input.response.clone(),
        cut: conditions.pieces[1].clone(),
        is_websocket: input.messages.is_some(),
        got: Mutex::new(None),
    });
    let came = pass(link, &backend, id, input, conditions).await;
    let request = backend.lock().take();
    let (request, sent) = request.map_or((None, Vec::new()), |(head, pieces)| (Some(head), pieces));
    let came = came.unwrap_or_else(|error| Answered {
        error: Some(error),
        ..Answered::default()
    });
    Got {
        request,
        response: came.response,
        pieces: [sent, came.pieces],
        messages: came.messages,
        error: came.error,
        ..Got::default()
    }
}

/// What the client got.
#[derive(Default)]
struct Answered {
    response: Option<Response<Bytes>>,
    pieces: Vec<Bytes>,
    messages: Vec<String>,
    error: Option<String>,
}

async fn pass<H: Transform, A: Surround>(
    link: Link<H, A>,
    backend: &Arc<Canned>,
    id: u64,
    input: &Input,
    conditions: &Conditions,
) -> Result<Answered, String> {
    let (parts, sent) = input.request.clone().into_parts();
    let head = message::head_of(&parts).map_err(|error| error.to_string())?;
    let sent = arriving(sent, &conditions.pieces[0]);
    let mut exchange = Exchange::new(id, CLIENT, input.scheme, head, sent);
    exchange.backend = backends(&conditions.backends);
    let hook = match &link {
        Link::Around(_) => Hook::Handle,
        Link::Hooks(_) | Link::Missing(_) => Hook::ForwardRequest,
    };
    let limit = conditions.timeout;
    let (link, mut alarm) = timed::link(link, limit);
    let chain = Arc::new(Chain::new(vec![link]));
    let kept = ErrorFields::default();
    let wish = Wish {
        upgrade: input.messages.as_ref().map(|_| Upgrade::Http1),
        ..Wish::default()
    };
    let flow = flow::run(&chain, backend, Box::new(exchange), wish, &kept);
    let (mut exchange, result) = tokio::select! {
        done = flow => done,
        late = alarm.hook() => return Err(took_longer(late, limit)),
    };
    let switch = result.map_err(|error| explain(&error, hook))?;
    let pieces = whole(exchange.response_body.send());
    let pieces = tokio::time::timeout(limit, pieces).await;
    let pieces = pieces.map_err(|_| took_longer(hook, limit))??;
    // A length that the backend told is one that may be seen.
    let before = input.response.headers();
    let response = answer(&exchange.response, before, pieces.concat().into());
    let (messages, error) = match (switch, &input.messages) {
        (Some(switch), Some(sent)) => messages::pass(switch.conversation, sent, limit).await,
        _ => (Vec::new(), None),
    };
    Ok(Answered {
        response: Some(response),
        pieces,
        messages,
        error: error.map(|error| one_line(&error)),
    })
}

/// Those that the plugin may choose, and the one of the route. Whichever it is, the answer is that of the case.
fn backends(granted: &[String]) -> BackendChoice {
    let names = granted.iter().cloned().chain([DEFAULT_BACKEND.to_owned()]);
    let names = Arc::new(BackendNames::new(names));
    BackendChoice::of(&names, DEFAULT_BACKEND).unwrap_or_default()
}

/// What comes last: keeps the last request that reaches it, and answers each from the file.
struct Canned {
    fields: HeaderMap,
    response: Response<Bytes>,
    /// How the response's body arrives.
    cut: Cut,
    /// Whether it switches to WebSocket, if it answers with 101.
    is_websocket: bool,
    got: Mutex<Option<(Request<Bytes>, Vec<Bytes>)>>,
}

impl Canned {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Request<Bytes>, Vec<Bytes>)>> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last for Canned {
    async fn answer(
        &self,
        exchange: &mut Exchange,
        _: Wish,
    ) -> Result<Option<Switch>, ExchangeError> {
        let failed = |error| ExchangeError::Upstream {
            backend: "of the case".to_owned(),
            error,
        };
        let sent = pieces(exchange.request_body.send()).await;
        let lost = |error| failed(UpstreamError::RequestBody(error));
        let sent = sent.map_err(|error| lost(BodyError::from_source(error.as_ref())))?;
        let request = captured(&exchange.request, &self.fields, sent.concat().into());
        let request = request.map_err(|error| failed(UpstreamError::Target(error)))?;
        *self.lock() = Some((request, sent));
        let (parts, body) = self.response.clone().into_parts();
        let head = ResponseHead::from(&parts);
        let status = head.status;
        receive_response(exchange, head, arriving(body, &self.cut)).map_err(failed)?;
        let switches = self.is_websocket && status == StatusCode::SWITCHING_PROTOCOLS;
        Ok(switches.then(|| Switch {
            // Messages come from the case.
            opening: Box::pin(std::future::pending()),
            protocol: Some(Box::from(*b"websocket")),
            status,
            conversation: None,
        }))
    }
}

/// A body as it comes from a peer: it can be read once, unless a plugin keeps it.
fn arriving(body: Bytes, cut: &Cut) -> Body {
    if body.is_empty() {
        return Body::Empty;
    }
    let pieces = cut.pieces(body).into_iter();
    let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    Body::Stream(Streaming::new(StreamBody::new(stream::iter(frames))))
}

/// The pieces in which a body leaves.
async fn pieces(mut body: Body) -> Result<Vec<Bytes>, BoxError> {
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        pieces.extend(frame?.into_data().ok().filter(|data| !data.is_empty()));
    }
    Ok(pieces)
}

async fn whole(body: Body) -> Result<Vec<Bytes>, String> {
    let pieces = pieces(body).await;
    pieces.map_err(|error| match BodyError::find(error.as_ref()) {
        Some(BodyError::Rewriting(failed)) => one_line(&format!("{}: {}", failed.hook, failed.why)),
        _ => one_line(&format!("the body was lost: {error}")),
    })
}

fn captured(
    head: &RequestHead,
    before: &HeaderMap,
    body: Bytes,
) -> Result<Request<Bytes>, TargetError> {
    let mut request = message::request_of(head, body)?;
    forget_length(request.headers_mut(), before);
    Ok(request)
}

fn answer(head: &ResponseHead, before: &HeaderMap, body: Bytes) -> Response<Bytes> {
    let mut response = Response::from_parts(head.into(), body);
    forget_length(response.headers_mut(), before);
    response
}

/// A length that only the host set, for an empty body in the place of another, is none of the plugin's doing.
fn forget_length(fields: &mut HeaderMap, before: &HeaderMap) {
    if !before.contains_key(header::CONTENT_LENGTH) {
        fields.remove(header::CONTENT_LENGTH);
    }
}

fn took_longer(hook: Hook, limit: Duration) -> String {
    format!("{hook}: took longer than {} s", limit.as_secs_f64())
}

/// As an `expect error` has it. What no hook returned is said to be of the one in which it came about.
fn explain(error: &ExchangeError, hook: Hook) -> String {
    let text = match error {
        ExchangeError::Interceptor {
            hook:
                hook @ (Hook::ForwardRequest | Hook::ReturnResponse | Hook::Body(_) | Hook::Messages),
            error: InterceptError::Returned(message) | InterceptError::NotStarted(message),
            ..
        } => format!("{hook}: {message}"),
        ExchangeError::Interceptor { hook, error, .. } => format!("{hook}: {error}"),
        ExchangeError::Upstream {
            error: UpstreamError::RequestBody(BodyError::Rewriting(failed)),
            ..
        } => format!("{}: {}", failed.hook, failed.why),
        ExchangeError::Upstream {
            error: UpstreamError::RequestBody(error),
            ..
        } => format!("{hook}: the request's body was lost: {error}"),
        other => format!("{hook}: {other}"),
    };
    one_line(&text)
}

/// With line breaks and other control characters written out, so that it is one line of a file.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        if c.is_control() && c != '\t' {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interceptor::{Interceptor, Matches, Next, OnFailure, Outcome, Verdict};
    use crate::message::{Known, Scheme, Side};

    /// What a plugin does in whichever hook.
    #[derive(Clone, Copy, PartialEq)]
    enum Does {
        /// Fails and has asked nobody.
        Fail,
        /// Fails when it has the answer of the remainder.
        AskAndFail,
        /// Sends a body that breaks off, and hands on what it is told.
        AskBadly,
        /// Answers with fields for this hop.
        SetHopFields,
        /// Never returns from this hook.
        Wait(Hook),
    }

    struct Fake(Does, OnFailure);

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
            self.1
        }
    }

    impl Fake {
        async fn wait_in(&self, hook: Hook) {
            if self.0 == Does::Wait(hook) {
                std::future::pending().await
            }
        }
    }

    impl Transform for Fake {
        async fn forward_request(&self, exchange: Box<Exchange>) -> Outcome<Verdict> {
            self.wait_in(Hook::ForwardRequest).await;
            (exchange, Ok(Verdict::Forward))
        }
        async fn return_response(&self, exchange: Box<Exchange>) -> Outcome<()> {
            self.wait_in(Hook::ReturnResponse).await;
            (exchange, Ok(()))
        }
        fn rewrites(&self, side: Side) -> bool {
            self.0 == Does::Wait(Hook::Body(side))
        }
        async fn rewrite_body(
            self: &Arc<Self>,
            side: Side,
            exchange: Box<Exchange>,
        ) -> Outcome<()> {
            self.wait_in(Hook::Body(side)).await;
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

    impl Surround for Fake {
        async fn handle(&self, mut exchange: Box<Exchange>, next: Arc<dyn Next>) -> Outcome<()> {
            self.wait_in(Hook::Handle).await;
            let trapped = || Err(InterceptError::Trapped("x".to_owned()));
            let mut sent = Box::new(Exchange::blank());
            match self.0 {
                Does::SetHopFields => {
                    let fields = &mut exchange.response.fields;
                    fields.insert(Known::Connection, "x-hop");
                    fields.insert(Known::KeepAlive, "timeout=5");
                    fields.insert("x-hop", "1");
                    fields.insert("x-end", "2");
                    (exchange, Ok(()))
                }
                Does::AskAndFail => {
                    next.ask(sent).await.unwrap();
                    (exchange, trapped())
                }
                Does::AskBadly => {
                    sent.request_body = Body::Broken("it trapped".to_owned());
                    let error = next.ask(sent).await.unwrap_err();
                    (exchange, Err(InterceptError::Next(error)))
                }
                Does::Fail | Does::Wait(_) => (exchange, trapped()),
            }
        }
    }

    async fn run_as(link: Link<Fake, Fake>) -> Got {
        let input = Input {
            messages: None,
            scheme: Scheme::Http,
            request: Request::new(Bytes::from_static(b"sent")),
            response: Response::new(Bytes::from_static(b"canned")),
        };
        run_link(link, FIRST_EXCHANGE, &input, &Conditions::default()).await
    }

    async fn around(does: Does, policy: OnFailure) -> Got {
        run_as(Link::Around(Arc::new(Fake(does, policy)))).await
    }

    #[tokio::test]
    async fn fields_of_one_hop_that_a_component_sets_reach_no_client() {
        let got = around(Does::SetHopFields, OnFailure::Closed).await;
        let answer = got.response.unwrap();
        let names: Vec<_> = answer.headers().keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["x-end"]);
    }

    #[tokio::test]
    async fn the_failure_policy_of_a_component_holds() {
        use OnFailure::{Closed, Open};
        let trapped = Some("handle: trapped: x");
        // What it does, its policy, what reaches the backend, what the client gets, the error.
        let cases = [
            (Does::Fail, Closed, None, None, trapped),
            (
                Does::Fail,
                Open,
                Some(&b"sent"[..]),
                Some(&b"canned"[..]),
                None,
            ),
            // The backend has seen the request, so it is not sent again.
            (Does::AskAndFail, Open, Some(b""), None, trapped),
            (Does::AskAndFail, Closed, Some(b""), None, trapped),
        ];
        for (does, policy, request, response, error) in cases {
            let got = around(does, policy).await;
            let came = got.request.as_ref().map(|request| &request.body()[..]);
            assert_eq!(came, request, "{policy:?}");
            let came = got.response.as_ref().map(|response| &response.body()[..]);
            assert_eq!(came, response, "{policy:?}");
            assert_eq!(got.error.as_deref(), error, "{policy:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_a_component_breaks_off_is_its_error() {
        let got = around(Does::AskBadly, OnFailure::Closed).await;
        let error = got.error.unwrap();
        let begin = "handle: the request's body was lost: ";
        assert!(
            error.starts_with(begin) && error.contains("it trapped"),
            "{error}"
        );
        assert!(got.request.is_none() && got.response.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_never_returns_is_named_and_no_policy_goes_on_without_it() {
        for policy in [OnFailure::Closed, OnFailure::Open] {
            for hook in [
                Hook::ForwardRequest,
                Hook::ReturnResponse,
                Hook::Handle,
                Hook::Body(Side::Request),
                Hook::Body(Side::Response),
            ] {
                let fake = Arc::new(Fake(Does::Wait(hook), policy));
                let link = match hook {
                    Hook::Handle => Link::Around(fake),
                    _ => Link::Hooks(fake),
                };
                let got = run_as(link).await;
                let error = format!("{hook}: took longer than 10 s");
                assert_eq!(got.error, Some(error), "{policy:?}");
                let is_late = [Hook::ReturnResponse, Hook::Body(Side::Response)].contains(&hook);
                assert_eq!(got.request.is_some(), is_late);
                assert!(got.response.is_none());
            }
        }
    }
}

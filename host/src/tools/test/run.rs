//! One case through a chain of one plugin, as the proxy would run it, but for a backend that answers from the file.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full};

use super::case::Input;
use super::{message, timed};
use crate::interceptor::{Chain, Hook, InterceptError, Link, Surround, Transform};
use crate::message::{
    Body, BodyError, Exchange, RequestHead, ResponseHead, Streaming, TargetError,
};
use crate::plugin::Guest;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::{ErrorFields, ExchangeError, Last, Switch, Wish, flow, receive_response};
use crate::tools::log::PluginLines;

/// Every case is the first exchange, of a client at this port of this machine: plugins that show them show the same
/// each time.
const EXCHANGE: u64 = 1;
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);

/// What came of a case.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// What reached the backend.
    pub request: Option<Request<Bytes>>,
    /// What the client would get; none when a hook failed.
    pub response: Option<Response<Bytes>>,
    /// The hook that failed, and why: `forward-request: TEXT`.
    pub error: Option<String>,
    /// `LEVEL text`
    pub log: Vec<String>,
}

/// Runs a case. `log` is where the plugin's lines go.
pub(super) async fn run(plugin: &Guest, input: &Input, log: &PluginLines) -> Got {
    log.take();
    let mut got = run_link(plugin.link(), input).await;
    got.log = log.take();
    got
}

/// Runs a case through a chain of this link.
pub(super) async fn run_link<H: Transform, A: Surround>(link: Link<H, A>, input: &Input) -> Got {
    let backend = Arc::new(Canned {
        fields: input.request.headers().clone(),
        response: input.response.clone(),
        got: Mutex::new(None),
    });
    let came = pass(link, &backend, input).await;
    let request = backend.lock().take();
    let (response, error) = match came {
        Ok(response) => (Some(response), None),
        Err(error) => (None, Some(error)),
    };
    Got {
        request,
        response,
        error,
        log: Vec::new(),
    }
}

async fn pass<H: Transform, A: Surround>(
    link: Link<H, A>,
    backend: &Arc<Canned>,
    input: &Input,
) -> Result<Response<Bytes>, String> {
    let (parts, sent) = input.request.clone().into_parts();
    let head = message::head_of(&parts).map_err(|error| error.to_string())?;
    let exchange = Exchange::new(EXCHANGE, CLIENT, input.scheme, head, arriving(sent));
    let hook = match &link {
        Link::Around(_) => Hook::Handle,
        Link::Hooks(_) | Link::Missing(_) => Hook::ForwardRequest,
    };
    let limit = input.conditions.timeout;
    let (link, mut alarm) = timed::link(link, limit);
    let chain = Arc::new(Chain::new(vec![link]));
    let kept = ErrorFields::default();
    let flow = flow::run(&chain, backend, Box::new(exchange), Wish::default(), &kept);
    let (mut exchange, result) = tokio::select! {
        done = flow => done,
        late = alarm.hook() => return Err(took_longer(late, limit)),
    };
    result.map_err(|error| explain(&error, hook))?;
    let body = whole(exchange.response_body.send());
    let body = tokio::time::timeout(limit, body).await;
    let body = body.map_err(|_| took_longer(hook, limit))??;
    // A length that the backend told is one that may be seen.
    let before = input.response.headers();
    Ok(answer(&exchange.response, before, body))
}

/// What comes last: keeps the last request that reaches it, and answers each from the file.
struct Canned {
    fields: HeaderMap,
    response: Response<Bytes>,
    got: Mutex<Option<Request<Bytes>>>,
}

impl Canned {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Request<Bytes>>> {
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
        let sent = exchange.request_body.send().collect().await;
        let lost = |error| failed(UpstreamError::RequestBody(error));
        let sent = sent.map_err(|error| lost(BodyError::from_source(error.as_ref())))?;
        let request = captured(&exchange.request, &self.fields, sent.to_bytes());
        *self.lock() = Some(request.map_err(|error| failed(UpstreamError::Target(error)))?);
        let (parts, body) = self.response.clone().into_parts();
        let head = ResponseHead::from(&parts);
        receive_response(exchange, head, arriving(body)).map_err(failed)?;
        Ok(None)
    }
}

/// A body as it comes from a peer: it can be read once, unless a plugin keeps it.
fn arriving(body: Bytes) -> Body {
    if body.is_empty() {
        Body::Empty
    } else {
        Body::Stream(Streaming::new(Full::new(body)))
    }
}

async fn whole(body: Body) -> Result<Bytes, String> {
    let collected = body.collect().await;
    collected
        .map(|body| body.to_bytes())
        .map_err(|error| match BodyError::find(error.as_ref()) {
            Some(BodyError::Rewriting(failed)) => {
                one_line(&format!("{}: {}", failed.hook, failed.why))
            }
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
            hook: hook @ (Hook::ForwardRequest | Hook::ReturnResponse | Hook::Body(_)),
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
    use crate::tools::conditions::Conditions;

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
            conditions: Conditions::default(),
            scheme: Scheme::Http,
            request: Request::new(Bytes::from_static(b"sent")),
            response: Response::new(Bytes::from_static(b"canned")),
        };
        run_link(link, &input).await
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

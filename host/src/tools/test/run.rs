//! One case through the chain: the plugin's own code, the proxy's own order of calls, a backend that answers from the file.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full};

use super::case::Input;
use crate::interceptor::{
    Asking, Chain, Hook, InterceptError, Next, NextError, NextErrorKind, Surround,
};
use crate::message::{Body, Exchange, RequestHead, ResponseHead, Streaming};
use crate::plugin::Guest;
use crate::proxy::chain::{self, Step};
use crate::proxy::{ErrorFields, ExchangeError};
use crate::tools::log::Lines;

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
pub(super) async fn run(plugin: &Guest, input: &Input, log: &Lines) -> Got {
    log.take();
    let mut got = Got::default();
    if let Err(error) = pass(plugin, input, &mut got).await {
        got.error = Some(error);
    }
    got.log = log.take();
    got
}

async fn pass(plugin: &Guest, input: &Input, got: &mut Got) -> Result<(), String> {
    let chain = Chain::new(vec![plugin.link()]);
    let (parts, sent) = input.request.clone().into_parts();
    let head = RequestHead::try_from(&parts).map_err(|error| error.to_string())?;
    let exchange = Exchange::new(EXCHANGE, CLIENT, input.scheme, head, arriving(sent));
    let mut ran = chain::Ran::new();
    let limit = input.conditions.timeout;
    let due = chain::Due::of(&chain, &exchange);
    let kept = ErrorFields::default();
    let exchange = Box::new(exchange);
    let call = chain::forward_request(&chain, &due, 0, &mut ran, &kept, exchange);
    let (mut exchange, step) = within(limit, Hook::ForwardRequest, call).await?;
    let step = step.map_err(|error| explain(&error))?;
    if let Step::Surround { around, .. } = step {
        return surround(around.as_ref(), exchange, input, got).await;
    }
    if let Step::Backend = step {
        let body = whole(exchange.request_body.send()).await?;
        got.request = Some(captured(&exchange.request, input.request.headers(), body));
        let (parts, body) = input.response.clone().into_parts();
        exchange.response = ResponseHead::from(&parts);
        exchange.response_body = arriving(body);
    }
    // What is there before the way back, so that a length that the backend told is one that may be seen.
    let before = HeaderMap::from(&exchange.response.fields);
    let call = chain::return_response(exchange, &ran);
    let (mut exchange, result) = within(limit, Hook::ReturnResponse, call).await?;
    result.map_err(|error| explain(&error))?;
    let body = whole(exchange.response_body.send()).await?;
    got.response = Some(answer(&exchange.response, &before, body));
    Ok(())
}

/// A plugin that answers itself with the backend at hand.
async fn surround(
    plugin: &impl Surround,
    exchange: Box<Exchange>,
    input: &Input,
    got: &mut Got,
) -> Result<(), String> {
    let before = input.response.headers();
    let backend = Arc::new(Backend {
        fields: input.request.headers().clone(),
        response: input.response.clone(),
        got: Mutex::new(None),
    });
    let limit = input.conditions.timeout;
    let called = within(
        limit,
        Hook::Handle,
        plugin.handle(exchange, backend.clone()),
    )
    .await;
    got.request = lock(&backend.got).take();
    let (mut exchange, result) = called?;
    result.map_err(|error| one_line(&format!("{}: {error}", Hook::Handle)))?;
    let body = whole(exchange.response_body.send());
    let body = within(limit, Hook::Handle, body).await??;
    got.response = Some(answer(&exchange.response, before, body));
    Ok(())
}

/// What comes of a call, unless it takes longer than this, most likely in waiting: computing has a limit of its own.
async fn within<T>(
    limit: Duration,
    hook: Hook,
    call: impl Future<Output = T>,
) -> Result<T, String> {
    let called = tokio::time::timeout(limit, call).await;
    called.map_err(|_| format!("{hook}: took longer than {} s", limit.as_secs_f64()))
}

/// Takes the requests that a plugin sends on, of which the last one is kept, and answers them from the file.
struct Backend {
    fields: HeaderMap,
    response: Response<Bytes>,
    got: Mutex<Option<Request<Bytes>>>,
}

impl Next for Backend {
    fn ask(self: Arc<Self>, mut exchange: Box<Exchange>) -> Asking {
        Box::pin(async move {
            let body = whole(exchange.request_body.send()).await;
            let body = body.map_err(|text| NextError {
                kind: NextErrorKind::Broken,
                text,
            })?;
            *lock(&self.got) = Some(captured(&exchange.request, &self.fields, body));
            let (parts, body) = self.response.clone().into_parts();
            exchange.response = ResponseHead::from(&parts);
            exchange.response_body = arriving(body);
            Ok(exchange)
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        .map_err(|error| one_line(&format!("the body was lost: {error}")))
}

fn captured(head: &RequestHead, before: &HeaderMap, body: Bytes) -> Request<Bytes> {
    let mut request = Request::from_parts(head.into(), body);
    forget_length(request.headers_mut(), before);
    request
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

fn explain(error: &ExchangeError) -> String {
    match error {
        ExchangeError::Interceptor {
            hook,
            error: InterceptError::Returned(message),
            ..
        } => one_line(&format!("{hook}: {message}")),
        ExchangeError::Interceptor { hook, error, .. } => one_line(&format!("{hook}: {error}")),
        other => one_line(&other.to_string()),
    }
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

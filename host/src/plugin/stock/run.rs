//! A guest's task: one instance for one request, from its first instruction until it has nothing left to do.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use wasmtime::component::Accessor;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::handler::{Proxy, ProxyPre};
use wasmtime_wasi_http::p2::bindings::http::types as p2_types;
use wasmtime_wasi_http::p3::bindings::http::types as p3_types;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _, p2, p3};

use super::code::Code;
use super::convert;
use super::life::Life;
use super::next::Origin;
use super::state::State;
use crate::interceptor::{InterceptError, Next};
use crate::message::Exchange;
use crate::plugin::facts::Facts;
use crate::plugin::instance;
use crate::text;

/// How long an instance is kept when its guest is done and its answer is still being read: what the guest wrote last may
/// be under way.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What became of an answer for which the guest of a 0.2 world has no means any more.
const NEVER_SET: &str = "no answer: it dropped the response-outparam without setting it";

/// The head of an answer, or why there is none.
pub type Head = Result<Response<WasiBody>, InterceptError>;

/// What becomes of a request's body.
type Read = Pin<Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>>;

/// A guest at work. Dropped before its answer has come, it is stopped at once.
#[derive(Debug)]
pub struct Task(Option<JoinHandle<()>>);

impl Task {
    /// One that is over.
    #[cfg(test)]
    pub fn ended() -> Self {
        Self(None)
    }

    /// Lets it come to its own end.
    pub fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}

/// Starts an instance on this request; the head of its answer comes through the channel.
pub fn spawn(
    code: &Arc<Code>,
    facts: &Arc<Facts>,
    origin: Arc<Origin>,
    request: Request<WasiBody>,
    life: Arc<Life>,
    head: oneshot::Sender<Head>,
) -> Task {
    let (code, facts) = (code.clone(), facts.clone());
    Task(Some(tokio::spawn(async move {
        let mut store = store(&code, &facts, &life, &origin);
        let mut head = Some(head);
        let work = Box::pin(work(
            &mut store, &code.pre, request, &origin, &life, &mut head,
        ));
        let Some(ended) = watched(work, &life).await else {
            return fail(&facts, &life, head, life.stalled());
        };
        if let Err(error) = ended {
            let error = explain(&error, store.data());
            fail(&facts, &life, head, error);
        }
    })))
}

fn store(code: &Code, facts: &Arc<Facts>, life: &Arc<Life>, origin: &Arc<Origin>) -> Store<State> {
    let state = State::new(facts, life.clone(), origin.clone());
    let mut store = Store::new(code.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.epoch_deadline_callback(|context| {
        Ok(match context.data().life.tick() {
            true => UpdateDeadline::Yield(1),
            false => UpdateDeadline::Interrupt,
        })
    });
    store.set_epoch_deadline(1);
    store
}

/// Makes an instance for this exchange and drops it.
///
/// # Errors
/// When there is no room for one, or when the guest's own start-up traps or takes too long.
pub async fn instantiate(
    code: &Code,
    facts: &Arc<Facts>,
    exchange: &Exchange,
    next: Arc<dyn Next>,
) -> Result<(), InterceptError> {
    let life = Arc::new(Life::new(facts.cpu_ticks()));
    let origin = Arc::new(Origin::new(exchange, next, life.clone()));
    let mut store = store(code, facts, &life, &origin);
    match code.pre.instantiate_async(&mut store).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(&error, store.data())),
    }
}

/// Says why a guest ended: to whoever waits for its answer, or reads it.
fn fail(facts: &Facts, life: &Life, head: Option<oneshot::Sender<Head>>, error: InterceptError) {
    match head {
        Some(head) => drop(head.send(Err(error))),
        None if life.is_wanted() => {
            tracing::warn!("plugin {}: it {error} after it had answered", facts.name);
            life.fail(error);
        }
        // What clients do by leaving is no warning.
        None => tracing::debug!(
            "plugin {}: it {error} after its client had left",
            facts.name
        ),
    }
}

/// Makes an instance and has it answer. Done when the guest is.
async fn work(
    store: &mut Store<State>,
    pre: &ProxyPre<State>,
    request: Request<WasiBody>,
    origin: &Origin,
    life: &Life,
    head: &mut Option<oneshot::Sender<Head>>,
) -> wasmtime::Result<()> {
    match pre.instantiate_async(&mut *store).await? {
        Proxy::P3(service) => {
            let calls = async |accessor: &Accessor<State>| {
                let answer = call_p3(accessor, &service, request, origin, life).await?;
                send(head, life, answer);
                poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
                let over = life.until_body_is_over();
                let _ = tokio::time::timeout(LAST_WORDS, over).await;
                Ok(())
            };
            store.run_concurrent(calls).await?
        }
        Proxy::P2(proxy) => call_p2(store, &proxy, request, origin, life, head).await,
    }
}

/// `wasi:http/handler.handle`, of a service or a middleware.
async fn call_p3(
    accessor: &Accessor<State>,
    service: &p3::bindings::Service,
    request: Request<WasiBody>,
    origin: &Origin,
    life: &Life,
) -> wasmtime::Result<Head> {
    let (request, mut read) = accessor.with(|mut access| {
        let http = access.get().http();
        let (request, read) = p3::Request::from_http(http.hooks, request);
        // In a box, or its type would be tied to the store.
        let read: Read = Box::pin(read);
        (http.table.push(request), read)
    });
    let request = request?;
    let handler = service.wasi_http_handler();
    let mut call = pin!(handler.call_handle(accessor, request));
    let mut report = None;
    let answer = poll_fn(|cx| {
        let answer = call.as_mut().poll(cx);
        if answer.is_pending()
            && report.is_none()
            && let Poll::Ready(reported) = read.as_mut().poll(cx)
        {
            if let Err(error) = &reported {
                life.report(error.to_string());
            }
            report = Some(reported);
        }
        answer
    });
    let answer = answer.await?;
    if let Some(reported) = report {
        read = Box::pin(std::future::ready(reported));
    }
    let response = match answer {
        Ok(response) => response,
        Err(code) => return Ok(Err(returned_p3(&code, origin))),
    };
    let response = accessor.with(|mut access| {
        let response = access.get().http().table.delete(response)?;
        response.into_http(&mut access, read)
    })?;
    Ok(convert::checked_answer(response))
}

/// `wasi:http/incoming-handler.handle`. The answer comes through the out-parameter while the call goes on.
async fn call_p2(
    store: &mut Store<State>,
    proxy: &p2::bindings::Proxy,
    request: Request<WasiBody>,
    origin: &Origin,
    life: &Life,
    head: &mut Option<oneshot::Sender<Head>>,
) -> wasmtime::Result<()> {
    let scheme = match request.uri().scheme_str() {
        Some("https") => p2_types::Scheme::Https,
        _ => p2_types::Scheme::Http,
    };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let (set, answer) = oneshot::channel();
    let out = http.new_response_outparam(set)?;
    let mut answer = Some(answer);
    let mut call = pin!(
        proxy
            .wasi_http_incoming_handler()
            .call_handle(&mut *store, request, out)
    );
    let result = poll_fn(|cx| {
        let ended = call.as_mut().poll(cx);
        if let Some(waiting) = &mut answer
            && let Poll::Ready(set) = Pin::new(waiting).poll(cx)
        {
            answer = None;
            let found = match set {
                Ok(Ok(response)) => convert::checked_answer(response),
                Ok(Err(code)) => Err(returned_p2(&code, origin)),
                Err(_) => Err(InterceptError::Returned(NEVER_SET.to_owned())),
            };
            send(head, life, found);
        }
        ended
    })
    .await;
    if result.is_ok() && head.is_some() {
        send(
            head,
            life,
            Err(InterceptError::Returned(NEVER_SET.to_owned())),
        );
    }
    result
}

fn send(head: &mut Option<oneshot::Sender<Head>>, life: &Life, answer: Head) {
    life.head_sent();
    if let Some(head) = head.take() {
        // Whoever waited may have left.
        let _ = head.send(answer);
    }
}

/// An error code that a guest answered with. If it only hands on what it was told of what comes next, that is the reason.
fn returned_p3(code: &p3_types::ErrorCode, origin: &Origin) -> InterceptError {
    returned(&format!("{code:?}"), origin)
}

fn returned_p2(code: &p2_types::ErrorCode, origin: &Origin) -> InterceptError {
    returned(&format!("{code:?}"), origin)
}

fn returned(code: &str, origin: &Origin) -> InterceptError {
    match origin.failure() {
        Some(error) => InterceptError::Next(error),
        None => InterceptError::Returned(format!("the error code {}", text::line(code))),
    }
}

/// Polls a guest's work for as long as it may go on; none when it was silent for too long.
async fn watched<F: Future>(mut work: Pin<Box<F>>, life: &Life) -> Option<F::Output> {
    let mut alarm = pin!(tokio::time::sleep(Duration::MAX));
    let mut leaving = pin!(life.until_client_left());
    let (mut set, mut left, mut reported) = (false, false, false);
    poll_fn(|cx: &mut Context<'_>| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        life.gave_way();
        if !reported && life.reported().is_some() {
            (set, reported) = (false, true);
        }
        if !left && leaving.as_mut().poll(cx).is_ready() {
            // There is less time now than the alarm was set for.
            (set, left) = (false, true);
        }
        // The alarm goes off at the earliest time that counts; a sign of life since then sets it anew.
        loop {
            if set && alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match life.time_left() {
                Some(left) => alarm.as_mut().reset(Instant::now() + left),
                None => return Poll::Ready(None),
            }
            set = true;
        }
    })
    .await
}

fn explain(error: &wasmtime::Error, state: &State) -> InterceptError {
    if state.life.computed_too_long() {
        let limit = state.facts.limits.deadline.as_millis();
        return InterceptError::Deadline {
            limit_ms: u64::try_from(limit).unwrap_or(u64::MAX),
        };
    }
    instance::explain_rest(error, &state.memory)
}

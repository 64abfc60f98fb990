//! A guest's task: one instance for one request, from its first instruction until it has nothing left to do.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::Instant;
use wasmtime::component::Accessor;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::handler::{Proxy, ProxyPre};
use wasmtime_wasi_http::p2::bindings::http::types as p2_types;
use wasmtime_wasi_http::p3::bindings::http::types as p3_types;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _, p2, p3};

use super::compile::StandardCode;
use super::convert;
use super::life::GuestLife;
use super::next::GuestExchange;
use super::state::StandardState;
use super::task::GuestTask;
use crate::interceptor::InterceptError;
use crate::plugin::wasm::{self, PluginVersion};
use crate::text;
use crate::timer::Timer;

/// How long an instance is kept when its guest is done and its answer is still being read: what the guest wrote last may
/// be under way.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What became of an answer for which the guest of a 0.2 world has no means any more.
const NEVER_SET: &str = "no answer: it dropped the response-outparam without setting it";

/// The head of an answer, or why there is none.
pub type AnswerHead = Result<Response<WasiBody>, InterceptError>;

/// What becomes of a request's body.
type RequestRead = Pin<Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>>;

/// Starts an instance on this request; the head of its answer comes through the channel.
pub fn spawn(
    code: &Arc<StandardCode>,
    version: &Arc<PluginVersion>,
    origin: Arc<GuestExchange>,
    request: Request<WasiBody>,
    life: Arc<GuestLife>,
    head: oneshot::Sender<AnswerHead>,
) -> GuestTask {
    let (code, version) = (code.clone(), version.clone());
    GuestTask::new(tokio::spawn(async move {
        let mut store = store(&code, &version, &life, &origin);
        let mut head = Some(head);
        let work = Box::pin(work(
            &mut store, &code.pre, request, &origin, &life, &mut head,
        ));
        let Some(ended) = watched(work, &life).await else {
            return fail(&version, &life, head, life.stalled());
        };
        if let Err(error) = ended {
            let error = explain(&error, store.data());
            fail(&version, &life, head, error);
        }
    }))
}

fn store(
    code: &StandardCode,
    version: &Arc<PluginVersion>,
    life: &Arc<GuestLife>,
    origin: &Arc<GuestExchange>,
) -> Store<StandardState> {
    let state = StandardState::new(version, life.clone(), origin.clone());
    let mut store = Store::new(code.engine(), state);
    store.limiter(|state| &mut state.guest.memory);
    store.epoch_deadline_callback(|context| {
        Ok(match context.data().life.tick() {
            true => UpdateDeadline::Yield(1),
            false => UpdateDeadline::Interrupt,
        })
    });
    store.set_epoch_deadline(1);
    store
}

/// Makes an instance for an exchange and drops it.
///
/// # Errors
/// When there is no room for one, or when the guest's own start-up traps or takes too long.
pub async fn instantiate(
    code: &StandardCode,
    version: &Arc<PluginVersion>,
    origin: &Arc<GuestExchange>,
    life: &Arc<GuestLife>,
) -> Result<(), InterceptError> {
    let mut store = store(code, version, life, origin);
    match code.pre.instantiate_async(&mut store).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(&error, store.data())),
    }
}

/// Says why a guest ended: to whoever waits for its answer, or reads it.
fn fail(
    version: &PluginVersion,
    life: &GuestLife,
    head: Option<oneshot::Sender<AnswerHead>>,
    error: InterceptError,
) {
    match head {
        Some(head) => drop(head.send(Err(error))),
        None if life.is_wanted() => {
            tracing::warn!("plugin {}: it {error} after it had answered", version.name);
            version.count_failure(&Err::<(), _>(error.clone()));
            life.fail(error);
        }
        // What clients do by leaving is no warning.
        None => tracing::debug!(
            "plugin {}: it {error} after its client had left",
            version.name
        ),
    }
}

/// Makes an instance and has it answer. Done when the guest is.
async fn work(
    store: &mut Store<StandardState>,
    pre: &ProxyPre<StandardState>,
    request: Request<WasiBody>,
    origin: &GuestExchange,
    life: &GuestLife,
    head: &mut Option<oneshot::Sender<AnswerHead>>,
) -> wasmtime::Result<()> {
    match pre.instantiate_async(&mut *store).await? {
        Proxy::P3(service) => {
            let calls = async |accessor: &Accessor<StandardState>| {
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
    accessor: &Accessor<StandardState>,
    service: &p3::bindings::Service,
    request: Request<WasiBody>,
    origin: &GuestExchange,
    life: &GuestLife,
) -> wasmtime::Result<AnswerHead> {
    let (request, mut read) = accessor.with(|mut access| {
        let http = access.get().http();
        let (request, read) = p3::Request::from_http(http.hooks, request);
        // In a box, or its type would be tied to the store.
        let read: RequestRead = Box::pin(read);
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
    store: &mut Store<StandardState>,
    proxy: &p2::bindings::Proxy,
    request: Request<WasiBody>,
    origin: &GuestExchange,
    life: &GuestLife,
    head: &mut Option<oneshot::Sender<AnswerHead>>,
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

fn send(head: &mut Option<oneshot::Sender<AnswerHead>>, life: &GuestLife, answer: AnswerHead) {
    life.head_sent();
    if let Some(head) = head.take() {
        // Whoever waited may have left.
        let _ = head.send(answer);
    }
}

/// An error code that a guest answered with. If it only hands on what it was told of what comes next, that is the reason.
fn returned_p3(code: &p3_types::ErrorCode, origin: &GuestExchange) -> InterceptError {
    returned(&format!("{code:?}"), origin)
}

fn returned_p2(code: &p2_types::ErrorCode, origin: &GuestExchange) -> InterceptError {
    returned(&format!("{code:?}"), origin)
}

fn returned(code: &str, origin: &GuestExchange) -> InterceptError {
    match origin.failure() {
        Some(error) => InterceptError::Next(error),
        None => InterceptError::Returned(format!("the error code {}", text::line(code))),
    }
}

/// Polls a guest's work for as long as it may go on; none when it was silent for too long.
async fn watched<F: Future>(mut work: Pin<Box<F>>, life: &GuestLife) -> Option<F::Output> {
    let mut timer = Timer::default();
    let mut leaving = pin!(life.until_client_left());
    let mut left = false;
    poll_fn(|cx: &mut Context<'_>| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        life.gave_way();
        // There is less time from then on, so the task must hear of it.
        left = left || leaving.as_mut().poll(cx).is_ready();
        loop {
            let Some(time) = life.time_left() else {
                return Poll::Ready(None);
            };
            ready!(timer.poll_passed(cx, Instant::now() + time));
        }
    })
    .await
}

fn explain(error: &wasmtime::Error, state: &StandardState) -> InterceptError {
    if state.life.computed_too_long() {
        let limit = state.guest.version.limits.deadline.as_millis();
        return InterceptError::Deadline {
            limit_ms: u64::try_from(limit).unwrap_or(u64::MAX),
        };
    }
    wasm::explain(error, &state.guest.memory)
}

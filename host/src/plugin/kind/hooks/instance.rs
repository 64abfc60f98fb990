//! One instance of a plugin and the calls into it.

mod messages;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::{AsContextMut, Store, UpdateDeadline};

use super::compile::Linked;
use super::contract::{BodyWish, Fate, Hooks};
use super::waits::{waiting_at_most, within};
use crate::interceptor::{Hook, InterceptError, Outcome, Verdict};
use crate::message::{BodyError, Exchange, Side};
use crate::plugin::host::{CallPace, HooksState, Outbox, TrialServices};
use crate::plugin::wasm::{self, PluginVersion};
use crate::text;

/// The longest that a call may take with all its waiting. The CPU budget stops a guest that computes, the body timeout one
/// that waits for a body; this stops what sleeps for ever.
pub const LONGEST_CALL: Duration = Duration::from_secs(120);

/// An instance that grew by more than this since it was made is replaced, as its language runtime may never give
/// memory back (componentize-py, StarlingMonkey).
const MOST_GROWTH: u64 = 64 << 20;

/// A plugin's instance with the store that it lives in.
pub struct Instance {
    store: Store<HooksState>,
    hooks: Box<dyn Hooks>,
    calls: u32,
    memory_at_start: u64,
    /// How long it may still wait, in a trial.
    trial: Option<Duration>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl Instance {
    /// A new instance.
    ///
    /// # Errors
    /// When no slot or memory is left, or when the guest's own start-up traps.
    pub async fn new(pre: &Linked, version: &Arc<PluginVersion>) -> Result<Self, InterceptError> {
        let mut store = Store::new(pre.engine(), HooksState::new(version));
        store.limiter(|state| &mut state.guest.memory);
        store.epoch_deadline_callback(|mut context| Ok(on_tick(context.data_mut())));
        store.set_epoch_deadline(1);
        let linked = within(LONGEST_CALL, Box::pin(pre.enter(store.as_context_mut())));
        let linked = linked.await;
        store.data().guest.voice.end();
        match linked {
            Some(Ok(hooks)) => {
                if hooks.has_start() {
                    start(hooks.as_ref(), &mut store, version).await?;
                }
                let memory_at_start = store.data().guest.memory.used();
                Ok(Self {
                    store,
                    hooks,
                    calls: 0,
                    memory_at_start,
                    trial: None,
                })
            }
            Some(Err(error)) => Err(explain(&error, store.data(), version)),
            None => Err(stalled(LONGEST_CALL)),
        }
    }

    /// Calls one of the plugin's functions for this exchange, which comes back whatever happens.
    ///
    /// After an error the instance must not be used again: wasmtime won't enter it, or its state is unknown.
    pub async fn call(
        &mut self,
        hook: Hook,
        exchange: Box<Exchange>,
        pace: CallPace,
        version: &PluginVersion,
    ) -> Outcome<Verdict> {
        match pace {
            CallPace::Straight => self.call_straight(hook, exchange, version),
            CallPace::Yielding => self.call_yielding(hook, exchange, version).await,
        }
    }

    /// The same on the caller's stack, to its end: for guests that can't wait.
    pub fn call_straight(
        &mut self,
        hook: Hook,
        mut exchange: Box<Exchange>,
        version: &PluginVersion,
    ) -> Outcome<Verdict> {
        self.begin(&mut exchange, CallPace::Straight);
        self.store.data_mut().may_choose = hook == Hook::ForwardRequest;
        let called = self.hooks.run_straight(&mut self.store, hook);
        let result = self.end(Some(called), &mut exchange, version);
        (exchange, result)
    }

    /// Asks whether it wants to rewrite the body of this side.
    pub async fn begin_body(
        &mut self,
        side: Side,
        mut exchange: Box<Exchange>,
        version: &PluginVersion,
    ) -> Outcome<Option<BodyWish>> {
        self.begin(&mut exchange, CallPace::Yielding);
        let run = self.hooks.begin_body(&mut self.store, side);
        let called = Self::bounded(&mut self.trial, run).await;
        let result = self.end(called, &mut exchange, version);
        (exchange, result)
    }

    /// Has it do its background work once. There is no exchange.
    pub async fn tick(&mut self, version: &PluginVersion) -> Result<(), InterceptError> {
        self.calls += 1;
        let state = self.store.data_mut();
        *state.exchange = Exchange::blank();
        state.begin_background();
        state.restart_calls();
        self.store.set_epoch_deadline(1);
        let run = self.hooks.tick(&mut self.store);
        let called = Self::bounded(&mut self.trial, run).await;
        self.end_held(called, version)
    }

    /// From now on its calls are for this body of this exchange, of which it gets the heads, and what it emits goes there.
    pub fn hold(&mut self, exchange: &Exchange, outbox: Outbox) {
        let state = self.store.data_mut();
        *state.exchange = exchange.without_bodies();
        state.outbox = Some(outbox);
    }

    /// It is done with that body, or that WebSocket.
    pub fn release(&mut self) {
        let state = self.store.data_mut();
        *state.exchange = Exchange::blank();
        (state.outbox, state.messages) = (None, None);
    }

    /// Gives it a piece of the body that it holds. Waits for as long as it does: whoever polls this knows whom it waits for.
    pub async fn piece(
        &mut self,
        side: Side,
        data: Bytes,
        version: &PluginVersion,
    ) -> Result<Fate, InterceptError> {
        self.begin_held();
        let called = self.hooks.piece(&mut self.store, side, data).await;
        self.end_held(Some(called), version)
    }

    /// Tells it that the body is complete, in the same way.
    pub async fn end_body(
        &mut self,
        side: Side,
        version: &PluginVersion,
    ) -> Result<(), InterceptError> {
        self.begin_held();
        let called = self.hooks.end_body(&mut self.store, side).await;
        self.end_held(Some(called), version)
    }

    /// Asks in a trial for an empty body, and ends it. An error that the plugin returns is no failure: the exchange is made up.
    pub async fn try_body(
        &mut self,
        side: Side,
        exchange: Box<Exchange>,
        version: &PluginVersion,
    ) -> Outcome<()> {
        let (exchange, wish) = self.begin_body(side, exchange, version).await;
        let ended = match wish {
            Ok(Some(_)) => {
                self.hold(&exchange, Outbox::nowhere());
                self.begin_held();
                let run = self.hooks.end_body(&mut self.store, side);
                let called = Self::bounded(&mut self.trial, run).await;
                let ended = self.end_held(called, version);
                self.release();
                ended
            }
            other => other.map(|_| ()),
        };
        (exchange, within_trial(ended))
    }

    fn begin_held(&mut self) {
        let state = self.store.data_mut();
        let (id, trace) = (state.exchange.id, state.exchange.trace.clone());
        state.begin(id, &trace, CallPace::Yielding);
        state.restart_calls();
        self.store.set_epoch_deadline(1);
    }

    fn end_held<T>(
        &mut self,
        called: Option<wasmtime::Result<Result<T, String>>>,
        version: &PluginVersion,
    ) -> Result<T, InterceptError> {
        let state = self.store.data_mut();
        state.guest.voice.end();
        state.outgoing.let_go();
        match called {
            Some(Ok(Ok(value))) => Ok(value),
            Some(Ok(Err(message))) => Err(returned(&message, state.body_error.take())),
            Some(Err(error)) => Err(explain(&error, state, version)),
            None => Err(stalled(LONGEST_CALL)),
        }
    }

    /// What a call comes to, or none when it waited for too long.
    async fn bounded<F: Future + Unpin>(trial: &mut Option<Duration>, run: F) -> Option<F::Output> {
        match trial {
            Some(left) => waiting_at_most(left, run).await,
            None => within(LONGEST_CALL, run).await,
        }
    }

    /// The same on a stack of the guest's own, which it leaves to wait.
    async fn call_yielding(
        &mut self,
        hook: Hook,
        mut exchange: Box<Exchange>,
        version: &PluginVersion,
    ) -> Outcome<Verdict> {
        self.begin(&mut exchange, CallPace::Yielding);
        self.store.data_mut().may_choose = hook == Hook::ForwardRequest;
        let run = self.hooks.run_yielding(&mut self.store, hook);
        let called = Self::bounded(&mut self.trial, run).await;
        let result = self.end(called, &mut exchange, version);
        (exchange, result)
    }

    /// Takes the exchange in hand.
    fn begin(&mut self, exchange: &mut Box<Exchange>, pace: CallPace) {
        self.calls += 1;
        let state = self.store.data_mut();
        state.begin(exchange.id, &exchange.trace, pace);
        std::mem::swap(&mut state.exchange, exchange);
        state.restart_calls();
        // Counts from now, so it stands right before the call.
        self.store.set_epoch_deadline(1);
    }

    /// Gives it back, with what the call came to.
    fn end<T>(
        &mut self,
        called: Option<wasmtime::Result<Result<T, String>>>,
        exchange: &mut Box<Exchange>,
        version: &PluginVersion,
    ) -> Result<T, InterceptError> {
        std::mem::swap(&mut self.store.data_mut().exchange, exchange);
        self.end_held(called, version)
    }

    /// Its calls are a trial: it may wait for so long in all of them together.
    pub fn set_on_trial(&mut self, longest_wait: Duration) {
        self.trial = Some(longest_wait);
        self.store.data_mut().trial = Some(TrialServices::default());
    }

    /// Whether it wanted to send an outbound request in its trial, where nothing is sent.
    pub fn has_called_in_trial(&self) -> bool {
        let trial = self.store.data().trial.as_ref();
        trial.is_some_and(TrialServices::has_called)
    }

    /// Bytes of linear memory that it has now.
    pub fn memory(&self) -> u64 {
        self.store.data().guest.memory.used()
    }

    /// Whether it may serve another call after one with this result.
    pub fn is_reusable<T>(
        &self,
        result: &Result<T, InterceptError>,
        version: &PluginVersion,
    ) -> bool {
        let grown = self.memory() - self.memory_at_start;
        left_sound(result) && should_reuse(self.calls, version.limits.max_calls, grown)
    }
}

/// Calls the function with which a plugin starts an instance.
async fn start(
    hooks: &dyn Hooks,
    store: &mut Store<HooksState>,
    version: &PluginVersion,
) -> Result<(), InterceptError> {
    let state = store.data_mut();
    state.begin_start();
    store.set_epoch_deadline(1);
    let started = within(LONGEST_CALL, hooks.start(store)).await;
    let state = store.data_mut();
    state.guest.voice.end();
    match started {
        Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(message))) => Err(InterceptError::NotStarted(
            text::lines(&message).into_owned(),
        )),
        Some(Err(error)) => Err(explain(&error, state, version)),
        None => Err(stalled(LONGEST_CALL)),
    }
}

/// What becomes of a guest that a tick of the engine's clock interrupts.
fn on_tick(state: &mut HooksState) -> UpdateDeadline {
    let goes_on = state.budget.spend();
    // One tick can fall into any call.
    if state.budget.spent() > 1 {
        state.guest.version.set_slow();
    }
    match (goes_on, state.pace) {
        (false, _) => UpdateDeadline::Interrupt,
        (true, CallPace::Straight) => UpdateDeadline::Continue(1),
        (true, CallPace::Yielding) => {
            UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
        }
    }
}

/// What the end of a call comes to in a trial, where an error that the plugin returns is no failure.
fn within_trial(ended: Result<(), InterceptError>) -> Result<(), InterceptError> {
    match ended {
        Err(InterceptError::Returned(_) | InterceptError::Body { .. }) => Ok(()),
        other => other,
    }
}

pub fn stalled(limit: Duration) -> InterceptError {
    InterceptError::Stalled {
        limit_s: limit.as_secs(),
    }
}

/// Whether an instance that did well may serve another call.
fn should_reuse(calls: u32, max_calls: u32, grown: u64) -> bool {
    calls < max_calls && grown <= MOST_GROWTH
}

/// Whether an instance may serve on after a call with this result. An error that the plugin returned is its own affair;
/// anything else leaves the guest in the middle of something.
fn left_sound<T>(result: &Result<T, InterceptError>) -> bool {
    matches!(
        result,
        Ok(_) | Err(InterceptError::Returned(_) | InterceptError::Body { .. })
    )
}

/// An error of the plugin's own, in its words.
fn returned(message: &str, body: Option<BodyError>) -> InterceptError {
    let message = text::lines(message).into_owned();
    match body {
        Some(body) => InterceptError::Body { message, body },
        None => InterceptError::Returned(message),
    }
}

/// What wasmtime's error means to whoever runs the plugin.
fn explain(error: &wasmtime::Error, state: &HooksState, version: &PluginVersion) -> InterceptError {
    if state.budget.exhausted() {
        let limit_ms = u64::try_from(version.limits.deadline.as_millis()).unwrap_or(u64::MAX);
        return InterceptError::Deadline { limit_ms };
    }
    match (wasm::explain(error, &state.guest.memory), &state.last_words) {
        (InterceptError::Trapped(how), Some(why)) => {
            InterceptError::Trapped(format!("{why} ({how})"))
        }
        (explained, _) => explained,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_replaced_by_calls_and_by_growth() {
        let cases = [
            (1, 10, 0, true),
            (9, 10, MOST_GROWTH, true),
            (10, 10, 0, false),
            (1, 1, 0, false),
            (1, 10, MOST_GROWTH + 1, false),
        ];
        for (calls, max_calls, grown, reuse) in cases {
            assert_eq!(
                should_reuse(calls, max_calls, grown),
                reuse,
                "{calls} of {max_calls}, {grown} bytes"
            );
        }
    }

    #[test]
    fn only_a_result_of_the_plugins_own_leaves_it_sound() {
        assert!(left_sound(&Ok(())));
        assert!(left_sound::<()>(&Err(InterceptError::Returned(
            "no".into()
        ))));
        let body = BodyError::TooLarge { limit: 1 };
        assert!(left_sound::<()>(&Err(InterceptError::Body {
            message: "no".into(),
            body
        })));
        assert!(!left_sound::<()>(&Err(InterceptError::Trapped(
            "unreachable".into()
        ))));
        assert!(!left_sound::<()>(&Err(InterceptError::Deadline {
            limit_ms: 1
        })));
        assert!(!left_sound::<()>(&Err(InterceptError::Stalled {
            limit_s: 1
        })));
    }
}

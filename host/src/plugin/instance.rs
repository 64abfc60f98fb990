//! One instance of a plugin and the calls into it, and the rest where instances wait for their next call.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use wasmtime::{AsContextMut, Store, StoreContextMut, UpdateDeadline, WasmBacktrace};

use super::compile::Linked;
use super::contract::Hooks;
use super::facts::Facts;
use super::host::State;
use super::limits::MemoryLimiter;
use crate::interceptor::{Hook, InterceptError, Verdict};
use crate::message::Exchange;

/// The longest that a call may take with all its waiting. The CPU budget stops a guest that computes, the body timeout one
/// that waits for a body; this stops what sleeps for ever.
const LONGEST_CALL: Duration = Duration::from_secs(120);

/// An instance that grew by more than this since it was made is replaced, as its language runtime may never give
/// memory back (componentize-py, StarlingMonkey).
const MOST_GROWTH: u64 = 64 << 20;

/// A plugin's instance with the store that it lives in.
pub struct Instance {
    store: Store<State>,
    hooks: Box<dyn Hooks>,
    calls: u32,
    memory_at_start: u64,
}

/// How a guest runs on its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// To its end, on the caller's stack: a quarter of a call's cost less. For guests that can't wait and are quick.
    Straight,
    /// On a stack of its own, which it leaves to wait and to let others run at every tick.
    Yielding,
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
    pub async fn new(pre: &Linked, facts: &Arc<Facts>) -> Result<Self, InterceptError> {
        let mut store = Store::new(pre.instance.engine(), State::new(facts.clone()));
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            let goes_on = state.budget.spend();
            // One tick can fall into any call.
            if state.budget.spent() > 1 {
                state.facts.set_slow();
            }
            Ok(match (goes_on, state.pace) {
                (false, _) => UpdateDeadline::Interrupt,
                (true, Pace::Straight) => UpdateDeadline::Continue(1),
                (true, Pace::Yielding) => {
                    UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
                }
            })
        });
        store.set_epoch_deadline(1);
        match Self::link(pre, store.as_context_mut()).await {
            Ok(hooks) => {
                let memory_at_start = store.data().memory.used();
                Ok(Self {
                    store,
                    hooks,
                    calls: 0,
                    memory_at_start,
                })
            }
            Err(error) => Err(explain(&error, store.data(), facts)),
        }
    }

    async fn link(
        pre: &Linked,
        mut store: StoreContextMut<'_, State>,
    ) -> wasmtime::Result<Box<dyn Hooks>> {
        let instance = pre.instance.instantiate_async(&mut store).await?;
        (pre.contract.enter)(store, &instance, &pre.hooks)
    }

    /// Calls one of the plugin's functions for this exchange, which comes back whatever happens.
    ///
    /// After an error the instance must not be used again: wasmtime won't enter it, or its state is unknown.
    pub async fn call(
        &mut self,
        hook: Hook,
        mut exchange: Box<Exchange>,
        pace: Pace,
        facts: &Facts,
    ) -> (Box<Exchange>, Result<Verdict, InterceptError>) {
        self.calls += 1;
        let state = self.store.data_mut();
        std::mem::swap(&mut state.exchange, &mut exchange);
        state.budget.restart();
        state.body_error = None;
        state.last_words = None;
        state.pace = pace;
        // Counts from now, so it stands right before the call.
        self.store.set_epoch_deadline(1);
        let called = match pace {
            Pace::Straight => Some(self.hooks.run_straight(&mut self.store, hook)),
            Pace::Yielding => {
                within(LONGEST_CALL, self.hooks.run_yielding(&mut self.store, hook)).await
            }
        };
        let state = self.store.data_mut();
        std::mem::swap(&mut state.exchange, &mut exchange);
        let result = match called {
            Some(Ok(Ok(verdict))) => Ok(verdict),
            Some(Ok(Err(message))) => Err(match state.body_error.take() {
                Some(body) => InterceptError::Body { message, body },
                None => InterceptError::Returned(message),
            }),
            Some(Err(error)) => Err(explain(&error, state, facts)),
            None => Err(InterceptError::Stalled {
                limit_s: LONGEST_CALL.as_secs(),
            }),
        };
        (exchange, result)
    }

    /// Whether what this instance does stays unseen.
    pub fn set_probing(&mut self, probing: bool) {
        self.store.data_mut().probing = probing;
    }

    /// Bytes of linear memory that it has now.
    pub fn memory(&self) -> u64 {
        self.store.data().memory.used()
    }

    fn reusable(&self, facts: &Facts) -> bool {
        let grown = self.memory() - self.memory_at_start;
        should_reuse(self.calls, facts.limits.max_calls, grown)
    }
}

/// The future's output, or none if it takes longer than that.
///
/// Most calls are done when they are first polled; those never ask for the time or for a timer.
async fn within<F: Future + Unpin>(longest: Duration, mut future: F) -> Option<F::Output> {
    match poll_fn(|cx| Poll::Ready(Pin::new(&mut future).poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => tokio::time::timeout(longest, future).await.ok(),
    }
}

/// Whether a shelf with so many instances takes another one; `memory` is theirs with it. Together they may have what one
/// may have in a call, so that a burst of calls into a language with a large heap doesn't leave all of those behind.
fn has_room(instances: usize, memory: u64, limit: u64) -> bool {
    instances == 0 || (instances < SHELF && memory <= limit)
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

/// What wasmtime's error means to whoever runs the plugin.
fn explain(error: &wasmtime::Error, state: &State, facts: &Facts) -> InterceptError {
    if state.budget.exhausted() {
        let limit_ms = u64::try_from(facts.limits.deadline.as_millis()).unwrap_or(u64::MAX);
        return InterceptError::Deadline { limit_ms };
    }
    match (explain_rest(error, &state.memory), &state.last_words) {
        (InterceptError::Trapped(how), Some(why)) => {
            InterceptError::Trapped(format!("{why} ({how})"))
        }
        (explained, _) => explained,
    }
}

/// The same for what has nothing to do with time.
pub fn explain_rest(error: &wasmtime::Error, memory: &MemoryLimiter) -> InterceptError {
    if memory.refused() {
        return InterceptError::Memory {
            limit: memory.limit(),
        };
    }
    if error
        .downcast_ref::<wasmtime::PoolConcurrencyLimitError>()
        .is_some()
    {
        return InterceptError::Unavailable(error.root_cause().to_string());
    }
    InterceptError::Trapped(format!(
        "{}{}",
        error.root_cause(),
        innermost_function(error)
    ))
}

/// ` in NAME` for the function that trapped, if the plugin carries function names.
fn innermost_function(error: &wasmtime::Error) -> String {
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map(WasmBacktrace::frames)
        .unwrap_or_default();
    let name = frames.iter().find_map(|frame| frame.func_name());
    name.map(|name| format!(" in {name}")).unwrap_or_default()
}

/// Instances of one version of a plugin between their calls.
///
/// Each thread has a shelf of its own, so threads hardly ever meet on a lock.
#[derive(Debug)]
pub struct Rest {
    shelves: Box<[Mutex<Vec<Instance>>]>,
    replaced: AtomicU64,
    largest_replaced: AtomicU64,
}

/// Instances that were let go after their last call, for whatever reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    pub count: u64,
    /// The most linear memory that one of them had at its end, in bytes.
    pub most_memory: u64,
}

/// Instances at rest on one shelf; more come from bursts of calls that had to wait and would only take memory.
const SHELF: usize = 64;

impl Rest {
    /// A rest for this many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            shelves: (0..threads.max(1)).map(|_| Mutex::default()).collect(),
            replaced: AtomicU64::new(0),
            largest_replaced: AtomicU64::new(0),
        }
    }

    /// The instance that was used last, which the caches know best.
    pub fn take(&self) -> Option<Instance> {
        self.shelf()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    /// Puts an instance back after a call, if it is fit for another.
    pub fn put<T>(&self, instance: Instance, result: &Result<T, InterceptError>, facts: &Facts) {
        if !left_sound(result) || !instance.reusable(facts) {
            return self.let_go(&instance);
        }
        let mut shelf = self.shelf().lock().unwrap_or_else(PoisonError::into_inner);
        let memory = shelf.iter().map(Instance::memory).sum::<u64>() + instance.memory();
        if has_room(shelf.len(), memory, facts.limits.memory) {
            shelf.push(instance);
        } else {
            self.let_go(&instance);
        }
    }

    fn let_go(&self, instance: &Instance) {
        let memory = instance.memory();
        self.largest_replaced.fetch_max(memory, Ordering::Relaxed);
        self.replaced.fetch_add(1, Ordering::Relaxed);
    }

    pub fn replaced(&self) -> Replaced {
        Replaced {
            count: self.replaced.load(Ordering::Relaxed),
            most_memory: self.largest_replaced.load(Ordering::Relaxed),
        }
    }

    /// The linear memory of the largest instance on this thread's shelf, in bytes; none if there is none.
    pub fn memory(&self) -> Option<u64> {
        let shelf = self.shelf().lock().unwrap_or_else(PoisonError::into_inner);
        shelf.iter().map(Instance::memory).max()
    }

    fn shelf(&self) -> &Mutex<Vec<Instance>> {
        &self.shelves[thread_number() % self.shelves.len()]
    }
}

/// A small number for each thread that asks, counting up.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: Cell<Option<usize>> = const { Cell::new(None) });
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(next));
            next
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::BodyError;

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
    fn a_shelf_is_bounded_by_count_and_by_memory() {
        let cases = [
            (0, 101, 100, true),
            (1, 100, 100, true),
            (1, 101, 100, false),
            (SHELF - 1, 64, 100, true),
            (SHELF, 65, 100, false),
        ];
        for (instances, memory, limit, room) in cases {
            assert_eq!(
                has_room(instances, memory, limit),
                room,
                "{instances} instances, {memory} of {limit} bytes"
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

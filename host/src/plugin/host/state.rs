//! What is in the store of a plugin with hooks, and what of it belongs to the call in hand.

use std::sync::Arc;

use wasmtime::{Memory, StoreContextMut, TypedFunc};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::described::DescribedSides;
use super::fields::Growth;
use super::outbox::Outbox;
use super::outgoing::OutgoingHttp;
use super::trial::TrialServices;
use crate::message::websocket::MessageOutbox;
use crate::message::{BodyError, Exchange, ExchangeId, Trace};
use crate::outbound::CallBudget;
use crate::plugin::wasm::{CpuBudget, GuestFunction, GuestState, PluginVersion};

/// The state of one instance.
///
/// At rest it holds a blank exchange; the one in hand is swapped in for a call and out after it.
#[derive(Debug)]
pub struct HooksState {
    pub guest: GuestState,
    pub exchange: Box<Exchange>,
    pub budget: CpuBudget,
    pub growth: HeadGrowth,
    /// The last body that the call in hand could not have.
    pub body_error: Option<BodyError>,
    /// The last critical line that the call in hand logged: why a plugin's library traps, if it does.
    pub last_words: Option<String>,
    /// What the call in hand has said itself about the bytes of the two bodies.
    pub described: DescribedSides,
    /// Outbound requests that the call in hand has made.
    pub calls: Arc<CallBudget>,
    /// For a guest whose language has an HTTP library over WASI.
    pub outgoing: OutgoingHttp,
    /// In a trial: what it has in place of its services.
    pub trial: Option<TrialServices>,
    /// Where the body goes that the instance rewrites.
    pub outbox: Option<Outbox>,
    /// Whether the call in hand may choose the backend: it is that of a request which is not sent yet.
    pub may_choose: bool,
    /// Where the messages go that it sends, of the WebSocket that it belongs to.
    pub messages: Option<MessageOutbox>,
    /// How the call in hand runs.
    pub pace: CallPace,
    /// Of a guest that is a core module.
    pub core: CoreGuest,
}

/// What host functions need of a core module that calls them without a component around it.
///
/// Found once for each instance, because to find an export by its name takes longer than most calls.
pub struct CoreGuest {
    /// None until the module is instantiated: its start function has nothing yet to pass strings in.
    pub memory: Option<Memory>,
    pub realloc: Option<GuestFunction>,
    /// Whether the guest may call the host now. It may not while it only makes or frees memory for a call.
    pub may_leave: bool,
    /// A host function that does `job`: for what has to be done on a stack of its own.
    pub entry: Option<TypedFunc<(), ()>>,
    pub job: Option<Job>,
}

/// Work of the host's on a guest's stack, where the guest may be called and may give way.
pub type Job = Box<dyn FnOnce(StoreContextMut<'_, HooksState>) -> wasmtime::Result<()> + Send>;

impl Default for CoreGuest {
    fn default() -> Self {
        Self {
            memory: None,
            realloc: None,
            may_leave: true,
            entry: None,
            job: None,
        }
    }
}

impl std::fmt::Debug for CoreGuest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreGuest")
            .field("may_leave", &self.may_leave)
            .finish_non_exhaustive()
    }
}

/// How a guest runs on its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallPace {
    /// To its end, on the caller's stack: a quarter of a call's cost less. For guests that can't wait and are quick.
    Straight,
    /// On a stack of its own, which it leaves to wait and to let others run at every tick.
    Yielding,
}

/// What the call in hand has added to the two heads.
#[derive(Debug)]
pub struct HeadGrowth {
    pub request: Growth,
    pub response: Growth,
}

impl HooksState {
    /// The state of a new instance of this plugin.
    pub fn new(version: &Arc<PluginVersion>) -> Self {
        Self {
            guest: GuestState::new(version, &[]),
            exchange: Box::new(Exchange::blank()),
            budget: CpuBudget::new(version.cpu_ticks()),
            growth: HeadGrowth {
                request: Growth::new(version.config.max_head),
                response: Growth::new(version.config.max_head),
            },
            body_error: None,
            last_words: None,
            described: DescribedSides::default(),
            calls: Arc::default(),
            outgoing: OutgoingHttp::new(version.config.max_head),
            trial: None,
            outbox: None,
            may_choose: false,
            messages: None,
            pace: CallPace::Yielding,
            core: CoreGuest::default(),
        }
    }

    /// The call begins by which a plugin starts the instance: there is no exchange yet.
    pub fn begin_start(&mut self) {
        self.restart(CallPace::Yielding);
    }

    /// The call begins by which a plugin does its background work, for no exchange.
    pub fn begin_background(&mut self) {
        self.guest.voice.begin_background();
        self.restart(CallPace::Yielding);
    }

    /// A call at this pace begins: nothing of the one before it is left.
    pub fn begin(&mut self, exchange: ExchangeId, trace: &Trace, pace: CallPace) {
        self.guest.voice.begin_heard(exchange, trace);
        self.restart(pace);
    }

    fn restart(&mut self, pace: CallPace) {
        self.budget.restart();
        self.growth.request.restart();
        self.growth.response.restart();
        self.body_error = None;
        self.last_words = None;
        self.described = DescribedSides::default();
        self.may_choose = false;
        self.pace = pace;
    }
}

impl WasiView for HooksState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.guest.wasi()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{PluginConfig, PluginLimits};
    use crate::plugin::hash::ContentHash;

    #[test]
    fn each_call_has_a_budget_of_its_own() {
        let config = PluginConfig::new(PluginLimits::default());
        let version = PluginVersion::new("p".to_owned(), ContentHash::of(b""), config);
        let mut state = HooksState::new(&Arc::new(version));
        let begins: [fn(&mut HooksState); 3] = [
            HooksState::begin_start,
            HooksState::begin_background,
            |state| state.begin(ExchangeId(1), &Trace::default(), CallPace::Straight),
        ];
        for begin in begins {
            assert!(state.budget.spend());
            (state.may_choose, state.last_words) = (true, Some("x".to_owned()));
            begin(&mut state);
            assert_eq!(state.budget.spent(), 0);
            assert!(!state.may_choose && state.last_words.is_none());
        }
    }
}

//! A compiled plugin as a [`Link`] of a chain: take an instance, call it, put it back. One for a world of `wasi:http` goes its
//! own way, in [`stock`](super::stock).

use std::pin::pin;
use std::sync::Arc;

use super::compile::Code;
use super::engine::Tier;
use super::facts::Facts;
use super::idle::{Idle, Replaced};
use super::instance::{Pace, waiting_at_most};
use super::load;
use super::resources::Resources;
use super::seats::Seat;
use super::stock::Handler;
use crate::interceptor::{
    Hook, InterceptError, Interceptor, Link, Matches, Next, OnFailure, Outcome, Surround,
    Transform, Verdict,
};
use crate::message::Exchange;

/// One version of a plugin, ready to serve.
pub struct Guest {
    tier: Tier,
    callable: Callable,
}

/// A version in the way in which it is called.
#[derive(Debug, Clone)]
pub enum Callable {
    Hooks(Arc<HooksPlugin>),
    Around(Arc<StandardComponent>),
}

/// A plugin for our contract.
pub struct HooksPlugin {
    facts: Arc<Facts>,
    code: Code,
    idle: Idle,
    resources: Resources,
}

/// A plugin for a world of `wasi:http`.
#[derive(Debug)]
pub struct StandardComponent {
    facts: Arc<Facts>,
    handler: Handler,
}

/// What a chain of these plugins has in one place.
pub type GuestLink = Link<HooksPlugin, StandardComponent>;

impl std::fmt::Debug for HooksPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HooksPlugin")
            .field("name", &self.facts.name)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest")
            .field("name", &self.facts().name)
            .field("tier", &self.tier)
            .finish_non_exhaustive()
    }
}

/// What the trial of a plugin came to: the first calls of a new version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probed {
    /// Bytes of linear memory of an instance before its first call, and after both.
    pub memory_at_start: u64,
    pub memory: u64,
    /// The errors that the hooks returned, which are no failures: the exchange was made up.
    pub forward_request: Option<String>,
    pub return_response: Option<String>,
    /// How the call of a standard component failed, if it did.
    pub handle: Option<InterceptError>,
}

impl Probed {
    /// What whoever runs the plugin should know of the trial though the plugin serves: `HOOK returned an error: TEXT`.
    pub fn warnings(&self) -> Vec<String> {
        let returned = |hook: Hook, error: &Option<String>| {
            let error = error.clone().map(InterceptError::Returned)?;
            Some(format!("{hook} {error}"))
        };
        let handle = self.handle.as_ref();
        [
            returned(Hook::ForwardRequest, &self.forward_request),
            returned(Hook::ReturnResponse, &self.return_response),
            handle.map(|error| format!("{} {error}", Hook::Handle)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Guest {
    /// A plugin of this code.
    pub fn new(facts: Arc<Facts>, tier: Tier, code: Code, resources: Resources) -> Self {
        let hooks = HooksPlugin {
            facts,
            code,
            idle: Idle::new(resources.threads, tier, resources.idle.clone()),
            resources,
        };
        Self {
            tier,
            callable: Callable::Hooks(Arc::new(hooks)),
        }
    }

    /// A standard component.
    pub fn stock(facts: Arc<Facts>, tier: Tier, handler: Handler) -> Self {
        Self {
            tier,
            callable: Callable::Around(Arc::new(StandardComponent { facts, handler })),
        }
    }

    pub fn facts(&self) -> &Arc<Facts> {
        match &self.callable {
            Callable::Hooks(hooks) => &hooks.facts,
            Callable::Around(component) => &component.facts,
        }
    }

    pub fn tier(&self) -> Tier {
        self.tier
    }

    pub fn callable(&self) -> &Callable {
        &self.callable
    }

    /// Its place in a chain.
    pub fn link(&self) -> GuestLink {
        match &self.callable {
            Callable::Hooks(hooks) => Link::Hooks(hooks.clone()),
            Callable::Around(component) => Link::Around(component.clone()),
        }
    }

    /// Whether no chain has it.
    pub fn is_free(&self) -> bool {
        match &self.callable {
            Callable::Hooks(hooks) => Arc::strong_count(hooks) == 1,
            Callable::Around(component) => Arc::strong_count(component) == 1,
        }
    }

    /// The same code under other facts, such as other settings, with no instance yet.
    pub fn again(&self, facts: Arc<Facts>) -> Self {
        match &self.callable {
            Callable::Hooks(hooks) => {
                let (code, resources) = (hooks.code.clone(), hooks.resources.clone());
                Self::new(facts, self.tier, code, resources)
            }
            Callable::Around(component) => Self::stock(facts, self.tier, component.handler.clone()),
        }
    }

    /// Whether a call may have to leave its stack to wait.
    #[cfg(test)]
    pub fn can_wait(&self) -> bool {
        match &self.callable {
            Callable::Hooks(hooks) => hooks.code.linked.can_wait,
            Callable::Around(_) => true,
        }
    }

    /// What it is by its exports, as the loader found.
    pub fn kind(&self) -> load::Kind {
        match &self.callable {
            Callable::Hooks(hooks) => load::Kind::Interceptor(hooks.code.linked.contract),
            Callable::Around(component) => load::Kind::Stock(component.handler.world()),
        }
    }

    pub fn is_stock(&self) -> bool {
        matches!(self.callable, Callable::Around(_))
    }

    /// The machine code, for the cache.
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match &self.callable {
            Callable::Hooks(hooks) => hooks.code.serialize(),
            Callable::Around(component) => component.handler.code().serialize(),
        }
    }

    /// Makes an instance and calls what it exports once for an exchange of the host's own, before anybody depends on it.
    ///
    /// An error that the plugin returns does not keep it from serving. Nor does a failed call of a standard component,
    /// whose author knows nothing of this. [`Probed::warnings`] tells of both.
    ///
    /// # Errors
    /// Which function failed (none when the instance could not be made), and how.
    pub async fn probe(&self) -> Result<Probed, (Option<Hook>, InterceptError)> {
        match &self.callable {
            Callable::Hooks(hooks) => hooks.probe().await,
            Callable::Around(component) => {
                let probed = component.handler.probe(&component.facts).await;
                probed
                    .map(|handle| Probed {
                        handle,
                        ..Probed::default()
                    })
                    .map_err(|error| (None, error))
            }
        }
    }

    /// The linear memory of the largest instance that waits for this thread's next call, in bytes; none if none waits,
    /// since the last one was replaced.
    pub fn memory_at_rest(&self) -> Option<u64> {
        match &self.callable {
            Callable::Hooks(hooks) => hooks.idle.memory(),
            Callable::Around(_) => None,
        }
    }

    /// Instances that were let go after their last call; none for a standard component, which has one for each exchange.
    pub fn replaced(&self) -> Option<Replaced> {
        match &self.callable {
            Callable::Hooks(hooks) => Some(hooks.idle.replaced()),
            Callable::Around(_) => None,
        }
    }
}

impl HooksPlugin {
    async fn probe(&self) -> Result<Probed, (Option<Hook>, InterceptError)> {
        let facts = &self.facts;
        let mut left = facts.limits.trial;
        let made = pin!(self.idle.make(&self.code.linked, facts));
        let made = match waiting_at_most(&mut left, made).await {
            Some(made) => made.map_err(|error| (None, error)),
            None => Err((
                None,
                InterceptError::Stalled {
                    limit_s: facts.limits.trial.as_secs(),
                },
            )),
        };
        let mut instance = made?;
        instance.set_on_trial(left);
        let memory_at_start = instance.memory();
        let mut exchange = Box::new(Exchange::probe());
        let mut errors = [None, None];
        for (hook, said) in [Hook::ForwardRequest, Hook::ReturnResponse]
            .into_iter()
            .zip(&mut errors)
        {
            let (returned, result) = instance.call(hook, exchange, Pace::Yielding, facts).await;
            exchange = returned;
            match result {
                Ok(_) => {}
                Err(InterceptError::Returned(message) | InterceptError::Body { message, .. }) => {
                    *said = Some(message)
                }
                Err(error) => return Err((Some(hook), error)),
            }
        }
        let [forward_request, return_response] = errors;
        Ok(Probed {
            memory_at_start,
            memory: instance.memory(),
            forward_request,
            return_response,
            handle: None,
        })
    }

    /// A seat for a call that runs straight. None for a guest that can wait, which needs a stack to leave behind, and for
    /// one that was slow once, which may be so again.
    fn seat(&self) -> Option<Seat<'_>> {
        if self.code.linked.can_wait || self.facts.is_slow() {
            None
        } else {
            self.resources.seats.take()
        }
    }

    async fn call(&self, hook: Hook, exchange: Box<Exchange>) -> Outcome<Verdict> {
        let facts = &self.facts;
        let mut instance = match self.idle.take(&self.code.linked, facts).await {
            Ok(instance) => instance,
            Err(error) => return (exchange, Err(error)),
        };
        // If the client leaves meanwhile, this future is dropped and the instance with it: its guest is in mid-call.
        let seat = self.seat();
        let pace = if seat.is_some() {
            Pace::Straight
        } else {
            Pace::Yielding
        };
        let (exchange, result) = instance.call(hook, exchange, pace, facts).await;
        drop(seat);
        self.idle.put(instance, &result, facts);
        (exchange, result)
    }
}

impl Interceptor for HooksPlugin {
    fn name(&self) -> &str {
        &self.facts.name
    }

    fn rules(&self) -> &Matches {
        &self.facts.config.matches
    }

    fn on_failure(&self) -> OnFailure {
        self.facts.config.on_failure
    }
}

impl Transform for HooksPlugin {
    async fn forward_request(&self, exchange: Box<Exchange>) -> Outcome<Verdict> {
        self.call(Hook::ForwardRequest, exchange).await
    }

    async fn return_response(&self, exchange: Box<Exchange>) -> Outcome<()> {
        let (exchange, result) = self.call(Hook::ReturnResponse, exchange).await;
        (exchange, result.map(|_| ()))
    }
}

impl Interceptor for StandardComponent {
    fn name(&self) -> &str {
        &self.facts.name
    }

    fn rules(&self) -> &Matches {
        &self.facts.config.matches
    }

    fn on_failure(&self) -> OnFailure {
        self.facts.config.on_failure
    }
}

impl Surround for StandardComponent {
    async fn handle(&self, exchange: Box<Exchange>, next: Arc<dyn Next>) -> Outcome<()> {
        self.handler.handle(&self.facts, exchange, next).await
    }
}

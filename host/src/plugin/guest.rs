//! A compiled plugin as an [`Interceptor`]: take an instance, call it, put it back. One for a world of `wasi:http` goes its
//! own way, in [`stock`](super::stock).

use std::pin::pin;
use std::sync::Arc;

use http::{header, request};

use super::compile::Code;
use super::engine::Tier;
use super::facts::Facts;
use super::idle::{Idle, Replaced};
use super::instance::{Pace, waiting_at_most};
use super::load;
use super::resources::Resources;
use super::seats::Seat;
use super::stock::Handler;
use crate::interceptor::{Hook, InterceptError, Interceptor, Next, OnFailure, Outcome, Verdict};
use crate::message::Exchange;

/// One version of a plugin, ready to serve.
pub struct Guest {
    facts: Arc<Facts>,
    tier: Tier,
    kind: Kind,
}

enum Kind {
    Hooks(Hooks),
    Stock(Handler),
}

/// A plugin for our contract.
struct Hooks {
    code: Code,
    idle: Idle,
    resources: Resources,
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest")
            .field("name", &self.facts.name)
            .field("tier", &self.tier)
            .finish_non_exhaustive()
    }
}

/// What the first calls of a plugin came to. Of a standard component nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probed {
    /// Bytes of linear memory of an instance before its first call, and after both.
    pub memory_at_start: u64,
    pub memory: u64,
    /// The errors that the hooks returned, which are no failures: the exchange was made up.
    pub forward_request: Option<String>,
    pub return_response: Option<String>,
}

impl Guest {
    /// A plugin of this code.
    pub fn new(facts: Arc<Facts>, tier: Tier, code: Code, resources: Resources) -> Self {
        Self {
            facts,
            tier,
            kind: Kind::Hooks(Hooks::new(tier, code, resources)),
        }
    }

    /// A standard component.
    pub fn stock(facts: Arc<Facts>, tier: Tier, handler: Handler) -> Self {
        Self {
            facts,
            tier,
            kind: Kind::Stock(handler),
        }
    }

    pub fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// The same code under other facts, such as other settings, with no instance yet.
    pub fn again(&self, facts: Arc<Facts>) -> Self {
        let kind = match &self.kind {
            Kind::Hooks(hooks) => Kind::Hooks(Hooks::new(
                self.tier,
                hooks.code.clone(),
                hooks.resources.clone(),
            )),
            Kind::Stock(handler) => Kind::Stock(handler.clone()),
        };
        Self {
            facts,
            tier: self.tier,
            kind,
        }
    }

    /// Whether a call may have to leave its stack to wait.
    #[cfg(test)]
    pub fn can_wait(&self) -> bool {
        match &self.kind {
            Kind::Hooks(hooks) => hooks.code.linked.can_wait,
            Kind::Stock(_) => true,
        }
    }

    /// What it is by its exports, as the loader found.
    pub fn kind(&self) -> load::Kind {
        match &self.kind {
            Kind::Hooks(hooks) => load::Kind::Interceptor(hooks.code.linked.contract),
            Kind::Stock(handler) => load::Kind::Stock(handler.world()),
        }
    }

    pub fn is_stock(&self) -> bool {
        matches!(self.kind, Kind::Stock(_))
    }

    /// The machine code, for the cache.
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match &self.kind {
            Kind::Hooks(hooks) => hooks.code.serialize(),
            Kind::Stock(handler) => handler.code().serialize(),
        }
    }

    /// Makes an instance and calls what it exports once for an exchange of the host's own, before anybody depends on it.
    /// An error that the plugin returns is as good as success.
    ///
    /// # Errors
    /// Which function failed (none when the instance could not be made), and how.
    pub async fn probe(&self) -> Result<Probed, (Option<Hook>, InterceptError)> {
        match &self.kind {
            Kind::Hooks(hooks) => hooks.probe(&self.facts).await,
            Kind::Stock(handler) => {
                let probed = handler.probe(&self.facts).await;
                probed
                    .map(|()| Probed::default())
                    .map_err(|error| (Some(Hook::Handle), error))
            }
        }
    }

    /// The linear memory of the largest instance that waits for this thread's next call, in bytes; none if none waits,
    /// since the last one was replaced.
    pub fn memory_at_rest(&self) -> Option<u64> {
        match &self.kind {
            Kind::Hooks(hooks) => hooks.idle.memory(),
            Kind::Stock(_) => None,
        }
    }

    /// Instances that were let go after their last call; none for a standard component, which has one for each exchange.
    pub fn replaced(&self) -> Option<Replaced> {
        match &self.kind {
            Kind::Hooks(hooks) => Some(hooks.idle.replaced()),
            Kind::Stock(_) => None,
        }
    }

    async fn call(&self, hook: Hook, exchange: Box<Exchange>) -> Outcome<Verdict> {
        match &self.kind {
            Kind::Hooks(hooks) => hooks.call(&self.facts, hook, exchange).await,
            // It surrounds, so nobody asks.
            Kind::Stock(_) => (exchange, Ok(Verdict::Forward)),
        }
    }
}

impl Hooks {
    fn new(tier: Tier, code: Code, resources: Resources) -> Self {
        Self {
            code,
            idle: Idle::new(resources.threads, tier, resources.idle.clone()),
            resources,
        }
    }

    async fn probe(&self, facts: &Arc<Facts>) -> Result<Probed, (Option<Hook>, InterceptError)> {
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
        })
    }

    /// A seat for a call that runs straight. None for a guest that can wait, which needs a stack to leave behind, and for
    /// one that was slow once, which may be so again.
    fn seat(&self, facts: &Facts) -> Option<Seat<'_>> {
        if self.code.linked.can_wait || facts.is_slow() {
            None
        } else {
            self.resources.seats.take()
        }
    }

    async fn call(
        &self,
        facts: &Arc<Facts>,
        hook: Hook,
        exchange: Box<Exchange>,
    ) -> Outcome<Verdict> {
        let mut instance = match self.idle.take(&self.code.linked, facts).await {
            Ok(instance) => instance,
            Err(error) => return (exchange, Err(error)),
        };
        // If the client leaves meanwhile, this future is dropped and the instance with it: its guest is in mid-call.
        let seat = self.seat(facts);
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

impl Interceptor for Guest {
    fn name(&self) -> &str {
        &self.facts.name
    }

    fn matches(&self, request: &request::Parts) -> bool {
        let rules = &self.facts.config.matches;
        if rules.is_everything() {
            return true;
        }
        let authority = request
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("");
        let target = request
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        rules.matches(authority, target, request.method.as_str())
    }

    fn on_failure(&self) -> OnFailure {
        self.facts.config.on_failure
    }

    async fn forward_request(&self, exchange: Box<Exchange>) -> Outcome<Verdict> {
        self.call(Hook::ForwardRequest, exchange).await
    }

    async fn return_response(&self, exchange: Box<Exchange>) -> Outcome<()> {
        let (exchange, result) = self.call(Hook::ReturnResponse, exchange).await;
        (exchange, result.map(|_| ()))
    }

    fn surrounds(&self) -> bool {
        self.is_stock()
    }

    async fn handle(&self, exchange: Box<Exchange>, next: Arc<dyn Next>) -> Outcome<()> {
        match &self.kind {
            Kind::Stock(handler) => handler.handle(&self.facts, exchange, next).await,
            Kind::Hooks(_) => (exchange, Ok(())),
        }
    }
}

//! A version of a plugin with hooks as an interceptor: take an instance, call it, put it back.

use std::pin::pin;
use std::sync::Arc;

use super::compile::HooksCode;
use super::idle::{IdleInstances, ReplacedInstances};
use super::instance::Instance;
use super::messages::{self, GuestMessages};
use super::permits::Permit;
use super::resources::Resources;
use super::rewriting::{Lender, RewrittenBody};
use super::thread_number::ThreadNumber;
use super::waits::waiting_at_most;
use crate::config::Permission;
use crate::interceptor::{
    Hook, InterceptError, Interceptor, Matches, MessageInterceptor, OnFailure, Outcome, Transform,
    Verdict,
};
use crate::message::trace::Identity;
use crate::message::websocket::MessageOutbox;
use crate::message::{Body, Exchange, Side, Streaming};
use crate::plugin::host::{CallPace, Described};
use crate::plugin::kind::common::GuestKind;
use crate::plugin::kind::linking::Linking;
use crate::plugin::kind::trial::{Trial, TrialFailure};
use crate::plugin::wasm::{PluginVersion, Tier};

/// One version of a plugin for our contract, ready to serve.
pub struct HooksPlugin {
    version: Arc<PluginVersion>,
    tier: Tier,
    code: HooksCode,
    idle: IdleInstances,
    resources: Resources,
}

impl std::fmt::Debug for HooksPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HooksPlugin")
            .field("name", &self.version.name)
            .field("tier", &self.tier)
            .finish_non_exhaustive()
    }
}

impl HooksPlugin {
    /// A version of this code, with no instance yet.
    pub fn new(
        version: Arc<PluginVersion>,
        tier: Tier,
        code: HooksCode,
        resources: Resources,
    ) -> Self {
        Self {
            version,
            tier,
            code,
            idle: IdleInstances::new(resources.threads, tier, resources.idle.clone()),
            resources,
        }
    }

    /// The same code as another version.
    #[must_use]
    pub fn again(&self, version: Arc<PluginVersion>) -> Self {
        self.apart(version, self.resources.clone())
    }

    /// The same, with other resources.
    #[must_use]
    pub fn apart(&self, version: Arc<PluginVersion>, resources: Resources) -> Self {
        Self::new(version, self.tier, self.code.clone(), resources)
    }

    /// Whether a call may have to leave its stack to wait.
    #[cfg(test)]
    pub fn can_wait(&self) -> bool {
        self.code.linked.can_wait
    }

    /// Whether it has work that no exchange asks for.
    pub fn has_background(&self) -> bool {
        self.code.linked.has_background
    }

    /// Does its background work once, on the instance that is kept for it, or on a new one.
    ///
    /// # Errors
    /// The plugin's own, and whatever a call can fail of.
    pub async fn tick(&self, kept: &mut Option<Instance>) -> Result<(), InterceptError> {
        let mut instance = match kept.take() {
            Some(instance) => instance,
            None => self.idle.make(&self.code.linked, &self.version).await?,
        };
        let result = instance.tick(&self.version).await;
        self.version.count_failure(&result);
        if instance.is_reusable(&result, &self.version) {
            *kept = Some(instance);
        }
        result
    }

    /// The linear memory of the largest instance that waits for this thread's next call, in bytes; none if none waits,
    /// since the last one was replaced.
    pub fn idle_memory(&self) -> Option<u64> {
        self.idle.memory()
    }

    /// Instances that were let go after their last call.
    pub fn replaced(&self) -> ReplacedInstances {
        self.idle.replaced()
    }

    /// A permit for a call that runs straight. None for a guest that can wait, which needs a stack to leave behind, and for
    /// one that was slow once, which may be so again.
    #[inline]
    fn permit(&self, thread: ThreadNumber) -> Option<Permit<'_>> {
        if self.code.linked.can_wait || self.version.is_slow() {
            None
        } else {
            self.resources.permits.take(thread)
        }
    }

    /// An idle instance, or a new one.
    async fn instance(&self) -> Result<Instance, InterceptError> {
        match self.idle.take() {
            Some(instance) => Ok(instance),
            None => self.idle.make(&self.code.linked, &self.version).await,
        }
    }

    /// Most calls are over when this returns; then the future has no more than what came of it.
    fn call<T>(
        &self,
        hook: Hook,
        exchange: Box<Exchange>,
        finish: impl FnOnce(Verdict) -> T + Send,
    ) -> impl Future<Output = Outcome<T>> + Send {
        let called = self.call_here(hook, exchange);
        async move {
            let (exchange, result) = match called {
                Ok(outcome) => outcome,
                // On the heap, or the futures around this one would be larger for all.
                Err(exchange) => Box::pin(self.call_anyhow(hook, exchange)).await,
            };
            self.version.count_failure(&result);
            (exchange, result.map(finish))
        }
    }

    /// Asks whether it wants to rewrite a body, and puts it in its place.
    async fn begin_rewriting(self: &Arc<Self>, side: Side, exchange: Box<Exchange>) -> Outcome<()> {
        let mut instance = match self.instance().await {
            Ok(instance) => instance,
            Err(error) => return (exchange, Err(error)),
        };
        let (mut exchange, wish) = instance.begin_body(side, exchange, &self.version).await;
        let wish = match wish {
            Ok(Some(wish)) => wish,
            other => {
                self.idle.put(instance, &other, &self.version);
                return (exchange, other.map(|_| ()));
            }
        };
        let (version, instance) = (self.version.clone(), Box::new(instance));
        let rewritten =
            RewrittenBody::new(self.clone(), version, instance, side, wish, &mut exchange);
        match rewritten {
            Ok(body) => {
                *exchange.body_mut(side) = Body::Stream(Streaming::new(body));
                Described::correct_rewritten(exchange.fields_mut(side));
                (exchange, Ok(()))
            }
            Err((instance, error)) => {
                let result = Err(error);
                // It has begun a body of which it will see nothing.
                drop(instance);
                (exchange, result)
            }
        }
    }

    /// Asks whether it wants the messages of a WebSocket.
    async fn begin_messages(
        self: &Arc<Self>,
        exchange: Box<Exchange>,
    ) -> Outcome<Option<Box<dyn MessageInterceptor>>> {
        let place = match messages::claim(&self.resources.websockets) {
            Ok(place) => place,
            Err(error) => return (exchange, Err(error)),
        };
        let mut instance = match self.instance().await {
            Ok(instance) => instance,
            Err(error) => return (exchange, Err(error)),
        };
        let (version, outbox) = (self.version.clone(), MessageOutbox::default());
        let opened = instance.opened(exchange, outbox.clone(), &version);
        let (exchange, wants) = opened.await;
        if let Ok(true) = wants {
            let messages = GuestMessages {
                lender: self.clone(),
                version,
                instance: Box::new(instance),
                outbox,
                trace: exchange.trace.clone(),
                _place: place,
            };
            return (exchange, Ok(Some(Box::new(messages))));
        }
        self.idle.put(instance, &wants, &version);
        (exchange, wants.map(|_| None))
    }

    /// Calls the instance that this thread used last, where it is, on the caller's stack. The exchange comes back if that
    /// can't be.
    fn call_here(
        &self,
        hook: Hook,
        exchange: Box<Exchange>,
    ) -> Result<Outcome<Verdict>, Box<Exchange>> {
        let thread = ThreadNumber::mine();
        let Some(permit) = self.permit(thread) else {
            return Err(exchange);
        };
        let Some(mut place) = self.idle.enter(thread) else {
            return Err(exchange);
        };
        let Some(waiting) = place.last_mut() else {
            return Err(exchange);
        };
        let version = &self.version;
        let (exchange, result) = waiting.instance.call_straight(hook, exchange, version);
        drop(permit);
        self.idle.leave(place, &result, version);
        Ok((exchange, result))
    }

    /// Calls an instance of another thread or a new one, and one that can wait.
    async fn call_anyhow(&self, hook: Hook, exchange: Box<Exchange>) -> Outcome<Verdict> {
        let version = &self.version;
        let mut instance = match self.instance().await {
            Ok(instance) => instance,
            Err(error) => return (exchange, Err(error)),
        };
        let (exchange, result) = if let Some(permit) = self.permit(ThreadNumber::mine()) {
            let called = instance.call_straight(hook, exchange, version);
            drop(permit);
            called
        } else {
            // If the client leaves meanwhile, this future is dropped and the instance with it: its guest is in mid-call.
            instance
                .call(hook, exchange, CallPace::Yielding, version)
                .await
        };
        self.idle.put(instance, &result, version);
        (exchange, result)
    }
}

impl Lender for HooksPlugin {
    fn take_back(&self, instance: Instance) {
        self.idle.put(instance, &Ok(()), &self.version);
    }
}

impl Interceptor for HooksPlugin {
    fn name(&self) -> &str {
        &self.version.name
    }

    fn rules(&self) -> &Matches {
        &self.version.config.matches
    }

    fn on_failure(&self) -> OnFailure {
        self.version.config.on_failure
    }

    fn identity(&self) -> Arc<Identity> {
        self.version.identity.clone()
    }
}

impl Transform for HooksPlugin {
    fn forward_request(
        &self,
        exchange: Box<Exchange>,
    ) -> impl Future<Output = Outcome<Verdict>> + Send {
        self.call(Hook::ForwardRequest, exchange, |verdict| verdict)
    }

    fn return_response(&self, exchange: Box<Exchange>) -> impl Future<Output = Outcome<()>> + Send {
        self.call(Hook::ReturnResponse, exchange, drop)
    }

    fn rewrites(&self, side: Side) -> bool {
        self.code.linked.rewrites(side)
    }

    async fn rewrite_body(self: &Arc<Self>, side: Side, exchange: Box<Exchange>) -> Outcome<()> {
        let (exchange, result) = self.begin_rewriting(side, exchange).await;
        self.version.count_failure(&result);
        (exchange, result)
    }

    fn reads_messages(&self) -> bool {
        self.code.linked.reads_messages
    }

    async fn open_websocket(
        self: &Arc<Self>,
        exchange: Box<Exchange>,
    ) -> Outcome<Option<Box<dyn MessageInterceptor>>> {
        let (exchange, result) = self.begin_messages(exchange).await;
        self.version.count_failure(&result);
        (exchange, result)
    }
}

#[async_trait::async_trait]
impl GuestKind for HooksPlugin {
    fn version(&self) -> &Arc<PluginVersion> {
        &self.version
    }

    fn tier(&self) -> Tier {
        self.tier
    }

    fn kind(&self) -> String {
        self.code.linked.contract.to_string()
    }

    fn linking(&self) -> Option<&Linking> {
        Some(&self.code.linked.linking)
    }

    fn permissions(&self) -> &[Permission] {
        &self.code.linked.permissions
    }

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.code.serialize()
    }

    async fn trial(&self) -> Result<Trial, TrialFailure> {
        let version = &self.version;
        let mut left = version.limits.trial;
        let made = pin!(self.idle.make(&self.code.linked, version));
        let stalled = InterceptError::Stalled {
            limit_s: version.limits.trial.as_secs(),
        };
        let made = waiting_at_most(&mut left, made).await;
        let made = made.unwrap_or(Err(stalled));
        let mut instance = made.map_err(|error| (None, error))?;
        instance.set_on_trial(left);
        let memory_at_start = instance.memory();
        let mut exchange = Box::new(Exchange::blank());
        let mut errors = [None, None];
        for (hook, said) in [Hook::ForwardRequest, Hook::ReturnResponse]
            .into_iter()
            .zip(&mut errors)
        {
            let (returned, result) = instance
                .call(hook, exchange, CallPace::Yielding, version)
                .await;
            exchange = returned;
            match result {
                Ok(_) => {}
                // An error for want of a response says nothing of the plugin.
                Err(InterceptError::Returned(_)) if instance.has_called_in_trial() => {}
                Err(InterceptError::Returned(message) | InterceptError::Body { message, .. }) => {
                    *said = Some(message)
                }
                Err(error) => return Err((Some(hook), error)),
            }
        }
        for side in [Side::Request, Side::Response] {
            if self.rewrites(side) {
                let tried = instance.try_body(side, exchange, version).await;
                exchange = tried.0;
                tried.1.map_err(|error| (Some(Hook::Body(side)), error))?;
            }
        }
        if self.reads_messages() {
            let tried = instance.try_websocket(exchange, version).await;
            tried.1.map_err(|error| (Some(Hook::Messages), error))?;
        }
        let [forward_request, return_response] = errors;
        Ok(Trial {
            memory_at_start,
            memory: instance.memory(),
            forward_request,
            return_response,
            handle: None,
        })
    }
}

//! A version of a standard component as an interceptor that surrounds what comes after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::compile::StandardCode;
use super::empty::EmptyBackend;
use super::life::GuestLife;
use super::next::GuestExchange;
use super::world::StandardWorld;
use super::{body, convert, run};
use crate::config::Permission;
use crate::interceptor::{
    InterceptError, Interceptor, Matches, Next, OnFailure, Outcome, Surround,
};
use crate::message::trace::Identity;
use crate::message::{Body, Exchange, ResponseHead};
use crate::plugin::kind::common::GuestKind;
use crate::plugin::kind::linking::Linking;
use crate::plugin::kind::trial::{Trial, TrialFailure};
use crate::plugin::wasm::{PluginVersion, Tier};

/// How long a component may take over the request of its trial. One that waits longer is in order.
const LONGEST_TRIAL: Duration = Duration::from_secs(2);

/// One version of a standard component, ready to serve.
#[derive(Debug)]
pub struct StandardComponent {
    version: Arc<PluginVersion>,
    tier: Tier,
    world: StandardWorld,
    code: Arc<StandardCode>,
}

impl StandardComponent {
    pub fn new(
        version: Arc<PluginVersion>,
        tier: Tier,
        world: StandardWorld,
        code: StandardCode,
    ) -> Self {
        Self {
            version,
            tier,
            world,
            code: Arc::new(code),
        }
    }

    /// The same code as another version.
    #[must_use]
    pub fn again(&self, version: Arc<PluginVersion>) -> Self {
        Self {
            version,
            tier: self.tier,
            world: self.world,
            code: self.code.clone(),
        }
    }

    /// The world that it is made for.
    pub fn world(&self) -> StandardWorld {
        self.world
    }

    /// Has an instance answer, with what comes after it at hand.
    async fn answer(&self, mut exchange: Box<Exchange>, next: Arc<dyn Next>) -> Outcome<()> {
        let version = &self.version;
        let lent = body::Lent::new(std::mem::take(&mut exchange.request_body));
        let life = Arc::new(GuestLife::new(version.cpu_ticks()));
        let request = match convert::to_guest(&exchange, lent.reader(life.clone())) {
            Ok(request) => request,
            Err(error) => {
                exchange.request_body = lent.take_back();
                return (exchange, Err(error));
            }
        };
        let origin = Arc::new(GuestExchange::new(&exchange, next, life.clone()));
        let (head, answer) = oneshot::channel();
        let task = run::spawn(
            &self.code,
            version,
            origin.clone(),
            request,
            life.clone(),
            head,
        );
        let broke_off = || InterceptError::Trapped("its task broke off".to_owned());
        let result = match answer.await.unwrap_or_else(|_| Err(broke_off())) {
            Ok(response) => {
                let empty = convert::has_no_body(&exchange.request.method, response.status());
                let (head, body) = response.into_parts();
                exchange.response_body = if empty {
                    life.body_is_over();
                    task.detach();
                    Body::Empty
                } else {
                    let length = convert::content_length(&head.headers);
                    body::made_by_guest(body, length, life, task)
                };
                exchange.response = ResponseHead::from(&head);
                // The guest may have answered before it reads.
                exchange.request_body = lent.kept();
                Ok(())
            }
            Err(error) => {
                exchange.request_body = lent.take_back();
                Err(error)
            }
        };
        exchange.notes = origin.notes();
        if result.is_ok() {
            exchange.backend = origin.backend();
        }
        (exchange, result)
    }
}

impl Interceptor for StandardComponent {
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

impl Surround for StandardComponent {
    async fn handle(&self, exchange: Box<Exchange>, next: Arc<dyn Next>) -> Outcome<()> {
        let (exchange, result) = self.answer(exchange, next).await;
        self.version.count_failure(&result);
        (exchange, result)
    }
}

#[async_trait::async_trait]
impl GuestKind for StandardComponent {
    fn version(&self) -> &Arc<PluginVersion> {
        &self.version
    }

    fn tier(&self) -> Tier {
        self.tier
    }

    fn kind(&self) -> String {
        self.world.to_string()
    }

    fn linking(&self) -> Option<&Linking> {
        None
    }

    fn permissions(&self) -> &[Permission] {
        &[]
    }

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.code.serialize()
    }

    /// Makes an instance, and has another one answer a request, behind which is nothing but an empty 200.
    ///
    /// How that call failed is no reason to refuse the component: its author knows nothing of trials, so it may well expect
    /// a field that this request lacks. An exchange in which it fails so is answered 502.
    async fn trial(&self) -> Result<Trial, TrialFailure> {
        let exchange = Box::new(Exchange::blank());
        let life = Arc::new(GuestLife::new(self.version.cpu_ticks()));
        let origin = Arc::new(GuestExchange::new(
            &exchange,
            Arc::new(EmptyBackend),
            life.clone(),
        ));
        let made = run::instantiate(&self.code, &self.version, &origin, &life);
        let made = tokio::time::timeout(LONGEST_TRIAL, made).await;
        let stalled = InterceptError::Stalled {
            limit_s: LONGEST_TRIAL.as_secs(),
        };
        made.unwrap_or(Err(stalled))
            .map_err(|error| (None, error))?;
        let call = self.answer(exchange, Arc::new(EmptyBackend));
        let handle = match tokio::time::timeout(LONGEST_TRIAL, call).await {
            Ok((_, Err(error @ InterceptError::Unavailable(_)))) => return Err((None, error)),
            Ok((_, result)) => result.err(),
            Err(_) => None,
        };
        Ok(Trial {
            handle,
            ..Trial::default()
        })
    }
}

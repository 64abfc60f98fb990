//! Standard components: plugins that never heard of our contract but of a world of `wasi:http`.
//!
//! | exports | imports | is | asks what comes next by |
//! | --- | --- | --- | --- |
//! | `wasi:http/handler@0.3` | `wasi:http/handler` | a middleware | `handler.handle` |
//! | `wasi:http/handler@0.3` | | a service | `client.send` to the authority `backend.internal` |
//! | `wasi:http/incoming-handler@0.2` | | a proxy | `outgoing-handler.handle` to `backend.internal` |
//!
//! Each surrounds what comes after it in the chain. A request gets an instance of its own, in a task that lives until
//! the guest is done: it may still make the body when the head of its answer is long on its way. They run in engines of
//! their own, since wasmtime still calls its support of WASI 0.3 experimental.

mod body;
mod code;
mod convert;
mod life;
mod next;
mod run;
mod state;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use self::code::Code;
use self::life::Life;
use self::next::Origin;
use super::facts::Facts;
use super::load::StockWorld;
use crate::interceptor::{Asking, InterceptError, Next, Outcome};
use crate::message::{Body, Exchange};

pub use self::code::StockCompiler;

/// How long a component may take over the request with which it is tried out. One that waits longer is in order.
const LONGEST_PROBE: Duration = Duration::from_secs(2);

/// One version of a standard component, ready to serve.
#[derive(Debug, Clone)]
pub struct Handler {
    world: StockWorld,
    code: Arc<Code>,
}

impl Handler {
    pub fn new(world: StockWorld, code: Code) -> Self {
        Self {
            world,
            code: Arc::new(code),
        }
    }

    pub fn world(&self) -> StockWorld {
        self.world
    }

    pub fn code(&self) -> &Code {
        &self.code
    }

    /// Makes an instance, and has another one answer a request of the host's own, behind which is nothing but an empty 200.
    ///
    /// How that call failed is given back and is no reason to refuse the component: its author knows nothing of trials, so
    /// it may well expect a field that this request lacks. An exchange in which it fails so is answered 502.
    ///
    /// # Errors
    /// When no instance can be made.
    pub async fn probe(
        &self,
        facts: &Arc<Facts>,
    ) -> Result<Option<InterceptError>, InterceptError> {
        let exchange = Box::new(Exchange::probe());
        let made = run::instantiate(&self.code, facts, &exchange, Arc::new(Nothing));
        let made = tokio::time::timeout(LONGEST_PROBE, made).await;
        made.unwrap_or(Err(InterceptError::Stalled {
            limit_s: LONGEST_PROBE.as_secs(),
        }))?;
        let call = self.handle(facts, exchange, Arc::new(Nothing));
        match tokio::time::timeout(LONGEST_PROBE, call).await {
            Ok((_, Err(error @ InterceptError::Unavailable(_)))) => Err(error),
            Ok((_, result)) => Ok(result.err()),
            Err(_) => Ok(None),
        }
    }

    /// Has the component answer.
    pub async fn handle(
        &self,
        facts: &Arc<Facts>,
        mut exchange: Box<Exchange>,
        next: Arc<dyn Next>,
    ) -> Outcome<()> {
        let lent = body::Lent::new(std::mem::take(&mut exchange.request_body));
        let life = Arc::new(Life::new(facts.cpu_ticks()));
        let request = match convert::to_guest(&exchange, lent.reader(life.clone())) {
            Ok(request) => request,
            Err(error) => {
                exchange.request_body = lent.take_back();
                return (exchange, Err(error));
            }
        };
        let origin = Arc::new(Origin::new(&exchange, next, life.clone()));
        let (head, answer) = oneshot::channel();
        let task = run::spawn(
            &self.code,
            facts,
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
                exchange.response = head;
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
        (exchange, result)
    }
}

/// What comes after a component that is being tried out.
struct Nothing;

impl Next for Nothing {
    fn ask(self: Arc<Self>, mut exchange: Box<Exchange>) -> Asking {
        Box::pin(async move {
            exchange.reset_response();
            Ok(exchange)
        })
    }
}

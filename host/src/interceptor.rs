//! Where the two straight lines meet: all that the proxy knows about plugins, and all that plugins know about the proxy.

use std::future::Future;
use std::sync::Arc;

use http::request;

pub use crate::config::OnFailure;
use crate::message::{BodyError, Exchange};

/// What an interceptor wants to happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// On to the next interceptor, and behind the last one to the backend.
    Forward,
    /// The exchange's response is the answer.
    Respond,
}

/// Something that sees every exchange twice: before the backend is asked and after it answered.
///
/// An exchange is moved in and comes back with the outcome, also after a failure.
pub trait Interceptor: Send + Sync + 'static {
    /// The name in the configuration, in logs and in `Proxy-Status`.
    fn name(&self) -> &str;

    /// Whether this interceptor takes part in the exchange with this request.
    fn matches(&self, request: &request::Parts) -> bool;

    /// What happens to an exchange when this interceptor fails.
    fn on_failure(&self) -> OnFailure;

    fn forward_request(
        &self,
        exchange: Box<Exchange>,
    ) -> impl Future<Output = Outcome<Verdict>> + Send;

    fn return_response(&self, exchange: Box<Exchange>) -> impl Future<Output = Outcome<()>> + Send;
}

/// Which of an interceptor's two functions ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    ForwardRequest,
    ReturnResponse,
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Hook::ForwardRequest => "forward-request",
            Hook::ReturnResponse => "return-response",
        })
    }
}

/// The exchange after a call, with what the call came to.
pub type Outcome<T> = (Box<Exchange>, Result<T, InterceptError>);

/// Why a call of an interceptor failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterceptError {
    /// It returned an error of its own; holds the text.
    #[error("returned an error: {0}")]
    Returned(String),
    /// It gave up because a body could not be had.
    #[error("gave up: {message} ({body})")]
    Body { message: String, body: BodyError },
    #[error("trapped: {0}")]
    Trapped(String),
    #[error("took more than {limit_ms} ms of CPU time in one call")]
    Deadline { limit_ms: u64 },
    #[error("was still waiting {limit_s} s after it was called")]
    Stalled { limit_s: u64 },
    #[error("wanted more than {limit} bytes of memory")]
    Memory { limit: u64 },
    /// No further instance can be had now.
    #[error("has no instance free: {0}")]
    Unavailable(String),
}

/// The interceptors of one moment, in the order in which a request meets them.
///
/// An exchange takes one `Arc` of it and holds it to its last byte, so a swap never changes interceptors under a
/// running exchange.
#[derive(Debug)]
pub struct Chain<I> {
    pub interceptors: Vec<Arc<I>>,
    /// Counts the chains that were current before this one.
    pub generation: u64,
}

/// Gives the chain that new exchanges go through.
pub trait ChainSource: Send + Sync + 'static {
    type Interceptor: Interceptor;

    fn current(&self) -> Arc<Chain<Self::Interceptor>>;
}

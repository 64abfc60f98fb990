//! Where the two straight lines meet: all that the proxy knows about plugins, and all that plugins know about the proxy.

use std::future::Future;
use std::pin::Pin;
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

    /// Whether it is called by [`handle`](Self::handle) in place of the two functions.
    fn surrounds(&self) -> bool {
        false
    }

    /// Puts a response into the exchange, its own or what came of asking `next`.
    ///
    /// The request's body is gone afterwards if anybody began to read it; that tells a failed call that can be undone from
    /// one that can't.
    fn handle(
        &self,
        exchange: Box<Exchange>,
        next: Arc<dyn Next>,
    ) -> impl Future<Output = Outcome<()>> + Send;
}

/// What comes after an interceptor that surrounds it: the rest of the chain, and behind it the backend.
pub trait Next: Send + Sync + 'static {
    /// Gives the exchange back with the response in it. May be called more than once, and at the same time.
    fn ask(self: Arc<Self>, exchange: Box<Exchange>) -> Asking;
}

/// A request that is on its way to what comes next, and what came of it.
pub type Asking = Pin<Box<dyn Future<Output = Result<Box<Exchange>, NextError>> + Send>>;

/// Why there is no response from what comes next, as far as an interceptor needs to know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct NextError {
    pub kind: NextErrorKind,
    pub text: String,
}

/// The kinds of [`NextError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextErrorKind {
    /// Nobody could be reached.
    Unreachable,
    TimedOut,
    /// The connection broke, or what came over it was no HTTP.
    Broken,
    /// The request can't be sent as it is.
    Refused,
    /// Another interceptor failed.
    Other,
}

/// Which of an interceptor's functions ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    ForwardRequest,
    ReturnResponse,
    /// What an interceptor that surrounds has in place of both.
    Handle,
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Hook::ForwardRequest => "forward-request",
            Hook::ReturnResponse => "return-response",
            Hook::Handle => "handle",
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
    /// It had no answer but the error of what comes next.
    #[error("got no response from the rest of the chain: {0}")]
    Next(NextError),
    /// No further instance can be had now.
    #[error("found no free instance: {0}")]
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

//! Where the two straight lines meet: all that the proxy knows about plugins, and all that plugins know about the proxy.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use crate::config::OnFailure;
use crate::matching::Matcher;
pub use crate::matching::Matches;
use crate::message::trace::Identity;
use crate::message::websocket::{Content, MessageOutbox, Peer};
use crate::message::{BodyError, Exchange, Fate, Side, Trace};
use crate::metrics::FailureCause;

/// What an interceptor wants to happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// On to the next interceptor, and behind the last one to the backend.
    Forward,
    /// The exchange's response is the answer.
    Respond,
}

/// What a chain knows of each plugin in it.
pub trait Interceptor: Send + Sync + 'static {
    /// The name in the configuration, in logs and in `Proxy-Status`.
    fn name(&self) -> &str;

    /// The exchanges that it takes part in.
    fn rules(&self) -> &Matches;

    /// What happens to an exchange when this interceptor fails.
    fn on_failure(&self) -> OnFailure;

    /// Name and version, for observers.
    fn identity(&self) -> Arc<Identity> {
        Arc::new(Identity {
            name: self.name().to_owned(),
            version: String::new(),
        })
    }
}

/// An interceptor that sees an exchange twice: before the backend is asked and after it answered.
///
/// An exchange is moved in and comes back with the outcome, also after a failure.
pub trait Transform: Interceptor {
    fn forward_request(
        &self,
        exchange: Box<Exchange>,
    ) -> impl Future<Output = Outcome<Verdict>> + Send;

    fn return_response(&self, exchange: Box<Exchange>) -> impl Future<Output = Outcome<()>> + Send;

    /// Whether it may want to rewrite bodies of this side as they flow.
    fn rewrites(&self, side: Side) -> bool;

    /// Asks whether it wants to rewrite this body, of which the head is final. If so, puts it between the body and its receiver.
    fn rewrite_body(
        self: &Arc<Self>,
        side: Side,
        exchange: Box<Exchange>,
    ) -> impl Future<Output = Outcome<()>> + Send;

    /// Whether it may want the messages of WebSockets.
    fn reads_messages(&self) -> bool;

    /// Asks whether it wants the messages of the WebSocket that this exchange, of which both heads are final, opens. Gives
    /// what gets them, if so.
    fn open_websocket(
        self: &Arc<Self>,
        exchange: Box<Exchange>,
    ) -> impl Future<Output = Outcome<Option<Box<dyn MessageInterceptor>>>> + Send;
}

/// An interceptor's part in one WebSocket. It gets one message at a time.
pub trait MessageInterceptor: Send {
    /// The interceptor's name.
    fn name(&self) -> &str;

    /// The longest message that it takes, in bytes.
    fn longest(&self) -> usize;

    /// Where it puts what it sends in its calls. What is in it is to be taken out, and the call polled again, when either can
    /// go on.
    fn outbox(&self) -> MessageOutbox;

    /// Observers of the exchange that opened the WebSocket, in the step in which it was asked for.
    fn trace(&self) -> Trace {
        Trace::OFF
    }

    /// Gives it a message.
    fn message(self: Box<Self>, sender: Peer, content: Content) -> MessageCall;

    /// Tells it that the connection has ended. Nothing that it sends counts.
    fn closed(self: Box<Self>) -> Pin<Box<dyn Future<Output = Result<(), InterceptError>> + Send>>;
}

/// A call for a message, which gives the interceptor back with what becomes of the message. After an error it is gone.
pub type MessageCall = Pin<
    Box<dyn Future<Output = Result<(Box<dyn MessageInterceptor>, Fate), InterceptError>> + Send>,
>;

/// An interceptor that surrounds what comes after it in the chain.
pub trait Surround: Interceptor {
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

/// One place of a chain. Each kind has its own way to be called, so that calling one in the way of another, which would
/// let an exchange pass it, does not compile.
#[derive(Debug)]
pub enum Link<H, A> {
    /// A plugin with two hooks.
    Hooks(Arc<H>),
    /// A plugin that surrounds what comes after it.
    Around(Arc<A>),
    /// The place of a required plugin of which no version serves. An exchange that it would take part in ends here.
    Missing(Arc<Missing>),
}

impl<H: Interceptor, A: Interceptor> Link<H, A> {
    /// The exchanges that this place concerns.
    pub fn rules(&self) -> &Matches {
        match self {
            Link::Hooks(hooks) => hooks.rules(),
            Link::Around(around) => around.rules(),
            Link::Missing(missing) => &missing.rules,
        }
    }

    /// Whether both are the same version of the same plugin, or both stand for the same one that is missing.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Link::Hooks(one), Link::Hooks(other)) => Arc::ptr_eq(one, other),
            (Link::Around(one), Link::Around(other)) => Arc::ptr_eq(one, other),
            (Link::Missing(one), Link::Missing(other)) => one == other,
            _ => false,
        }
    }
}

impl<H, A> Clone for Link<H, A> {
    fn clone(&self) -> Self {
        match self {
            Link::Hooks(hooks) => Link::Hooks(hooks.clone()),
            Link::Around(around) => Link::Around(around.clone()),
            Link::Missing(missing) => Link::Missing(missing.clone()),
        }
    }
}

/// A plugin that the configuration requires and of which no version serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub name: String,
    /// The exchanges that it would take part in.
    pub rules: Matches,
    pub why: Absence,
}

/// Why no version of a plugin serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    #[error("it has no file")]
    NoFile,
    #[error("its file was refused")]
    Refused,
    #[error("its file is not loaded yet")]
    Loading,
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
    /// What rewrites the body of one side as it flows.
    Body(Side),
    /// What gets the messages of a WebSocket.
    Messages,
}

impl Hook {
    pub fn as_str(self) -> &'static str {
        match self {
            Hook::ForwardRequest => "forward-request",
            Hook::ReturnResponse => "return-response",
            Hook::Handle => "handle",
            Hook::Body(Side::Request) => "request-body",
            Hook::Body(Side::Response) => "response-body",
            Hook::Messages => "websocket-messages",
        }
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
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
    /// Its function `lifecycle.start` returned an error; holds the text.
    #[error("could not be started: lifecycle.start returned an error: {0}")]
    NotStarted(String),
    /// No further instance can be had now.
    #[error("found no free instance: {0}")]
    Unavailable(String),
}

impl InterceptError {
    /// The kind of it, as it is counted.
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::Returned(_) => FailureCause::Returned,
            Self::Body { .. } => FailureCause::Body,
            Self::Trapped(_) => FailureCause::Trapped,
            Self::Deadline { .. } => FailureCause::Deadline,
            Self::Stalled { .. } => FailureCause::Stalled,
            Self::Memory { .. } => FailureCause::Memory,
            Self::Next(_) => FailureCause::Next,
            Self::NotStarted(_) => FailureCause::NotStarted,
            Self::Unavailable(_) => FailureCause::Unavailable,
        }
    }
}

/// The interceptors of one moment, in the order in which a request meets them.
///
/// An exchange takes one `Arc` of it and holds it to its last byte, so a swap never changes interceptors under a
/// running exchange.
#[derive(Debug)]
pub struct Chain<H, A> {
    links: Vec<Link<H, A>>,
    /// Finds the links that a request matches; none if each takes part in everything.
    matcher: Option<Matcher>,
}

impl<H: Interceptor, A: Interceptor> Chain<H, A> {
    pub fn new(links: Vec<Link<H, A>>) -> Self {
        let rules = links.iter().map(Link::rules);
        let is_selective = rules.clone().any(|rules| !rules.is_everything());
        let matcher = is_selective.then(|| Matcher::new(rules));
        Self { links, matcher }
    }

    pub fn links(&self) -> &[Link<H, A>] {
        &self.links
    }

    /// Tells the positions of the links that a request matches; none if it matches them all, whatever it is.
    pub fn matcher(&self) -> Option<&Matcher> {
        self.matcher.as_ref()
    }
}

/// Gives the chain that new exchanges go through.
pub trait ChainSource: Send + Sync + 'static {
    type Hooks: Transform;
    type Around: Surround;

    fn current(&self) -> Arc<ChainOf<Self>>;
}

/// The chain that a source gives.
pub type ChainOf<S> = Chain<<S as ChainSource>::Hooks, <S as ChainSource>::Around>;

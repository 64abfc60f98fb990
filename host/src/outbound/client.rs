//! The client: what all plugins share ([`Outbound`]), and what one plugin calls with ([`Caller`]).
//!
//! Each plugin has its own pool of connections, because what one may reach another may not. A [`Caller`] lasts as long as
//! the plugin's list of destinations; when it is dropped, its resting connections are closed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Response, StatusCode};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::allow::Allow;
use super::body::{AnswerBody, CallBody, Sending, Source, Stream};
use super::budget::{CallBudget, UnderWay};
use super::config::OutboundConfig;
use super::connect::{Connector, Settings};
use super::error::{CallError, Part};
use super::mark::DEEPEST;
use super::prepare::{Asker, CallHead, Prepared, prepare};
use super::report::{CallReport, Peer};
use super::stand_in::{self, StandIn};
use super::url::Url;
use super::{fault, fields};
use crate::counted::Counter;
use crate::dial::{Resolve, SystemResolver};
use crate::tls::{Alpn, ClientOptions, ClientTls, SetupError};

/// How long a connection over HTTP/2 may be silent before it is asked whether it stands, and how long for its answer.
const PING: Duration = Duration::from_secs(5);

/// What one response over HTTP/2 may have under way before somebody takes it, and one connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 2 << 20;

/// What hyper takes at least.
const LEAST_HEAD: usize = 8 << 10;

/// Outbound calls of all plugins of a process.
#[derive(Clone)]
pub struct Outbound(Arc<Shared>);

struct Shared {
    config: OutboundConfig,
    resolver: Arc<dyn Resolve>,
    tls: Arc<ClientTls>,
    under_way: Counter,
}

/// Outbound calls of one plugin.
#[derive(Clone)]
pub struct Caller(Arc<Own>);

struct Own {
    plugin: String,
    allow: Arc<Allow>,
    shared: Arc<Shared>,
    under_way: Counter,
    either: Client<Connector, Sending>,
    http1: Client<Connector, Sending>,
    /// Answers in the place of both.
    stand_in: Option<Arc<dyn StandIn>>,
}

impl Outbound {
    /// # Errors
    /// When one of the files in `ca` can't be used.
    pub fn new(config: OutboundConfig) -> Result<Self, SetupError> {
        Self::with_resolver(config, Arc::new(SystemResolver))
    }

    /// The same with another source of addresses.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_resolver(
        mut config: OutboundConfig,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, SetupError> {
        config.max_head = config.max_head.max(LEAST_HEAD);
        let tls = ClientTls::new(ClientOptions {
            verify: true,
            ca: None,
            more: config.ca.clone(),
            server_name: None,
            client: None,
        })?;
        Ok(Self(Arc::new(Shared {
            config,
            resolver,
            tls: Arc::new(tls),
            under_way: Counter::default(),
        })))
    }

    /// Takes what is new in the files of `ca`, for connections from now on. True if something was.
    ///
    /// # Errors
    /// When one can't be used; everything stays as it was.
    pub fn reload(&self) -> Result<bool, SetupError> {
        self.0.tls.reload()
    }

    /// Calls of a plugin to what it may reach. `plugin` is its name in the configuration, for errors.
    pub fn caller(&self, plugin: &str, allow: Allow) -> Caller {
        self.caller_of(plugin, allow, None)
    }

    /// The same with somebody who answers in the place of the network: no socket is opened.
    pub fn caller_without_network(
        &self,
        plugin: &str,
        allow: Allow,
        stand_in: Arc<dyn StandIn>,
    ) -> Caller {
        self.caller_of(plugin, allow, Some(stand_in))
    }

    fn caller_of(&self, plugin: &str, allow: Allow, stand_in: Option<Arc<dyn StandIn>>) -> Caller {
        let allow = Arc::new(allow);
        let client = |alpn| {
            self.0.client(Settings {
                plugin: plugin.to_owned(),
                allow: allow.clone(),
                resolver: self.0.resolver.clone(),
                tls: self.0.tls.clone(),
                timeout: self.0.config.connect_timeout,
                alpn,
            })
        };
        Caller(Arc::new(Own {
            either: client(Alpn::Either),
            http1: client(Alpn::Http1),
            plugin: plugin.to_owned(),
            shared: self.0.clone(),
            under_way: Counter::default(),
            allow,
            stand_in,
        }))
    }
}

impl Shared {
    fn client(&self, settings: Settings) -> Client<Connector, Sending> {
        let config = &self.config;
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle)
            .pool_max_idle_per_host(config.max_idle)
            .http1_max_buf_size(config.max_head)
            .http1_max_headers(config.max_fields)
            .http2_max_header_list_size(u32::try_from(config.max_head).unwrap_or(u32::MAX))
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(PING)
            .build(Connector(Arc::new(settings)))
    }
}

/// The body of a request before it is sent.
pub(super) enum Outgoing {
    Whole(Bytes),
    /// None when it has been sent.
    Stream(Option<CallBody>),
}

/// A response whose head is there.
pub(super) struct Answered {
    pub(super) response: Response<()>,
    pub(super) body: AnswerBody,
}

/// A call from its begin.
pub(super) struct Start {
    pub(super) at: Instant,
    /// Bytes of the request's body by now.
    pub(super) sent: Arc<AtomicU64>,
}

impl Start {
    pub(super) fn now() -> Self {
        Self {
            at: Instant::now(),
            sent: Arc::default(),
        }
    }
}

impl Caller {
    pub(super) fn config(&self) -> &OutboundConfig {
        &self.0.shared.config
    }

    /// The most bytes of a response's body.
    pub fn max_response(&self) -> u64 {
        self.config().max_response
    }

    /// Sends a request and waits for the response's head, without a limit in time. Whoever stops waiting drops it, and the
    /// connection with it.
    pub(super) async fn ask(
        &self,
        head: &CallHead,
        mut body: Outgoing,
        budget: &CallBudget,
        start: &Start,
    ) -> Result<Answered, CallError> {
        let own = &*self.0;
        let config = self.config();
        budget.take(config.max_calls)?;
        let depth = budget.depth();
        if depth >= DEEPEST {
            return Err(CallError::Loop { depth });
        }
        let asker = Asker {
            plugin: &own.plugin,
            allow: &own.allow,
            config,
            depth: depth + 1,
        };
        let mut prepared = prepare(head, asker)?;
        let under_way = UnderWay::new(
            (&own.under_way, config.max_at_once_of_plugin),
            (&own.shared.under_way, config.max_at_once),
        )?;
        let client = if prepared.http1_only {
            &own.http1
        } else {
            &own.either
        };
        let mut attempts = 1;
        loop {
            let sending = body.sending(&mut prepared, config.max_request, &start.sent)?;
            let request = std::mem::take(&mut prepared.request).map(|()| sending);
            if let Some(stand_in) = &own.stand_in {
                let response = stand_in::ask(&**stand_in, request, asker.depth).await?;
                let response = response.map(Source::StandIn);
                return answered(response, stand_in::peer(), under_way, start, attempts);
            }
            let may_repeat = attempts == 1 && matches!(body, Outgoing::Whole(_));
            let is_idempotent = is_idempotent(request.method());
            let error = match client.request(request).await {
                Ok(mut response) => {
                    let peer = response.extensions_mut().remove::<Arc<Peer>>();
                    let nobodys = || CallError::Configuration("a connection of nobody's".into());
                    let peer = peer.ok_or_else(nobodys)?;
                    let response = response.map(Source::Network);
                    return answered(response, peer, under_way, start, attempts);
                }
                Err(error) => error,
            };
            if !may_repeat || !is_safe_again(&error, is_idempotent) {
                let peer = Url::read(&head.uri).map(|url| url.authority());
                let peer = peer.unwrap_or_default();
                return Err(fault::of_request(&error, &peer, config.max_head));
            }
            attempts += 1;
            prepared = prepare(head, asker)?;
        }
    }
}

impl Outgoing {
    fn sending(
        &mut self,
        prepared: &mut Prepared,
        limit: u64,
        sent: &Arc<AtomicU64>,
    ) -> Result<Sending, CallError> {
        let promised = prepared.content_length;
        match self {
            Self::Whole(bytes) => {
                let length = bytes.len() as u64;
                if promised.is_some_and(|promised| promised != length) {
                    return Err(CallError::InvalidRequest(format!(
                        "the field \"content-length\" is not the length of its body, which has {length} bytes: leave it out"
                    )));
                }
                if length > limit {
                    return Err(too_large(limit));
                }
                if length == 0 && expects_content(prepared.request.method()) {
                    let fields = prepared.request.headers_mut();
                    fields.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
                }
                sent.store(length, Ordering::Relaxed);
                Ok(Sending::Whole(bytes.clone()))
            }
            Self::Stream(body) => {
                if promised.is_some_and(|promised| promised > limit) {
                    return Err(too_large(limit));
                }
                Ok(match body.take() {
                    Some(body) => {
                        let stream = Stream::new(body, promised, limit, sent.clone());
                        Sending::Stream(Box::new(stream))
                    }
                    None => Sending::Whole(Bytes::new()),
                })
            }
        }
    }
}

/// Methods whose servers want to be told that there is no content (RFC 9110, section 8.6), which hyper doesn't.
fn expects_content(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

fn too_large(limit: u64) -> CallError {
    CallError::TooLarge {
        what: Part::RequestBody,
        limit,
    }
}

fn answered(
    response: Response<Source>,
    peer: Arc<Peer>,
    under_way: UnderWay,
    start: &Start,
    attempts: u32,
) -> Result<Answered, CallError> {
    let (mut head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(CallError::Protocol(
            "it switches protocols, which nobody asked it to".into(),
        ));
    }
    head.extensions.clear();
    fields::strip_response(&mut head.headers);
    let elapsed = start.at.elapsed();
    let report = CallReport {
        reused: peer.count() > 0,
        peer,
        attempts,
        to_head: elapsed,
        total: elapsed,
        sent: 0,
        received: 0,
    };
    let body = AnswerBody::new(body, under_way, start.at, report, start.sent.clone());
    let response = Response::from_parts(head, ());
    Ok(Answered { response, body })
}

/// RFC 9110, section 9.2.2.
fn is_idempotent(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ]
    .contains(method)
}

/// Whether a failed request may be sent once more: the peer said that it didn't look at it, or the connection had rested
/// and was closed under it, and twice is no more than once (RFC 9112, section 9.3.1). hyper-util itself repeats what was
/// never written.
fn is_safe_again(error: &legacy::Error, is_idempotent: bool) -> bool {
    if fault::is_unprocessed(error) {
        return true;
    }
    let mut extras = http::Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extras);
    }
    let rested = extras.get::<Arc<Peer>>().is_some_and(|p| p.has_answered());
    is_idempotent && rested && fault::is_lost(error)
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("config", &self.0.config)
            .field("under_way", &self.0.under_way.count())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("plugin", &self.0.plugin)
            .field("allow", &self.0.allow)
            .field("under_way", &self.0.under_way.count())
            .finish_non_exhaustive()
    }
}

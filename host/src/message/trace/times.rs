//! Who did what with an exchange, when, and what came of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, Version};

use super::context::TraceContext;
use super::taken::TakenFields;
use crate::message::{ExchangeId, Scheme};

/// A finished exchange without its messages.
#[derive(Debug, Clone)]
pub struct Times {
    pub id: ExchangeId,
    /// When its head was complete.
    pub began: SystemTime,
    /// From then until nobody worked on it any more; for a WebSocket or a tunnel, until that ended.
    pub duration: Duration,
    /// From its beginning until the head of the response was ready for the client; none if there never was one.
    pub head_after: Option<Duration>,
    pub client: SocketAddr,
    /// The listener that the client is connected to; none where there is no listener.
    pub listener: Option<Arc<str>>,
    /// What the client's connection is.
    pub scheme: Scheme,
    /// The client's protocol.
    pub protocol: Version,
    pub method: Method,
    /// As they came; `host` is the field or HTTP/2's authority. Masks are not applied: a query may hold a secret.
    pub target: Box<str>,
    pub host: Option<Box<str>>,
    /// Those fields that an observer has [asked for](super::Observer::request_fields); of the request as they came.
    pub request_fields: TakenFields,
    pub response_fields: TakenFields,
    /// Where it stands in a trace; none unless somebody [samples](super::Observer::sample).
    pub context: Option<TraceContext>,
    /// The route that was taken, as `host/path` of the configuration; none if there was none to take.
    pub route: Option<Arc<str>>,
    /// Of the response that the client got; none if it left before.
    pub status: Option<u16>,
    /// Bytes of the request's body that came.
    pub request_bytes: u64,
    /// Bytes of the response's body that went to the client.
    pub response_bytes: u64,
    /// In the order of their beginnings.
    pub steps: Vec<StepTimes>,
    pub ending: Ending,
}

/// Something that was done with the exchange.
#[derive(Debug, Clone)]
pub struct StepTimes {
    pub performer: Performer,
    /// From the exchange's beginning.
    pub began: Duration,
    /// Until it was over, with waiting. A plugin that rewrites a body is done when it has said that it will.
    pub duration: Duration,
    /// Time in which a plugin's hook computed: what the polls of its call took. None for host and backend.
    pub computing: Option<Duration>,
    pub outcome: Outcome,
    /// Outbound calls that it made, and those of them of which the times are known.
    pub outbound_calls: u32,
    pub outbound: Vec<OutboundTimes>,
    /// How many plugins that surround what comes after them stand around it.
    pub depth: u8,
    /// It goes on with a step of the same performer, which began before others: the answer of a plugin that surrounds. Not to be
    /// counted as another call.
    pub is_more: bool,
}

/// A request that a plugin sent to another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundTimes {
    /// From the exchange's beginning, until the answer was there.
    pub began: Duration,
    pub duration: Duration,
    pub method: Method,
    /// Host and port of the URL.
    pub authority: Box<str>,
    /// The whole URL. Not masked.
    pub url: Box<str>,
    /// The status, or why there is none.
    pub result: Result<u16, String>,
    /// Bytes of the answer's body, as far as they were known when its head was there.
    pub length: u64,
}

/// Who did a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Performer {
    Host,
    Plugin {
        plugin: Arc<Identity>,
        /// `forward-request`, `return-response`, `handle`, `request-body`, `response-body`, `websocket-messages`.
        hook: &'static str,
    },
    Backend {
        /// In the configuration.
        name: String,
        /// The address that was asked last, as the configuration has it; none if none was.
        address: Option<String>,
    },
}

/// Which plugin, and which version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    /// The beginning of the content's hash, as in logs.
    pub version: String,
}

/// What a step came to. Texts are for who runs the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// A plugin answered in the place of what comes after it.
    Responded,
    /// It failed, and the exchange with it.
    Failed(String),
    /// It failed, its changes were undone, and the exchange went on.
    Undone(String),
    /// The exchange ended while it ran.
    Abandoned,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The client got the whole response.
    Complete,
    /// The host answered in the place of the response.
    Failed(Failure),
    /// The client left, or the response broke off.
    CutOff,
}

/// An error of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the error means as a status; a client of gRPC gets 200 and reads it elsewhere.
    pub status: u16,
    /// RFC 9209, section 2.3.
    pub proxy_error: &'static str,
    /// For who runs the proxy, as in the log.
    pub text: String,
}

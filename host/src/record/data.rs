//! A finished exchange as it is kept: what came, what each step changed, what went out. Secrets are masked in it already.
//!
//! Only changes are kept: a message is its first form and the edits of the steps behind it ([`Recorded::before`]). Times are
//! microseconds; those of steps count from the beginning of the exchange.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::edit::MessageEdit;
#[cfg(test)]
pub use super::message::Content;
pub use super::message::{Bytes, Field, Message, StartLine};

/// One exchange from its first byte to its last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// As in logs; see `message::ExchangeId`.
    pub id: u64,
    /// When its head was complete: microseconds since 1970.
    pub began: u64,
    /// From then until nobody worked on it any more.
    pub duration: u64,
    pub client: SocketAddr,
    /// `http` or `https`.
    pub scheme: String,
    /// The client's: `HTTP/1.1`, `HTTP/2`.
    pub protocol: String,
    /// The host and path of the route that was taken, as the configuration has them; none if there was none to take.
    pub route: Option<String>,
    /// As it came from the client, before anything was changed.
    pub request: Message,
    /// In the order of their beginnings.
    pub steps: Vec<Step>,
    pub ending: Ending,
}

/// Something that was done with the exchange: by the host, by a plugin, or by the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub performer: Performer,
    pub began: u64,
    /// Until it was over; with waiting.
    pub duration: u64,
    /// Time in which it computed, for a plugin.
    pub computing: Option<u64>,
    pub outcome: StepOutcome,
    /// What it changed in the request and in the response.
    pub request: MessageEdit,
    pub response: MessageEdit,
    /// The body that it rewrote as it flowed, or the messages of the WebSocket that it was shown.
    pub transcript: Option<Transcript>,
    /// Its calls to other servers.
    pub outbound: Vec<Outbound>,
    /// What it logged and printed.
    pub log: Vec<LogLine>,
    /// How many plugins that surround what comes after them stand around it.
    pub depth: u8,
}

/// Who did a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Performer {
    /// tollgate itself: what a proxy has to change in a message (RFC 9110, section 7.6).
    Host,
    Plugin {
        name: String,
        /// The beginning of the content's hash, as in logs.
        version: String,
        /// `forward-request`, `return-response`, `handle`, `request-body`, `response-body`, `websocket-messages`.
        hook: String,
    },
    /// What comes last in the chain: the name in the configuration, and the address that was connected to, if one was.
    Backend {
        name: String,
        address: Option<String>,
    },
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepOutcome {
    /// It went on.
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

/// What went through a step piece by piece.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The first of them.
    pub pieces: Vec<Piece>,
    /// How many there were in all.
    pub count: u64,
}

/// A piece of a body, or a message of a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub at: u64,
    /// For a message: who sent it.
    pub sender: Option<Sender>,
    /// For a message: whether it is text.
    pub text: bool,
    pub came: Fragment,
    /// What went on in its place; with `Keep` it is what came, and empty here.
    pub went: Vec<Fragment>,
    pub fate: PieceFate,
}

/// The first bytes of a piece, and how many it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    #[serde(with = "crate::record::blob")]
    pub kept: Bytes,
    pub length: u64,
}

/// The peer that a message of a WebSocket came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sender {
    Client,
    Backend,
    /// A plugin made it.
    Plugin,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PieceFate {
    Keep,
    Replace,
    Stop,
    /// What was emitted at the body's end.
    End,
}

/// A call that a plugin made to another server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    pub began: u64,
    pub duration: u64,
    pub method: String,
    /// Masked in its query.
    pub url: String,
    /// The status, or why there is none.
    pub result: Result<u16, String>,
    /// Bytes of the answer's body.
    pub length: u64,
}

/// A line that a plugin logged or printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub at: u64,
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub level: String,
    pub text: String,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The client got the whole response.
    Complete,
    /// The host answered in the place of the response: an error.
    Failed(Failure),
    /// The client left, or the response broke off.
    CutOff,
}

/// An error, and the answer that the client got for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub status: u16,
    /// RFC 9209, section 2.3.
    pub proxy_error: String,
    /// For who runs the proxy, as in the log.
    pub text: String,
}

impl Recorded {
    /// Request and response before the step with this number; after the last one with the number of steps.
    pub fn before(&self, step: usize) -> (Message, Option<Message>) {
        let (mut request, mut response) = (Some(self.request.clone()), None);
        for step in self.steps.iter().take(step) {
            request = step.request.apply(request);
            response = step.response.apply(response);
        }
        (request.unwrap_or_else(|| self.request.clone()), response)
    }

    /// The response as the client got it, up to its framing.
    pub fn response(&self) -> Option<Message> {
        self.before(self.steps.len()).1
    }
}

//! The parts of an exchange as the API shows them. Times of day are microseconds since 1970, durations microseconds.

use serde::Serialize;
use utoipa::ToSchema;

/// A request or a response
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MessageView {
    pub line: LineView,
    /// Name and value, in the order of the message. Bytes that are no UTF-8 are shown as U+FFFD.
    pub fields: Vec<(String, String)>,
    pub trailers: Vec<(String, String)>,
    pub body: ContentView,
}

/// What stands before the fields: of a request method, target and authority, of a response its status
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// A body, without its content codings as far as they can be undone
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContentView {
    /// What is kept of it, if that is text.
    pub text: Option<String>,
    /// The same, if it is none.
    pub base64: Option<String>,
    /// Bytes that there were in all, as they went over the network.
    pub length: u64,
    /// How many of them are kept.
    pub kept: u64,
    /// Whether it went to its end.
    pub complete: bool,
    pub media_type: Option<String>,
    /// The content coding that it had.
    pub coding: Option<String>,
}

/// Something that was done with the exchange
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StepView {
    pub index: usize,
    pub performer: PerformerView,
    /// Since the exchange began.
    pub began_us: u64,
    /// With waiting.
    pub duration_us: u64,
    /// Time in which it computed, for a plugin.
    pub computing_us: Option<u64>,
    pub outcome: OutcomeView,
    pub changed: ChangedView,
    /// Some of what changed, at most four lines.
    pub preview: Vec<PreviewLine>,
    /// How many pieces of a body or messages of a WebSocket went through it.
    pub pieces: Option<u64>,
    pub outbound: Vec<OutboundView>,
    pub log: Vec<LogLineView>,
    /// How many plugins that surround what comes after them stand around it.
    pub depth: u8,
}

/// Who did a step
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PerformerView {
    /// `host`, `plugin`, `backend`.
    pub kind: String,
    pub name: Option<String>,
    /// Of a plugin: as in the log.
    pub version: Option<String>,
    /// Of a plugin: which function.
    pub hook: Option<String>,
    /// Of a backend: where it was.
    pub address: Option<String>,
}

/// What a step came to
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutcomeView {
    /// `done`, `responded`, `failed`, `undone`, `abandoned`.
    pub kind: String,
    /// Why, if it failed.
    pub text: Option<String>,
}

/// What a step changed
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangedView {
    pub request: bool,
    pub response: bool,
}

/// A line that a step added or removed
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreviewLine {
    /// `+` or `-`.
    pub op: String,
    pub text: String,
}

/// A call of a plugin to another server
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutboundView {
    pub began_us: u64,
    pub duration_us: u64,
    pub method: String,
    pub url: String,
    pub status: Option<u16>,
    /// Why there is no status.
    pub error: Option<String>,
    /// Bytes of the answer's body.
    pub length: u64,
}

/// A line that a plugin logged or printed
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogLineView {
    pub at_us: u64,
    pub level: String,
    pub text: String,
}

/// What a step changed, line by line
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StepDetail {
    pub request: SideDiff,
    /// None if there was no response yet.
    pub response: Option<SideDiff>,
    pub pieces: Vec<PieceView>,
}

/// What a step changed in one message
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SideDiff {
    pub head: Diff,
    pub body: BodyDiff,
}

/// Lines side by side
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Diff {
    pub rows: Vec<DiffRow>,
    /// Whether there are more rows than 2,000.
    pub truncated: bool,
}

/// A line before and after
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DiffRow {
    pub op: DiffOp,
    pub left: Option<String>,
    pub right: Option<String>,
}

/// What became of a line
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiffOp {
    Equal,
    Insert,
    Delete,
    Replace,
}

/// Two bodies side by side
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BodyDiff {
    pub kind: BodyKind,
    pub unchanged: bool,
    /// Before; none if nothing changed.
    pub left: Option<ContentView>,
    /// Afterwards.
    pub right: Option<ContentView>,
    /// Lines: of JSON indented, of binary as hex. None for images, and when nothing changed.
    pub rows: Vec<DiffRow>,
    pub truncated: bool,
}

/// How two bodies are compared
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyKind {
    /// There is none.
    None,
    Text,
    Json,
    Binary,
    Image,
}

/// A piece of a body, or a message of a WebSocket, that went through a step
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PieceView {
    pub at_us: u64,
    /// Of a message: `client`, `backend`, `plugin`.
    pub sender: Option<String>,
    /// `keep`, `replace`, `stop`, `end`.
    pub fate: String,
    pub came: FragmentView,
    /// What went on in its place; none of a piece that was kept, which went on as it came.
    pub went: Vec<FragmentView>,
}

/// The beginning of a piece
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FragmentView {
    pub text: Option<String>,
    pub base64: Option<String>,
    pub length: u64,
    pub kept: u64,
}

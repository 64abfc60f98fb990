//! The APIs: where text is in what a model says, and how each says that something went wrong.
//!
//! Text is found by the shape of an event and not by its type, so an unknown type hides nothing. What an API sends in
//! fragments is a delta of a channel; any other string is a text of its own. Only what is known to be no text, such as ids
//! and signatures, is left out.

pub mod anthropic;
pub mod openai_chat;
pub mod openai_responses;

use std::ops::Range;

use crate::json::{Edit, Value, What};
use crate::scan::Kind;

/// Which API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    OpenaiChat,
    OpenaiResponses,
    Anthropic,
}

/// What an event or a document says.
#[derive(Debug, Default)]
pub struct Plan {
    pub slots: Vec<Slot>,
    /// Parts that are replaced whatever they are.
    pub edits: Vec<Edit>,
    pub ended: Vec<Ended>,
    pub usage: Usage,
}

/// A string.
#[derive(Debug)]
pub struct Slot {
    pub span: Range<usize>,
    pub text: String,
    pub kind: Kind,
    /// The channel that it goes on with, if it is a fragment.
    pub delta: Option<Delta>,
}

/// Where a fragment belongs.
#[derive(Clone, Debug)]
pub struct Delta {
    /// Tells a channel from others.
    pub key: String,
    /// Channels that end together: a choice, a block, an item.
    pub group: String,
    pub frame: Frame,
}

/// An event with a fragment, without the fragment.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    pub name: Option<String>,
    pub before: String,
    pub after: String,
}

/// Which channels get no more text.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Key(String),
    Group(String),
    All,
}

/// Why an answer ends with an error of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A content filter.
    Content,
    /// The budget of tokens is used up.
    Budget,
}

/// Tokens as the model's server counts them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub input: Option<u64>,
    pub output: Option<u64>,
}

/// What an ending of our own needs to know of the stream.
#[derive(Debug, Default)]
pub struct Seen {
    /// Members of the message that each event repeats, or that its last event needs.
    pub head: String,
    /// Choices that are under way.
    pub choices: Vec<String>,
    pub sequence: u64,
    /// The model that answers.
    pub model: Option<String>,
    /// Whether the event that ends the answer has come.
    pub is_over: bool,
}

/// Members that are no text wherever they are, but in what a tool is called with.
const NO_TEXT: [&str; 25] = [
    "id",
    "object",
    "model",
    "type",
    "role",
    "status",
    "phase",
    "item_id",
    "response_id",
    "previous_response_id",
    "call_id",
    "tool_call_id",
    "tool_use_id",
    "container_id",
    "signature",
    "encrypted_content",
    "encrypted_index",
    "system_fingerprint",
    "obfuscation",
    "service_tier",
    "finish_reason",
    "stop_reason",
    "partial_image_b64",
    "index",
    "created",
];

impl Api {
    /// Reads an event's data, or a whole answer.
    pub fn plan(self, json: &str, root: &Value, seen: &mut Seen) -> Plan {
        let mut plan = Plan::default();
        match self {
            Self::OpenaiChat => openai_chat::plan(json, root, seen, &mut plan),
            Self::OpenaiResponses => openai_responses::plan(json, root, seen, &mut plan),
            Self::Anthropic => anthropic::plan(json, root, &mut plan),
        }
        if seen.model.is_none() {
            let within = ["response", "message"]
                .iter()
                .find_map(|name| root.get(name));
            let model = root.get("model").or_else(|| within?.get("model"));
            seen.model = model.and_then(Value::text).map(str::to_owned);
        }
        seen.is_over |= plan.ended.contains(&Ended::All);
        plan
    }

    /// The events that end a stream with an error.
    pub fn halt(self, seen: &Seen, reason: Reason, message: &str, line_end: &str) -> String {
        match self {
            Self::OpenaiChat => openai_chat::halt(seen, reason, message, line_end),
            Self::OpenaiResponses => openai_responses::halt(seen, reason, message, line_end),
            Self::Anthropic => anthropic::halt(reason, message, line_end),
        }
    }

    /// The body of an error response.
    pub fn error(self, reason: Reason, message: &str) -> String {
        match self {
            Self::OpenaiChat | Self::OpenaiResponses => openai_chat::error(reason, message),
            Self::Anthropic => anthropic::error(reason, message),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
        }
    }
}

impl Plan {
    /// Takes every string of a value as a text of its own. `name` is that of the member that has it; `is_input` says that
    /// it is what a tool is called with, whose names and numbers are text too.
    pub fn add(&mut self, value: &Value, name: &str, json: &str, is_input: bool) {
        match &value.what {
            What::Text(text) if is_input || !NO_TEXT.contains(&name) => {
                self.add_text(value.span.clone(), text, kind_of(name));
            }
            What::Number if is_input && value.span.len() > 7 => {
                self.add_text(value.span.clone(), &json[value.span.clone()], Kind::Plain);
            }
            What::Text(_) | What::Number | What::Word => {}
            // The tokens of the text, one by one: they would tell what was redacted.
            What::List(items) if name == "logprobs" && !items.is_empty() => {
                self.edits.push((value.span.clone(), "[]".to_owned()));
            }
            What::Map(_) if name == "logprobs" => {
                self.edits.push((value.span.clone(), "null".to_owned()))
            }
            What::List(items) => items
                .iter()
                .for_each(|item| self.add(item, name, json, is_input)),
            What::Map(members) => {
                for member in members {
                    if is_input {
                        self.add_text(member.span.clone(), &member.name, Kind::Plain);
                    }
                    self.add(
                        &member.value,
                        &member.name,
                        json,
                        is_input || member.name == "input",
                    );
                }
            }
        }
    }

    /// Takes the members of an object, but some.
    pub fn add_members(&mut self, value: &Value, json: &str, leave: &[&str]) {
        for member in value
            .members()
            .iter()
            .filter(|member| !leave.contains(&member.name.as_str()))
        {
            self.add(&member.value, &member.name, json, member.name == "input");
        }
    }

    fn add_text(&mut self, span: Range<usize>, text: &str, kind: Kind) {
        self.slots.push(Slot {
            span,
            text: text.to_owned(),
            kind,
            delta: None,
        });
    }

    pub fn add_delta(&mut self, value: &Value, kind: Kind, delta: Delta) {
        if let What::Text(text) = &value.what {
            self.slots.push(Slot {
                span: value.span.clone(),
                text: text.clone(),
                kind,
                delta: Some(delta),
            });
        }
    }
}

impl Usage {
    /// Takes the newer numbers.
    pub fn update(&mut self, other: Self) {
        self.input = other.input.or(self.input);
        self.output = other.output.or(self.output);
    }
}

/// How the text of a member is written.
pub fn kind_of(name: &str) -> Kind {
    match name {
        "arguments" | "partial_json" => Kind::Json,
        _ => Kind::Plain,
    }
}

/// Whether a member is known to be no text.
pub fn is_no_text(name: &str) -> bool {
    NO_TEXT.contains(&name)
}

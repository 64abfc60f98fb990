//! An answer of a model: events in, events out; or a document in, a document out.
//!
//! No event is dropped and none changes its place. Text that is held back leaves its event's string shorter, perhaps empty,
//! and goes on at the beginning of the next string of its channel. If none follows, a new event with it is put before the
//! event that ends the channel. Other bytes of an event stay as they are.

use crate::api::{Api, Delta, Ended, Frame, Plan, Reason, Seen, Usage};
use crate::json::{self, Edit, quote, splice};
use crate::scan::{Kind, Scan, Text};
use crate::sse;

/// Texts that may be under way in one answer.
const MOST_CHANNELS: usize = 1000;

/// What a client hears whose budget is used up.
pub const OVER_BUDGET: &str = "The budget of tokens is used up.";

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    Keep,
    Replace,
    Stop,
}

/// Why an answer is halted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The pattern of this name was found.
    Pattern(String),
    /// Something cannot be read.
    Unreadable(String),
    /// The budget of tokens is used up.
    Budget,
}

/// What is done with what cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unreadable {
    #[default]
    Halt,
    Pass,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    api: Api,
    unreadable: Unreadable,
    pub scan: Scan,
    channels: Vec<Channel>,
    seen: Seen,
    usage: Usage,
    /// The last event's.
    line_end: String,
    /// What could not be read and was passed.
    passed: u64,
    /// Characters that came in fragments.
    streamed: u64,
}

/// What an answer has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub input: Option<u64>,
    pub output: u64,
    pub is_reported: bool,
}

/// A text that comes in fragments.
#[derive(Debug)]
struct Channel {
    key: String,
    group: String,
    frame: Frame,
    text: Text,
}

impl Halt {
    /// What the client is told.
    pub fn message(&self) -> String {
        match self {
            Self::Pattern(_) => {
                "The content was blocked by a content filter of the proxy.".to_owned()
            }
            Self::Unreadable(_) => {
                "The proxy's content filter could not read the content.".to_owned()
            }
            Self::Budget => OVER_BUDGET.to_owned(),
        }
    }

    pub fn reason(&self) -> Reason {
        match self {
            Self::Pattern(_) | Self::Unreadable(_) => Reason::Content,
            Self::Budget => Reason::Budget,
        }
    }
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pattern(name) => write!(f, "halted by {name}"),
            Self::Unreadable(why) => write!(f, "halted because it is unreadable: {why}"),
            Self::Budget => f.write_str("halted because the budget is used up"),
        }
    }
}

impl Answer {
    pub fn new(api: Api, scan: Scan, unreadable: Unreadable) -> Self {
        Self {
            api,
            unreadable,
            scan,
            channels: Vec::new(),
            seen: Seen::default(),
            usage: Usage::default(),
            line_end: "\n".to_owned(),
            passed: 0,
            streamed: 0,
        }
    }

    /// One event. `out` gets what goes on before it, or in its place. The reason is told when the answer is halted.
    pub fn event(&mut self, piece: &[u8], out: &mut Vec<u8>) -> (Fate, Option<Halt>) {
        match self.read(piece, out) {
            Ok(fate) => (fate, None),
            Err(Halt::Unreadable(_)) if self.unreadable == Unreadable::Pass => {
                self.passed += 1;
                out.clear();
                (Fate::Keep, None)
            }
            Err(halt) => {
                self.end_with(&halt, out);
                (Fate::Stop, Some(halt))
            }
        }
    }

    /// Puts an ending of our own in place of what was to go on.
    pub fn end_with(&self, halt: &Halt, out: &mut Vec<u8>) {
        let end = self
            .api
            .halt(&self.seen, halt.reason(), &halt.message(), &self.line_end);
        out.clear();
        out.extend(end.bytes());
    }

    fn read(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<Fate, Halt> {
        let unreadable = |why: String| Halt::Unreadable(why);
        let text =
            std::str::from_utf8(piece).map_err(|error| unreadable(format!("an event: {error}")))?;
        let event = sse::parse(text);
        if event.line_end != self.line_end {
            self.line_end = event.line_end.to_owned();
        }
        let Some(data) = event.data.as_deref().filter(|data| !data.trim().is_empty()) else {
            return Ok(Fate::Keep);
        };
        if data.trim() == "[DONE]" {
            self.finish(&[Ended::All], out)?;
            return Ok(Fate::Keep);
        }
        let root =
            json::parse(data).map_err(|why| unreadable(format!("an event's data: {why}")))?;
        let plan = self.api.plan(data, &root, &mut self.seen);
        self.usage.update(plan.usage);
        let (mut edits, ended) = self.edits(plan, out)?;
        self.finish(&ended, out)?;
        if edits.is_empty() {
            return Ok(Fate::Keep);
        }
        for (span, _) in &mut edits {
            *span = event.place(span);
        }
        out.extend(splice(piece, &mut edits));
        Ok(Fate::Replace)
    }

    /// Scans the strings of an event: what must change, and which channels are at their end.
    fn edits(&mut self, plan: Plan, out: &mut Vec<u8>) -> Result<(Vec<Edit>, Vec<Ended>), Halt> {
        let mut edits = plan.edits;
        for slot in plan.slots {
            let new = match slot.delta {
                None => self.scan.whole(&slot.text, slot.kind),
                Some(delta) => {
                    self.streamed += slot.text.chars().count() as u64;
                    let is_last = is_ended(&plan.ended, &delta.key, &delta.group);
                    let at = self.channel(delta, slot.kind)?;
                    let new = self
                        .scan
                        .push(&mut self.channels[at].text, &slot.text, is_last);
                    if is_last {
                        self.channels.remove(at);
                    }
                    new
                }
            };
            self.check_halted(out)?;
            if new != slot.text {
                edits.push((slot.span, quote(&new)));
            }
        }
        Ok((edits, plan.ended))
    }

    fn channel(&mut self, delta: Delta, kind: Kind) -> Result<usize, Halt> {
        let found = self
            .channels
            .iter()
            .position(|channel| channel.key == delta.key);
        if let Some(at) = found {
            self.channels[at].frame = delta.frame;
            return Ok(at);
        }
        if self.channels.len() >= MOST_CHANNELS {
            return Err(Halt::Unreadable(
                "too many texts are under way at once".to_owned(),
            ));
        }
        let Delta { key, group, frame } = delta;
        self.channels.push(Channel {
            key,
            group,
            frame,
            text: Text::new(kind),
        });
        Ok(self.channels.len() - 1)
    }

    fn check_halted(&self, out: &mut Vec<u8>) -> Result<(), Halt> {
        let Some(rule) = self.scan.halted else {
            return Ok(());
        };
        out.clear();
        Err(Halt::Pattern(self.scan.patterns.rules[rule].name.clone()))
    }

    /// Sends what channels hold back that are at their end, each in an event of its own.
    fn finish(&mut self, ended: &[Ended], out: &mut Vec<u8>) -> Result<(), Halt> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut at = 0;
        while at < self.channels.len() {
            if !is_ended(ended, &self.channels[at].key, &self.channels[at].group) {
                at += 1;
                continue;
            }
            let mut channel = self.channels.remove(at);
            let rest = self.scan.push(&mut channel.text, "", true);
            self.check_halted(out)?;
            if !rest.is_empty() {
                let Frame {
                    name,
                    before,
                    after,
                } = &channel.frame;
                let data = format!("{before}{}{after}", quote(&rest));
                out.extend(sse::event(name.as_deref(), &data, &self.line_end).bytes());
            }
        }
        Ok(())
    }

    /// The stream is over. What is still held back goes on; an ending of our own, if that holds a pattern.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Option<Halt> {
        let halt = self.finish(&[Ended::All], out).err()?;
        self.end_with(&halt, out);
        Some(halt)
    }

    /// An answer, or a prompt, that is one document: what it becomes, or `None` if it stays.
    pub fn document(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, Halt> {
        let unreadable = |why: String| Halt::Unreadable(why);
        let text = std::str::from_utf8(body).map_err(|error| unreadable(error.to_string()))?;
        let root = json::parse(text).map_err(unreadable)?;
        let mut plan = self.api.plan(text, &root, &mut self.seen);
        self.usage.update(plan.usage);
        plan.ended = vec![Ended::All];
        self.seen.is_over = true;
        let (mut edits, _) = self.edits(plan, &mut Vec::new())?;
        Ok((!edits.is_empty()).then(|| splice(body, &mut edits)))
    }

    /// Tokens of the answer so far, for want of better: a token is taken for four characters, as the vendors say of English.
    /// Of a stream only fragments count, since other events repeat what came in them.
    fn estimate(&self) -> u64 {
        let characters = if self.streamed > 0 {
            self.streamed
        } else {
            self.scan.characters
        };
        characters.div_ceil(4)
    }

    /// Tokens that the answer has cost so far: those of the prompt, if they are known, and its own. Reports before the end
    /// are too low.
    pub fn used(&self) -> (Option<u64>, u64) {
        let output = match self.usage.output {
            Some(output) if self.seen.is_over => output,
            reported => self.estimate().max(reported.unwrap_or(0)),
        };
        (self.usage.input, output)
    }

    /// Tokens by direction, and whether the answer reported them. Those of the prompt are known only if they are reported.
    pub fn tokens(&self) -> Tokens {
        Tokens {
            input: self.usage.input,
            output: self.usage.output.unwrap_or_else(|| self.estimate()),
            is_reported: self.usage.output.is_some(),
        }
    }

    /// Whether text has come.
    pub fn has_begun(&self) -> bool {
        self.streamed > 0
    }

    /// Whether no more text comes.
    pub fn is_over(&self) -> bool {
        self.seen.is_over
    }

    pub fn model(&self) -> Option<&str> {
        self.seen.model.as_deref()
    }

    /// One line for the log.
    pub fn summary(&self, how: &str, halt: Option<&Halt>) -> String {
        let mut line = format!("{}, {how}: ", self.api.name());
        match (self.usage.input, self.usage.output) {
            (input, Some(output)) => {
                let input = input.map_or("unknown".to_owned(), |input| input.to_string());
                line += &format!("{output} tokens out, {input} in (reported)");
            }
            _ => line += &format!("{} tokens out (estimated)", self.estimate()),
        }
        line += &self.redacted();
        if self.passed > 0 {
            line += &format!("; passed {} events unread", self.passed);
        }
        if let Some(halt) = halt {
            line += &format!("; {halt}");
        }
        line
    }

    /// One line for the log, of a prompt.
    pub fn redactions(&self, how: &str) -> String {
        format!("{}, {how}{}", self.api.name(), self.redacted())
    }

    /// How often each pattern was redacted, if it was.
    pub fn matches(&self) -> impl Iterator<Item = (&str, u32)> {
        let rules = self.scan.patterns.rules.iter().zip(&self.scan.redacted);
        rules
            .filter(|(_, count)| **count > 0)
            .map(|(rule, count)| (rule.name.as_str(), *count))
    }

    fn redacted(&self) -> String {
        self.matches()
            .map(|(pattern, count)| format!("; redacted {pattern} {count} times"))
            .collect()
    }
}

fn is_ended(ended: &[Ended], key: &str, group: &str) -> bool {
    ended.iter().any(|end| match end {
        Ended::All => true,
        Ended::Key(one) => one == key,
        Ended::Group(one) => one == group,
    })
}

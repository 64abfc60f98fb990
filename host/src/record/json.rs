//! Exchanges as JSON, for people's scripts: a summary of one line, and all that is known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::{Value, json};

use super::content;
use super::data::{Ending, Outbound, Performer, Recorded, Step, StepOutcome};
use super::message::{Field, Message, StartLine};

/// An exchange without its messages.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// 16 hexadecimal digits.
    pub id: String,
    /// Microseconds since 1970.
    pub began_us: u64,
    pub duration_us: u64,
    pub method: String,
    pub authority: String,
    pub target: String,
    /// None if the client got no response.
    pub status: Option<u16>,
    pub protocol: String,
    pub client: String,
    pub route: Option<String>,
    pub backend: Option<String>,
    /// In the order in which they came to work first.
    pub plugins: Vec<PluginSummary>,
    /// `complete`, `failed`, `cut-off`.
    pub ending: &'static str,
    pub error: Option<String>,
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// `http`, `stream`, `websocket`, `grpc`.
    pub kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginSummary {
    pub name: String,
    /// `no`, `request`, `response`, `both`, `failed`.
    pub changed: &'static str,
}

impl Summary {
    pub fn of(exchange: &Recorded) -> Self {
        let (method, target, authority) = match &exchange.request.line {
            StartLine::Request {
                method,
                target,
                authority,
            } => (method.clone(), target.clone(), authority.clone()),
            StartLine::Response { .. } => <_>::default(),
        };
        let answer = exchange.answer();
        let backend = exchange
            .steps
            .iter()
            .rev()
            .find_map(|step| match &step.performer {
                Performer::Backend { name, .. } => Some(name.clone()),
                Performer::Host | Performer::Plugin { .. } => None,
            });
        let (ending, error) = match &exchange.ending {
            Ending::Complete => ("complete", None),
            Ending::Failed(failure) => ("failed", Some(failure.text.clone())),
            Ending::CutOff => ("cut-off", None),
        };
        Self {
            id: format!("{:016x}", exchange.id),
            began_us: exchange.began,
            duration_us: exchange.duration,
            method,
            authority,
            target,
            status: exchange.status(),
            protocol: exchange.protocol.clone(),
            client: exchange.client.to_string(),
            route: exchange.route.clone(),
            backend,
            plugins: plugins(exchange),
            ending,
            error,
            request_bytes: exchange.request.content.length,
            response_bytes: answer.as_ref().map_or(0, |answer| answer.content.length),
            kind: kind(exchange, answer.as_ref()),
        }
    }
}

/// Each plugin that took part, once.
fn plugins(exchange: &Recorded) -> Vec<PluginSummary> {
    let mut plugins: Vec<(String, [bool; 3])> = Vec::new();
    for step in &exchange.steps {
        let Performer::Plugin { name, hook, .. } = &step.performer else {
            continue;
        };
        let at = match plugins.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                plugins.push((name.clone(), [false; 3]));
                plugins.len() - 1
            }
        };
        let [request, response, failed] = &mut plugins[at].1;
        let in_pieces =
            step.changes() && step.request.is_unchanged() && step.response.is_unchanged();
        let is_request = hook == "request-body";
        *request |= !step.request.is_unchanged() || (in_pieces && is_request);
        *response |= !step.response.is_unchanged() || (in_pieces && !is_request);
        *failed |= matches!(
            step.outcome,
            StepOutcome::Failed(_) | StepOutcome::Undone(_)
        );
    }
    let summary = |(name, [request, response, failed]): (String, [bool; 3])| PluginSummary {
        name,
        changed: match (failed, request, response) {
            (true, _, _) => "failed",
            (_, true, true) => "both",
            (_, true, false) => "request",
            (_, false, true) => "response",
            (_, false, false) => "no",
        },
    };
    plugins.into_iter().map(summary).collect()
}

fn kind(exchange: &Recorded, answer: Option<&Message>) -> &'static str {
    let is = |message: &Message, media_type: &[u8]| {
        let value = message.field("content-type").unwrap_or_default();
        value.to_ascii_lowercase().starts_with(media_type)
    };
    if exchange.is_websocket() {
        "websocket"
    } else if is(&exchange.request, b"application/grpc") {
        "grpc"
    } else if answer.is_some_and(|answer| is(answer, b"text/event-stream")) {
        "stream"
    } else {
        "http"
    }
}

/// An exchange with its messages and what each step changed: the summary's members, `request`, `response` and `steps`.
pub fn whole(exchange: &Recorded) -> Value {
    let mut whole = json!(Summary::of(exchange));
    let steps = exchange.steps.iter().enumerate();
    let steps: Vec<Value> = steps.map(|(index, it)| step(exchange, index, it)).collect();
    whole["request"] = message(&exchange.request);
    whole["response"] = json!(exchange.answer().as_ref().map(message));
    whole["steps"] = json!(steps);
    whole
}

fn step(exchange: &Recorded, index: usize, step: &Step) -> Value {
    let (request, response) = exchange.before(index + 1);
    let (kind, text) = match &step.outcome {
        StepOutcome::Done => ("done", None),
        StepOutcome::Responded => ("responded", None),
        StepOutcome::Failed(text) => ("failed", Some(text)),
        StepOutcome::Undone(text) => ("undone", Some(text)),
        StepOutcome::Abandoned => ("abandoned", None),
    };
    let changed = (!step.request.is_unchanged(), !step.response.is_unchanged());
    let log = step
        .log
        .iter()
        .map(|line| json!({"at_us": line.at, "level": line.level, "text": line.text}));
    json!({
        "index": index,
        "performer": performer(&step.performer),
        "began_us": step.began,
        "duration_us": step.duration,
        "computing_us": step.computing,
        "outcome": {"kind": kind, "text": text},
        "changed": {"request": changed.0, "response": changed.1},
        "request": changed.0.then(|| message(&request)),
        "response": response.filter(|_| changed.1).as_ref().map(message),
        "pieces": step.transcript.as_ref().map(|transcript| transcript.count),
        "outbound": step.outbound.iter().map(outbound).collect::<Vec<_>>(),
        "log": log.collect::<Vec<_>>(),
        "depth": step.depth,
    })
}

fn performer(performer: &Performer) -> Value {
    match performer {
        Performer::Host => json!({"kind": "host"}),
        Performer::Plugin {
            name,
            version,
            hook,
        } => json!({"kind": "plugin", "name": name, "version": version, "hook": hook}),
        Performer::Backend { name, address } => {
            json!({"kind": "backend", "name": name, "address": address})
        }
    }
}

fn outbound(call: &Outbound) -> Value {
    let (status, error) = match &call.result {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error)),
    };
    json!({
        "began_us": call.began,
        "duration_us": call.duration,
        "method": call.method,
        "url": call.url,
        "status": status,
        "error": error,
        "length": call.length,
    })
}

fn message(message: &Message) -> Value {
    let line = match &message.line {
        StartLine::Request {
            method,
            target,
            authority,
        } => json!({"method": method, "target": target, "authority": authority}),
        StartLine::Response { status } => json!({"status": status}),
    };
    json!({
        "line": line,
        "fields": fields(&message.fields),
        "trailers": fields(&message.trailers),
        "body": body(message),
    })
}

/// What is not UTF-8 in them is shown as U+FFFD.
fn fields(fields: &[Field]) -> Vec<[String; 2]> {
    let fields = fields.iter();
    fields
        .map(|field| {
            [
                field.name.clone(),
                String::from_utf8_lossy(&field.value).into_owned(),
            ]
        })
        .collect()
}

/// `text` or `base64`, without codings.
fn body(message: &Message) -> Value {
    let bytes = content::decoded(message);
    let shown = |name: &str| {
        let value = message.field(name);
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let mut body = json!({
        "length": message.content.length,
        "kept": message.content.kept.len(),
        "complete": message.content.complete,
        "media_type": shown("content-type"),
        "coding": shown("content-encoding"),
    });
    match std::str::from_utf8(&bytes) {
        Ok(text) => body["text"] = json!(text),
        Err(_) => body["base64"] = json!(BASE64.encode(&bytes)),
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    #[test]
    fn an_exchange_is_told_in_short_and_in_full() {
        let exchange = sample::exchange();
        let summary = Summary::of(&exchange);
        assert_eq!(summary.id, "00abcdef01234567");
        assert_eq!(
            (summary.status, summary.kind, summary.ending),
            (Some(201), "http", "complete")
        );
        let redact = PluginSummary {
            name: "redact".to_owned(),
            changed: "response",
        };
        assert_eq!(summary.plugins, [redact]);
        assert_eq!((summary.request_bytes, summary.response_bytes), (22, 12));
        let whole = whole(&exchange);
        assert_eq!(whole["method"], "POST");
        assert_eq!(whole["response"]["body"]["text"], "all [masked]");
        assert_eq!(
            whole["steps"][1]["response"]["body"]["text"],
            "all 1234567890"
        );
        assert_eq!(whole["steps"][0]["request"], Value::Null);
        assert_eq!(whole["steps"][2]["outbound"][0]["status"], 200);
        assert_eq!(whole["steps"][2]["performer"]["hook"], "return-response");
    }

    #[test]
    fn what_failed_says_so() {
        let mut exchange = sample::exchange();
        exchange.steps[0].outcome = StepOutcome::Undone("trap".to_owned());
        exchange.ending = Ending::CutOff;
        exchange.request.content.kept = b"\xff".to_vec();
        let summary = Summary::of(&exchange);
        assert_eq!(
            (summary.ending, summary.plugins[0].changed),
            ("cut-off", "failed")
        );
        assert_eq!(whole(&exchange)["request"]["body"]["base64"], "/w==");
        exchange
            .request
            .fields
            .push(sample::field("content-type", "application/grpc+proto"));
        exchange.request.fields.remove(2);
        assert_eq!(Summary::of(&exchange).kind, "grpc");
    }
}

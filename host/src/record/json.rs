//! An exchange as JSON, for people's scripts: all that is known of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::content;
use super::data::{Outbound, Performer, Recorded, Step, StepOutcome};
use super::message::{Field, Message, StartLine};
use super::summary::Summary;

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
    fn an_exchange_is_told_in_full() {
        let exchange = sample::exchange();
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
    fn what_is_no_text_is_base64_and_what_failed_says_so() {
        let mut exchange = sample::exchange();
        exchange.steps[0].outcome = StepOutcome::Undone("trap".to_owned());
        exchange.request.content.kept = b"\xff".to_vec();
        let whole = whole(&exchange);
        assert_eq!(whole["steps"][0]["outcome"]["kind"], "undone");
        assert_eq!(whole["request"]["body"]["base64"], "/w==");
    }
}

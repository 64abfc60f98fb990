//! OpenAI responses: events whose type ends with `.delta` and that have a `delta`, and `response` objects.
//!
//! A channel is the event's type with the ids and indexes beside the delta. It ends with the type that ends with `.done`,
//! with its item, or with the response. What a response repeats of its request is not the model's.

use super::{Delta, Ended, Frame, Plan, Reason, Seen, kind_of};
use crate::json::{Value, What};
use crate::scan::Kind;
use crate::sse;

/// By what deltas are told apart.
const PLACE: [&str; 4] = ["item_id", "output_index", "content_index", "summary_index"];

/// What a response has from its request.
const REPEATED: [&str; 11] = [
    "instructions",
    "input",
    "metadata",
    "prompt",
    "prompt_cache_key",
    "safety_identifier",
    "text",
    "tool_choice",
    "tools",
    "user",
    "conversation",
];

/// What the last event says of the response.
const HEAD: [&str; 4] = ["id", "object", "created_at", "model"];

pub fn plan(json: &str, root: &Value, seen: &mut Seen, plan: &mut Plan) {
    let kind = root.get("type").and_then(Value::text).unwrap_or_default();
    let is_response = root.get("object").and_then(Value::text) == Some("response");
    let response = if is_response {
        Some(root)
    } else {
        root.get("response")
    };
    seen.sequence = root
        .count("sequence_number", json)
        .unwrap_or(seen.sequence)
        .max(seen.sequence);
    if let Some(response) = response {
        if response.get("id").is_some() {
            let members = HEAD
                .iter()
                .filter_map(|name| Some(format!("\"{name}\":{},", response.raw(name, json)?)));
            seen.head = members.collect();
        }
        plan.add_members(response, json, &REPEATED);
        if let Some(usage) = response.get("usage") {
            plan.usage.input = usage.count("input_tokens", json);
            plan.usage.output = usage.count("output_tokens", json);
        }
    }
    if !is_response {
        let leave = if root.get("response").is_some() {
            ["delta", "response"]
        } else {
            ["delta", "delta"]
        };
        match root.what {
            What::Map(_) => plan.add_members(root, json, &leave),
            _ => plan.add(root, "", json, false),
        }
        add_delta(json, root, kind, plan);
    }
    add_ends(json, root, kind, plan);
}

fn add_delta(json: &str, root: &Value, kind: &str, plan: &mut Plan) {
    let Some(delta) = root.get("delta") else {
        return;
    };
    // Sound is no text.
    if matches!(kind, "response.audio.delta" | "response.output_audio.delta") {
        return;
    }
    if delta.text().is_none() {
        return plan.add(delta, "delta", json, false);
    }
    let place: Vec<String> = PLACE
        .iter()
        .filter_map(|name| Some(format!("\"{name}\":{},", root.raw(name, json)?)))
        .collect();
    let written = if kind.contains("arguments") {
        Kind::Json
    } else {
        kind_of("delta")
    };
    let name = root
        .raw("type", json)
        .unwrap_or("\"response.output_text.delta\"");
    let sequence = root
        .raw("sequence_number", json)
        .map(|number| format!(",\"sequence_number\":{number}"));
    let frame = Frame {
        name: Some(kind.replace(['\r', '\n'], "")),
        before: format!("{{\"type\":{name},{}\"delta\":", place.concat()),
        after: format!("{}}}", sequence.unwrap_or_default()),
    };
    let key = key(kind, root, json);
    plan.add_delta(
        delta,
        written,
        Delta {
            key,
            group: group(root, json),
            frame,
        },
    );
}

/// The channel that an event is of, whether it goes on with it or ends it.
fn key(kind: &str, root: &Value, json: &str) -> String {
    let stem = kind
        .strip_suffix(".delta")
        .or_else(|| kind.strip_suffix(".done"))
        .unwrap_or(kind);
    let place = PLACE
        .iter()
        .map(|name| root.raw(name, json).unwrap_or_default());
    place.fold(stem.to_owned(), |key, part| key + " " + part)
}

fn group(root: &Value, json: &str) -> String {
    root.raw("output_index", json)
        .unwrap_or_default()
        .to_owned()
}

fn add_ends(json: &str, root: &Value, kind: &str, plan: &mut Plan) {
    match kind {
        "response.output_item.done" => plan.ended.push(Ended::Group(group(root, json))),
        "response.completed" | "response.incomplete" | "response.failed" | "error" => {
            plan.ended.push(Ended::All)
        }
        _ if kind.ends_with(".done") => plan.ended.push(Ended::Key(key(kind, root, json))),
        _ => {}
    }
}

/// An error, then the response as one that has failed.
pub fn halt(seen: &Seen, reason: Reason, message: &str, line_end: &str) -> String {
    let code = match reason {
        Reason::Content => "content_filter",
        Reason::Budget => "rate_limit_exceeded",
    };
    let message = crate::json::quote(message);
    let (error, failed) = (seen.sequence + 1, seen.sequence + 2);
    let error = format!(
        r#"{{"type":"error","code":"{code}","message":{message},"param":null,"sequence_number":{error}}}"#
    );
    let head = &seen.head;
    let why =
        format!(r#""status":"failed","error":{{"code":"{code}","message":{message}}},"output":[]"#);
    let failed = format!(
        r#"{{"type":"response.failed","response":{{{head}{why}}},"sequence_number":{failed}}}"#
    );
    sse::event(Some("error"), &error, line_end)
        + &sse::event(Some("response.failed"), &failed, line_end)
}

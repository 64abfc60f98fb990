//! Anthropic messages: `content_block_start`, `content_block_delta` and `content_block_stop` in events, `content` in a
//! document.
//!
//! Every string in a block's delta is a fragment: text, thinking, the JSON of a tool's input. A block ends with its stop.

use super::{Delta, Ended, Frame, Plan, Reason, is_no_text, kind_of};
use crate::json::{Value, What, quote};
use crate::sse;

pub fn plan(json: &str, root: &Value, plan: &mut Plan) {
    let kind = root.get("type").and_then(Value::text).unwrap_or_default();
    let index = root.raw("index", json).unwrap_or("0");
    match root.what {
        What::Map(_) => plan.add_members(root, json, &["delta", "content_block"]),
        _ => plan.add(root, "", json, false),
    }
    if let Some(block) = root.get("content_block") {
        // A block may begin with text.
        add_fragments(json, block, index, &["text", "thinking"], plan);
    }
    if let Some(delta) = root.get("delta") {
        match kind {
            "message_delta" => plan.add(delta, "delta", json, false),
            _ => add_fragments(json, delta, index, &[], plan),
        }
    }
    match kind {
        "content_block_stop" => plan.ended.push(Ended::Group(index.to_owned())),
        "message_delta" | "message_stop" | "error" => plan.ended.push(Ended::All),
        _ => {}
    }
    let usage = root
        .get("message")
        .and_then(|message| message.get("usage"))
        .or_else(|| root.get("usage"));
    if let Some(usage) = usage {
        // What comes from the cache, or goes there, is counted apart.
        let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"];
        let cached = cached.iter().filter_map(|name| usage.count(name, json));
        let input = usage.count("input_tokens", json);
        plan.usage.input = input.map(|input| cached.fold(input, u64::saturating_add));
        plan.usage.output = usage.count("output_tokens", json);
    }
}

/// Takes the strings of a delta as fragments: those that are named, or all.
fn add_fragments(json: &str, delta: &Value, index: &str, only: &[&str], plan: &mut Plan) {
    if delta.members().is_empty() {
        return plan.add(delta, "delta", json, false);
    }
    for member in delta.members() {
        let name = member.name.as_str();
        let is_fragment = member.value.text().is_some()
            && !is_no_text(name)
            && (only.is_empty() || only.contains(&name));
        if !is_fragment {
            plan.add(&member.value, name, json, name == "input");
            continue;
        }
        let kind = match name {
            "text" => "\"text_delta\"",
            "thinking" => "\"thinking_delta\"",
            "partial_json" => "\"input_json_delta\"",
            _ => delta.raw("type", json).unwrap_or("\"text_delta\""),
        };
        let name_json = quote(name);
        let frame = Frame {
            name: Some("content_block_delta".to_owned()),
            before: format!(
                r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":{kind},{name_json}:"#
            ),
            after: "}}".to_owned(),
        };
        let (key, group) = (format!("{index} {name}"), index.to_owned());
        plan.add_delta(&member.value, kind_of(name), Delta { key, group, frame });
    }
}

/// The kinds that the API itself gives for content that it will not deliver, and for too much use.
pub fn error(reason: Reason, message: &str) -> String {
    let kind = match reason {
        Reason::Content => "invalid_request_error",
        Reason::Budget => "rate_limit_error",
    };
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":{}}}}}"#,
        quote(message)
    )
}

pub fn halt(reason: Reason, message: &str, line_end: &str) -> String {
    sse::event(Some("error"), &error(reason, message), line_end)
}

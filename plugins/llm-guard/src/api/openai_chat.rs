//! OpenAI chat completions: `choices[].delta` in events, `choices[].message` in a document.
//!
//! Every string in a delta is a fragment, whatever its name: content, refusal, reasoning under the names that servers
//! give it, the arguments of tool calls. A choice ends with its `finish_reason`.

use super::{Delta, Ended, Frame, Plan, Reason, Seen, is_no_text, kind_of};
use crate::json::{Value, What, quote};
use crate::sse;

/// What every chunk of a stream repeats.
const REPEATED: [&str; 4] = ["id", "object", "created", "model"];

pub fn plan(json: &str, root: &Value, seen: &mut Seen, plan: &mut Plan) {
    let choices = root.get("choices").map(Value::items).unwrap_or_default();
    if !choices.is_empty() {
        let repeated = REPEATED
            .iter()
            .filter_map(|name| Some(format!("\"{name}\":{},", root.raw(name, json)?)));
        seen.head = repeated.collect();
    }
    for choice in choices {
        let index = choice.raw("index", json).unwrap_or("0");
        if let Some(delta) = choice.get("delta") {
            if !seen.choices.iter().any(|open| open == index) {
                seen.choices.push(index.to_owned());
                seen.is_over = false;
            }
            let place = Place {
                json,
                index,
                head: &seen.head,
            };
            add_fragments(delta, "", &place, (String::new(), String::new()), plan);
        }
        if choice
            .get("finish_reason")
            .is_some_and(|reason| reason.text().is_some())
        {
            seen.choices.retain(|open| open != index);
            // What follows has no text.
            seen.is_over |= seen.choices.is_empty();
            plan.ended.push(Ended::Group(index.to_owned()));
        }
        match choice.what {
            What::Map(_) => plan.add_members(choice, json, &["delta"]),
            _ => plan.add(choice, "choices", json, false),
        }
    }
    match root.what {
        What::Map(_) if !choices.is_empty() => plan.add_members(root, json, &["choices"]),
        _ => plan.add(root, "", json, false),
    }
    if let Some(usage) = root.get("usage") {
        plan.usage.input = usage.count("prompt_tokens", json);
        plan.usage.output = usage.count("completion_tokens", json);
    }
}

/// Where a delta is.
struct Place<'a> {
    json: &'a str,
    index: &'a str,
    head: &'a str,
}

/// Goes through a delta. `around` is the JSON from the delta to this value.
fn add_fragments(
    value: &Value,
    name: &str,
    place: &Place<'_>,
    around: (String, String),
    plan: &mut Plan,
) {
    let (before, after) = around;
    match &value.what {
        // A tool's name comes whole.
        What::Text(_) if name == "name" => plan.add(value, name, place.json, false),
        What::Text(_) if !is_no_text(name) => {
            let (head, index) = (place.head, place.index);
            let frame = Frame {
                name: None,
                before: format!("{{{head}\"choices\":[{{\"index\":{index},\"delta\":{before}"),
                after: format!("{after},\"finish_reason\":null}}]}}"),
            };
            let (key, group) = (format!("{index} {before}"), index.to_owned());
            plan.add_delta(value, kind_of(name), Delta { key, group, frame });
        }
        What::Map(members) if name != "logprobs" => {
            // In a list an object may have a number, by which the next fragment names it.
            let number = value
                .raw("index", place.json)
                .map(|index| format!("\"index\":{index},"))
                .unwrap_or_default();
            // Sound is no text.
            for member in members
                .iter()
                .filter(|member| name != "audio" || member.name != "data")
            {
                let around = (
                    format!("{before}{{{number}{}:", quote(&member.name)),
                    format!("}}{after}"),
                );
                add_fragments(&member.value, &member.name, place, around, plan);
            }
        }
        What::List(items) if name != "logprobs" => {
            for item in items {
                add_fragments(
                    item,
                    name,
                    place,
                    (format!("{before}["), format!("]{after}")),
                    plan,
                );
            }
        }
        What::Text(_) | What::Map(_) | What::List(_) | What::Number | What::Word => {
            plan.add(value, name, place.json, false);
        }
    }
}

/// The body of an error response, and the data of an event that ends a stream with one.
pub fn error(reason: Reason, message: &str) -> String {
    let (kind, code) = match reason {
        Reason::Content => ("invalid_request_error", "content_filter"),
        Reason::Budget => ("insufficient_quota", "insufficient_quota"),
    };
    format!(
        r#"{{"error":{{"message":{},"type":"{kind}","param":null,"code":"{code}"}}}}"#,
        quote(message)
    )
}

/// The choices that are under way end with the reason `content_filter`, then the stream does. For a budget, which no reason
/// names, it ends with an error.
pub fn halt(seen: &Seen, reason: Reason, message: &str, line_end: &str) -> String {
    let done = sse::event(None, "[DONE]", line_end);
    if reason == Reason::Budget {
        return sse::event(None, &error(reason, message), line_end) + &done;
    }
    let mut open = seen.choices.clone();
    if open.is_empty() {
        open.push("0".to_owned());
    }
    let ends: Vec<String> = open
        .iter()
        .map(|index| {
            format!(r#"{{"index":{index},"delta":{{}},"finish_reason":"content_filter"}}"#)
        })
        .collect();
    let head = match seen.head.as_str() {
        "" => "\"object\":\"chat.completion.chunk\",",
        head => head,
    };
    let data = format!("{{{head}\"choices\":[{}]}}", ends.join(","));
    sse::event(None, &data, line_end) + &done
}

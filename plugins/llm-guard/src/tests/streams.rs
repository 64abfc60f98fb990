//! Streams of each API, cut into deltas at every place: the same text comes out, no secret does, and what is no text stays.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::events::{answer, through};
use crate::api::Api;
use crate::patterns::Action;
use crate::scan::Kind;
use crate::scan::tests::Random;

const APIS: [Api; 3] = [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic];
const SECRETS: [&str; 5] = [
    "AKIAIOSFODNN7EXAMPLE",
    "sk-ant-api03-abcdefghijklmnopqrstuvwx",
    "4111 1111 1111 1111",
    "Nightingale",
    "-----BEGIN PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\n-----END PRIVATE KEY-----",
];
/// What begins like a pattern and is none.
const ALIKE: [&str; 8] = [
    "AKIA",
    "sk-",
    "4111 1111",
    "nighting",
    "-----BEGIN",
    "é😀",
    "\"\\n",
    "eyJ",
];

/// A channel of an answer: its place, and whether its text is JSON.
#[derive(Clone, Debug)]
struct Channel {
    place: usize,
    is_json: bool,
}

fn channels(api: Api) -> Vec<Channel> {
    let of = |place, is_json| Channel { place, is_json };
    match api {
        // Content, reasoning and refusal of choice 0, content of choice 1, two tool calls of choice 0.
        Api::OpenaiChat => vec![
            of(0, false),
            of(1, false),
            of(2, false),
            of(3, false),
            of(4, true),
            of(5, true),
        ],
        // Two texts, a refusal, a summary of reasoning, a call of a function.
        Api::OpenaiResponses => vec![
            of(0, false),
            of(1, false),
            of(2, false),
            of(3, false),
            of(4, true),
        ],
        // Thinking, text, a call of a tool.
        Api::Anthropic => vec![of(0, false), of(1, false), of(2, true)],
    }
}

fn delta(api: Api, place: usize, text: &str) -> Value {
    match api {
        Api::OpenaiChat => {
            let call = |index: usize| json!({ "tool_calls": [{ "index": index, "function": { "arguments": text } }] });
            let (choice, delta) = match place {
                0 => (0, json!({ "content": text })),
                1 => (0, json!({ "reasoning_content": text })),
                2 => (0, json!({ "role": "assistant", "refusal": text })),
                3 => (1, json!({ "content": text })),
                _ => (0, call(place - 4)),
            };
            json!({ "id": "c", "created": 1, "choices": [{ "index": choice, "delta": delta, "finish_reason": null }] })
        }
        Api::OpenaiResponses => {
            let kinds = [
                "output_text",
                "output_text",
                "refusal",
                "reasoning_summary_text",
                "function_call_arguments",
            ];
            json!({ "type": format!("response.{}.delta", kinds[place]), "item_id": format!("i{place}"), "output_index": place,
                    "content_index": 0, "delta": text, "sequence_number": 5 })
        }
        Api::Anthropic => {
            let delta = match place {
                0 => json!({ "type": "thinking_delta", "thinking": text }),
                1 => json!({ "type": "text_delta", "text": text }),
                _ => json!({ "type": "input_json_delta", "partial_json": text }),
            };
            json!({ "type": "content_block_delta", "index": place, "delta": delta })
        }
    }
}

/// The events that end the answer.
fn ends(api: Api, last: &[Channel]) -> Vec<Value> {
    match api {
        Api::OpenaiChat => (0..2).map(|index| json!({ "id": "c", "choices": [{ "index": index, "delta": {}, "finish_reason": "stop" }] })).collect(),
        Api::OpenaiResponses => vec![json!({ "type": "response.completed", "response": { "id": "r", "output": [] } })],
        Api::Anthropic => last.iter().map(|channel| json!({ "type": "content_block_stop", "index": channel.place })).collect(),
    }
}

/// The texts of channels, as a client puts them together.
fn read(api: Api, stream: &str) -> BTreeMap<usize, String> {
    let mut texts = BTreeMap::<usize, String>::new();
    for event in stream.replace("\r\n", "\n").split("\n\n") {
        let lines: Vec<&str> = event
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        let Ok(data) = serde_json::from_str::<Value>(&lines.join("\n")) else {
            continue;
        };
        let mut add = |place: usize, text: &Value| {
            if let Some(text) = text.as_str() {
                texts.entry(place).or_default().push_str(text);
            }
        };
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        match api {
            Api::OpenaiChat => {
                for choice in data["choices"].as_array().into_iter().flatten() {
                    let delta = &choice["delta"];
                    add(if choice["index"] == 1 { 3 } else { 0 }, &delta["content"]);
                    add(1, &delta["reasoning_content"]);
                    add(2, &delta["refusal"]);
                    for call in delta["tool_calls"].as_array().into_iter().flatten() {
                        add(4 + number(&call["index"]), &call["function"]["arguments"]);
                    }
                }
            }
            Api::OpenaiResponses if data["delta"].is_string() => {
                add(number(&data["output_index"]), &data["delta"])
            }
            Api::Anthropic if data["type"] == "content_block_delta" => {
                let delta = &data["delta"];
                let place = number(&data["index"]);
                ["thinking", "text", "partial_json"]
                    .iter()
                    .for_each(|name| add(place, &delta[name]));
            }
            Api::OpenaiResponses | Api::Anthropic => {}
        }
    }
    texts
}

/// A text with secrets in it, and what it shall be.
fn text(random: &mut Random, is_json: bool) -> (String, String) {
    let (mut text, mut expected) = (String::new(), String::new());
    for _ in 0..random.below(6) {
        let (before, after) = match random.below(3) {
            0 => (SECRETS[random.below(SECRETS.len())], "[redacted]"),
            1 => (ALIKE[random.below(ALIKE.len())], ""),
            _ => ("some words", ""),
        };
        text += before;
        expected += if after.is_empty() { before } else { after };
        text += ", ";
        expected += ", ";
    }
    match is_json {
        true => (
            json!({ "a": text, "b": [1] }).to_string(),
            json!({ "a": expected, "b": [1] }).to_string(),
        ),
        false => (text, expected),
    }
}

/// An event as one of the ways to write it, with its number as its id.
fn written(random: &mut Random, number: usize, data: &Value) -> String {
    let end = ["\n", "\r\n"][number % 2];
    let name = data["type"]
        .as_str()
        .filter(|_| random.below(2) == 0)
        .map(|name| format!("event: {name}{end}"));
    let data = match random.below(3) {
        0 => serde_json::to_string_pretty(data).unwrap(),
        _ => data.to_string(),
    };
    let lines: String = data
        .lines()
        .map(|line| format!("data: {line}{end}"))
        .collect();
    let note = if random.below(4) == 0 {
        ": note\r\n"
    } else {
        ""
    };
    format!(
        "{note}id: {number}{end}{}{lines}{end}",
        name.unwrap_or_default()
    )
}

/// Takes a first piece off a text, of at most so many characters.
fn take<'a>(rest: &mut &'a str, most: usize) -> &'a str {
    let at = rest
        .char_indices()
        .nth(most)
        .map_or(rest.len(), |(at, _)| at);
    let (piece, behind) = rest.split_at(at);
    *rest = behind;
    piece
}

#[test]
fn cut_anywhere_the_same_comes_out() {
    let mut random = Random::new(3);
    for round in 0..600 {
        let api = APIS[round % 3];
        let channels = channels(api);
        let texts: Vec<_> = channels
            .iter()
            .map(|channel| text(&mut random, channel.is_json))
            .collect();
        let mut rests: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
        let most = 1 + random.below(12);
        let (mut events, mut kept) = (Vec::new(), Vec::new());
        while rests.iter().any(|rest| !rest.is_empty()) {
            let which = random.below(rests.len());
            let number = events.len();
            if random.below(8) == 0 {
                let other = [
                    json!({ "type": "ping" }),
                    json!({ "type": "unknown", "x": [1.50, "sk-"] }),
                ];
                kept.push(written(&mut random, number, &other[number % 2]));
                events.push(kept.last().unwrap().clone());
            } else if !rests[which].is_empty() {
                let piece = take(&mut rests[which], 1 + random.below(most));
                events.push(written(
                    &mut random,
                    number,
                    &delta(api, channels[which].place, piece),
                ));
            }
        }
        for end in ends(api, &channels) {
            let number = events.len();
            kept.push(written(&mut random, number, &end));
            events.push(kept.last().unwrap().clone());
        }
        let got = through(&mut answer(api, Action::Redact), &events);
        let expected: BTreeMap<usize, &str> = channels
            .iter()
            .zip(&texts)
            .map(|(channel, (_, expected))| (channel.place, expected.as_str()))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        let read: BTreeMap<usize, String> = read(api, &got);
        assert_eq!(
            read.iter()
                .map(|(place, text)| (*place, text.as_str()))
                .collect::<BTreeMap<_, _>>(),
            expected,
            "{api:?} {events:#?}"
        );
        assert!(!SECRETS.iter().any(|secret| got.contains(secret)), "{got}");
        let ids: Vec<&str> = got
            .lines()
            .filter_map(|line| line.strip_prefix("id: "))
            .collect();
        assert_eq!(
            ids,
            (0..events.len())
                .map(|number| number.to_string())
                .collect::<Vec<_>>()
        );
        let mut rest = got.as_str();
        for event in &kept {
            let at = rest.find(event.as_str());
            rest = &rest
                [at.unwrap_or_else(|| panic!("{event:?} has changed or moved")) + event.len()..];
        }
    }
}

#[test]
fn every_pair_of_cuts() {
    let text = "ab AKIAIOSFODNN7EXAMPLE 4111111111111111 cd";
    let expected = "ab [redacted] [redacted] cd";
    for api in APIS {
        let place = channels(api)[1].place;
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let mut events: Vec<String> = pieces
                    .iter()
                    .map(|piece| format!("data: {}\n\n", delta(api, place, piece)))
                    .collect();
                events.extend(
                    ends(api, &channels(api))
                        .iter()
                        .map(|end| format!("data: {end}\n\n")),
                );
                let got = through(&mut answer(api, Action::Redact), &events);
                assert_eq!(read(api, &got)[&place], expected, "{api:?} {pieces:?}");
            }
        }
    }
}

#[test]
fn an_answer_without_a_match_stays_byte_for_byte() {
    for api in APIS {
        let place = channels(api)[1].place;
        let pieces = ["Plain words, ", "each \\ with \"its\" é ", "end. "];
        let mut random = Random::new(5);
        let mut events: Vec<String> = pieces
            .iter()
            .enumerate()
            .map(|(number, piece)| written(&mut random, number, &delta(api, place, piece)))
            .collect();
        events.extend(
            ends(api, &channels(api))
                .iter()
                .map(|end| format!("data: {end}\n\n")),
        );
        assert_eq!(
            through(&mut answer(api, Action::Redact), &events),
            events.concat()
        );
    }
}

/// Prints what an event costs: `cargo test --release -p llm-guard cost -- --nocapture`.
#[test]
fn cost() {
    for api in APIS {
        let events: Vec<String> = [
            "Some words of an ",
            "answer, as they ",
            "come from a model ",
            "in small pieces. ",
        ]
        .iter()
        .map(|piece| format!("data: {}\n\n", delta(api, 0, piece)))
        .collect();
        let mut reading = answer(api, Action::Redact);
        let rounds = if cfg!(debug_assertions) { 10 } else { 5000 };
        let start = std::time::Instant::now();
        let mut out = Vec::new();
        for _ in 0..rounds {
            for event in &events {
                assert!(reading.event(event.as_bytes(), &mut out).1.is_none());
                out.clear();
            }
        }
        let each = start.elapsed().as_nanos() / (rounds * 4);
        println!(
            "{}: {each} ns for an event of {} bytes",
            api.name(),
            events[0].len()
        );
    }
    let prose = "Some words of an answer, as they come from a model in pieces. ".repeat(2000);
    let start = std::time::Instant::now();
    let kept = answer(Api::Anthropic, Action::Redact)
        .scan
        .whole(&prose, Kind::Plain);
    println!(
        "prose: {} ns for a character",
        start.elapsed().as_nanos() as usize / prose.len()
    );
    assert_eq!(kept, prose);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        std::hint::black_box(super::events::patterns(Action::Redact));
    }
    println!("patterns: {} µs", start.elapsed().as_micros() / 100);
}

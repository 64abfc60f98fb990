//! Budgets of tokens, and metrics.

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_plugin::testing::{self, Exchange, Outcome, Rewritten};

use super::{KEY, json_answer, stream};
use crate::settings::Guard;

/// 2026-01-01, where a day begins.
const NOW: u64 = 1_767_225_600;
const DAY: u64 = 20_454;

const PATHS: [&str; 3] = ["/v1/chat/completions", "/v1/responses", "/v1/messages"];

fn settings(budget: &Value) -> Value {
    json!({ "budget": budget, "models": ["m-*", "n"] })
}

fn call(path: &str, budget: &Value, state: &[(String, String)]) -> Exchange {
    let exchange = testing::exchange()
        .method("POST")
        .target(path)
        .body("{}")
        .field("content-length", "40")
        .field("authorization", "Bearer sk-1")
        .now(Duration::from_secs(NOW + 3_600))
        .settings(settings(budget));
    state.iter().fold(exchange, |exchange, (key, value)| {
        exchange.state(key, value)
    })
}

/// The counters, without the hashes of who pays.
fn counters(outcome: &Outcome) -> Vec<(String, i64)> {
    let number = |value: &Vec<u8>| std::str::from_utf8(value).unwrap().parse().unwrap();
    let period = |key: &String| key.rsplit_once(' ').unwrap().0.to_owned();
    outcome
        .state
        .iter()
        .map(|(key, value)| (period(key), number(value)))
        .collect()
}

fn state_of(outcome: &Outcome) -> Vec<(String, String)> {
    let text = |value: &Vec<u8>| String::from_utf8(value.clone()).unwrap();
    outcome
        .state
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

fn chunk(text: &str) -> String {
    format!(
        "data: {}\n\n",
        json!({ "model": "m-1", "choices": [{ "index": 0, "delta": { "content": text } }] })
    )
}

fn end(usage: &Value) -> [String; 2] {
    let last = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }], "usage": usage });
    [format!("data: {last}\n\n"), "data: [DONE]\n\n".to_owned()]
}

fn streamed(exchange: Exchange, pieces: &[String]) -> Rewritten {
    exchange
        .backend_response(stream())
        .rewrite_response::<Guard>(pieces)
}

fn document() -> String {
    json!({ "model": "n", "choices": [{ "message": { "content": "x" } }], "usage": { "prompt_tokens": 30, "completion_tokens": 12 } }).to_string()
}

#[test]
fn an_answer_pays_what_it_reports() {
    for (counts, expected) in [("all", 42), ("input", 30), ("output", 12)] {
        let budget = json!({ "tokens": 100, "counts": counts });
        let outcome = call(PATHS[0], &budget, &[])
            .backend_response(json_answer(&document()))
            .run::<Guard>();
        assert_eq!(
            counters(&outcome),
            [(format!("budget {DAY}"), expected)],
            "{counts}"
        );
        let key = outcome.state.keys().next().unwrap();
        assert!(
            !key.contains("sk-1") && key.len() == format!("budget {DAY} ").len() + 32,
            "{key}"
        );
    }
    // Without a report: four characters, and four bytes of the prompt, are a token.
    let body = json!({ "content": [{ "text": "12345678" }] }).to_string();
    let outcome = call(PATHS[2], &json!({ "tokens": 100 }), &[])
        .backend_response(json_answer(&body))
        .run::<Guard>();
    assert_eq!(counters(&outcome), [(format!("budget {DAY}"), 10 + 2)]);
    // What comes from the cache counts too.
    let usage = json!({ "input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 5, "output_tokens": 2 });
    let body = json!({ "content": [], "usage": usage }).to_string();
    let outcome = call(PATHS[2], &json!({ "tokens": 100 }), &[])
        .backend_response(json_answer(&body))
        .run::<Guard>();
    assert_eq!(counters(&outcome), [(format!("budget {DAY}"), 30)]);
}

#[test]
fn an_error_of_the_backend_costs_nothing_and_a_halted_answer_does() {
    let error = tollgate_plugin::Answer::new(500)
        .field("content-type", "application/json")
        .body("{}");
    let outcome = call(PATHS[0], &json!({ "tokens": 100 }), &[])
        .backend_response(error)
        .run::<Guard>();
    assert!(outcome.state.is_empty());
    let said = json!({ "text": KEY, "usage": { "prompt_tokens": 30, "completion_tokens": 12 } })
        .to_string();
    let halting = call(PATHS[0], &json!({ "tokens": 100 }), &[]).setting("secrets", "halt");
    let outcome = halting.backend_response(json_answer(&said)).run::<Guard>();
    assert_eq!(
        (outcome.response.status, counters(&outcome)),
        (400, vec![(format!("budget {DAY}"), 42)])
    );
}

#[test]
fn what_is_used_up_is_refused_with_the_error_of_the_api() {
    let paid = call(PATHS[0], &json!({ "tokens": 42 }), &[])
        .backend_response(json_answer(&document()))
        .run::<Guard>();
    let state = state_of(&paid);
    let message = "The budget of tokens is used up.";
    let openai = json!({ "error": { "message": message, "type": "insufficient_quota", "param": null, "code": "insufficient_quota" } });
    let anthropic =
        json!({ "type": "error", "error": { "type": "rate_limit_error", "message": message } });
    for (path, expected) in PATHS.into_iter().zip([&openai, &openai, &anthropic]) {
        let outcome = call(path, &json!({ "tokens": 42 }), &state).run::<Guard>();
        let got: Value = serde_json::from_str(outcome.response.text()).unwrap();
        assert_eq!(
            (outcome.response.status, outcome.reached_backend, &got),
            (429, false, expected)
        );
        assert_eq!(outcome.response.field("retry-after"), Some("82800"));
        assert_eq!(outcome.response.field("x-should-retry"), Some("false"));
        let api = outcome
            .log
            .last()
            .unwrap()
            .1
            .split(':')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(
            outcome.metrics.counter(
                "refused_requests",
                &[("api", api.as_str()), ("reason", "over_budget")]
            ),
            1.0
        );
    }
    let run = |exchange: Exchange| exchange.run::<Guard>().reached_backend;
    assert!(run(call(PATHS[0], &json!({ "tokens": 43 }), &state)));
    // The next period, another key, another path.
    assert!(run(
        call(PATHS[0], &json!({ "tokens": 42 }), &state).now(Duration::from_secs(NOW + 86_400))
    ));
    assert!(run(call("/v1/models", &json!({ "tokens": 42 }), &state)));
    let other = |name: &str, value: &str| {
        let exchange = testing::exchange()
            .target(PATHS[2])
            .body("{}")
            .field(name, value);
        let exchange = exchange
            .now(Duration::from_secs(NOW))
            .settings(settings(&json!({ "tokens": 42 })));
        run(state.iter().fold(exchange, |exchange, (key, value)| {
            exchange.state(key, value)
        }))
    };
    assert!(other("authorization", "Bearer sk-2"));
    // The same key in another way, or beside another one.
    for (name, value) in [
        ("authorization", "bearer   sk-1 "),
        ("x-api-key", "sk-1"),
        ("api-key", "sk-1"),
        ("authorization", "sk-1"),
    ] {
        assert!(!other(name, value), "{name}: {value}");
    }
    assert!(!run(
        call(PATHS[2], &json!({ "tokens": 42 }), &state).field("x-api-key", "made up")
    ));
}

#[test]
fn budgets_are_by_what_is_set() {
    let pay = |by: &str, exchange: fn(Exchange) -> Exchange, state: &[(String, String)]| {
        let budget = json!({ "tokens": 42, "by": by, "of": { "ann": 1000 } });
        exchange(call(PATHS[0], &budget, state))
            .backend_response(json_answer(&document()))
            .run::<Guard>()
    };
    let ann: fn(Exchange) -> Exchange = |exchange| exchange.field("x-user", "ann");
    let bob: fn(Exchange) -> Exchange = |exchange| exchange.field("x-user", "bob");
    let nobody: fn(Exchange) -> Exchange = |exchange| exchange;
    for (who, passes) in [(ann, true), (bob, false), (nobody, false)] {
        let state = state_of(&pay("field:X-User", who, &[]));
        assert_eq!(pay("field:x-user", who, &state).reached_backend, passes);
    }
    let far: fn(Exchange) -> Exchange = |exchange| exchange.client_address("10.0.0.1:1");
    let near: fn(Exchange) -> Exchange = |exchange| exchange.client_address("10.0.0.1:2");
    let state = state_of(&pay("client", far, &[]));
    assert!(
        !pay("client", near, &state).reached_backend
            && pay("client", nobody, &state).reached_backend
    );
    let state = state_of(&pay("all", ann, &[]));
    assert!(!pay("all", bob, &state).reached_backend);
    for (budget, why) in [
        (
            json!({ "tokens": 0 }),
            "setting budget: tokens and seconds must be at least 1",
        ),
        (
            json!({ "tokens": 1, "by": "user" }),
            "setting budget: by is \"user\", expected key, client, all or field:NAME",
        ),
        (
            json!({ "tokens": 1, "counts": "both" }),
            "unknown variant `both`",
        ),
    ] {
        let error = call(PATHS[0], &budget, &[])
            .run::<Guard>()
            .error
            .unwrap_or_default();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_stream_pays_while_it_runs_and_settles_at_its_end() {
    let budget = || json!({ "tokens": 10_000, "streams": "halt" });
    let pieces: Vec<String> = (0..100).map(|_| chunk(&"word ".repeat(8))).collect();
    // The client leaves: there is no end.
    let begun = streamed(call(PATHS[0], &budget(), &[]), &pieces);
    let paid = counters(&begun.outcome)[0].1;
    assert!((900..=1010 + 100).contains(&paid), "{paid}");
    // What the answer reports counts in the end, also if it is less than the estimate.
    let whole = [
        pieces,
        end(&json!({ "prompt_tokens": 7, "completion_tokens": 5 })).to_vec(),
    ]
    .concat();
    let done = streamed(call(PATHS[0], &budget(), &[]), &whole);
    assert_eq!(counters(&done.outcome), [(format!("budget {DAY}"), 12)]);
    assert_eq!(done.text(), whole.concat());
}

#[test]
fn a_stream_over_its_budget_ends_with_the_error_of_its_api_or_goes_on() {
    let pieces: Vec<String> = (0..100).map(|_| chunk(&"word ".repeat(8))).collect();
    let goes_on = streamed(call(PATHS[0], &json!({ "tokens": 100 }), &[]), &pieces);
    assert_eq!(goes_on.text(), pieces.concat());
    let halted = streamed(
        call(PATHS[0], &json!({ "tokens": 100, "streams": "halt" }), &[]),
        &pieces,
    );
    let text = halted.text();
    let error = r#"data: {"error":{"message":"The budget of tokens is used up.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    assert!(
        text.ends_with(&format!("{error}\n\ndata: [DONE]\n\n")),
        "{text}"
    );
    assert!(
        pieces
            .concat()
            .starts_with(text.split("data: {\"error").next().unwrap())
    );
    assert!(text.len() < pieces.concat().len() / 3);
    assert!(
        halted
            .outcome
            .log
            .last()
            .unwrap()
            .1
            .contains("halted because the budget is used up")
    );

    let anthropic: Vec<String> = (0..100)
        .map(|_| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "word ".repeat(8) } }))
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    let halted = streamed(
        call(PATHS[2], &json!({ "tokens": 100, "streams": "halt" }), &[]),
        &anthropic,
    );
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"The budget of tokens is used up.\"}}\n\n";
    assert!(halted.text().ends_with(error));

    let responses: Vec<String> = (0..100)
        .map(|number| json!({ "type": "response.output_text.delta", "item_id": "i", "delta": "word ".repeat(8), "sequence_number": number }))
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    let halted = streamed(
        call(PATHS[1], &json!({ "tokens": 100, "streams": "halt" }), &[]),
        &responses,
    );
    let text = halted.text();
    assert!(
        text.contains("event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\"")
    );
    assert!(text.contains("\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\""));

    // One that is over anyway is not cut off for its last event.
    let short = [
        vec![chunk("word")],
        end(&json!({ "prompt_tokens": 900, "completion_tokens": 5 })).to_vec(),
    ]
    .concat();
    let done = streamed(
        call(PATHS[0], &json!({ "tokens": 100, "streams": "halt" }), &[]),
        &short,
    );
    assert_eq!(
        (done.text(), counters(&done.outcome)[0].1),
        (short.concat().as_str().into(), 905)
    );
}

#[test]
fn metrics_tell_tokens_matches_and_outcomes() {
    let said = json!({ "model": "n", "choices": [{ "message": { "content": format!("{KEY} {KEY}") } }], "usage": { "prompt_tokens": 30, "completion_tokens": 12 } });
    let outcome = call(PATHS[0], &json!({ "tokens": 100 }), &[])
        .backend_response(json_answer(&said.to_string()))
        .run::<Guard>();
    let (api, n) = (("api", "openai-chat"), ("model", "n"));
    let tokens = |direction| {
        outcome.metrics.counter(
            "tokens",
            &[api, n, ("direction", direction), ("source", "reported")],
        )
    };
    assert_eq!((tokens("input"), tokens("output")), (30.0, 12.0));
    assert_eq!(
        outcome.metrics.counter(
            "matches",
            &[("pattern", "aws-access-key"), ("action", "redact")]
        ),
        2.0
    );
    assert_eq!(
        outcome
            .metrics
            .counter("answers", &[api, n, ("outcome", "redacted")]),
        1.0
    );

    let pieces = [vec![chunk("12345678")], end(&Value::Null).to_vec()].concat();
    let done = streamed(call(PATHS[0], &json!({ "tokens": 100 }), &[]), &pieces).outcome;
    let m = ("model", "m-*");
    assert_eq!(
        done.metrics.counter(
            "tokens",
            &[api, m, ("direction", "output"), ("source", "estimated")]
        ),
        2.0
    );
    assert_eq!(
        done.metrics
            .counter("answers", &[api, m, ("outcome", "passed")]),
        1.0
    );
    assert_eq!(
        done.metrics
            .observed("time_to_first_token_seconds", &[api, m]),
        [0.0]
    );
}

#[test]
fn metrics_tell_what_halted_and_know_few_models() {
    let (api, m) = (("api", "openai-chat"), ("model", "m-*"));
    let said = json!({ "model": "made-up", "choices": [{ "message": { "content": KEY } }] });
    let halting = call(PATHS[0], &json!({ "tokens": 100 }), &[]).setting("secrets", "halt");
    let halted = streamed(halting, &[chunk(&format!("{KEY} "))]).outcome;
    assert_eq!(
        halted
            .metrics
            .counter("answers", &[api, m, ("outcome", "halted")]),
        1.0
    );
    assert_eq!(
        halted.metrics.counter(
            "matches",
            &[("pattern", "aws-access-key"), ("action", "halt")]
        ),
        1.0
    );
    // A model that the settings do not name.
    let outcome = call(PATHS[0], &json!({ "tokens": 100 }), &[])
        .backend_response(json_answer(&said.to_string()))
        .run::<Guard>();
    assert_eq!(
        outcome.metrics.counter(
            "answers",
            &[api, ("model", "other"), ("outcome", "redacted")]
        ),
        1.0
    );
}

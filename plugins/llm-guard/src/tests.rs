//! The plugin as the host calls it: which answers it looks at, and what clients get.

mod budgets;
mod events;
mod json;
mod streams;

use tollgate_plugin::testing::{self, Exchange, json};
use tollgate_plugin::{Answer, BodyError};

use crate::settings::Guard;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// A call of an API with these settings.
fn call(path: &str, settings: serde_json::Value) -> Exchange {
    testing::exchange()
        .method("POST")
        .target(path)
        .body("{}")
        .settings(settings)
}

fn chat(settings: serde_json::Value) -> Exchange {
    call("/v1/chat/completions", settings)
}

fn json_answer(body: &str) -> Answer {
    Answer::new(200)
        .field("content-type", "application/json; charset=utf-8")
        .body(body)
}

fn stream() -> Answer {
    Answer::new(200).field("content-type", "Text/Event-Stream; charset=utf-8")
}

fn error_of(settings: serde_json::Value) -> String {
    chat(settings).run::<Guard>().error.unwrap_or_default()
}

#[test]
fn settings_that_are_wrong_are_told() {
    let cases = [
        (
            json!({ "patterns": [{ "name": "a", "regex": "b+" }] }),
            "setting patterns: the regex of a, \"b+\": its longest match has no bound: bound its repetitions, such as {1,64} in place of +, or set max to how many characters may be held back",
        ),
        (
            json!({ "patterns": [{ "name": "a b", "regex": "b" }] }),
            "setting patterns has the name \"a b\": expected letters, digits, \"-\", \"_\" and \".\"",
        ),
        (
            json!({ "keywords": [" "] }),
            "setting keywords has \"\": expected a word",
        ),
        (
            json!({ "secrets": "off", "cards": "off" }),
            "there is nothing to look for: set keywords, patterns, secrets or cards",
        ),
        (
            json!({ "secrets": "on" }),
            "setting secrets is \"on\": expected one of off, redact, halt",
        ),
        (
            json!({ "unreadable": "skip" }),
            "setting unreadable is \"skip\": expected one of halt, pass",
        ),
        (
            json!({ "replacement": "\"" }),
            "setting replacement is \"\\\"\": expected text without quotes, backslashes and control characters, since it may stand in JSON",
        ),
        (
            json!({ "chat_paths": ["v1"] }),
            "setting chat_paths has \"v1\": expected the end of a path, such as /v1/messages",
        ),
        (
            json!({ "chat_paths": ["/v1/messages"] }),
            "setting messages_paths has \"/v1/messages\", which is already openai-chat's",
        ),
        (
            json!({ "chat_paths": [], "responses_paths": [], "messages_paths": [] }),
            "there is no path to look at: set chat_paths, responses_paths or messages_paths",
        ),
        (
            json!({ "key_words": [] }),
            "setting key_words is unknown: there are keywords, keywords_action, patterns, secrets, cards, replacement, unreadable, prompts, chat_paths, responses_paths, messages_paths, budget, models",
        ),
    ];
    for (settings, expected) in cases {
        assert_eq!(error_of(settings), expected);
    }
}

#[test]
fn the_settings_of_the_readme_work() {
    let settings = json!({
        "keywords": ["project nightingale"],
        "replacement": "<{name}>",
        "patterns": [
            { "name": "ticket", "regex": r"\bTCK-[0-9]{4,8}\b" },
            { "name": "email", "regex": r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b" },
            { "name": "internal-url", "regex": r"https?://[a-z0-9.-]{1,100}\.corp\.example/\S*", "max": 200 },
        ],
    });
    let said = json!({ "text": "TCK-12345, a.b@c.example; https://x.corp.example/y?z=1 Project Nightingale." }).to_string();
    let outcome = chat(settings)
        .backend_response(json_answer(&said))
        .run::<Guard>();
    assert_eq!(outcome.error, None);
    assert_eq!(
        outcome.response.text(),
        "{\"text\":\"<ticket>, <email>; <internal-url> <keyword-1>.\"}"
    );
}

#[test]
fn a_path_is_known_however_it_is_written() {
    let body = json!({ "choices": [{ "index": 0, "message": { "content": KEY } }] }).to_string();
    let paths = [
        "/v1/chat/completions",
        "/proxy/v1/chat/completions?a=b",
        "/v1/%63hat/completions",
        "/v1//chat/completions/",
    ];
    for path in paths {
        let outcome = call(path, json!({}))
            .backend_response(json_answer(&body))
            .run::<Guard>();
        assert_eq!(
            outcome.response.text(),
            body.replace(KEY, "[redacted]"),
            "{path}"
        );
    }
    let outcome = call("/v1/embeddings", json!({}))
        .backend_response(json_answer(&body))
        .run::<Guard>();
    assert_eq!(
        (outcome.response.text(), outcome.response.body_wanted),
        (body.as_str(), false)
    );
}

#[test]
fn requests_ask_for_what_can_be_read() {
    let asked = chat(json!({}))
        .field("range", "bytes=0-9")
        .field("if-range", "x")
        .field("accept-encoding", "br");
    let request = asked.run::<Guard>().request;
    assert_eq!(request.field("range").or(request.field("if-range")), None);
    assert_eq!(request.field("accept-encoding"), Some("identity"));
}

#[test]
fn documents_are_redacted_in_their_bytes() {
    let chat_body = format!(
        "{{ \"id\":\"{KEY}\",\"choices\" : [{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"a\\u0020{KEY} \\u00e9\",\
         \"refusal\":null,\"tool_calls\":[{{\"id\":\"c\",\"type\":\"function\",\"function\":{{\"name\":\"f\",\"arguments\":\
         \"{{\\\"card\\\":4111111111111111}}\"}}}}]}},\"logprobs\":{{\"content\":[]}},\"finish_reason\":\"stop\"}}],\
         \"usage\":{{\"prompt_tokens\":3,\"completion_tokens\":5}}, \"x\":1e3}}\n"
    );
    let expected = chat_body
        .replace(&format!("a\\u0020{KEY} \\u00e9"), "a [redacted] é")
        .replace("4111111111111111", "\\\"[redacted]\\\"")
        .replace("{\"content\":[]}", "null");
    let outcome = chat(json!({}))
        .backend_response(json_answer(&chat_body))
        .run::<Guard>();
    assert_eq!(outcome.response.text(), expected);
    let line = "openai-chat, whole: 5 tokens out, 3 in (reported); redacted aws-access-key 1 times; redacted card-number 1 times";
    assert_eq!(outcome.log.last().unwrap().1, line);

    let input = format!(
        r#"{{"content":[{{"type":"tool_use","id":"t","input":{{"id":"{KEY}","n":4111111111111111}}}}]}}"#
    );
    let outcome = call("/v1/messages", json!({}))
        .backend_response(json_answer(&input))
        .run::<Guard>();
    let expected = input
        .replace(KEY, "[redacted]")
        .replace("4111111111111111", "\"[redacted]\"");
    assert_eq!(outcome.response.text(), expected);

    let response = format!(
        r#"{{"object":"response","instructions":"{KEY}","output":[{{"content":[{{"type":"output_text","text":"{KEY}","logprobs":[{{"token":"A"}}]}}]}}]}}"#
    );
    let outcome = call("/v1/responses", json!({}))
        .backend_response(json_answer(&response))
        .run::<Guard>();
    let expected = response
        .replace(&format!("\"text\":\"{KEY}\""), "\"text\":\"[redacted]\"")
        .replace("[{\"token\":\"A\"}]", "[]");
    assert_eq!(outcome.response.text(), expected);
}

#[test]
fn halted_documents_are_errors_of_the_api() {
    let body = json!({ "text": KEY }).to_string();
    let message = "The content was blocked by a content filter of the proxy.";
    let openai = json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": "content_filter" } });
    let anthropic = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": message } });
    for (path, expected) in [
        ("/v1/chat/completions", &openai),
        ("/v1/responses", &openai),
        ("/v1/messages", &anthropic),
    ] {
        let answer = json_answer(&body).field("etag", "\"x\"");
        let outcome = call(path, json!({ "secrets": "halt" }))
            .backend_response(answer)
            .run::<Guard>();
        let got: serde_json::Value = serde_json::from_str(outcome.response.text()).unwrap();
        assert_eq!((outcome.response.status, &got), (400, expected));
        assert_eq!(
            outcome.response.field("content-type"),
            Some("application/json")
        );
        assert_eq!(outcome.response.field("etag"), None);
        assert!(
            outcome
                .log
                .last()
                .unwrap()
                .1
                .ends_with("(estimated); halted by aws-access-key"),
            "{:?}",
            outcome.log
        );
    }
}

#[test]
fn what_cannot_be_read_is_refused_or_passed_and_told() {
    let cases = [
        (
            json_answer("{"),
            "byte 1: expected a comma or the end of the list or object",
        ),
        (
            json_answer(r#"{"a":1,"a":2}"#),
            "byte 13: an object has a name twice",
        ),
        (json_answer("data: {}\n\n"), "byte 0: expected a value"),
        (
            json_answer("{}").field("content-encoding", "gzip"),
            "its content-encoding is gzip",
        ),
        (
            Answer::new(206)
                .field("content-type", "application/json")
                .body("{}"),
            "it is a part of an answer (206)",
        ),
        (
            Answer::new(200)
                .field("content-type", "text/plain")
                .body(KEY),
            "byte 0: expected a value",
        ),
        (
            stream().field("content-encoding", "rot13").body(KEY),
            "its content-encoding is rot13",
        ),
    ];
    for (answer, why) in cases {
        let halted = chat(json!({}))
            .backend_response(answer.clone())
            .run::<Guard>();
        assert_eq!(halted.response.status, 502, "{why}");
        assert!(
            halted
                .response
                .text()
                .contains("could not read the content"),
            "{}",
            halted.response.text()
        );
        assert!(
            halted
                .log
                .last()
                .unwrap()
                .1
                .ends_with(&format!("halted because it is unreadable: {why}")),
            "{:?}",
            halted.log
        );
        let passed = chat(json!({ "unreadable": "pass" }))
            .backend_response(answer)
            .run::<Guard>();
        assert_ne!(passed.response.status, 502);
        assert!(!passed.response.text().contains("could not"));
        assert_eq!(
            passed.log.last().unwrap().1,
            format!("openai-chat: passed an answer unread: {why}")
        );
    }
    let long = chat(json!({}))
        .backend_response(json_answer("{}"))
        .backend_body_error(BodyError::TooLarge(1));
    assert_eq!(long.run::<Guard>().response.status, 502);
}

#[test]
fn errors_and_answers_without_a_body_pass() {
    for status in [400, 404, 429, 500] {
        let body = json!({ "error": { "message": KEY } }).to_string();
        let answer = Answer::new(status)
            .field("content-type", "application/json")
            .body(body.as_str());
        let outcome = chat(json!({})).backend_response(answer).run::<Guard>();
        assert_eq!(
            (outcome.response.status, outcome.response.text()),
            (status, body.as_str())
        );
    }
    assert_eq!(
        chat(json!({}))
            .backend_response(Answer::new(204))
            .run::<Guard>()
            .response
            .status,
        204
    );
    assert_eq!(
        chat(json!({}))
            .backend_response(Answer::new(200))
            .run::<Guard>()
            .response
            .status,
        200
    );
}

#[test]
fn prompts_are_looked_at_if_that_is_wanted() {
    let prompt = json!({ "model": "m", "messages": [{ "role": "user", "content": format!("use {KEY} for nightingale") }] });
    let ask = |settings| chat(settings).body(prompt.to_string()).run::<Guard>();
    assert_eq!(ask(json!({})).request.text(), prompt.to_string());
    let redacted = ask(json!({ "prompts": true })).request;
    assert_eq!(
        redacted.text(),
        prompt.to_string().replace(KEY, "[redacted]")
    );
    let halted =
        ask(json!({ "prompts": true, "keywords": ["nightingale"], "keywords_action": "halt" }));
    assert_eq!(
        (halted.response.status, halted.reached_backend),
        (400, false)
    );
    assert!(
        halted
            .response
            .text()
            .contains("\"code\":\"content_filter\"")
    );
    let broken = chat(json!({ "prompts": true })).body("{").run::<Guard>();
    assert_eq!(
        (broken.response.status, broken.reached_backend),
        (400, false)
    );
    assert!(
        chat(json!({ "prompts": true, "unreadable": "pass" }))
            .body("{")
            .run::<Guard>()
            .reached_backend
    );
}

#[test]
fn a_stream_goes_through_the_rewriter() {
    let chunk = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let pieces = [
        chunk("a AKIAIOSFODNN7"),
        chunk("EXAMPLE"),
        chunk(" c"),
        "data: [DONE]\n\n".to_owned(),
    ];
    let rewritten = chat(json!({}))
        .backend_response(stream())
        .rewrite_response::<Guard>(&pieces);
    let expected = [
        chunk("a "),
        chunk(""),
        chunk("[redacted] c"),
        "data: [DONE]\n\n".to_owned(),
    ];
    assert_eq!(rewritten.text(), expected.concat());
    assert!(rewritten.decoded);
    let line = &rewritten.outcome.log.last().unwrap().1;
    assert_eq!(
        line,
        "openai-chat, streamed: 6 tokens out (estimated); redacted aws-access-key 1 times; first token after 0 ms"
    );
    // Another path's stream is left alone.
    let other = call("/events", json!({}))
        .backend_response(stream())
        .rewrite_response::<Guard>(&pieces);
    assert_eq!(other.unit, None);
}

//! Mappings of DynamoDB streams, and what their functions get.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_plugin::client::{OutgoingRequest, SendError};
use tollgate_plugin::testing::{self, Exchange, Outcome};
use tollgate_plugin::{Answer, BodyError};

use super::run;
use crate::settings::AwsExtras;

const STREAM: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/T/stream/2026-01-01T00:00:00.000";
const BACKEND: &str = "http://moto.example:5000/";
const INVOKE: &str = "http://lambda.example/2015-03-31/functions/f/invocations";

/// When the exchanges of these tests happen: 2026-01-01.
const NOW: u64 = 1_767_225_600;

type State = BTreeMap<String, Vec<u8>>;

fn settings() -> Value {
    json!({ "backend": "http://moto.example:5000", "triggers": { "lambda": "http://lambda.example" } })
}

fn with(settings: Value, state: &State) -> Exchange {
    let exchange = testing::exchange().settings(settings);
    state.iter().fold(exchange, |exchange, (key, value)| {
        exchange.state(key, value)
    })
}

fn record(sequence: &str) -> Value {
    json!({ "eventID": sequence, "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": { "SequenceNumber": sequence } })
}

/// The backend's answer to every call: what all of them need.
fn backend(records: &Value) -> Answer {
    let body = json!({
        "StreamDescription": { "Shards": [{ "ShardId": "shard-1" }] },
        "ShardIterator": "first",
        "NextShardIterator": "next",
        "Records": records,
        "Table": { "LatestStreamArn": STREAM },
    });
    Answer::new(200).body(body.to_string())
}

fn created(more: &Value) -> Outcome {
    let mut body =
        json!({ "EventSourceArn": STREAM, "FunctionName": "f", "StartingPosition": "LATEST" });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let call = with(settings(), &State::new())
        .method("POST")
        .target("/2015-03-31/event-source-mappings/");
    run(call
        .body(body.to_string())
        .outbound(BACKEND, backend(&json!([]))))
}

fn uuid(outcome: &Outcome) -> String {
    let told: Value = serde_json::from_str(outcome.response.text()).unwrap();
    told["UUID"].as_str().unwrap().to_owned()
}

/// A tick at this second. `records` are there once: behind them the backend has none.
fn tick(
    state: &State,
    second: u64,
    records: &Value,
    function: Result<Answer, SendError>,
) -> Outcome {
    let exchange = with(settings(), state)
        .now(Duration::from_secs(NOW + second))
        .outbound(BACKEND, backend(records));
    let outcome = match function {
        Ok(answer) => exchange.outbound(INVOKE, answer),
        Err(error) => exchange.outbound_error(INVOKE, error),
    };
    let outcome = outcome.tick::<AwsExtras>();
    assert_eq!(outcome.error, None);
    outcome
}

fn invoked(outcome: &Outcome) -> Vec<&OutgoingRequest> {
    outcome
        .outbound
        .iter()
        .filter(|request| request.uri == INVOKE)
        .collect()
}

fn checkpoint(state: &State) -> Value {
    let found = state
        .iter()
        .find(|(key, _)| key.starts_with("t/c/"))
        .expect("a checkpoint");
    serde_json::from_slice(found.1).unwrap()
}

#[test]
fn a_mapping_of_a_stream_is_ours() {
    let outcome = created(&json!({ "BatchSize": 7 }));
    assert_eq!(
        (outcome.response.status, outcome.reached_backend),
        (202, false)
    );
    let told: Value = serde_json::from_str(outcome.response.text()).unwrap();
    assert_eq!(
        told["FunctionArn"],
        "arn:aws:lambda:eu-west-1:123456789012:function:f"
    );
    assert_eq!(
        (&told["BatchSize"], &told["State"], &told["EventSourceArn"]),
        (&7.into(), &"Enabled".into(), &STREAM.into())
    );
    // LATEST is where the stream stood at the call.
    assert_eq!(checkpoint(&outcome.state)["iterator"], "first");
    let about = |method: &str, body: &str| {
        let target = format!("/2015-03-31/event-source-mappings/{}", uuid(&outcome));
        run(with(settings(), &outcome.state)
            .method(method)
            .target(&target)
            .body(body))
    };
    assert!(about("GET", "").response.text().contains("\"BatchSize\":7"));
    let changed = about("PUT", r#"{"Enabled":false,"BatchSize":8}"#);
    assert!(
        changed.response.text().contains("\"State\":\"Disabled\"")
            && changed.response.text().contains("\"BatchSize\":8")
    );
    assert!(
        tick(
            &changed.state,
            0,
            &json!([record("1")]),
            Ok(Answer::new(200))
        )
        .outbound
        .is_empty()
    );
    let gone = about("DELETE", "");
    assert!(
        gone.response.status == 202
            && gone
                .state
                .keys()
                .all(|key| !key.starts_with("t/m/") && !key.starts_with("t/c/"))
    );
}

#[test]
fn our_mappings_are_in_the_list() {
    let outcome = created(&json!({}));
    let list = |query: &str| {
        let answer = Answer::new(200).text(r#"{"EventSourceMappings":[{"UUID":"moto's"}]}"#);
        let call = with(settings(), &outcome.state)
            .target(&format!("/2015-03-31/event-source-mappings?{query}"));
        let told: Value =
            serde_json::from_str(run(call.backend_response(answer)).response.text()).unwrap();
        told["EventSourceMappings"].as_array().unwrap().len()
    };
    assert_eq!(
        (list(""), list("FunctionName=f"), list("FunctionName=g")),
        (2, 2, 1)
    );
    assert_eq!(
        (
            list("FunctionName=arn%3Aaws%3Alambda%3Ax%3A1%3Afunction%3Af"),
            list("EventSourceArn=x")
        ),
        (2, 1)
    );
}

#[test]
fn what_is_wrong_with_a_mapping_is_told() {
    for (more, part) in [
        (json!({ "BatchSize": 0 }), "BatchSize must be between"),
        (
            json!({ "StartingPosition": "AT_TIMESTAMP" }),
            "expected TRIM_HORIZON or LATEST",
        ),
        (
            json!({ "FilterCriteria": {} }),
            "FilterCriteria is not supported",
        ),
        (json!({ "FunctionName": "" }), "Missing FunctionName"),
    ] {
        let outcome = created(&more);
        assert_eq!(outcome.response.status, 400);
        assert!(
            outcome.response.text().contains(part),
            "{}",
            outcome.response.text()
        );
    }
    let body = json!({ "EventSourceArn": STREAM, "FunctionName": "f" }).to_string();
    let again = |state: &State, answer: Answer| {
        let call = with(settings(), state)
            .method("POST")
            .target("/2015-03-31/event-source-mappings");
        run(call.body(&body).outbound(BACKEND, answer))
            .response
            .status
    };
    assert_eq!(again(&created(&json!({})).state, backend(&json!([]))), 409);
    assert_eq!(again(&State::new(), Answer::new(400)), 400);
}

#[test]
fn other_mappings_and_calls_are_the_backends() {
    let queue =
        json!({ "EventSourceArn": "arn:aws:sqs:us-east-1:1:q", "FunctionName": "f" }).to_string();
    let call = with(settings(), &State::new())
        .method("POST")
        .target("/2015-03-31/event-source-mappings");
    assert!(run(call.body(queue)).reached_backend);
    let broken = with(settings(), &State::new())
        .method("POST")
        .target("/2015-03-31/event-source-mappings");
    assert!(run(broken.body("{")).reached_backend);
    let unknown = with(settings(), &State::new()).target("/2015-03-31/event-source-mappings/x");
    assert!(run(unknown).reached_backend);
    let other = with(settings(), &State::new())
        .method("POST")
        .target("/2015-03-31/functions");
    assert!(run(other.body_error(BodyError::TimedOut)).reached_backend);
}

#[test]
fn a_function_gets_records_and_then_those_behind_them() {
    let outcome = created(&json!({}));
    let first = tick(
        &outcome.state,
        0,
        &json!([record("1"), record("2")]),
        Ok(Answer::new(200)),
    );
    let calls = invoked(&first);
    let body: Value = serde_json::from_slice(&calls[0].body).unwrap();
    assert_eq!(body["Records"][1]["dynamodb"]["SequenceNumber"], "2");
    assert_eq!(body["Records"][0]["eventSourceARN"], STREAM);
    // The fake has records for ever, and a tick ends all the same.
    assert_eq!(calls.len(), 6);
    assert_eq!(checkpoint(&first.state)["sequence"], "2");
    assert_eq!(checkpoint(&first.state)["iterator"], "next");
    assert!(
        !first.state.keys().any(|key| key.starts_with("t/l/")),
        "nobody holds the mapping"
    );
    // Without records the next look is a second later.
    let empty = tick(&first.state, 1, &json!([]), Ok(Answer::new(200)));
    assert_eq!(
        empty
            .outbound
            .iter()
            .filter(|request| String::from_utf8_lossy(&request.body)
                .contains("ShardIterator\":\"next\""))
            .count(),
        1
    );
    assert!(
        tick(&empty.state, 1, &json!([]), Ok(Answer::new(200)))
            .outbound
            .is_empty()
    );
}

#[test]
fn a_batch_that_fails_comes_again_later() {
    let mut state = created(&json!({})).state;
    let failing = || Ok(Answer::new(200).field("x-amz-function-error", "Unhandled"));
    for (second, calls) in [(0, 1), (0, 0), (1, 1), (2, 0), (3, 1)] {
        let outcome = tick(&state, second, &json!([record("1")]), failing());
        assert_eq!(invoked(&outcome).len(), calls, "after {second} s");
        assert_eq!(checkpoint(&outcome.state)["sequence"], Value::Null);
        state = outcome.state;
    }
    for failure in [
        Ok(Answer::new(500)),
        Ok(Answer::new(404)),
        Err(SendError::TimedOut("x".to_owned())),
    ] {
        let outcome = tick(
            &created(&json!({})).state,
            0,
            &json!([record("1")]),
            failure,
        );
        assert_eq!(
            (
                invoked(&outcome).len(),
                &checkpoint(&outcome.state)["failures"]
            ),
            (1, &1.into())
        );
    }
    let told = run(with(settings(), &state).target(&format!(
        "/2015-03-31/event-source-mappings/{}",
        uuid(&created(&json!({})))
    )));
    assert!(
        told.response
            .text()
            .contains("PROBLEM: the function failed (Unhandled)"),
        "{}",
        told.response.text()
    );
}

#[test]
fn retries_can_be_bounded() {
    let state = created(&json!({ "MaximumRetryAttempts": 0 })).state;
    let outcome = tick(&state, 0, &json!([record("1")]), Ok(Answer::new(500)));
    assert_eq!(checkpoint(&outcome.state)["sequence"], "1");
}

#[test]
fn a_function_can_say_which_records_failed() {
    let state = created(&json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"] })).state;
    let records = json!([record("1"), record("2"), record("3")]);
    let said =
        |items: Value| Ok(Answer::new(200).text(json!({ "batchItemFailures": items }).to_string()));
    let second = tick(
        &state,
        0,
        &records,
        said(json!([{ "itemIdentifier": "3" }, { "itemIdentifier": "2" }])),
    );
    assert_eq!(
        (
            &checkpoint(&second.state)["sequence"],
            &checkpoint(&second.state)["iterator"]
        ),
        (&"1".into(), &Value::Null)
    );
    let unknown = tick(
        &state,
        0,
        &records,
        said(json!([{ "itemIdentifier": "x" }])),
    );
    assert_eq!(checkpoint(&unknown.state)["sequence"], Value::Null);
    let none = tick(&state, 0, &records, said(json!([])));
    assert_eq!(checkpoint(&none.state)["sequence"], "3");
}

#[test]
fn an_iterator_that_is_too_old_is_made_anew() {
    let state = created(&json!({})).state;
    let broken = with(settings(), &state)
        .now(Duration::from_secs(NOW))
        .outbound(BACKEND, Answer::new(500));
    let outcome = broken.tick::<AwsExtras>();
    assert_eq!(outcome.error, None);
    assert_eq!(checkpoint(&outcome.state)["iterator"], "first");
    let mut state = outcome.state;
    // The shards are known for a while; only the reading fails then.
    state.insert(format!("t/d/{}", uuid(&created(&json!({})))), b"1".to_vec());
    let outcome = with(settings(), &state)
        .now(Duration::from_secs(NOW + 9))
        .outbound(BACKEND, Answer::new(500))
        .tick::<AwsExtras>();
    assert_eq!(checkpoint(&outcome.state)["iterator"], Value::Null);
    let again = tick(
        &outcome.state,
        20,
        &json!([record("1")]),
        Ok(Answer::new(200)),
    );
    assert!(!invoked(&again).is_empty());
}

#[test]
fn mappings_of_the_settings_exist_as_soon_as_the_table_has_a_stream() {
    let mut fixed = settings();
    fixed["triggers"]["mappings"] =
        json!([{ "table": "T", "function": "f", "region": "eu-west-1" }]);
    let at = |state: &State, second: u64, answer: Answer| {
        let exchange = with(fixed.clone(), state).now(Duration::from_secs(NOW + second));
        let outcome = exchange
            .outbound(BACKEND, answer)
            .outbound(INVOKE, Answer::new(200))
            .tick::<AwsExtras>();
        assert_eq!(outcome.error, None);
        outcome
    };
    let early = at(&State::new(), 0, Answer::new(400));
    assert!(early.state.keys().all(|key| !key.starts_with("t/m/")));
    let mut state = early.state;
    state.remove("t/fixed");
    let made = at(&state, 10, backend(&json!([record("1")])));
    assert!(!invoked(&made).is_empty());
    // Without it in the settings it goes.
    let gone = tick(&made.state, 20, &json!([record("1")]), Ok(Answer::new(200)));
    assert!(invoked(&gone).is_empty() && gone.state.keys().all(|key| !key.starts_with("t/m/")));
}

#[test]
fn a_shard_that_comes_later_is_read_from_its_begin() {
    let mut state = created(&json!({})).state;
    state.retain(|key, _| !key.starts_with("t/d/"));
    let body = json!({
        "StreamDescription": { "Shards": [{ "ShardId": "shard-1" }, { "ShardId": "shard-2" }] },
        "ShardIterator": "second",
        "NextShardIterator": "next",
        "Records": [],
    });
    let answer = Answer::new(200).body(body.to_string());
    let outcome = with(settings(), &state)
        .now(Duration::from_secs(NOW))
        .outbound(BACKEND, answer)
        .tick::<AwsExtras>();
    assert_eq!(outcome.error, None);
    let asked = outcome
        .outbound
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned());
    let asked: Vec<_> = asked
        .filter(|body| body.contains("ShardIteratorType"))
        .collect();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].contains("shard-2") && asked[0].contains("TRIM_HORIZON"),
        "{}",
        asked[0]
    );
}

#[test]
fn a_mapping_in_the_hands_of_another_host_is_left_to_it() {
    let outcome = created(&json!({}));
    let mut state = outcome.state.clone();
    state.insert(format!("t/l/{}", uuid(&outcome)), b"1".to_vec());
    assert!(
        tick(&state, 0, &json!([record("1")]), Ok(Answer::new(200)))
            .outbound
            .is_empty()
    );
}

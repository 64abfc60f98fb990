//! A subscription to a shard, piece by piece.

use serde_json::{Value, json};
use tollgate_plugin::Answer;
use tollgate_plugin::client::SendError;
use tollgate_plugin::testing::{self, Exchange, Rewritten};

use super::run;
use crate::settings::AwsExtras;

const CONSUMER: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c";
const KEY: &str =
    "k/arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c/shardId-000000000000";

fn exchange(position: &Value) -> Exchange {
    let body = json!({ "ConsumerARN": CONSUMER, "ShardId": "shardId-000000000000", "StartingPosition": position });
    testing::exchange()
        .settings(json!({ "kinesis": true, "backend": "http://moto.example:5000/" }))
        .method("POST")
        .field("x-amz-target", "Kinesis_20131202.SubscribeToShard")
        .field(
            "authorization",
            crate::call::authorization("kinesis", "eu-west-1"),
        )
        .body(body.to_string())
}

/// The backend's answer to every request: what all of them need.
fn answer(records: &Value) -> Answer {
    let body = json!({ "ShardIterator": "czpzaGFyZDo3\n", "NextShardIterator": "n", "Records": records, "MillisBehindLatest": 5 });
    Answer::new(200).body(body.to_string())
}

fn subscribed(records: &Value) -> Rewritten {
    let exchange = exchange(&json!({ "Type": "LATEST" }))
        .outbound("http://moto.example:5000/", answer(records));
    let rewritten = exchange.rewrite_response::<AwsExtras>(["unused"]);
    assert_eq!(rewritten.error, None);
    rewritten
}

/// The payloads of the events of this kind.
fn payloads(rewritten: &Rewritten, kind: &str) -> Vec<Value> {
    let of_kind = |message: &&Vec<u8>| String::from_utf8_lossy(message).contains(kind);
    let payload = |message: &Vec<u8>| {
        let headers = u32::from_be_bytes(message[4..8].try_into().unwrap()) as usize;
        serde_json::from_slice(&message[12 + headers..message.len() - 4]).unwrap()
    };
    rewritten.sent.iter().filter(of_kind).map(payload).collect()
}

#[test]
fn records_come_as_events_for_five_minutes() {
    let rewritten =
        subscribed(&json!([{ "SequenceNumber": "8", "Data": "eA==", "PartitionKey": "p" }]));
    assert_eq!(payloads(&rewritten, "initial-response"), [json!({})]);
    let events = payloads(&rewritten, "SubscribeToShardEvent");
    assert_eq!(events.len(), 600);
    assert_eq!(
        events[0],
        json!({
            "Records": [{ "SequenceNumber": "8", "Data": "eA==", "PartitionKey": "p" }],
            "ContinuationSequenceNumber": "8",
            "MillisBehindLatest": 5
        })
    );
    assert_eq!(rewritten.outcome.slept.as_secs(), 300);
    assert_eq!(
        rewritten.outcome.response.field("content-type"),
        Some("application/vnd.amazon.eventstream")
    );
    let asked = &rewritten.outcome.outbound;
    assert_eq!(asked.len(), 602);
    let text = |at: usize| String::from_utf8_lossy(&asked[at].body).into_owned();
    assert!(
        text(1).contains("\"ShardIteratorType\":\"LATEST\"") && text(2).contains("czpzaGFyZDo3")
    );
    assert!(text(3).contains("\"ShardIterator\":\"n\"") && text(3).contains("\"StreamARN\":"));
    // At the end nobody has the shard.
    assert!(!rewritten.outcome.state.contains_key(KEY));
}

#[test]
fn without_records_there_is_an_event_every_five_seconds() {
    let rewritten = subscribed(&json!([]));
    let events = payloads(&rewritten, "SubscribeToShardEvent");
    assert_eq!(events.len(), 60);
    // Where moto's iterator stands.
    assert_eq!(events[0]["ContinuationSequenceNumber"], "7");
}

#[test]
fn where_it_begins_is_what_the_client_says() {
    for (position, part) in [
        (
            json!({ "Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "9" }),
            "\"StartingSequenceNumber\":\"9\"",
        ),
        (
            json!({ "Type": "AT_TIMESTAMP", "Timestamp": 1.5 }),
            "\"Timestamp\":1.5",
        ),
    ] {
        let exchange =
            exchange(&position).outbound("http://moto.example:5000/", answer(&json!([])));
        let rewritten = exchange.rewrite_response::<AwsExtras>(["unused"]);
        let asked = String::from_utf8_lossy(&rewritten.outcome.outbound[1].body).into_owned();
        assert!(asked.contains(part), "{asked}");
    }
}

#[test]
fn errors_are_those_of_the_backend() {
    let latest = json!({ "Type": "LATEST" });
    let body = r#"{"__type":"ResourceNotFoundException"}"#;
    let missing =
        exchange(&latest).outbound("http://moto.example:5000/", Answer::new(400).body(body));
    let outcome = run(missing);
    assert_eq!(
        (outcome.response.status, outcome.response.text()),
        (400, body)
    );
    let broken = exchange(&latest).outbound_error(
        "http://moto.example:5000/",
        SendError::TimedOut("x".to_owned()),
    );
    assert!(broken.run::<AwsExtras>().error.is_some());
    let wrong = testing::exchange()
        .settings(json!({ "kinesis": true, "backend": "http://moto.example:5000" }))
        .method("POST")
        .field("x-amz-target", "Kinesis_20131202.SubscribeToShard")
        .body(r#"{"ConsumerARN":"x"}"#);
    assert!(
        run(wrong)
            .response
            .text()
            .contains("InvalidArgumentException")
    );
}

#[test]
fn subscriptions_are_bounded_and_the_same_one_again_has_room() {
    let latest = json!({ "Type": "LATEST" });
    let full = |key: &str| {
        let exchange = exchange(&latest)
            .outbound("http://moto.example:5000/", answer(&json!([])))
            .state(key, "x");
        let exchange = (1..50).fold(exchange, |exchange, number| {
            exchange.state(&format!("k/{number}"), "x")
        });
        run(exchange).response
    };
    assert_eq!(
        (
            full("k/0").status,
            full("k/0").text().contains("LimitExceededException")
        ),
        (400, true)
    );
    assert_eq!(full(KEY).status, 200);
}

#[test]
fn other_calls_go_on() {
    let put = testing::exchange()
        .settings(json!({ "kinesis": true, "backend": "http://moto.example:5000" }))
        .method("POST")
        .field("x-amz-target", "Kinesis_20131202.PutRecord");
    let outcome = run(put);
    assert!(outcome.reached_backend && !outcome.request.body_wanted);
}

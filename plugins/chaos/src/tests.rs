//! What the plugin does to an exchange, run natively.

use std::time::Duration;

use tollgate_plugin::testing::{self, Exchange, Outcome, json};
use tollgate_plugin::{Answer, BodyError};

use crate::settings::Chaos;

const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/SERVICE/aws4_request, Signature=x";

pub(crate) fn call(target: &str, body: &serde_json::Value) -> Exchange {
    testing::exchange()
        .method("POST")
        .field("content-type", "application/x-amz-json-1.0")
        .field("x-amz-target", target)
        .body(body.to_string())
}

pub(crate) fn signed(service: &str) -> Exchange {
    testing::exchange().field("authorization", SIGNED.replace("SERVICE", service))
}

pub(crate) fn run(exchange: Exchange) -> Outcome {
    let outcome = exchange.run::<Chaos>();
    assert_eq!(outcome.error, None);
    outcome
}

#[test]
fn dynamodb_is_throttled_as_dynamodb_throttles() {
    let outcome =
        run(call("DynamoDB_20120810.GetItem", &json!({}))
            .setting("dynamodb_error_probability", 1.0));
    assert!(!outcome.reached_backend);
    let response = outcome.response;
    assert_eq!(response.status, 400);
    assert_eq!(
        response.field("content-type"),
        Some("application/x-amz-json-1.0")
    );
    assert_eq!(response.field("x-amzn-requestid").map(str::len), Some(36));
    let crc = crc32fast::hash(&response.body).to_string();
    assert_eq!(response.field("x-amz-crc32"), Some(crc.as_str()));
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        body["__type"],
        "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
    );
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("provisioned throughput")
    );
}

#[test]
fn reads_and_writes_have_their_own_probabilities() {
    for (target, setting, reached) in [
        (
            "DynamoDB_20120810.Query",
            "dynamodb_read_error_probability",
            false,
        ),
        (
            "DynamoDB_20120810.Query",
            "dynamodb_write_error_probability",
            true,
        ),
        (
            "DynamoDB_20120810.PutItem",
            "dynamodb_write_error_probability",
            false,
        ),
        (
            "DynamoDB_20120810.PutItem",
            "dynamodb_read_error_probability",
            true,
        ),
        (
            "DynamoDB_20120810.CreateTable",
            "dynamodb_error_probability",
            true,
        ),
        (
            "DynamoDBStreams_20120810.GetRecords",
            "dynamodb_error_probability",
            true,
        ),
        (
            "Kinesis_20131202.PutRecord",
            "dynamodb_error_probability",
            true,
        ),
        (
            "Kinesis_20131202.PutRecord",
            "kinesis_error_probability",
            false,
        ),
        (
            "Kinesis_20131202.GetRecords",
            "kinesis_error_probability",
            true,
        ),
    ] {
        let outcome = run(call(target, &json!({})).setting(setting, 1));
        assert_eq!(outcome.reached_backend, reached, "{target} {setting}");
    }
}

#[test]
fn kinesis_answers_cbor_with_cbor() {
    let exchange = testing::exchange()
        .method("POST")
        .field("content-type", "application/x-amz-cbor-1.1")
        .field("x-amz-target", "Kinesis_20131202.PutRecords")
        .body([0xa0]);
    let outcome = run(exchange.setting("kinesis_error_probability", 1));
    assert_eq!(
        outcome.response.field("content-type"),
        Some("application/x-amz-cbor-1.1")
    );
    assert!(
        outcome
            .response
            .body
            .starts_with(b"\xa2\x66__type\x78\x26Provisioned")
    );
}

#[test]
fn a_batch_is_throttled_in_part() {
    let items: Vec<_> = (0..40)
        .map(|n| json!({ "PutRequest": { "Item": { "id": { "N": n.to_string() } } } }))
        .collect();
    let batch = json!({ "RequestItems": { "t": items } });
    let outcome = run(call("DynamoDB_20120810.BatchWriteItem", &batch)
        .settings(json!({ "seed": 1, "dynamodb_write_error_probability": 0.5 }))
        .backend_response(
            Answer::new(200)
                .field("x-amz-crc32", "1")
                .json(&json!({ "UnprocessedItems": {} }))
                .unwrap(),
        ));
    let sent: serde_json::Value = serde_json::from_slice(&outcome.request.body).unwrap();
    let answered: serde_json::Value = serde_json::from_slice(&outcome.response.body).unwrap();
    let (sent, unprocessed) = (
        &sent["RequestItems"]["t"],
        &answered["UnprocessedItems"]["t"],
    );
    let (sent, unprocessed) = (sent.as_array().unwrap(), unprocessed.as_array().unwrap());
    assert!(
        sent.len() > 5 && unprocessed.len() > 5,
        "{} {}",
        sent.len(),
        unprocessed.len()
    );
    assert_eq!(sent.len() + unprocessed.len(), 40);
    assert!(
        items
            .iter()
            .all(|item| sent.contains(item) != unprocessed.contains(item))
    );
    let crc = crc32fast::hash(&outcome.response.body).to_string();
    assert_eq!(outcome.response.field("x-amz-crc32"), Some(crc.as_str()));

    let all =
        call("DynamoDB_20120810.BatchWriteItem", &batch).setting("dynamodb_error_probability", 1);
    assert_eq!(run(all).response.status, 400);
    let whole_batch = batch.to_string();
    let whole = json!({ "dynamodb_error_probability": 0.5, "batch_partial": false });
    let outcomes = (0..20).map(|seed| {
        run(call("DynamoDB_20120810.BatchWriteItem", &batch)
            .settings(whole.clone())
            .random_seed(seed))
    });
    assert!(
        outcomes
            .into_iter()
            .all(|outcome| !outcome.reached_backend || outcome.request.text() == whole_batch)
    );
}

#[test]
fn all_records_of_a_kinesis_batch_may_fail_without_an_error() {
    let batch = json!({ "StreamName": "s", "Records": [{ "Data": "YQ==" }, { "Data": "Yg==" }] });
    let outcome =
        run(call("Kinesis_20131202.PutRecords", &batch).setting("kinesis_error_probability", 1));
    assert!(!outcome.reached_backend);
    assert_eq!(outcome.response.status, 200);
    let body: serde_json::Value = serde_json::from_slice(&outcome.response.body).unwrap();
    assert_eq!(
        (
            body["FailedRecordCount"].as_u64(),
            body["Records"].as_array().unwrap().len()
        ),
        (Some(2), 2)
    );
}

#[test]
fn an_error_of_the_backend_stays_as_it_is() {
    let batch = json!({ "Records": [1, 2, 3, 4, 5, 6, 7, 8] });
    let outcome = run(call("Kinesis_20131202.PutRecords", &batch)
        .settings(json!({ "seed": 2, "kinesis_error_probability": 0.5 }))
        .backend_response(Answer::new(500).text("broken")));
    assert!(outcome.reached_backend && outcome.notes.contains_key("chaos.withheld"));
    assert_eq!(outcome.response.text(), "broken");
}

/// A call of Smithy's rpc-v2-cbor.
fn rpc(service: &str, action: &str) -> Exchange {
    testing::exchange()
        .method("POST")
        .target(&format!("/service/{service}/operation/{action}"))
        .field("smithy-protocol", "rpc-v2-cbor")
        .field("content-type", "application/cbor")
        .body([0xa0])
}

fn form_unsigned() -> Exchange {
    testing::exchange()
        .method("POST")
        .field("content-type", "application/x-www-form-urlencoded")
        .body("Action=Publish&Version=2010-03-31")
}

#[test]
fn a_form_that_is_no_call_of_aws_goes_on_unread() {
    let rule = json!([{ "action": "*Publish*", "status": 500 }]);
    let form = |target: &str| {
        testing::exchange()
            .method("POST")
            .target(target)
            .field("content-type", "application/x-www-form-urlencoded")
            .setting("faults", rule.clone())
    };
    let outcome = run(form("/login").body("Action=Publish&Version=2010-03-31"));
    assert!(outcome.reached_backend && !outcome.request.body_wanted);
    for form in [
        form("/")
            .body(*b"\x1f\x8b\x08\x00")
            .field("content-encoding", "gzip"),
        form("/").body(*b"Action=\xff\xfe&Version=2010-03-31"),
        form("/").body_error(BodyError::TooLarge(9)),
    ] {
        assert!(run(form).reached_backend);
    }
}

#[test]
fn smithys_calls_are_throttled_in_their_own_protocol() {
    let outcome =
        run(rpc("Kinesis_20131202", "PutRecords").setting("kinesis_error_probability", 1));
    assert_eq!(outcome.response.status, 400);
    assert_eq!(
        outcome.response.field("smithy-protocol"),
        Some("rpc-v2-cbor")
    );
    assert_eq!(
        outcome.response.field("content-type"),
        Some("application/cbor")
    );
    assert!(!outcome.request.body_wanted);
}

/// Rules, and what is said of them.
const DEAD_RULES: &[(&str, &str)] = &[
    (
        r#"[{ "method": "get", "status": 500 }]"#,
        "setting faults[0].method is \"get\" and can never strike: expected a method in capital letters, such as GET",
    ),
    (
        r#"[{ "path": "a/*", "status": 500 }]"#,
        "setting faults[0].path is \"a/*\" and can never strike: expected a path that begins with / or *",
    ),
    (
        r#"[{ "path": "/a?b", "status": 500 }]"#,
        "setting faults[0].path is \"/a?b\" and can never strike: expected a path without a query",
    ),
    (
        r#"[{ "service": "DynamoDB", "status": 500 }]"#,
        "setting faults[0].service is \"DynamoDB\" and can never strike: expected a name in small letters, as in a signature, such as dynamodb",
    ),
    (
        r#"[{ "service": "lambda", "action": "ListFunction", "status": 500 }]"#,
        "setting faults[0].action is \"ListFunction\" and can never strike: lambda has no such operation",
    ),
    (
        r#"[{ "service": "macie2", "action": "GetFindings", "status": 500 }]"#,
        "setting faults[0].action is \"GetFindings\" and can never strike: the operations of macie2 are not known, use path and method",
    ),
    (
        r#"[{ "service": "s3", "status": 500 }, { "service": "s3", "method": "GET", "latency_ms": 5 }]"#,
        "setting faults[1] can never strike: faults[0] answers every request that it is about",
    ),
    (
        r#"[{ "status": 500, "fields": { "a b": "c" } }]"#,
        "setting faults[0].fields has \"a b\": expected a field name",
    ),
];

#[test]
fn a_rule_that_can_never_strike_is_told() {
    for (rules, error) in DEAD_RULES {
        let rules: serde_json::Value = serde_json::from_str(rules).unwrap();
        // In the trial already.
        let exchange = testing::exchange().client_address("0.0.0.0:0");
        let outcome = exchange.setting("faults", rules).run::<Chaos>();
        assert_eq!(outcome.error.as_deref(), Some(*error));
    }
    for rules in [
        json!([{ "service": "lambda", "action": "List*", "status": 500 }]),
        json!([{ "service": "*", "action": "Anything", "status": 500 }]),
        json!([{ "service": "dynamodb", "action": "New", "status": 500 }]),
        json!([{ "service": "s3", "status": 500, "probability": 0.5 }, { "service": "s3", "status": 400 }]),
        json!([{ "method": "GET", "status": 500 }, { "status": 400 }]),
    ] {
        assert!(
            run(testing::exchange()
                .method("PUT")
                .target("/x")
                .setting("faults", rules))
            .log
            .len()
                < 2
        );
    }
    let unknown = json!([{ "service": "dynamo", "status": 500 }]);
    let trial = testing::exchange().client_address("0.0.0.0:0");
    let outcome = run(trial.setting("faults", unknown.clone()));
    let (level, line) = &outcome.log[0];
    assert_eq!(*level, tollgate_plugin::Level::Warn);
    assert!(
        line.starts_with("setting faults[0].service is \"dynamo\": AWS has no service"),
        "{line}"
    );
    assert!(
        run(testing::exchange().setting("faults", unknown))
            .log
            .is_empty()
    );
}

#[test]
fn a_rule_strikes_only_what_it_is_about() {
    let form = || {
        signed("sns")
            .method("POST")
            .field("content-type", "application/x-www-form-urlencoded")
            .body("Version=2010-03-31&Action=Publish")
    };
    for (rule, exchange, strikes) in [
        (json!({ "method": "GET" }), testing::exchange(), true),
        (json!({ "method": "PUT" }), testing::exchange(), false),
        (
            json!({ "path": "/a/*" }),
            testing::exchange().target("/a/b?x"),
            true,
        ),
        (
            json!({ "path": "/a/*" }),
            testing::exchange().target("/b/a/"),
            false,
        ),
        (json!({ "service": "s3" }), signed("s3"), true),
        (json!({ "service": "s3" }), signed("sqs"), false),
        (
            json!({ "action": "Get*" }),
            call("DynamoDB_20120810.GetItem", &json!({})),
            true,
        ),
        (json!({ "action": "Publish" }), form(), true),
        (json!({ "action": "Subscribe" }), form(), false),
        (
            json!({ "action": "Publish" }),
            testing::exchange().target("/?Action=Publish&Version=2010-03-31"),
            true,
        ),
        (json!({ "probability": 0.0 }), testing::exchange(), false),
        (
            json!({ "service": "lambda", "action": "ListFunctions" }),
            signed("lambda").target("/2015-03-31/functions/"),
            true,
        ),
        (
            json!({ "service": "lambda", "action": "ListFunctions" }),
            signed("lambda").target("/2015-03-31/functions/f"),
            false,
        ),
        (
            json!({ "service": "s3", "action": "PutObject" }),
            testing::exchange()
                .method("PUT")
                .target("/b/k?AWSAccessKeyId=t&Signature=x&Expires=9"),
            true,
        ),
        (
            json!({ "service": "s3" }),
            testing::exchange().field("authorization", "AWS AKIA:x="),
            true,
        ),
        (
            json!({ "service": "s3", "action": "GetObject" }),
            testing::exchange()
                .target("/b/k?X-Amz-Credential=A%2F1%2Fus-east-1%2Fs3%2Faws4_request"),
            true,
        ),
        (
            json!({ "service": "kinesis", "action": "PutRecord" }),
            rpc("Kinesis_20131202", "PutRecord"),
            true,
        ),
        (json!({ "service": "sns" }), form_unsigned(), true),
    ] {
        let mut rule = rule;
        rule["status"] = json!(500);
        let outcome = run(exchange.setting("faults", json!([rule])));
        assert_eq!(!outcome.reached_backend, strikes, "{rule}");
    }
}

#[test]
fn a_delay_is_a_wait_and_nothing_more() {
    let slow = |seed| {
        let faults = json!([{ "latency_ms": [100, 200] }, { "latency_ms": 1000, "path": "/slow" }]);
        run(testing::exchange()
            .setting("faults", faults)
            .random_seed(seed)
            .body_error(BodyError::TimedOut))
    };
    let waits: Vec<_> = (0..50).map(|seed| slow(seed).slept).collect();
    let range = Duration::from_millis(100)..Duration::from_millis(200);
    assert!(waits.iter().all(|wait| range.contains(wait)));
    assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
    assert!(slow(1).reached_backend);
}

#[test]
fn with_a_seed_the_same_requests_meet_the_same_fate() {
    let fate = |seed: u64, operation: &str, key: u8, attempt: &str, run_number: u64| {
        let exchange = call(
            &format!("DynamoDB_20120810.{operation}"),
            &json!({ "Key": key }),
        )
        .field(
            "amz-sdk-request",
            format!("ttl=2026{run_number}; {attempt}; max=5"),
        )
        .id(&run_number.to_string())
        .random_seed(run_number);
        let settings = json!({ "seed": seed, "dynamodb_error_probability": 0.5 });
        run(exchange.settings(settings)).reached_backend
    };
    let fates = |seed, operation, attempt, run_number| {
        (0..64)
            .map(|key| fate(seed, operation, key, attempt, run_number))
            .collect::<Vec<_>>()
    };
    let first = fates(7, "GetItem", "attempt=1", 1);
    assert!(first.contains(&true) && first.contains(&false));
    assert_eq!(first, fates(7, "GetItem", "attempt=1", 2));
    assert_ne!(first, fates(8, "GetItem", "attempt=1", 1));
    assert_ne!(first, fates(7, "Query", "attempt=1", 1));
    assert_ne!(first, fates(7, "GetItem", "attempt=2", 1));
}

#[test]
fn without_a_seed_chance_is_the_hosts() {
    let fate = |random| {
        let settings = json!({ "faults": [{ "probability": 0.5, "status": 500 }] });
        run(testing::exchange().settings(settings).random_seed(random)).reached_backend
    };
    let forwarded = (0..200).filter(|random| fate(*random)).count();
    assert!((60..140).contains(&forwarded), "{forwarded}");
}

#[test]
fn without_settings_nothing_happens() {
    let outcome = run(call("DynamoDB_20120810.GetItem", &json!({})));
    assert!(outcome.reached_backend && !outcome.request.body_wanted && outcome.log.is_empty());
}

#[test]
fn mistakes_in_the_settings_are_named() {
    for (settings, error) in [
        (
            json!({ "kinesis_error_probability": 2 }),
            "setting kinesis_error_probability is 2: expected 0 to 1",
        ),
        (
            json!({ "faults": [{ "status": 99 }] }),
            "setting faults[0].status is 99: expected 200 to 599",
        ),
        (
            json!({ "faults": [{ "path": "/" }] }),
            "setting faults[0] does nothing: give it a status, a code or latency_ms",
        ),
        (
            json!({ "faults": [{ "latency_ms": [2, 1] }] }),
            "setting faults[0].latency_ms is 2 to 1: expected a range within 0 to 60000",
        ),
        (
            json!({ "faults": [{ "latency_ms": 1, "body": "x" }] }),
            "setting faults[0] has an answer without a status",
        ),
    ] {
        assert_eq!(
            testing::exchange()
                .settings(settings)
                .run::<Chaos>()
                .error
                .as_deref(),
            Some(error)
        );
    }
    let error = testing::exchange()
        .setting("faults", json!([{ "stats": 1 }]))
        .run::<Chaos>()
        .error
        .unwrap();
    assert!(
        error.starts_with("setting faults is") && error.contains("unknown field `stats`"),
        "{error}"
    );
}

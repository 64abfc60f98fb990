//! Events of S3: for whom, and for which calls.

use serde_json::{Value, json};
use tollgate_plugin::testing::{self, Exchange, Outcome};
use tollgate_plugin::{Answer, BodyError};

use super::run;

const CONFIGURATION: &str = "<C><QueueConfiguration><Id>q</Id><Queue>arn:aws:sqs:eu-west-1:123456789012:q</Queue><Event>s3:ObjectRemoved:*</Event><Event>s3:ObjectCreated:*</Event></QueueConfiguration>\
    <TopicConfiguration><Id>t</Id><Topic>arn:aws:sns:eu-west-1:123456789012:t</Topic><Event>s3:ObjectRemoved:DeleteMarkerCreated</Event></TopicConfiguration>\
    <CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:aws:lambda:eu-west-1:123456789012:function:f</CloudFunction><Event>s3:ObjectCreated:Put</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>in/</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration></C>";

fn exchange(method: &str, target: &str, events: &Value) -> Exchange {
    testing::exchange()
        .settings(json!({ "backend": "http://moto.example", "events": events }))
        .method(method)
        .target(target)
        .authority("front.example:4567")
        .field(
            "authorization",
            crate::call::authorization("s3", "eu-west-1"),
        )
        .outbound(
            "http://moto.example/bkt?notification",
            Answer::new(200).body(CONFIGURATION),
        )
}

fn queued(outcome: &Outcome) -> Vec<Value> {
    let entries = outcome
        .state
        .iter()
        .filter(|(key, _)| key.starts_with("q/"));
    entries
        .map(|(_, value)| serde_json::from_slice(value).unwrap())
        .collect()
}

/// Where entries go, and what.
fn sent(outcome: &Outcome) -> Vec<(String, String)> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let mut sent: Vec<_> = queued(outcome)
        .iter()
        .map(|entry| (text(entry, "url"), text(entry, "what")))
        .collect();
    sent.sort();
    sent
}

fn http() -> Value {
    json!({ "http": [{ "url": "http://hook.example/s3", "bucket": "bkt", "suffix": ".txt" }] })
}

fn hooked(exchange: Exchange, answer: Answer) -> Vec<Value> {
    let outcome = run(exchange
        .outbound(
            "http://moto.example/bkt/in/a%20b%C3%BC.txt?versionId=v1",
            Answer::new(200).field("content-length", "3"),
        )
        .outbound(
            "http://moto.example/bkt?versions&prefix=in%2Fa%20b%C3%BC.txt",
            Answer::new(200),
        )
        .backend_response(answer));
    let records = |entry: &Value| {
        serde_json::from_str::<Value>(entry["body"].as_str().unwrap()).unwrap()["Records"][0]
            .clone()
    };
    let hooks = queued(&outcome)
        .into_iter()
        .filter(|entry| entry["url"] == "http://hook.example/s3");
    hooks.map(|entry| records(&entry)).collect()
}

#[test]
fn an_http_endpoint_gets_what_s3_documents() {
    let answer = Answer::new(200)
        .field("etag", "\"abc\"")
        .field("x-amz-version-id", "v1");
    let records = hooked(exchange("PUT", "/bkt/in/a%20b%C3%BC.txt", &http()), answer);
    assert_eq!(records.len(), 1);
    let mut record = records[0].clone();
    let object = record["s3"]["object"].take();
    assert_eq!(
        object,
        json!({ "key": "in/a+b%C3%BC.txt", "size": 3, "eTag": "abc", "versionId": "v1", "sequencer": "0018867251EDFA0000" })
    );
    record["s3"]["object"] = Value::Null;
    assert_eq!(
        record,
        json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "eu-west-1",
            "eventTime": "2026-01-01T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": "AWS:AIDATOLLGATE" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": "test", "x-amz-id-2": "test" },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "tollgate-1",
                "bucket": { "name": "bkt", "ownerIdentity": { "principalId": "AIDATOLLGATE" }, "arn": "arn:aws:s3:::bkt" },
                "object": null,
            },
        })
    );
}

#[test]
fn each_call_has_its_event() {
    let target = "/bkt/in/a%20b%C3%BC.txt";
    let copied = "<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>";
    let completed =
        "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>";
    let ok = || Answer::new(200).field("x-amz-version-id", "v1");
    let form = "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nin/${filename}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a bü.txt\"\r\n\r\nx\r\n--b--";
    for (exchange, answer, name) in [
        (
            exchange("PUT", target, &http()).field("x-amz-copy-source", "/b/k"),
            ok().body(copied),
            "ObjectCreated:Copy",
        ),
        (
            exchange("POST", &format!("{target}?uploadId=u"), &http()),
            ok().body(completed),
            "ObjectCreated:CompleteMultipartUpload",
        ),
        (
            exchange("POST", "/bkt", &http())
                .field("content-type", "multipart/form-data; boundary=b")
                .body(form),
            ok(),
            "ObjectCreated:Post",
        ),
        (
            exchange("DELETE", target, &http()),
            Answer::new(204),
            "ObjectRemoved:Delete",
        ),
        (
            exchange("DELETE", target, &http()),
            Answer::new(204).field("x-amz-delete-marker", "true"),
            "ObjectRemoved:DeleteMarkerCreated",
        ),
        (
            exchange("DELETE", &format!("{target}?versionId=v"), &http()),
            Answer::new(204).field("x-amz-delete-marker", "true"),
            "ObjectRemoved:Delete",
        ),
    ] {
        let records = hooked(exchange, answer);
        assert_eq!(records.len(), 1, "{name}");
        assert_eq!(
            (
                records[0]["eventName"].as_str(),
                records[0]["s3"]["object"]["key"].as_str()
            ),
            (Some(name), Some("in/a+b%C3%BC.txt"))
        );
    }
    let many = "<DeleteResult><Deleted><Key>a.txt</Key></Deleted><Deleted><Key>b.txt</Key><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>m</DeleteMarkerVersionId></Deleted><Deleted><Key>c.bin</Key></Deleted><Error><Key>d.txt</Key></Error></DeleteResult>";
    let records = hooked(
        exchange("POST", "/bkt?delete", &http()),
        Answer::new(200).body(many),
    );
    let mut names: Vec<_> = records
        .iter()
        .map(|record| format!("{} {}", record["eventName"], record["s3"]["object"]["key"]))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "\"ObjectRemoved:Delete\" \"a.txt\"",
            "\"ObjectRemoved:DeleteMarkerCreated\" \"b.txt\""
        ]
    );
}

#[test]
fn what_changes_no_object_has_no_event() {
    for (method, target, status) in [
        ("PUT", "/bkt/a.txt?acl", 200),
        ("PUT", "/bkt/a.txt?tagging", 200),
        ("PUT", "/bkt/a.txt?partNumber=1&uploadId=u", 200),
        ("POST", "/bkt/a.txt?uploads", 200),
        ("DELETE", "/bkt/a.txt?uploadId=u", 204),
        ("DELETE", "/bkt/a.txt?tagging", 204),
        ("PUT", "/bkt", 200),
        ("GET", "/bkt/a.txt", 200),
        ("PUT", "/bkt/a.txt", 403),
        ("PUT", "/other/a.txt", 200),
        ("PUT", "/bkt/a.bin", 200),
    ] {
        let outcome = run(exchange(method, target, &http())
            .body_error(BodyError::TimedOut)
            .backend_response(Answer::new(status)));
        assert!(
            queued(&outcome).is_empty() && !outcome.response.body_wanted,
            "{method} {target}"
        );
    }
    let failed = Answer::new(200).body("<Error><Code>InternalError</Code></Error>");
    assert!(hooked(exchange("POST", "/bkt/a.txt?uploadId=u", &http()), failed).is_empty());
}

#[test]
fn queues_and_topics_get_what_the_backend_does_not_send() {
    let none = json!({});
    let marker = run(exchange("DELETE", "/bkt/a", &none)
        .backend_response(Answer::new(204).field("x-amz-delete-marker", "true")));
    assert_eq!(
        sent(&marker),
        [
            (
                "http://moto.example/".to_owned(),
                "S3 ObjectRemoved:DeleteMarkerCreated of bucket bkt".to_owned()
            ),
            (
                "http://moto.example/".to_owned(),
                "S3 ObjectRemoved:DeleteMarkerCreated of bucket bkt".to_owned()
            ),
        ]
    );
    let text = queued(&marker)
        .iter()
        .map(Value::to_string)
        .collect::<String>();
    assert!(
        text.contains("http://moto.example/123456789012/q") && text.contains("/eu-west-1/sqs/"),
        "{text}"
    );
    assert!(
        text.contains("TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3At")
            && text.contains("/eu-west-1/sns/"),
        "{text}"
    );
    let versions = |document: &str| {
        let call =
            exchange("DELETE", "/bkt/a?versionId=v", &none).backend_response(Answer::new(204));
        sent(&run(call.outbound(
            "http://moto.example/bkt?versions&prefix=a",
            Answer::new(200).body(document),
        )))
        .len()
    };
    assert_eq!(versions("<R><Version><Key>a</Key></Version></R>"), 1);
    assert_eq!(
        versions("<R><DeleteMarker><Key>a</Key></DeleteMarker></R>"),
        1
    );
    // It was the last one: the backend tells.
    assert_eq!(versions("<R><Version><Key>ab</Key></Version></R>"), 0);
    // These the backend sends.
    for (method, target) in [("DELETE", "/bkt/a"), ("PUT", "/bkt/a")] {
        let outcome = run(exchange(method, target, &none).backend_response(Answer::new(200)));
        assert!(sent(&outcome).is_empty(), "{method}");
        assert_eq!(
            outcome.outbound.len(),
            usize::from(method == "DELETE"),
            "a creation needs no configuration"
        );
    }
}

#[test]
fn functions_are_called_at_the_endpoint() {
    let lambda = json!({ "lambda": "http://lambda.example" });
    let outcome = run(exchange("PUT", "/bkt/in/x", &lambda)
        .outbound("http://moto.example/bkt/in/x", Answer::new(200))
        .backend_response(Answer::new(200)));
    assert_eq!(
        sent(&outcome),
        [(
            "http://lambda.example/2015-03-31/functions/f/invocations".to_owned(),
            "S3 ObjectCreated:Put of bucket bkt".to_owned()
        )]
    );
    assert!(
        queued(&outcome)[0]
            .to_string()
            .contains("[\"x-amz-invocation-type\",\"Event\"]")
    );
    let elsewhere = run(exchange("PUT", "/bkt/out/x", &lambda).backend_response(Answer::new(200)));
    assert!(sent(&elsewhere).is_empty());
}

#[test]
fn the_configuration_is_kept_until_it_changes() {
    let lambda = json!({ "lambda": "http://lambda.example" });
    let first = run(exchange("PUT", "/bkt/out/x", &lambda));
    assert_eq!(first.outbound.len(), 1);
    let kept = &first.state["e/bkt"];
    let again = run(exchange("PUT", "/bkt/out/x", &lambda).state("e/bkt", kept));
    assert!(again.outbound.is_empty());
    let refused = run(exchange("PUT", "/bkt?notification", &lambda)
        .state("e/bkt", kept)
        .backend_response(Answer::new(400)));
    assert!(refused.state.contains_key("e/bkt"));
    for (method, target) in [("PUT", "/bkt?notification"), ("DELETE", "/bkt")] {
        let changed = run(exchange(method, target, &lambda)
            .state("e/bkt", kept)
            .backend_response(Answer::new(200)));
        assert!(!changed.state.contains_key("e/bkt"), "{method} {target}");
    }
}

#[test]
fn a_backend_that_does_not_answer_changes_nothing_for_the_client() {
    let settings = json!({ "backend": "http://away.example", "events": { "lambda": "http://lambda.example" } });
    let call = testing::exchange()
        .settings(settings)
        .method("PUT")
        .target("/bkt/x");
    let outcome = run(call
        .field(
            "authorization",
            crate::call::authorization("s3", "eu-west-1"),
        )
        .backend_response(Answer::new(200).body("x")));
    assert_eq!(
        (outcome.response.status, outcome.response.text()),
        (200, "x")
    );
    assert!(
        outcome
            .log
            .iter()
            .any(|(_, text)| text.contains("events of bucket bkt are lost"))
    );
}

#[test]
fn a_form_that_is_too_long_to_be_read_goes_on_without_an_event() {
    let call =
        exchange("POST", "/bkt", &http()).field("content-type", "multipart/form-data; boundary=b");
    let outcome = run(call.body_error(BodyError::TooLarge(9)));
    assert!(outcome.reached_backend && queued(&outcome).is_empty());
    assert!(
        outcome
            .log
            .iter()
            .any(|(_, text)| text.contains("longer than 9 bytes"))
    );
}

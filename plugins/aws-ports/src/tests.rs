//! What aws-ports does, run natively.

use tollgate_plugin::testing::{self, Exchange};

use super::AwsPorts;

const SQS: &str = "AWS4-HMAC-SHA256 Credential=test/19700101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=none";

fn to(authority: &str) -> Exchange {
    testing::exchange()
        .setting("ports", r#"{"4576": "sqs", "4569": "dynamodb"}"#)
        .authority(authority)
}

fn authorization(exchange: Exchange) -> Option<String> {
    let outcome = exchange.run::<AwsPorts>();
    assert_eq!(outcome.error, None);
    outcome.request.field("authorization").map(str::to_owned)
}

#[test]
fn the_port_names_the_service() {
    for authority in [
        "localhost:4576",
        "127.0.0.1:4576",
        "[::1]:4576",
        "sqs.test:4576",
    ] {
        assert_eq!(
            authorization(to(authority)).as_deref(),
            Some(SQS),
            "{authority}"
        );
    }
    for authority in [
        "localhost",
        "localhost:4577",
        "4576",
        "[::1]",
        "localhost:",
        "localhost:70000",
    ] {
        assert_eq!(authorization(to(authority)), None, "{authority}");
    }
}

#[test]
fn who_signed_is_believed() {
    let signed = to("localhost:4576").field("authorization", "Basic x");
    assert_eq!(authorization(signed).as_deref(), Some("Basic x"));
    for query in [
        "X-Amz-Credential=a",
        "a=b&X-Amz-Signature=0",
        "AWSAccessKeyId=a&Signature=b",
        "x-amz-credential",
    ] {
        let target = format!("/q?{query}");
        assert_eq!(
            authorization(to("localhost:4576").target(&target)),
            None,
            "{query}"
        );
    }
    let other = to("localhost:4576").target("/q?Signatures=1&MessageBody=Signature");
    assert_eq!(authorization(other).as_deref(), Some(SQS));
}

#[test]
fn dynamodb_needs_its_target() {
    assert_eq!(authorization(to("localhost:4569")), None);
    let call = to("localhost:4569").field("x-amz-target", "DynamoDB_20120810.ListTables");
    assert!(authorization(call).is_some_and(|value| value.contains("/dynamodb/")));
}

#[test]
fn mistakes_in_the_settings_are_named() {
    for (key, value, error) in [
        (
            "ports",
            r#"{"x": "sqs"}"#,
            "setting ports has \"x\": expected a port from 1 to 65535",
        ),
        (
            "ports",
            r#"{"0": "sqs"}"#,
            "setting ports has \"0\": expected a port from 1 to 65535",
        ),
        (
            "ports",
            r#"{"1": "s/s"}"#,
            "setting ports.1 is \"s/s\": expected the name of a service in signatures, such as sqs",
        ),
        (
            "region",
            "",
            "setting region is \"\": expected letters, digits and -",
        ),
        (
            "access_key",
            "a b",
            "setting access_key is \"a b\": expected letters, digits and -",
        ),
    ] {
        let exchange = match key {
            "ports" => testing::exchange(),
            _ => to("a"),
        };
        let outcome = exchange.setting(key, value).run::<AwsPorts>();
        let got = outcome.error.unwrap();
        assert!(got.contains(error), "{got}");
    }
}

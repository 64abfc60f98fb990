//! What the plugin does to an exchange, run natively: the shapes in which AWS's APIs show names.

use tollgate_plugin::testing::{self, Exchange, Outcome, json};
use tollgate_plugin::{Answer, BodyError, Level};

use crate::settings::ArnRewrite;

const SQS: &str =
    "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/sqs/aws4_request, Signature=x";
const S3: &str =
    "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/s3/aws4_request, Signature=x";

fn exchange() -> Exchange {
    testing::exchange()
        .setting(
            "account",
            json!({ "client": "111122223333", "backend": "123456789012" }),
        )
        .setting(
            "region",
            json!({ "client": "eu-central-1", "backend": "us-east-1" }),
        )
        .setting("partition", json!({ "client": "aws-cn", "backend": "aws" }))
}

fn run(exchange: Exchange) -> Outcome {
    let outcome = exchange.run::<ArnRewrite>();
    assert_eq!(outcome.error, None);
    outcome
}

fn md5(text: &str) -> String {
    format!("{:x}", md5::compute(text))
}

#[test]
fn head_and_form_body_on_the_way_to_the_backend() {
    let outcome = run(exchange()
        .method("POST")
        .authority("sns.eu-central-1.localhost:4566")
        .target("/?TopicArn=arn%3Aaws-cn%3Asns%3Aeu-central-1%3A111122223333%3At%20x")
        .field("authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/sns/aws4_request")
        .field("x-amz-source-account", "111122223333")
        .field("x-twice", "a")
        .field("x-twice", "arn:aws-cn:iam::111122223333:root")
        .field("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .field("content-md5", "stale")
        .body("Action=Publish&TopicArn=arn%3Aaws-cn%3Asns%3Aeu-central-1%3A111122223333%3At&Message=a+%2Bb"));
    let request = &outcome.request;
    assert_eq!(
        request.target,
        "/?TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At%20x"
    );
    assert_eq!(request.field("host"), Some("sns.us-east-1.localhost:4566"));
    assert!(
        request
            .field("authorization")
            .unwrap()
            .ends_with("/us-east-1/sns/aws4_request")
    );
    assert_eq!(request.field("x-amz-source-account"), Some("123456789012"));
    assert_eq!(
        request.field_values("x-twice"),
        ["a", "arn:aws:iam::123456789012:root"]
    );
    assert_eq!(request.field("accept-encoding"), Some("identity"));
    assert_eq!(
        request.text(),
        "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At&Message=a+%2Bb"
    );
    assert_ne!(request.field("content-md5"), Some("stale"));
}

#[test]
fn a_response_shows_the_clients_names() {
    for (media_type, backend, client) in [
        (
            "text/xml",
            "<GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:user/moto</Arn><Account>123456789012</Account></GetCallerIdentityResult>",
            "<GetCallerIdentityResult><Arn>arn:aws-cn:sts::111122223333:user/moto</Arn><Account>111122223333</Account></GetCallerIdentityResult>",
        ),
        (
            "application/x-amz-json-1.0",
            r#"{"QueueUrl": "http://localhost:5000/123456789012/q", "Size": 123456789012}"#,
            r#"{"QueueUrl": "http://localhost:5000/111122223333/q", "Size": 123456789012}"#,
        ),
        (
            "application/xml",
            "<LocationConstraint>us-east-1</LocationConstraint>",
            "<LocationConstraint>eu-central-1</LocationConstraint>",
        ),
    ] {
        let backend_says = Answer::new(200)
            .field("content-type", media_type)
            .field("location", "http://sqs.us-east-1.localhost/123456789012/q")
            .field("x-amz-crc32", "1")
            .body(backend);
        let outcome = run(exchange().method("POST").backend_response(backend_says));
        assert_eq!(outcome.response.text(), client);
        assert_eq!(
            outcome.response.field("location"),
            Some("http://sqs.eu-central-1.localhost/111122223333/q")
        );
        let crc = crc32fast::hash(client.as_bytes()).to_string();
        assert_eq!(outcome.response.field("x-amz-crc32"), Some(crc.as_str()));
    }
}

#[test]
fn objects_and_media_stream_past() {
    let of_type = |media_type| Answer::new(200).field("content-type", media_type);
    for (case, answer) in [
        (
            "object",
            of_type("text/plain")
                .field("etag", "\"x\"")
                .field("last-modified", "then"),
        ),
        ("binary", of_type("application/octet-stream")),
        ("stream", of_type("text/event-stream")),
        (
            "compressed",
            of_type("text/plain").field("content-encoding", "gzip"),
        ),
        (
            "long",
            of_type("text/plain").field("content-length", "8388609"),
        ),
        ("empty", of_type("text/plain").field("content-length", "0")),
        (
            "partial",
            Answer::new(206).field("content-type", "text/plain"),
        ),
    ] {
        let get = exchange().target("/bucket/key").field("authorization", S3);
        // Reading would fail.
        let outcome = run(get
            .backend_response(answer)
            .backend_body_error(BodyError::TimedOut));
        assert_eq!(
            outcome.log.len(),
            usize::from(matches!(case, "compressed" | "long")),
            "{case}"
        );
    }
    let put = exchange()
        .method("PUT")
        .target("/bucket/key")
        .field("authorization", S3);
    let outcome = run(put
        .field("content-type", "text/plain")
        .body("arn:aws-cn:s3:::b"));
    assert!(!outcome.request.body_wanted);
    assert_eq!(outcome.request.text(), "arn:aws-cn:s3:::b");
}

#[test]
fn a_bucket_configuration_is_no_object() {
    let put = exchange()
        .method("PUT")
        .target("/bucket?notification")
        .field("authorization", S3);
    let outcome = run(put
        .field("x-amz-checksum-crc32", "AAAAAA==")
        .body("<Queue>arn:aws-cn:sqs:eu-central-1:111122223333:q</Queue>"));
    let body = "<Queue>arn:aws:sqs:us-east-1:123456789012:q</Queue>";
    assert_eq!(outcome.request.text(), body);
    assert_ne!(
        outcome.request.field("x-amz-checksum-crc32"),
        Some("AAAAAA==")
    );
}

#[test]
fn sqs_digests_are_those_that_the_client_expects() {
    // What the client sends, what SQS stores, and back.
    let (sent, stored) = ("see arn:aws-cn:s3:::b", "see arn:aws:s3:::b");
    let send = exchange()
        .method("POST")
        .field("authorization", SQS)
        .field("content-type", "application/x-amz-json-1.0")
        .body(json!({ "QueueUrl": "http://h/111122223333/q", "MessageBody": sent }).to_string())
        .backend_response(
            Answer::new(200)
                .json(&json!({ "MD5OfMessageBody": md5(stored), "MessageId": "1" }))
                .unwrap(),
        );
    let outcome = run(send);
    assert!(
        outcome.request.text().contains(stored)
            && outcome.request.text().contains("/123456789012/q")
    );
    assert!(
        outcome.response.text().contains(&md5(sent)),
        "{}",
        outcome.response.text()
    );

    let message = json!({ "Messages": [{ "Body": stored, "MD5OfBody": md5(stored) }, { "Body": "-", "MD5OfBody": md5("-") }] });
    let receive = exchange()
        .method("POST")
        .field("authorization", SQS)
        .field("content-type", "application/x-amz-json-1.0")
        .body("{}")
        .backend_response(Answer::new(200).json(&message).unwrap());
    let outcome = run(receive);
    let text = outcome.response.text();
    assert!(
        text.contains(sent) && text.contains(&md5(sent)) && text.contains(&md5("-")),
        "{text}"
    );
}

#[test]
fn a_body_that_cannot_be_had_is_left_alone_or_an_error() {
    let post = || {
        exchange()
            .method("POST")
            .field("content-type", "application/json")
    };
    let outcome = run(post().body_error(BodyError::TooLarge(9)));
    assert_eq!(
        outcome.log,
        [(
            Level::Warn,
            "left a body alone that is longer than 9 bytes".to_owned()
        )]
    );
    let error = post()
        .body_error(BodyError::TimedOut)
        .run::<ArnRewrite>()
        .error
        .unwrap();
    assert!(error.contains("did not arrive in time"));
}

#[test]
fn without_names_nothing_is_read() {
    let answer = Answer::new(200).text("arn:aws:s3:::b");
    let outcome = testing::exchange()
        .method("POST")
        .backend_response(answer)
        .run::<ArnRewrite>();
    assert!(!outcome.request.body_wanted && !outcome.response.body_wanted);
    assert_eq!(outcome.request.fields, []);
}

#[test]
fn mistakes_in_the_settings_are_named() {
    for (key, value, error) in [
        (
            "account",
            json!({ "client": "12", "backend": "123456789012" }),
            "setting account.client is \"12\": expected twelve digits",
        ),
        (
            "region",
            json!({ "client": "eu-central-1", "backend": "useast1" }),
            "setting region.backend is \"useast1\": expected a region such as us-east-1",
        ),
        (
            "partition",
            json!({ "client": "cn", "backend": "aws" }),
            "setting partition.client is \"cn\": expected a partition such as aws-cn",
        ),
        (
            "accounts",
            json!({}),
            "setting accounts is unknown: there are account, region, partition, max_body",
        ),
    ] {
        assert_eq!(
            testing::exchange()
                .setting(key, value)
                .run::<ArnRewrite>()
                .error
                .as_deref(),
            Some(error)
        );
    }
    let error = testing::exchange()
        .setting("account", json!({ "client": "1" }))
        .run::<ArnRewrite>()
        .error
        .unwrap();
    assert!(
        error.contains("setting account is") && error.contains("missing field `backend`"),
        "{error}"
    );
}

#[test]
fn the_hosts_probe_passes() {
    run(exchange().client_address("0.0.0.0:0"));
}

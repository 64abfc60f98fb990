//! What the plugin does to an exchange, run natively: the shapes in which AWS's APIs show names.

mod flows;

use std::io::{Read, Write};

use tollgate_plugin::testing::{self, Exchange, Outcome, json};
use tollgate_plugin::{Answer, BodyError};

use crate::settings::ArnRewrite;

fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
    )
}

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

fn for_service(service: &str) -> Exchange {
    exchange()
        .method("POST")
        .field("authorization", signed(service))
}

fn run(exchange: Exchange) -> Outcome {
    let outcome = exchange.run::<ArnRewrite>();
    assert_eq!(outcome.error, None);
    outcome
}

/// An answer with a document whose length is known.
fn answer(status: u16, media_type: &str, document: impl Into<Vec<u8>>) -> Answer {
    let document = document.into();
    Answer::new(status)
        .field("content-type", media_type)
        .field("content-length", document.len().to_string())
        .body(document)
}

const CLIENTS: &str = "arn:aws-cn:iam::111122223333:root";
const BACKENDS: &str = "arn:aws:iam::123456789012:root";

#[test]
fn head_and_form_body_on_the_way_to_the_backend() {
    let outcome = run(for_service("sns")
        .authority("sns.eu-central-1.localhost:4566")
        .target("/?TopicArn=arn%3Aaws-cn%3Asns%3Aeu-central-1%3A111122223333%3At%20x&NextToken=eu-central-1.x.y")
        .field("x-amz-source-account", "111122223333")
        .field("x-amz-twice", "a")
        .field("x-amz-twice", CLIENTS)
        .field("x-mine", CLIENTS)
        .field("x-amz-meta-mine", CLIENTS)
        .field("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .field("content-md5", "stale")
        .body("Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws-cn%3Asns%3Aeu-central-1%3A111122223333%3At&Message=a+%2Bb"));
    let request = &outcome.request;
    assert_eq!(
        request.target,
        "/?TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At%20x&NextToken=eu-central-1.x.y"
    );
    assert_eq!(request.field("host"), Some("sns.us-east-1.localhost:4566"));
    let authorization = request.field("authorization").unwrap();
    assert!(authorization.contains("/us-east-1/sns/aws4_request"));
    assert_eq!(request.field("x-amz-source-account"), Some("123456789012"));
    assert_eq!(request.field_values("x-amz-twice"), ["a", BACKENDS]);
    assert_eq!(request.field("x-mine"), Some(CLIENTS));
    assert_eq!(request.field("x-amz-meta-mine"), Some(CLIENTS));
    assert_eq!(request.field("accept-encoding"), Some("identity"));
    assert_eq!(
        request.text(),
        "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At&Message=a+%2Bb"
    );
    assert_ne!(request.field("content-md5"), Some("stale"));
}

#[test]
fn a_response_shows_the_clients_names() {
    for (service, media_type, backend, client) in [
        (
            "sts",
            "text/xml",
            "<GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:user/moto</Arn><Account>123456789012</Account></GetCallerIdentityResult>",
            "<GetCallerIdentityResult><Arn>arn:aws-cn:sts::111122223333:user/moto</Arn><Account>111122223333</Account></GetCallerIdentityResult>",
        ),
        (
            "sqs",
            "application/x-amz-json-1.0",
            r#"{"QueueUrl": "http://localhost:5000/123456789012/q", "Size": 123456789012}"#,
            r#"{"QueueUrl": "http://localhost:5000/111122223333/q", "Size": 123456789012}"#,
        ),
        // moto's way to send JSON of some services.
        (
            "monitoring",
            "text",
            r#"{"AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"}"#,
            r#"{"AlarmArn": "arn:aws-cn:cloudwatch:eu-central-1:111122223333:alarm:a"}"#,
        ),
    ] {
        let backend_says = answer(200, media_type, backend)
            .field("location", "http://sqs.us-east-1.localhost/123456789012/q")
            .field("x-amz-crc32", "1");
        let call = for_service(service).field("x-amz-target", "X.Y");
        let outcome = run(call.backend_response(backend_says));
        assert_eq!(outcome.response.text(), client);
        assert_eq!(
            outcome.response.field("location"),
            Some("http://sqs.eu-central-1.localhost/111122223333/q")
        );
        let crc = crc32fast::hash(client.as_bytes()).to_string();
        assert_eq!(outcome.response.field("x-amz-crc32"), Some(crc.as_str()));
    }
}

/// Puts what names the client's account, and reads what names the backend's.
fn stays_whole(case: &str, put: Exchange, media_type: Option<&str>) {
    let text = format!("{{\"a\": \"{CLIENTS}\", \"b\": \"{BACKENDS}\"}}");
    let answer = Answer::new(200)
        .field("etag", "\"x\"")
        .field("last-modified", "then");
    let (put, answer) = match media_type {
        Some(of_type) => (
            put.field("content-type", of_type),
            answer.field("content-type", of_type),
        ),
        None => (put, answer),
    };
    // An answer that is read is an error here, and so is a request.
    let outcome = run(put
        .body(text.clone())
        .backend_response(answer.body(text.clone()))
        .backend_body_error(BodyError::TimedOut));
    assert!(!outcome.request.body_wanted, "{case} {media_type:?}");
    assert_eq!(outcome.request.text(), text, "{case} {media_type:?}");
}

#[test]
fn an_object_is_no_document_whoever_sends_it_and_how() {
    let presigned =
        "X-Amz-Credential=AKIA%2F20260101%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Signature=x";
    let version_2 = "AWSAccessKeyId=t&Signature=x&Expires=9999999999";
    for method in ["PUT", "GET", "HEAD", "DELETE"] {
        for media_type in [
            None,
            Some("text/plain"),
            Some("application/json"),
            Some("application/xml"),
            Some("application/x-www-form-urlencoded"),
            Some("text"),
        ] {
            let to = |authority: &str, target: &str| {
                exchange()
                    .method(method)
                    .authority(authority)
                    .target(target)
            };
            for (case, put) in [
                (
                    "version 4",
                    to("h:5000", "/b/k").field("authorization", signed("s3")),
                ),
                (
                    "a host",
                    to("b.s3.localhost", "/k").field("authorization", signed("s3")),
                ),
                (
                    "an express bucket",
                    to("h", "/b/k").field("authorization", signed("s3express")),
                ),
                (
                    "version 2",
                    to("h:5000", "/b/k").field("authorization", "AWS AKIA:x="),
                ),
                ("presigned", to("h:5000", &format!("/b/k?{presigned}"))),
                ("presigned 2", to("h:5000", &format!("/b/k?{version_2}"))),
                (
                    "presigned host",
                    to("b.s3.localhost", &format!("/k?{version_2}")),
                ),
                ("unsigned", to("h:5000", "/b/k")),
                ("unsigned host", to("b.s3.localhost", "/k")),
                (
                    "another host",
                    to("b.localhost", "/k").field("authorization", signed("s3")),
                ),
                (
                    "a part",
                    to("h", "/b/k?partNumber=1&uploadId=x&x-id=UploadPart")
                        .field("authorization", signed("s3")),
                ),
                ("a file of a site", to("site.localhost", "/b/k.json")),
                (
                    "an application",
                    to("h", "/x").field("authorization", signed("execute-api")),
                ),
            ] {
                stays_whole(case, put, media_type);
            }
        }
    }
}

#[test]
fn what_a_call_carries_for_its_user_is_no_document() {
    let lambda =
        "/2015-03-31/functions/arn:aws-cn:lambda:eu-central-1:111122223333:function:f/invocations";
    let invoke = || for_service("lambda").target(lambda);
    for media_type in [None, Some("application/json"), Some("text/plain")] {
        stays_whole("a payload", invoke(), media_type);
        stays_whole(
            "a shadow",
            for_service("iotdata").target("/things/t/shadow"),
            media_type,
        );
        stays_whole("a post to S3", for_service("s3").target("/b"), media_type);
        stays_whole(
            "a query of S3's",
            for_service("s3").target("/b/k?select&select-type=2"),
            media_type,
        );
        stays_whole(
            "a form's post",
            exchange().method("POST").target("/b"),
            media_type,
        );
    }
    let failed = format!("{{\"Message\":\"no {BACKENDS}\"}}");
    let failed = answer(404, "text/plain", failed);
    let outcome = run(invoke().body("{}").backend_response(failed));
    assert_eq!(
        outcome.request.target,
        "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations"
    );
    assert_eq!(
        outcome.response.text(),
        format!("{{\"Message\":\"no {CLIENTS}\"}}")
    );
}

#[test]
fn keys_and_prefixes_of_s3_stay() {
    let list = "/b-111122223333?list-type=2&prefix=111122223333%2F&start-after=b-111122223333-x&X-Amz-Credential=A%2F1%2Feu-central-1%2Fs3%2Faws4_request";
    let page = "<ListBucketResult><Name>b-123456789012</Name><Prefix>111122223333/</Prefix><Contents><Key>111122223333/f</Key></Contents></ListBucketResult>";
    let outcome =
        run(exchange()
            .target(list)
            .backend_response(answer(200, "application/xml", page)));
    assert_eq!(
        outcome.request.target,
        "/b-123456789012?list-type=2&prefix=111122223333%2F&start-after=b-111122223333-x&X-Amz-Credential=A%2F1%2Fus-east-1%2Fs3%2Faws4_request"
    );
    assert_eq!(
        outcome.response.text(),
        page.replace("b-123456789012", "b-111122223333")
    );
    let copy = run(exchange()
        .method("PUT")
        .target("/b/111122223333-x/arn:aws-cn:x")
        .field("authorization", signed("s3"))
        .field("x-amz-copy-source", "/b-111122223333/k-111122223333"));
    assert_eq!(copy.request.target, "/b/111122223333-x/arn:aws-cn:x");
    assert_eq!(
        copy.request.field("x-amz-copy-source"),
        Some("/b-123456789012/k-111122223333")
    );
}

#[test]
fn a_page_of_buckets_is_a_document() {
    let page = "<ListAllMyBucketsResult><Buckets><Bucket><Name>b-123456789012</Name><BucketRegion>us-east-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>";
    let outcome = run(exchange()
        .target("/?max-buckets=9&bucket-region=eu-central-1&continuation-token=b-111122223333&x-id=ListBuckets")
        .field("authorization", signed("s3"))
        .backend_response(answer(200, "", page)));
    assert_eq!(
        outcome.request.target,
        "/?max-buckets=9&bucket-region=us-east-1&continuation-token=b-111122223333&x-id=ListBuckets"
    );
    let shown = outcome.response.text();
    assert!(
        shown.contains("<Name>b-111122223333<") && shown.contains("<BucketRegion>eu-central-1<"),
        "{shown}"
    );
}

#[test]
fn a_buckets_configuration_is_a_document() {
    let put = |target: &str, authorization: Option<String>, body: &str| {
        let put = exchange().method("PUT").authority("h:5000").target(target);
        let put = match authorization {
            Some(authorization) => put.field("authorization", authorization),
            None => put,
        };
        run(put.field("x-amz-checksum-crc32", "AAAAAA==").body(body))
    };
    let queue = "<N><Queue>arn:aws-cn:sqs:eu-central-1:111122223333:q</Queue></N>";
    for authorization in [Some(signed("s3")), Some("AWS AKIA:x=".to_owned()), None] {
        let outcome = put("/b?notification", authorization, queue);
        let body = "<N><Queue>arn:aws:sqs:us-east-1:123456789012:q</Queue></N>";
        assert_eq!(outcome.request.text(), body);
        assert_ne!(
            outcome.request.field("x-amz-checksum-crc32"),
            Some("AAAAAA==")
        );
    }
    let policy = format!("{{\"Principal\":{{\"AWS\":\"{CLIENTS}\"}}}}");
    let outcome = put("/b?policy", Some(signed("s3")), &policy);
    assert_eq!(outcome.request.text(), policy.replace(CLIENTS, BACKENDS));
    // The same parameter on an object, and tags, are the user's.
    for target in [
        "/b/k?policy",
        "/b/k?tagging",
        "/b?tagging",
        "/b?notification&x=y",
    ] {
        assert_eq!(
            put(target, Some(signed("s3")), &policy).request.text(),
            policy,
            "{target}"
        );
    }
}

#[test]
fn us_east_1_is_told_to_s3_by_absence() {
    let eu = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    let create = |exchange: Exchange| {
        exchange
            .method("PUT")
            .authority("127.0.0.1:5000")
            .target("/b")
    };
    let outcome = run(create(exchange())
        .field("authorization", signed("s3"))
        .body(eu));
    assert_eq!(outcome.request.text(), "");
    let ask = exchange().authority("127.0.0.1:5000").target("/b?location");
    let answer = Answer::new(200).body("<LocationConstraint/>");
    let outcome = run(ask
        .field("authorization", signed("s3"))
        .backend_response(answer));
    assert_eq!(
        outcome.response.text(),
        "<LocationConstraint>eu-central-1</LocationConstraint>"
    );

    let other_way = || {
        testing::exchange().setting(
            "region",
            json!({ "client": "us-east-1", "backend": "eu-central-1" }),
        )
    };
    let authorization = signed("s3").replace("eu-central-1", "us-east-1");
    let outcome = run(create(other_way()).field("authorization", authorization));
    assert!(
        outcome
            .request
            .text()
            .contains("<LocationConstraint>eu-central-1<")
    );
}

#[test]
fn compressed_calls_are_swapped_and_compressed_again() {
    let pack = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let unpack = |bytes: &[u8]| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes)
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    let form =
        "Action=PutMetricData&Version=2010-08-01&ActionArn=arn:aws-cn:iam::111122223333:root";
    let gzip = |exchange: Exchange| exchange.field("content-encoding", "gzip");
    for (call, text) in [
        (
            for_service("monitoring").field("content-type", "application/x-www-form-urlencoded"),
            form,
        ),
        (
            for_service("monitoring").field("x-amz-target", "G.PutMetricData"),
            r#"{"A":"arn:aws-cn:iam::111122223333:root"}"#,
        ),
    ] {
        let answer = answer(200, "", pack(&format!("{{\"A\":\"{BACKENDS}\"}}")))
            .field("content-encoding", "gzip");
        let outcome = run(gzip(call).body(pack(text)).backend_response(answer));
        assert_eq!(
            unpack(&outcome.request.body),
            text.replace(CLIENTS, BACKENDS)
        );
        assert_eq!(outcome.request.field("content-encoding"), Some("gzip"));
        assert_eq!(
            unpack(&outcome.response.body),
            format!("{{\"A\":\"{CLIENTS}\"}}")
        );
    }
    // A form that is not for AWS goes on as it came.
    let foreign = gzip(
        exchange()
            .method("POST")
            .field("content-type", "application/x-www-form-urlencoded"),
    );
    assert!(run(foreign.body("not gzip")).reached_backend);
}

/// A call that has to be read as a whole.
fn whole(call: Exchange) -> Exchange {
    call.field("x-amz-target", "Kinesis_20131202.PutRecords")
        .field("content-type", "application/x-amz-cbor-1.1")
}

#[test]
fn what_has_to_be_looked_at_and_cannot_be_is_refused() {
    let call = || whole(for_service("kinesis"));
    for (case, call, status, part) in [
        (
            "host",
            call().body_error(BodyError::TooLarge(9)),
            413,
            "longer than 9 bytes",
        ),
        (
            "setting",
            call().setting("max_body", 3).body("1234"),
            413,
            "raise max_body",
        ),
        (
            "length",
            call()
                .setting("max_body", 3)
                .field("content-length", "4")
                .body("1234"),
            413,
            "longer than 3 bytes",
        ),
        (
            "coding",
            call().field("content-encoding", "br").body("x"),
            415,
            "content-encoding br",
        ),
        (
            "coding of what flows",
            for_service("kinesis")
                .field("x-amz-target", "Kinesis_20131202.PutRecords")
                .field("content-type", "application/x-amz-json-1.1")
                .field("content-encoding", "gzip, compress")
                .body("x"),
            415,
            "content-encoding compress",
        ),
        (
            "gzip",
            call().field("content-encoding", "gzip").body("x"),
            400,
            "not in that format",
        ),
        (
            "form",
            for_service("sqs")
                .field("content-type", "application/x-www-form-urlencoded")
                .body_error(BodyError::TooLarge(9)),
            413,
            "longer than 9 bytes",
        ),
    ] {
        let outcome = run(call);
        assert!(!outcome.reached_backend, "{case}");
        assert_eq!(outcome.response.status, status, "{case}");
        assert!(
            outcome.response.text().contains(part),
            "{case}: {}",
            outcome.response.text()
        );
        assert_eq!(outcome.log.len(), 1, "{case}");
    }
}

#[test]
fn a_body_that_does_not_come_or_cannot_be_looked_at_is_an_error() {
    let call = || whole(for_service("kinesis"));
    for (case, call, part) in [
        (
            "late",
            call().body_error(BodyError::TimedOut),
            "did not arrive in time",
        ),
        (
            "answer",
            call()
                .backend_response(Answer::new(200).field("content-type", "application/cbor"))
                .backend_body_error(BodyError::TooLarge(9)),
            "the response's body is longer than 9 bytes",
        ),
        (
            "coding",
            call().backend_response(Answer::new(200).field("content-encoding", "x").body("x")),
            "content-encoding x",
        ),
    ] {
        let error = call.run::<ArnRewrite>().error.unwrap();
        assert!(error.contains(part), "{case}: {error}");
    }
    let most = (16 << 20).to_string();
    assert!(run(call().field("content-length", most).body("{}")).reached_backend);
}

#[test]
fn media_and_parts_of_documents_are_not_read() {
    let of_type = |media_type| Answer::new(200).field("content-type", media_type);
    for (case, answer) in [
        ("binary", of_type("application/octet-stream")),
        ("stream", of_type("text/event-stream")),
        ("events", of_type("application/vnd.amazon.eventstream")),
        ("empty", of_type("text/xml").field("content-length", "0")),
        (
            "partial",
            Answer::new(206).field("content-type", "text/xml"),
        ),
        ("unchanged", Answer::new(304)),
    ] {
        // Reading would fail.
        let call = for_service("logs").field("x-amz-target", "Logs.X");
        let outcome = run(call
            .backend_response(answer)
            .backend_body_error(BodyError::TimedOut));
        assert!(outcome.reached_backend && outcome.log.is_empty(), "{case}");
    }
}

#[test]
fn without_names_nothing_is_read() {
    let answer = Answer::new(200).text("arn:aws:s3:::b");
    let outcome = testing::exchange()
        .method("POST")
        .field("x-amz-target", "X.Y")
        .backend_response(answer)
        .run::<ArnRewrite>();
    assert!(!outcome.request.body_wanted && !outcome.response.body_wanted);
    assert_eq!(outcome.request.fields.len(), 1);
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
        (
            "max_body",
            json!(0),
            "setting max_body is 0: expected a number of bytes above 0",
        ),
    ] {
        // The blank exchange of the trial fails, too.
        let exchange = testing::exchange()
            .client_address("0.0.0.0:0")
            .setting(key, value);
        assert_eq!(exchange.run::<ArnRewrite>().error.as_deref(), Some(error));
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
fn the_hosts_trial_passes() {
    run(exchange().client_address("0.0.0.0:0"));
}

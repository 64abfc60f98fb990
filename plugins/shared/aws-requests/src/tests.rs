//! Which requests are recognised, and as what.

use super::*;

fn head(method: &str, target: &str, fields: &[(&str, &str)]) -> Head {
    let find = |name: &str| {
        let found = fields.iter().find(|(of, _)| *of == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let authority = find("host").unwrap_or_else(|| "127.0.0.1:5000".to_owned());
    Head::new(method.to_owned(), authority, target.to_owned(), find)
}

fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/{service}/aws4_request, Signature=x"
    )
}

/// `PROTOCOL service action`, or what else was found.
fn recognised(method: &str, target: &str, fields: &[(&str, &str)]) -> String {
    let head = head(method, target, fields);
    match head.recognise() {
        Recognised::Call(call) => format!(
            "{:?} {} {}",
            call.protocol,
            call.service,
            head.action(&call).unwrap_or_default()
        ),
        other => format!("{other:?}"),
    }
}

/// Method and target, fields, what is recognised. `@lambda` is a signature for that service.
const CALLS: &str = "
POST / | x-amz-target: DynamoDB_20120810.GetItem | Json dynamodb GetItem
POST / | x-amz-target: com.amazonaws.x.Y.Do | Json y Do
POST / | x-amz-target: Kinesis_20131202.PutRecord; content-type: application/x-amz-cbor-1.1 | Cbor kinesis PutRecord
POST /service/Kinesis_20131202/operation/PutRecord | smithy-protocol: rpc-v2-cbor | RpcCbor kinesis PutRecord
POST /service/X/operation/Put | content-type: application/cbor; authorization: @kinesis | RpcCbor kinesis Put
POST /service/X/operation/PutRecord | | No
GET /?Action=ListTopics&Version=2010-03-31 | | Query sns ListTopics
GET /b/k?Action=ListTopics&Version=2010-03-31 | | No
GET /?Action=ListTopics&Version=2010-03-32 | | No
GET /?Action=ListTopics | | No
PUT /?Action=ListTopics&Version=2010-03-31 | | No
POST / | content-type: application/x-www-form-urlencoded, charset=utf-8 | Form
POST /123456789012/q | content-type: application/x-www-form-urlencoded | Form
POST /login | content-type: application/x-www-form-urlencoded | No
GET /2015-03-31/functions | authorization: @lambda | Rest lambda ListFunctions
GET /2015-03-31/functions/ | authorization: @lambda | Rest lambda ListFunctions
GET /2015-03-31/functions/f/policy | authorization: @lambda | Rest lambda GetPolicy
GET /2015-03-31/functions | | No
PUT /b/k | authorization: @s3 | S3 s3 PutObject
PUT /b/k | authorization: @s3; x-amz-target: DynamoDB_20120810.GetItem | S3 s3 PutObject
PUT /b/k?partNumber=1&uploadId=x | authorization: AWS AKIA:sig= | S3 s3 UploadPart
PUT /b/k | authorization: @s3; x-amz-copy-source: /a/k | S3 s3 CopyObject
GET /b?list-type=2&prefix=x | authorization: @s3 | S3 s3 ListObjectsV2
GET /b/k?X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fs3%2Faws4_request | | S3 s3 GetObject
PUT /b/k?AWSAccessKeyId=t&Signature=x&Expires=9999999999 | | S3 s3 PutObject
PUT /k | host: b.s3.localhost | S3 s3 PutObject
GET /v20180820/configuration/x | authorization: @s3; x-amz-account-id: 1 | Rest s3-control
PUT /b/k | | No
POST /x | authorization: @execute-api | No";

#[test]
fn calls_are_recognised_in_every_protocol() {
    for line in CALLS.lines().skip(1) {
        let [request, fields, expected] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let (method, target) = request.trim().split_once(' ').unwrap();
        let fields: Vec<_> = fields
            .split(';')
            .filter_map(|field| field.trim().split_once(": "))
            .map(|(name, value)| match value.strip_prefix('@') {
                Some(service) => (name, signed(service)),
                None => (name, value.to_owned()),
            })
            .collect();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let found = recognised(method, target, &fields);
        assert_eq!(found.trim(), expected.trim(), "{line}");
    }
}

#[test]
fn a_form_is_a_call_if_it_names_an_action_of_a_known_version() {
    let find = |form: &str, service: Option<&str>| {
        let authorization = service.map(signed);
        let fields: Vec<_> = authorization
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        head("POST", "/", &fields)
            .call_in_form(form.as_bytes())
            .map(|call| {
                format!(
                    "{:?} {} {}",
                    call.protocol,
                    call.service,
                    call.action.unwrap_or_default()
                )
            })
    };
    for (form, service, expected) in [
        (
            "Action=Publish&Version=2010-03-31",
            None,
            Some("Query sns Publish"),
        ),
        (
            "Version=2012-11-05&Action=SendMessage",
            None,
            Some("Query sqs SendMessage"),
        ),
        (
            "Action=DescribeVpcs&Version=2014-05-01",
            Some("ec2"),
            Some("Ec2 ec2 DescribeVpcs"),
        ),
        ("Action=X&Version=1", Some("ec2"), None),
        ("Action=Publish", None, None),
        ("XAction=Publish&Version=2010-03-31", None, None),
        ("Action=a b&Version=2010-03-31", None, None),
        ("\u{fffd}=1", None, None),
    ] {
        assert_eq!(find(form, service).as_deref(), expected, "{form}");
    }
}

#[test]
fn what_a_user_stores_is_content() {
    let lambda = signed("lambda");
    for (method, target, content) in [
        ("POST", "/2015-03-31/functions/f/invocations", true),
        (
            "POST",
            "/2015-03-31/functions/f/invocations?Qualifier=1",
            true,
        ),
        ("POST", "/2015-03-31/functions", false),
    ] {
        let head = head(method, target, &[("authorization", &lambda)]);
        let Recognised::Call(call) = head.recognise() else {
            panic!("{target}")
        };
        assert_eq!(head.is_content(&call), content, "{target}");
    }
}

#[test]
fn buckets_stand_in_the_path_or_in_the_host() {
    use s3::{Place, place};
    for (authority, path, expected) in [
        ("127.0.0.1:5000", "/", Place::Service),
        ("127.0.0.1:5000", "/b", Place::Bucket),
        ("[::1]:5000", "/b/", Place::Bucket),
        ("moto:5000", "/b", Place::Bucket),
        ("localhost.localstack.cloud", "/b", Place::Bucket),
        ("127.0.0.1:5000", "/b/k", Place::Object),
        ("127.0.0.1:5000", "/b//", Place::Object),
        ("s3.us-east-1.amazonaws.com", "/b", Place::Bucket),
        ("b.s3.us-east-1.amazonaws.com", "/", Place::Bucket),
        ("b.s3.us-east-1.amazonaws.com", "/k", Place::Object),
        ("a.b.s3-eu-west-1.amazonaws.com", "/k", Place::Object),
        ("b.localhost:5000", "/k", Place::Unsure),
        ("b.localhost:5000", "/k/l", Place::Object),
    ] {
        assert_eq!(place(authority, path), expected, "{authority}{path}");
    }
}

#[test]
fn it_is_known_which_operations_can_be_recognised() {
    let exact = |name: &'static str| move |other: &str| other == name;
    assert_eq!(known_service("lambda"), Known::Yes);
    assert_eq!(known_service("Lambda"), Known::No);
    assert_eq!(
        known_operation("lambda", exact("ListFunctions")),
        Known::Yes
    );
    assert_eq!(known_operation("lambda", exact("ListFunction")), Known::No);
    assert_eq!(known_operation("dynamodb", exact("Anything")), Known::Yes);
    assert_eq!(
        known_operation("macie2", exact("Anything")),
        Known::Unlisted
    );
}

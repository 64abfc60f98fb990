//! Signatures of AWS's own documentation, and what is wrong with others.

use std::time::Duration;

use tollgate_plugin::testing::{self, Exchange, Outcome, json};

use super::run;

pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// 2013-05-24T00:00:00Z, when the documentation's examples of version 4 were signed.
pub const THEN: u64 = 1_369_353_600;

/// "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" in S3's API reference.
pub const PRESIGNED: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

/// "Signing and Authenticating REST Requests (AWS signature version 2)", there.
pub const PRESIGNED_V2: &str = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

pub fn exchange(second: u64) -> Exchange {
    testing::exchange()
        .now(Duration::from_secs(second))
        .setting(
            "signatures",
            json!({ "keys": { KEY: SECRET }, "signed": true }),
        )
}

pub fn presigned(target: &str, second: u64) -> Outcome {
    run(exchange(second)
        .authority("examplebucket.s3.amazonaws.com")
        .target(target))
}

/// Status and code of a refusal; 200 and nothing if there is none.
pub fn code(outcome: &Outcome) -> (u16, String) {
    assert_eq!(outcome.reached_backend, outcome.response.status == 200);
    let code = crate::xml::text(outcome.response.text(), "Code").unwrap_or_default();
    (outcome.response.status, code)
}

pub fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn aws_own_example_of_a_presigned_url_is_good_until_it_expires() {
    for second in [THEN, THEN + 86_400, THEN - 900] {
        assert_eq!(
            code(&presigned(PRESIGNED, second)),
            refused(200, ""),
            "{second}"
        );
    }
    let late = presigned(PRESIGNED, THEN + 86_401);
    assert_eq!(code(&late), refused(403, "AccessDenied"));
    assert_eq!(
        late.response.text(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>86400</X-Amz-Expires><Expires>2013-05-25T00:00:00Z</Expires><ServerTime>2013-05-25T00:00:01Z</ServerTime><RequestId>test</RequestId><HostId>test</HostId></Error>"
    );
    assert_eq!(late.response.field("content-type"), Some("application/xml"));
    assert_eq!(
        code(&presigned(PRESIGNED, THEN - 901)),
        refused(403, "AccessDenied")
    );
}

#[test]
fn a_changed_url_is_refused() {
    for (from, to) in [
        ("/test.txt", "/other.txt"),
        ("86400", "86401"),
        ("aeeed9bb", "aeeed9bc"),
        (
            "X-Amz-SignedHeaders=host",
            "versionId=1&X-Amz-SignedHeaders=host",
        ),
        ("us-east-1", "us-east-2"),
        (
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
            "no%20hexadecimal",
        ),
    ] {
        let outcome = presigned(&PRESIGNED.replace(from, to), THEN);
        assert_eq!(
            code(&outcome),
            refused(403, "SignatureDoesNotMatch"),
            "{to}"
        );
        assert!(
            outcome
                .response
                .text()
                .contains("<StringToSign>AWS4-HMAC-SHA256\n20130524T000000Z\n"),
            "{to}"
        );
        assert!(!outcome.response.text().contains(SECRET));
    }
    let put = run(exchange(THEN)
        .method("PUT")
        .authority("examplebucket.s3.amazonaws.com")
        .target(PRESIGNED));
    assert_eq!(code(&put), refused(403, "SignatureDoesNotMatch"));
    let elsewhere = run(exchange(THEN)
        .authority("otherbucket.s3.amazonaws.com")
        .target(PRESIGNED));
    assert_eq!(code(&elsewhere), refused(403, "SignatureDoesNotMatch"));
}

#[test]
fn another_spelling_is_no_way_past_the_check() {
    for (from, to) in [
        ("X-Amz-Signature=aeee", "x-amz-signature=beee"),
        ("X-Amz-Signature=aeee", "X%2DAmz%2DSignature=beee"),
    ] {
        let outcome = presigned(&PRESIGNED.replace(from, to), THEN);
        assert_eq!(outcome.response.status, 403, "{to}");
    }
    // Half of a signature is none that is good.
    for rest in [
        "X-Amz-Algorithm=x",
        "X-Amz-Credential=x",
        "X-Amz-Signature=x",
    ] {
        let outcome = presigned(&format!("/test.txt?{rest}"), THEN);
        assert_eq!(
            code(&outcome),
            refused(400, "AuthorizationQueryParametersError"),
            "{rest}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    for (from, to, part) in [
        ("86400", "604801", "must be less than a week"),
        ("86400", "-1", "must be non-negative"),
        ("86400", "x", "should be a number"),
        (
            "=AWS4-HMAC-SHA256",
            "=AWS4-HMAC-SHA1",
            "X-Amz-Algorithm only supports",
        ),
        (
            "Date=20130524T000000Z",
            "Date=2013",
            "X-Amz-Date must be in",
        ),
        ("aws4_request", "aws2_request", "incorrect terminal"),
        ("%2F20130524%2F", "%2F20130523%2F", "incorrect date format"),
        ("us-east-1%2Fs3%2Faws4_request", "x", "mal-formed"),
    ] {
        let outcome = presigned(&PRESIGNED.replace(from, to), THEN);
        assert_eq!(
            code(&outcome),
            refused(400, "AuthorizationQueryParametersError"),
            "{to}"
        );
        assert!(
            outcome.response.text().contains(part),
            "{}",
            outcome.response.text()
        );
    }
    let unknown = presigned(&PRESIGNED.replace(KEY, "AKIAI44QH8DHBEXAMPLE"), THEN);
    assert_eq!(code(&unknown), refused(403, "InvalidAccessKeyId"));
    let unsigned = run(exchange(THEN)
        .authority("examplebucket.s3.amazonaws.com")
        .field("x-amz-acl", "public-read")
        .target(PRESIGNED));
    assert_eq!(code(&unsigned), refused(403, "AccessDenied"));
    assert!(
        unsigned
            .response
            .text()
            .contains("<HeadersNotSigned>x-amz-acl</HeadersNotSigned>")
    );
}

#[test]
fn unknown_keys_can_pass_and_known_ones_are_checked_all_the_same() {
    let settings = json!({ "keys": { KEY: SECRET }, "unknown_keys": "pass" });
    let at = |target: &str| {
        let exchange = testing::exchange()
            .now(Duration::from_secs(THEN))
            .setting("signatures", settings.clone());
        code(&run(exchange
            .authority("examplebucket.s3.amazonaws.com")
            .target(target)))
    };
    assert_eq!(
        at(&PRESIGNED.replace(KEY, "AKIAI44QH8DHBEXAMPLE")),
        refused(200, "")
    );
    assert_eq!(
        at(&PRESIGNED.replace("/test.txt", "/x")),
        refused(403, "SignatureDoesNotMatch")
    );
}

#[test]
fn version_2_in_the_query_is_good_until_it_expires() {
    let at = |target: &str, second: u64| {
        let exchange = exchange(second).authority("johnsmith.s3.amazonaws.com");
        code(&run(exchange.target(target)))
    };
    assert_eq!(at(PRESIGNED_V2, 1_175_139_620), refused(200, ""));
    assert_eq!(
        at(PRESIGNED_V2, 1_175_139_621),
        refused(403, "AccessDenied")
    );
    let other = PRESIGNED_V2.replace("puppy", "kitten");
    assert_eq!(
        at(&other, 1_175_139_620),
        refused(403, "SignatureDoesNotMatch")
    );
    assert_eq!(
        at(&format!("{PRESIGNED_V2}&acl"), 1_175_139_620),
        refused(403, "SignatureDoesNotMatch")
    );
    assert_eq!(
        at("/x?AWSAccessKeyId=a&Expires=1", 0),
        refused(400, "AuthorizationQueryParametersError")
    );
    let never = PRESIGNED_V2.replace("1175139620", "soon");
    assert_eq!(
        at(&never, 0),
        refused(400, "AuthorizationQueryParametersError")
    );
}

/// "Examples: Signature Calculations in AWS Signature Version 4", GET Object.
pub fn signed(signature: &str) -> Exchange {
    exchange(THEN)
        .authority("examplebucket.s3.amazonaws.com")
        .target("/test.txt")
        .field("range", "bytes=0-9")
        .field("x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        .field("x-amz-date", "20130524T000000Z")
        .field(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature={signature}"),
        )
}

#[test]
fn signed_fields_are_checked() {
    let good = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    assert_eq!(code(&run(signed(good))), refused(200, ""));
    assert_eq!(
        code(&run(signed(&good.replace('f', "e")))),
        refused(403, "SignatureDoesNotMatch")
    );
    let late = signed(good).now(Duration::from_secs(THEN + 901));
    assert_eq!(code(&run(late)), refused(403, "RequestTimeTooSkewed"));
    let other = exchange(THEN).field("authorization", "AWS4-ECDSA-P256-SHA256 x");
    assert_eq!(code(&run(other)).0, 400);
    // A field of another kind is none of AWS's.
    let bearer = exchange(THEN).field("authorization", "Bearer x");
    assert!(run(bearer).reached_backend);
    // With the setting alone that looks at URLs, fields are not looked at.
    let outcome = run(testing::exchange()
        .setting("signatures", json!({ "keys": { KEY: SECRET } }))
        .field("authorization", "AWS4-HMAC-SHA256 nonsense"));
    assert_eq!(outcome.response.status, 200);
}

#[test]
fn each_protocol_hears_it_in_its_own_form() {
    let field = format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00"
    );
    let call = || {
        exchange(THEN)
            .method("POST")
            .authority("x")
            .field("x-amz-date", "20130524T000000Z")
            .field("authorization", &field)
    };
    let json = run(call()
        .field("x-amz-target", "DynamoDB_20120810.ListTables")
        .body("{}"));
    assert_eq!(json.response.status, 400);
    assert!(
        json.response
            .text()
            .contains("\"__type\":\"InvalidSignatureException\"")
    );
    let rest = run(call().field("content-type", "application/json"));
    assert_eq!(rest.response.status, 403);
    assert_eq!(
        rest.response.field("x-amzn-errortype"),
        Some("InvalidSignatureException")
    );
    let form = "application/x-www-form-urlencoded";
    let query = run(call().field("content-type", form).body("Action=ListQueues"));
    assert_eq!(query.response.status, 403);
    assert!(query.response.text().starts_with(
        "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>"
    ));
}

//! Signatures of AWS's own documentation, and what is wrong with others.

use std::time::Duration;

use tollgate_plugin::testing::{self, Exchange, Outcome, json};

use super::run;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// 2013-05-24T00:00:00Z, when the documentation's examples of version 4 were signed.
const THEN: u64 = 1_369_353_600;

/// "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" in S3's API reference.
const PRESIGNED: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

/// "Signing and Authenticating REST Requests (AWS signature version 2)", there.
const PRESIGNED_V2: &str = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

fn exchange(second: u64) -> Exchange {
    testing::exchange()
        .now(Duration::from_secs(second))
        .setting(
            "signatures",
            json!({ "keys": { KEY: SECRET }, "signed": true }),
        )
}

fn presigned(target: &str, second: u64) -> Outcome {
    run(exchange(second)
        .authority("examplebucket.s3.amazonaws.com")
        .target(target))
}

/// Status and code of a refusal; 200 and nothing if there is none.
fn code(outcome: &Outcome) -> (u16, String) {
    assert_eq!(outcome.reached_backend, outcome.response.status == 200);
    let code = crate::xml::text(outcome.response.text(), "Code").unwrap_or_default();
    (outcome.response.status, code)
}

fn refused(status: u16, code: &str) -> (u16, String) {
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
        (
            "X-Amz-Signature=aeee",
            "X-Amz-Signature=beee&X-Amz-Signature=aeee",
        ),
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
fn signed(signature: &str) -> Exchange {
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

/// "Example: Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)" has this policy with this signature.
const POLICY: &str = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
const POLICY_SIGNATURE: &str = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";

fn form(change: impl Fn(&str, &str) -> String) -> Outcome {
    form_at(1_451_347_200, change)
}

fn form_at(second: u64, change: impl Fn(&str, &str) -> String) -> Outcome {
    let fields = [
        ("key", "user/user1/photo"),
        ("acl", "public-read"),
        (
            "success_action_redirect",
            "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html",
        ),
        ("Content-Type", "image/jpeg"),
        ("x-amz-meta-uuid", "14365123651274"),
        ("x-amz-server-side-encryption", "AES256"),
        (
            "X-Amz-Credential",
            "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
        ),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Date", "20151229T000000Z"),
        ("x-amz-meta-tag", ""),
        ("Policy", POLICY),
        ("X-Amz-Signature", POLICY_SIGNATURE),
    ];
    let part = |(name, value): (&str, &str)| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n",
            change(name, value)
        )
    };
    let parts: String = fields.into_iter().map(part).collect();
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nhello\r\n--b--\r\n";
    let call = exchange(second)
        .method("POST")
        .authority("sigv4examplebucket.s3.amazonaws.com");
    run(call
        .field("content-type", "multipart/form-data; boundary=\"b\"")
        .body(format!("{parts}{file}")))
}

#[test]
fn a_form_is_held_to_its_policy() {
    assert_eq!(code(&form(|_, value| value.to_owned())), refused(200, ""));
    for (changed, to, expected) in [
        ("X-Amz-Signature", "00", "SignatureDoesNotMatch"),
        ("Policy", "eyJ9", "SignatureDoesNotMatch"),
        ("key", "user/user2/photo", "AccessDenied"),
        ("acl", "private", "AccessDenied"),
        (
            "X-Amz-Credential",
            "AKIAI44QH8DHBEXAMPLE/20151229/us-east-1/s3/aws4_request",
            "InvalidAccessKeyId",
        ),
    ] {
        let outcome = form(|name, value| if name == changed { to } else { value }.to_owned());
        assert_eq!(code(&outcome), refused(403, expected), "{changed}");
    }
}

#[test]
fn a_policy_expires() {
    // It says 2015-12-30T12:00:00Z.
    let end = 1_451_476_800;
    let same = |_: &str, value: &str| value.to_owned();
    assert_eq!(code(&form_at(end, same)), refused(200, ""));
    let late = form_at(end + 1, same);
    assert_eq!(code(&late), refused(403, "AccessDenied"));
    assert!(
        late.response
            .text()
            .contains("Invalid according to Policy: Policy expired.")
    );
}

#[test]
fn a_form_can_be_signed_by_version_2() {
    // {"expiration":"2030-01-01T00:00:00Z","conditions":[["starts-with","$key",""]]}, signed with Python's hmac.
    let policy = "eyJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMVQwMDowMDowMFoiLCJjb25kaXRpb25zIjpbWyJzdGFydHMtd2l0aCIsIiRrZXkiLCIiXV19";
    let send = |signature: &str| {
        let fields = [
            ("key", "k"),
            ("AWSAccessKeyId", KEY),
            ("policy", policy),
            ("signature", signature),
        ];
        let part = |(name, value): (&str, &str)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts: String = fields.into_iter().map(part).collect();
        let call = exchange(THEN)
            .method("POST")
            .field("content-type", "multipart/form-data; boundary=b");
        code(&run(call.body(format!("{parts}--b--"))))
    };
    assert_eq!(send("fVHjmSd8UNy0IHFAEZ5wANSFZL0="), refused(200, ""));
    assert_eq!(send("AAAA"), refused(403, "SignatureDoesNotMatch"));
}

#[test]
fn a_form_without_a_policy_and_one_for_others_go_on() {
    let call = exchange(0)
        .method("POST")
        .field("content-type", "multipart/form-data; boundary=b");
    assert!(
        run(call.body("--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nx\r\n--b--"))
            .reached_backend
    );
}

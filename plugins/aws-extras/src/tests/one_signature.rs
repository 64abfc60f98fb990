//! What is checked is what the backend takes: one signature, with each of its parts once.

use super::run;
use super::signatures::{
    KEY, PRESIGNED, PRESIGNED_V2, THEN, code, exchange, presigned, refused, signed,
};

const GOOD: &str = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";

#[test]
fn a_form_is_no_way_past_a_signed_field() {
    let part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--";
    let form = signed(GOOD)
        .method("POST")
        .field("content-type", "multipart/form-data; boundary=b")
        .body(part);
    assert_eq!(code(&run(form)), refused(403, "SignatureDoesNotMatch"));
}

fn forged() -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAI44QH8DHBEXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature={GOOD}"
    )
}

#[test]
fn only_one_signature_is_taken() {
    let two = signed(GOOD).field("authorization", forged());
    assert_eq!(code(&run(two)), refused(400, "InvalidArgument"));
    let behind = exchange(THEN)
        .field("x-amz-date", "20130524T000000Z")
        .field("authorization", "Bearer x")
        .field("authorization", forged());
    assert_eq!(code(&run(behind)), refused(400, "InvalidArgument"));
    for target in [PRESIGNED, PRESIGNED_V2] {
        let both = exchange(THEN)
            .authority("examplebucket.s3.amazonaws.com")
            .target(target)
            .field("authorization", forged());
        assert_eq!(code(&run(both)), refused(400, "InvalidArgument"));
    }
    let versions = format!("{PRESIGNED}&AWSAccessKeyId=AKIAI44QH8DHBEXAMPLE");
    assert_eq!(
        code(&presigned(&versions, THEN)),
        refused(400, "InvalidArgument")
    );
    // Two fields that are not AWS's are none of the plugin's business.
    let bearers = exchange(THEN)
        .field("authorization", "Bearer x")
        .field("authorization", "Bearer y");
    assert!(run(bearers).reached_backend);
}

#[test]
fn a_part_of_a_signature_counts_once() {
    for more in [
        "Credential=AKIAI44QH8DHBEXAMPLE/20130524/us-east-1/s3/aws4_request",
        "SignedHeaders=host",
        "Signature=00",
        "Other=AKIAI44QH8DHBEXAMPLE/",
    ] {
        let outcome = run(signed(&format!("{GOOD},{more}")));
        assert_eq!(
            code(&outcome),
            refused(400, "AuthorizationHeaderMalformed"),
            "{more}"
        );
    }
    for more in [
        "X-Amz-Credential=AKIAI44QH8DHBEXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request",
        "x-amz-credential=x",
        "X-Amz-Signature=00",
        "X-Amz-Date=20130524T000000Z",
    ] {
        let outcome = presigned(&format!("{PRESIGNED}&{more}"), THEN);
        assert_eq!(
            code(&outcome),
            refused(400, "AuthorizationQueryParametersError"),
            "{more}"
        );
    }
    let outcome = presigned(&format!("{PRESIGNED_V2}&AWSAccessKeyId=x"), 1_175_139_620);
    assert_eq!(
        code(&outcome),
        refused(400, "AuthorizationQueryParametersError")
    );
}

/// What botocore's `SigV4QueryAuth` signs.
const PRESIGNED_STS: &str = "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=accf1c1b5148878617b11e51ecb505a5690394dbd0c822da689f3598d0aecb76";

#[test]
fn urls_of_other_services_sign_the_body() {
    let call = |body: &'static str| {
        let call = exchange(THEN).authority("sts.amazonaws.com");
        code(&run(call.target(PRESIGNED_STS).body(body)))
    };
    assert_eq!(call(""), refused(200, ""));
    assert_eq!(call("x"), refused(403, "SignatureDoesNotMatch"));
}

#[test]
fn a_field_that_cannot_be_read_is_told_in_the_services_words() {
    let at = |service: &str| {
        let field = format!(
            "AWS4-HMAC-SHA256 Credential={KEY}/2013/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
        );
        exchange(THEN)
            .method("POST")
            .field("x-amz-date", "20130524T000000Z")
            .field("authorization", field)
    };
    let s3 = run(at("s3"));
    assert_eq!(code(&s3), refused(400, "AuthorizationHeaderMalformed"));
    let message = "<Message>The authorization header is malformed; incorrect date format";
    assert!(s3.response.text().contains(message));
    let form = "application/x-www-form-urlencoded";
    let query = run(at("sqs")
        .field("content-type", form)
        .body("Action=ListQueues"));
    assert_eq!(code(&query), refused(400, "IncompleteSignature"));
}

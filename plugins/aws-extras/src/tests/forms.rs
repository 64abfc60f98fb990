//! Forms that a browser sends to S3.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use tollgate_plugin::testing::Outcome;

use super::run;
use super::signatures::{KEY, SECRET, THEN, code, exchange, refused};

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

/// A form with a policy that is signed by version 2, with more parts before and after those of the signature.
fn with_policy(policy: &str, before: &str, after: &str) -> Outcome {
    let policy = BASE64_STANDARD.encode(policy);
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(policy.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let own = [
        ("AWSAccessKeyId", KEY),
        ("policy", &policy),
        ("signature", &signature),
    ];
    let own: String = own.map(|(name, value)| part(name, value)).concat();
    let call = exchange(THEN)
        .method("POST")
        .field("content-type", "multipart/form-data; boundary=b");
    run(call.body(format!("{before}{own}{after}--b--\r\n")))
}

fn part(name: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

const FILE: &str =
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b\"\r\n\r\nhello\r\n";

const OPEN: &str =
    r#"{"expiration":"2030-01-01T00:00:00Z","conditions":[["starts-with","$key","user/"]]}"#;

#[test]
fn a_field_has_one_place_in_a_form() {
    let key = part("key", "user/a");
    let send = |before: &str, after: &str| code(&with_policy(OPEN, before, after));
    assert_eq!(send(&key, FILE), refused(200, ""));
    // AWS's own example has the button behind the file.
    let button = format!("{FILE}{}", part("submit", "Upload"));
    assert_eq!(send(&key, &button), refused(200, ""));
    let malformed = refused(400, "MalformedPOSTRequest");
    let twice = format!("{}{}", part("KEY", "user/a"), part("key", "admin/x"));
    assert_eq!(send(&twice, FILE), malformed);
    for (name, value) in [("acl", "public-read"), ("key", "admin/x"), ("file", "x")] {
        let after = format!("{FILE}{}", part(name, value));
        assert_eq!(send(&key, &after), malformed, "{name}");
    }
}

#[test]
fn a_form_that_others_may_read_differently_is_refused() {
    let key = part("key", "user/a");
    for before in [
        // With other ends of lines.
        part("x-ignore-a", "\n--b\nContent-Disposition: form-data; name=\"key\"\n\nadmin/x"),
        "--b\r\nContent-Disposition: form-data; name=\"key\"\n\nadmin/x\r\n".to_owned(),
        "--b\nContent-Disposition: form-data; name=\"key\"\r\n\r\nadmin/x\r\n".to_owned(),
        // With other names.
        "--b\r\nContent-Disposition: form-data; x=\"; name=submit; y=\"; name=\"key\"\r\n\r\nadmin/x\r\n".to_owned(),
        "--b\r\nContent-Disposition: form-data; name=submit; name=\"key\"\r\n\r\nadmin/x\r\n".to_owned(),
        "--b\r\nContent-Disposition: form-data; name=submit; name*=UTF-8''key\r\n\r\nadmin/x\r\n".to_owned(),
        "--b\r\nContent-Disposition: form-data; filename=\"x\"\r\n\r\nadmin/x\r\n".to_owned(),
    ] {
        let outcome = with_policy(OPEN, &format!("{before}{key}"), FILE);
        assert_eq!(code(&outcome), refused(400, "MalformedPOSTRequest"), "{before}");
    }
}

#[test]
fn a_form_with_a_policy_bears_no_other_signature() {
    let call = exchange(THEN)
        .method("POST")
        .field("content-type", "multipart/form-data; boundary=b")
        .field("authorization", format!("AWS {KEY}:x"));
    let outcome = run(call.body(format!("{}--b--", part("policy", "e30="))));
    assert_eq!(code(&outcome), refused(400, "InvalidArgument"));
}

#[test]
fn sizes_and_policies_are_refused_in_aws_words() {
    let at = |least: u8, most: u8| {
        let policy = format!(
            r#"{{"expiration":"2030-01-01T00:00:00Z","conditions":[["starts-with","$key",""],["content-length-range",{least},{most}]]}}"#
        );
        with_policy(&policy, &part("key", "k"), FILE)
    };
    assert_eq!(code(&at(5, 5)), refused(200, ""));
    let large = at(0, 4);
    assert_eq!(code(&large), refused(400, "EntityTooLarge"));
    let sizes = "<ProposedSize>5</ProposedSize><MaxSizeAllowed>4</MaxSizeAllowed>";
    assert!(large.response.text().contains(sizes));
    let small = at(6, 9);
    assert_eq!(code(&small), refused(400, "EntityTooSmall"));
    let sizes = "<ProposedSize>5</ProposedSize><MinSizeAllowed>6</MinSizeAllowed>";
    assert!(small.response.text().contains(sizes));
    let broken = with_policy("{", &part("key", "k"), FILE);
    assert_eq!(code(&broken), refused(400, "InvalidPolicyDocument"));
}

#[test]
fn a_form_of_nothing_but_boundaries_is_read_once() {
    for piece in ["--b", "\r\n--b", "\r\n--b\r\n", "\n--b\r\n\r\n"] {
        let call = exchange(THEN)
            .method("POST")
            .field("content-type", "multipart/form-data; boundary=b");
        let call = call.body(piece.repeat(200_000 / piece.len()));
        let start = Instant::now();
        assert!(run(call).reached_backend);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(1), "{piece:?}: {took:?}");
    }
}

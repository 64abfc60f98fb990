//! The plugin in exchanges, with the SDK's fakes.

mod events;
mod forms;
mod ids;
mod kinesis;
mod one_signature;
mod signatures;
mod sns;
mod triggers;
mod urls;

use tollgate_plugin::testing::{self, Exchange, Outcome, json};

use crate::settings::AwsExtras;

/// An exchange with these settings; it must not fail.
fn run(exchange: Exchange) -> Outcome {
    let outcome = exchange.run::<AwsExtras>();
    assert_eq!(outcome.error, None);
    outcome
}

#[test]
fn without_settings_nothing_is_done() {
    let outcome = run(testing::exchange()
        .method("POST")
        .field("content-type", "multipart/form-data; boundary=x")
        .field("authorization", "AWS4-HMAC-SHA256 nonsense")
        .target("/?X-Amz-Signature=x"));
    assert!(
        outcome.reached_backend && !outcome.request.body_wanted && !outcome.response.body_wanted
    );
    assert!(outcome.log.is_empty() && outcome.outbound.is_empty());
}

#[test]
fn mistakes_in_the_settings_are_named() {
    for (settings, error) in [
        (json!({ "sgnatures": {} }), "sgnatures"),
        (
            json!({ "signatures": { "keys": {} } }),
            "setting signatures.keys is empty",
        ),
        (
            json!({ "signatures": { "keys": { "a": "b" }, "presigned": false } }),
            "setting signatures checks nothing",
        ),
        (
            json!({ "public_url": "https://h/path" }),
            "setting public_url is \"https://h/path\"",
        ),
        (
            json!({ "public_url": "h:1" }),
            "expected a URL without a path",
        ),
    ] {
        let found = testing::exchange()
            .settings(settings)
            .run::<AwsExtras>()
            .error;
        assert!(
            found.as_deref().is_some_and(|found| found.contains(error)),
            "{found:?}"
        );
    }
}

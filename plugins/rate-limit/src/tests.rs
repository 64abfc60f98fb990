//! The plugin on exchanges of a test, and its bucket by itself.

use std::time::Duration;

use tollgate_plugin::testing::{self, Outcome, json};

use crate::bucket::{Bucket, Limit};
use crate::settings::RateLimit;

type Json = serde_json::Value;

const NOW: u64 = 1_767_225_600_000;

fn limit(requests: u64, seconds: u64, burst: u64) -> Limit {
    Limit {
        requests,
        period: Duration::from_secs(seconds),
        burst,
    }
}

#[test]
fn a_bucket_gives_its_burst_and_then_the_rate() {
    let limit = limit(2, 10, 3);
    let mut bucket = Bucket::full(&limit, NOW);
    let mut take = |now| bucket.take(&limit, now);
    let left: Vec<u64> = (0..3).map(|_| take(NOW).left).collect();
    assert_eq!(left, [2, 1, 0]);
    let refused = take(NOW);
    assert_eq!(
        (refused.is_allowed, refused.wait),
        (false, Duration::from_secs(5))
    );
    assert_eq!(take(NOW + 4_000).wait, Duration::from_secs(1));
    assert!(take(NOW + 5_000).is_allowed);
    assert!(!take(NOW + 5_000).is_allowed);
    // It holds no more than its burst, however long nobody came.
    let left = take(NOW + 3_600_000).left;
    assert_eq!(left, 2);
    // A clock that is set back fills nothing, nor does it take away.
    assert_eq!(take(NOW).left, 1);
}

#[test]
fn over_a_long_time_exactly_the_rate_passes() {
    let limit = limit(7, 3, 7);
    let mut bucket = Bucket::full(&limit, NOW);
    let passed = (0..100_000).filter(|step| bucket.take(&limit, NOW + step * 17).is_allowed);
    // 1,700 s at 7 in 3 s, and the burst.
    let expected = 1_700 * 7 / 3 + 7;
    let count = passed.count() as u64;
    assert!(count.abs_diff(expected) <= 1, "{count} of {expected}");
}

#[test]
fn a_bucket_is_read_as_it_was_written() {
    let bucket = Bucket::full(&limit(1, 1, 5), NOW);
    assert_eq!(Bucket::read(&bucket.write()), Some(bucket));
    for other in ["", "1", "a b", "1 -2", "\u{e9} 1"] {
        assert_eq!(Bucket::read(other.as_bytes()), None, "{other}");
    }
}

fn run(settings: Json, state: Option<(&str, &[u8])>, address: &str) -> Outcome {
    let mut exchange = testing::exchange()
        .target("/a?b")
        .field("x-key", "k")
        .client_address(address)
        .settings(settings);
    if let Some((key, value)) = state {
        exchange = exchange.state(key, value);
    }
    exchange.run::<RateLimit>()
}

#[test]
fn who_is_above_the_limit_gets_429_and_the_time_to_wait() {
    let settings = || json!({ "requests": 2, "seconds": 60 });
    let first = run(settings(), None, "10.0.0.1:5000");
    assert!(first.reached_backend);
    assert_eq!(
        first.response.field("ratelimit-policy"),
        Some("\"default\";q=2;w=60")
    );
    assert_eq!(
        first.response.field("ratelimit"),
        Some("\"default\";r=1;t=0")
    );
    let kept = &first.state["client 10.0.0.1"];
    let second = run(settings(), Some(("client 10.0.0.1", kept)), "10.0.0.1:6000");
    assert!(second.reached_backend, "another port is the same client");
    let kept = &second.state["client 10.0.0.1"];
    let third = run(settings(), Some(("client 10.0.0.1", kept)), "10.0.0.1:7000");
    assert!(!third.reached_backend);
    assert_eq!(third.response.status, 429);
    assert_eq!(third.response.field("retry-after"), Some("30"));
    assert_eq!(
        third.response.field("ratelimit"),
        Some("\"default\";r=0;t=30")
    );
    assert!(run(settings(), Some(("client 10.0.0.1", kept)), "10.0.0.2:1").reached_backend);
}

#[test]
fn buckets_are_by_client_field_path_or_one_for_all() {
    for (by, key) in [
        ("client", "client [::1]"),
        ("path", "path /a"),
        ("field:X-Key", "x-key k"),
        ("field:x-none", "no x-none"),
        ("all", "all"),
    ] {
        let outcome = run(json!({ "requests": 1, "by": by }), None, "[::1]:80");
        let keys: Vec<&str> = outcome.state.keys().map(String::as_str).collect();
        assert_eq!(keys, [key], "{by}");
    }
}

#[test]
fn settings_are_checked() {
    for (settings, expected) in [
        (json!({}), "setting requests"),
        (
            json!({ "requests": 0 }),
            "setting requests is 0: expected at least 1",
        ),
        (json!({ "requests": 1, "burst": 0 }), "setting burst is 0"),
        (
            json!({ "requests": 1, "by": "ip" }),
            "setting by is \"ip\": expected client, path, all or field:NAME",
        ),
        (json!({ "requests": 1, "request": 1 }), "request"),
    ] {
        let error = run(settings, None, "10.0.0.1:1").error.unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

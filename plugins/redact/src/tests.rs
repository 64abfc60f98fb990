//! The plugin as the host runs it: what it wants to rewrite, what it refuses, and its settings.

use tollgate_plugin::testing::{self, Exchange, Rewritten, json};
use tollgate_plugin::{Answer, Level, Unit};

use crate::settings::Redact;

fn answered(content_type: &str) -> Exchange {
    testing::exchange().backend_response(Answer::new(200).field("content-type", content_type))
}

fn back(exchange: Exchange, pieces: &[&str]) -> Rewritten {
    exchange.rewrite_response::<Redact>(pieces)
}

#[test]
fn secrets_are_replaced_both_ways_across_pieces() {
    let pieces = [
        "{\"a\":\"jane@exa",
        "mple.com\",\"b\":\"AKIAIOSFO",
        "DNN7EXAMPLE\"}",
    ];
    let expected = "{\"a\":\"[redacted]\",\"b\":\"[redacted]\"}";
    let there = testing::exchange()
        .method("POST")
        .field("content-type", "application/json")
        .rewrite_request::<Redact>(pieces);
    let back = back(answered("Application/JSON; charset=UTF-8"), &pieces);
    for rewritten in [there, back] {
        assert_eq!(
            (rewritten.error.as_deref(), rewritten.text().as_str()),
            (None, expected)
        );
        assert_eq!(
            (rewritten.unit, rewritten.decoded),
            (Some(Unit::Text), true)
        );
        let (level, line) = rewritten.outcome.log.last().unwrap();
        assert_eq!(*level, Level::Info);
        assert!(line.ends_with(": aws-key: 1, email-address: 1"), "{line}");
    }
}

#[test]
fn an_event_is_not_held_back() {
    let rewritten = back(
        answered("text/event-stream"),
        &["data: a\n\n", "data: x@b.de\n\n", "data: c\n\n"],
    );
    let expected = [
        &b"data: a\n\n"[..],
        b"data: [redacted]\n\n",
        b"data: c\n\n",
        b"",
    ];
    assert_eq!(rewritten.by_piece, expected);
}

#[test]
fn each_way_can_be_switched_off() {
    let text = "x@b.de";
    let only = |side: &str| answered("text/plain").setting(side, false);
    assert_eq!(back(only("request"), &[text]).text(), "[redacted]");
    assert_eq!(back(only("response"), &[text]).unit, None);
    assert_eq!(only("request").rewrite_request::<Redact>([text]).unit, None);
    assert_eq!(
        only("response").rewrite_request::<Redact>([text]).text(),
        "[redacted]"
    );
    // What is only for responses is left alone then.
    let request = only("response")
        .field("range", "bytes=0-1")
        .field("accept-encoding", "compress");
    let request = request.run::<Redact>().request;
    assert_eq!(
        (request.field("range"), request.field("accept-encoding")),
        (Some("bytes=0-1"), Some("compress"))
    );
}

#[test]
fn responses_are_asked_for_whole_and_in_codings_that_can_be_undone() {
    let asked = |accepted: &str| {
        let exchange = testing::exchange()
            .field("range", "bytes=0-1")
            .field("if-range", "\"a\"");
        let request = exchange
            .field("accept-encoding", accepted)
            .run::<Redact>()
            .request;
        assert_eq!(
            (request.field("range"), request.field("if-range")),
            (None, None)
        );
        request.field("accept-encoding").unwrap().to_owned()
    };
    assert_eq!(
        asked("gzip, compress;q=0.9, BR;q=0.5, *;q=0.1"),
        "gzip, BR;q=0.5"
    );
    assert_eq!(asked("compress"), "identity");
    assert_eq!(asked("zstd"), "zstd");
    assert_eq!(asked("gzip;q=1, identity;q=0"), "gzip;q=1, identity;q=0");
    assert_eq!(
        testing::exchange()
            .run::<Redact>()
            .request
            .field("accept-encoding"),
        None
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let compress = |exchange: Exchange| {
        exchange
            .field("content-type", "text/plain")
            .field("content-encoding", "compress")
    };
    let told = "the content coding \"compress\" is not gzip, deflate, br or zstd, and so its secrets can't be found";
    let outcome = compress(testing::exchange()).run::<Redact>();
    assert_eq!(
        (outcome.response.status, outcome.reached_backend),
        (415, false)
    );
    assert_eq!(outcome.response.text(), format!("{told}\n"));
    assert_eq!(
        outcome.response.field("accept-encoding"),
        Some("gzip, deflate, br, zstd")
    );

    let coded = Answer::new(200)
        .field("content-type", "text/plain")
        .field("content-encoding", "gzip, compress");
    let coded = || testing::exchange().backend_response(coded.clone());
    assert_eq!(back(coded(), &["x"]).error.as_deref(), Some(told));
    let wide = back(answered("text/plain; charset=\"UTF-16LE\""), &["x"])
        .error
        .unwrap();
    assert!(
        wide.starts_with("the character set \"utf-16le\" is not UTF-8"),
        "{wide}"
    );
    let part = Answer::new(206).field("content-type", "text/plain");
    let part = || testing::exchange().backend_response(part.clone());
    assert!(
        back(part(), &["x"])
            .error
            .unwrap()
            .starts_with("the response is a part (206)")
    );

    for exchange in [coded(), part(), answered("text/plain; charset=utf-16")] {
        let passed = back(exchange.setting("unreadable", "pass"), &["x@b.de"]);
        assert_eq!(
            (passed.error.as_deref(), passed.text().as_str()),
            (None, "x@b.de")
        );
        let (level, line) = &passed.outcome.log[0];
        assert_eq!(*level, Level::Warn);
        assert!(
            line.starts_with("passed with all that is in it: "),
            "{line}"
        );
    }
    let passed = compress(testing::exchange())
        .setting("unreadable", "pass")
        .rewrite_request::<Redact>(["x"]);
    assert_eq!((passed.outcome.reached_backend, passed.unit), (true, None));
}

#[test]
fn other_media_types_pass_unless_they_are_refused() {
    for other in [
        "image/png",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
    ] {
        let passed = back(answered(other), &["x@b.de"]);
        assert_eq!((passed.error, passed.unit), (None, None), "{other}");
        let refused = back(answered(other).setting("unreadable", "refuse"), &["x"]);
        assert!(
            refused
                .error
                .unwrap()
                .contains("is not among the setting types")
        );
    }
    let part = Answer::new(206).field("content-type", "video/mp4");
    assert_eq!(
        back(testing::exchange().backend_response(part), &["x"]).error,
        None
    );
    // What doesn't say what it is may be text.
    assert_eq!(back(testing::exchange(), &["x@b.de"]).text(), "[redacted]");
    let types = json!({ "types": ["Application/X-*"], "extra_types": ["video/mp4"] });
    for (content_type, wanted) in [
        ("application/x-a", true),
        ("video/mp4", true),
        ("text/plain", false),
    ] {
        let rewritten = back(answered(content_type).settings(types.clone()), &["x"]);
        assert_eq!(rewritten.unit.is_some(), wanted, "{content_type}");
    }
    for known in [
        "application/vnd.api+json",
        "application/x-amz-json-1.1",
        "text/csv",
        "application/problem+xml",
    ] {
        assert!(back(answered(known), &["x"]).unit.is_some(), "{known}");
    }
}

#[test]
fn text_that_is_not_what_it_says_is_cut_off() {
    let wide = |pieces: &[&[u8]], unreadable: Option<&str>| {
        let exchange = answered("text/plain");
        let exchange = match unreadable {
            Some(value) => exchange.setting("unreadable", value),
            None => exchange,
        };
        exchange.rewrite_response::<Redact>(pieces)
    };
    for pieces in [
        &[&b"\xff\xfea\0"[..]][..],
        &[b"\xfe", b"\xff\0a"],
        &[b"a\0b\0"],
        &[b"a", b"\0"],
    ] {
        let refused = wide(pieces, None);
        assert!(
            refused
                .error
                .unwrap()
                .starts_with("the response is text of UTF-16 or no text")
        );
        assert_eq!(wide(pieces, Some("pass")).body(), pieces.concat());
    }
    assert_eq!(wide(&[b"\xef\xbb\xbfa"], None).error, None);
}

#[test]
fn kinds_and_replacement_are_settings() {
    let text = "x@b.de 4111111111111111";
    let run = |settings| back(answered("text/plain").settings(settings), &[text]);
    let only = run(
        json!({ "kinds": ["card-number"], "replacement": "<{kind}>".replace(['<', '>'], "*") }),
    );
    assert_eq!(only.text(), "x@b.de *card-number*");
    let gone = run(json!({ "replacement": "" }));
    assert_eq!(gone.text(), " ");
    for (settings, expected) in [
        (
            json!({ "kinds": ["phone"] }),
            "setting kinds has \"phone\": expected some of aws-key, bearer-token,",
        ),
        (json!({ "kinds": [] }), "these settings replace nothing"),
        (
            json!({ "request": false, "response": false }),
            "these settings replace nothing",
        ),
        (
            json!({ "replacement": "\"x\"" }),
            "setting replacement has '\"', which could break JSON",
        ),
        (
            json!({ "replacement": "a\nb" }),
            "setting replacement has '\\n'",
        ),
        (
            json!({ "types": ["text"] }),
            "a media type in the settings is \"text\"",
        ),
        (
            json!({ "extra_types": ["*/*"] }),
            "a media type in the settings is \"*/*\"",
        ),
        (
            json!({ "unreadable": "skip" }),
            "setting unreadable is \"skip\"",
        ),
        (json!({ "kind": ["card-number"] }), "unknown"),
    ] {
        let error = run(settings.clone()).error.unwrap();
        assert!(error.contains(expected), "{settings}: {error}");
    }
}

//! What the tour does, run natively. `tollgate test` runs the built one on the cases of all languages.

use std::time::Duration;

use tollgate_plugin::client::SendError;
use tollgate_plugin::{Answer, BodyError, Level, testing};

use super::Tour;

fn backend(media_type: &str, body: &str) -> testing::Exchange {
    let answer = Answer::new(201)
        .field("content-type", media_type)
        .body(body);
    testing::exchange()
        .method("POST")
        .target("/x?y")
        .setting("mark", "M")
        .backend_response(answer)
}

#[test]
fn both_ways_are_marked_and_logged() {
    let outcome = backend("application/json", r#"{"greeting": 1}"#).run::<Tour>();
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.request.field_values("x-tour"), ["M"]);
    assert_eq!(outcome.response.field_values("x-tour"), ["M"]);
    assert_eq!(outcome.response.text(), r#"{"greeting": "M"}"#);
    let log = ["forward POST /x?y", "return 201"].map(|line| (Level::Info, line.to_owned()));
    assert_eq!(outcome.log, log);
}

#[test]
fn other_bodies_are_left_alone() {
    let outcome = backend("application/json; charset=utf-8", r#"{"a": 1}"#).run::<Tour>();
    assert_eq!(outcome.response.text(), r#"{"a": 1}"#);
    for media_type in ["text/plain", "Application/json", " application/json"] {
        let outcome = backend(media_type, r#"{"greeting": 1}"#).run::<Tour>();
        assert!(!outcome.response.body_wanted, "{media_type}");
    }
}

#[test]
fn one_path_is_answered_here() {
    for (target, answered) in [
        ("/tour", true),
        ("/tour?x", true),
        ("/tour/", false),
        ("/Tour", false),
    ] {
        let outcome = testing::exchange().target(target).run::<Tour>();
        assert_eq!(outcome.reached_backend, !answered, "{target}");
        if answered {
            assert_eq!(outcome.response.text(), "tour: none\n");
            assert_eq!(
                outcome.response.field("content-type"),
                Some("text/plain; charset=utf-8")
            );
        }
    }
}

#[test]
fn a_body_that_cannot_be_had_is_no_reason_to_stop() {
    let outcome = backend("application/json", "")
        .backend_body_error(BodyError::TimedOut)
        .run::<Tour>();
    assert_eq!(outcome.error, None);
    assert!(
        outcome
            .log
            .contains(&(Level::Warn, "body: not available".to_owned()))
    );
    assert_eq!(outcome.log.len(), 3);
}

#[test]
fn a_mark_that_no_field_can_hold_is_refused() {
    let outcome = testing::exchange().setting("mark", "a\nb").run::<Tour>();
    assert_eq!(outcome.error.as_deref(), Some("x-tour: refused"));
}

#[test]
fn wrong_settings_are_refused_at_the_start() {
    for (key, value, error) in [
        (
            "window",
            "0",
            "window: expected whole seconds from 1 to 86400",
        ),
        (
            "window",
            "+1",
            "window: expected whole seconds from 1 to 86400",
        ),
        (
            "delay",
            "60001",
            "delay: expected whole milliseconds from 0 to 60000",
        ),
        (
            "lookup",
            "ftp://a/",
            "lookup: expected a URL with http or https",
        ),
    ] {
        let outcome = testing::exchange().setting(key, value).run::<Tour>();
        assert_eq!(outcome.error.as_deref(), Some(error), "{key} = {value}");
    }
}

#[test]
fn requests_of_a_client_are_counted() {
    let exchange = |count: &str| {
        let exchange = testing::exchange().client_address("[2001:db8::1]:4711");
        let exchange = exchange.setting("window", 60);
        exchange.state("count [2001:db8::1]", count).run::<Tour>()
    };
    let counted = exchange("41");
    assert_eq!(counted.request.field("x-tour-count"), Some("42"));
    assert_eq!(counted.state["count [2001:db8::1]"], b"42");
    let unknown = exchange("many");
    assert_eq!(unknown.request.field("x-tour-count"), Some("unknown"));
}

#[test]
fn a_server_is_asked_and_may_fail() {
    let exchange = || {
        testing::exchange()
            .setting("lookup", "http://names/")
            .setting("delay", 5)
    };
    let answered = exchange().outbound("http://names/", Answer::new(200).text("ada"));
    let answered = answered.run::<Tour>();
    assert_eq!(answered.request.field("x-tour-lookup"), Some("ada"));
    assert_eq!(answered.outbound[0].timeout, Some(Duration::from_secs(2)));
    assert_eq!(answered.slept, Duration::from_millis(5));
    let failed = exchange().outbound_error("http://names/", SendError::TimedOut(String::new()));
    let failed = failed.run::<Tour>();
    assert_eq!(failed.request.field("x-tour-lookup"), Some("failed"));
    assert!(
        failed
            .log
            .contains(&(Level::Warn, "lookup: timed-out".to_owned()))
    );
}

#[test]
fn a_greeting_in_a_stream_becomes_the_mark() {
    let rewritten = backend("text/event-stream", "")
        .rewrite_response::<Tour>(["data: hello you\n\n", "data: a\n\n"]);
    assert_eq!(rewritten.text(), "data: M you\n\ndata: a\n\n");
}

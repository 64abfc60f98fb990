//! What the tour does, run natively. `tollgate test` runs the built one on the cases of all languages.

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

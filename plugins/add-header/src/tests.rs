//! What add-header does, run natively.

use tollgate_plugin::Answer;
use tollgate_plugin::testing;

use super::AddHeader;

#[test]
fn both_ways_and_instead_of_what_was_there() {
    let outcome = testing::exchange()
        .field("x-tollgate", "from the client")
        .backend_response(
            Answer::new(404)
                .field("x-tollgate", "a")
                .field("X-Tollgate", "b")
                .text("no"),
        )
        .run::<AddHeader>();
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.request.field_values("x-tollgate"), ["hello"]);
    assert_eq!(outcome.response.field_values("x-tollgate"), ["hello"]);
    assert_eq!(
        (outcome.response.status, outcome.response.text()),
        (404, "no")
    );
    assert!(!outcome.request.body_wanted && !outcome.response.body_wanted);
}

#[test]
fn name_and_value_are_settings() {
    let outcome = testing::exchange()
        .setting("name", "X-Env")
        .setting("value", "test")
        .run::<AddHeader>();
    assert_eq!(outcome.request.field("x-env"), Some("test"));
    assert_eq!(outcome.response.field("x-env"), Some("test"));
    assert_eq!(outcome.response.field("x-tollgate"), None);
}

#[test]
fn a_name_that_is_none_is_an_error_that_says_so() {
    for (name, error) in [
        ("x env", "\"x env\" is not a field name"),
        (
            "Connection",
            "the field connection is set by the host alone",
        ),
    ] {
        let outcome = testing::exchange().setting("name", name).run::<AddHeader>();
        assert_eq!(outcome.error.as_deref(), Some(error));
        assert!(!outcome.reached_backend);
    }
}

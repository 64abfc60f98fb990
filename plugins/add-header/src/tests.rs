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
fn mistakes_in_the_settings_are_named() {
    for (key, value, error) in [
        (
            "name",
            "x env",
            "setting name is \"x env\": expected the name of a field",
        ),
        (
            "name",
            "",
            "setting name is \"\": expected the name of a field",
        ),
        (
            "value",
            "a\nb",
            "setting value is \"a\\nb\": expected text without control characters",
        ),
        (
            "nmae",
            "x",
            "setting nmae is unknown: there are name, value",
        ),
        // The host tells which fields are its own.
        (
            "name",
            "Connection",
            "the field connection is set by the host alone",
        ),
    ] {
        let outcome = testing::exchange().setting(key, value).run::<AddHeader>();
        assert_eq!(outcome.error.as_deref(), Some(error));
        assert!(!outcome.reached_backend);
    }
}

//! Who gets in, run natively.

use tollgate_plugin::testing;

use super::Auth;

fn with(authorization: &str) -> testing::Outcome {
    let exchange = testing::exchange().setting("token", "secret");
    exchange.field("authorization", authorization).run::<Auth>()
}

#[test]
fn the_right_token_gets_in_and_stays_here() {
    let outcome = with("Bearer secret");
    assert!(outcome.reached_backend);
    assert_eq!(outcome.request.field("authorization"), None);
}

#[test]
fn others_are_refused() {
    for wrong in [
        "Bearer secre",
        "Bearer secret2",
        "Bearer Secret",
        "Basic secret",
        "secret",
        "",
    ] {
        let outcome = with(wrong);
        assert!(!outcome.reached_backend, "{wrong}");
        assert_eq!(outcome.response.status, 401, "{wrong}");
        assert_eq!(outcome.response.field("www-authenticate"), Some("Bearer"));
    }
}

#[test]
fn without_the_setting_nobody_gets_in() {
    let outcome = testing::exchange()
        .field("authorization", "Bearer ")
        .run::<Auth>();
    assert_eq!(outcome.error.as_deref(), Some("setting token is missing"));
    assert!(!outcome.reached_backend);
}

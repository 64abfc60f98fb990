//! What is answered here and what is not, run natively.

use tollgate_plugin::testing;

use super::Mock;

#[test]
fn one_path_is_answered_here() {
    let outcome = testing::exchange().target("/mock?x").run::<Mock>();
    assert!(!outcome.reached_backend);
    assert_eq!(outcome.response.text(), r#"{"mock":true}"#);
    assert_eq!(
        outcome.response.field("content-type"),
        Some("application/json")
    );
}

#[test]
fn everything_else_is_the_backends() {
    for (method, target) in [("POST", "/mock"), ("GET", "/mocks"), ("GET", "/")] {
        let outcome = testing::exchange()
            .method(method)
            .target(target)
            .run::<Mock>();
        assert!(outcome.reached_backend, "{method} {target}");
    }
}

#[test]
fn path_and_body_are_settings() {
    let exchange = testing::exchange()
        .setting("path", "/health")
        .setting("body", "[]");
    assert_eq!(
        exchange.target("/health").run::<Mock>().response.text(),
        "[]"
    );
}

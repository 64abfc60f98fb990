//! Which bodies are rewritten, run natively.

use tollgate_plugin::{Answer, testing};

use super::Rewrite;

fn with(answer: Answer) -> testing::Outcome {
    let exchange = testing::exchange()
        .setting("from", "http:")
        .setting("to", "https:");
    exchange.backend_response(answer).run::<Rewrite>()
}

#[test]
fn text_and_json_are_rewritten() {
    for media_type in ["text/html", "Text/CSS; charset=utf-8", "application/json"] {
        let outcome = with(
            Answer::new(200)
                .field("content-type", media_type)
                .body("http: a http:"),
        );
        assert_eq!(outcome.response.text(), "https: a https:", "{media_type}");
    }
}

#[test]
fn other_bodies_are_not_even_read() {
    let outcome = with(
        Answer::new(200)
            .field("content-type", "image/svg+xml")
            .body("http:"),
    );
    assert_eq!(outcome.response.text(), "http:");
    assert!(!outcome.response.body_wanted);
}

#[test]
fn the_backend_is_asked_for_plain_bodies() {
    let outcome = with(Answer::new(200));
    assert_eq!(outcome.request.field("accept-encoding"), Some("identity"));
}

#[test]
fn a_body_that_is_compressed_all_the_same_is_left_alone() {
    let gzip = Answer::new(200)
        .field("content-type", "text/plain")
        .field("content-encoding", "gzip");
    let outcome = with(gzip.body("http:"));
    assert_eq!(outcome.response.text(), "http:");
    assert_eq!(outcome.error, None);
}

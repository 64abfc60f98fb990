//! Heads that plugins make: how large they may become.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_makes_no_head_larger_than_the_server_allows() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("large", guest("large"))
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!((answer.status(), answer.text()), (200, "ok"));
    assert_eq!(answer.field("x-refused").as_deref(), Some("3"));
    assert_eq!(answer.field("x-large"), None);
    let request = &origin.requests()[0];
    assert_eq!(request.texts("x-refused"), ["6"]);
    assert_eq!(request.texts("x-large"), [] as [&str; 0]);
}

/// What came large is no fault of the plugin that adds a line.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_head_may_be_added_to() {
    let long = "x".repeat(40_000);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-long: {long}\r\n\r\nok");
    let origin = origin().route("/", raw(head)).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .config("[server]\nmax-head = '1KiB'")
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.field("x-mark").as_deref(), Some("v000"));
}

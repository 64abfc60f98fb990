//! Fields that describe a body's bytes when a plugin replaces those; and what a module without a description may import.

use tollgate_tests::*;

/// A response whose fields describe the bytes of its body.
const DESCRIBED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-encoding: gzip\r\netag: \"old\"\r\n\
    accept-ranges: bytes\r\ndigest: md5=x\r\ncontent-digest: sha-256=:x:\r\nrepr-digest: sha-256=:x:\r\n\
    content-md5: x\r\ncontent-type: text/plain\r\n\r\nabc";

/// The fields of an answer that describe a body, and that it has.
fn describing(answer: &Answer) -> Vec<(&'static str, String)> {
    let names = [
        "content-encoding",
        "etag",
        "accept-ranges",
        "digest",
        "content-digest",
        "repr-digest",
        "content-md5",
        "content-type",
    ];
    let had = |name| Some((name, answer.field(name)?));
    names.into_iter().filter_map(had).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_described_a_replaced_body_are_corrected() {
    let origin = origin().route("/", raw(DESCRIBED)).start().await;
    let owned = |name, value: &str| (name, value.to_owned());

    let reads = proxy().plugin("a", guest("read-response"));
    let answer = reads.backend(&origin).start().await.get("/").await;
    assert_eq!(answer.text(), "abc");
    assert_eq!(describing(&answer).len(), 8);

    let replaces = proxy().plugin("a", guest("set-bodies"));
    let replaces = replaces.backend(&origin).start().await;
    let posted = request("POST", "/")
        .field("content-encoding", "gzip")
        .field("content-md5", "x")
        .field("x-other", "stays")
        .body("abc");
    let answer = replaces.ask(&posted).await;
    assert_eq!(answer.text(), "a new response body");
    assert_eq!(
        describing(&answer),
        [
            owned("etag", "W/\"old\""),
            owned("content-type", "text/plain")
        ]
    );
    let sent = origin.last_request();
    assert_eq!(sent.content(), b"a new request body");
    assert!(sent.values("content-encoding").is_empty());
    assert!(sent.values("content-md5").is_empty());
    assert_eq!(sent.texts("x-other"), ["stays"]);

    let encodes = proxy().plugin("a", guest("set-bodies-encoded"));
    let answer = encodes.backend(&origin).start().await.get("/").await;
    assert_eq!(answer.text(), "not really brotli");
    let expected = [
        owned("content-encoding", "br"),
        owned("etag", "\"new\""),
        owned("content-type", "text/plain"),
    ];
    assert_eq!(describing(&answer), expected);
}

/// What one plugin says of its own body doesn't hold for the body of the next one.
#[tokio::test(flavor = "multi_thread")]
async fn fields_of_one_plugins_body_are_corrected_by_the_next_one() {
    let origin = origin().route("/", raw(DESCRIBED)).start().await;
    let proxy = proxy()
        .plugin("a", guest("set-bodies"))
        .plugin("b", guest("set-bodies-encoded"))
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!(answer.text(), "a new response body");
    assert_eq!(answer.field("content-encoding"), None);
    assert_eq!(answer.field("etag").as_deref(), Some("W/\"new\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_without_description_has_time_and_chance() {
    let origin = origin().route("/", text("x")).start().await;
    let proxy = proxy()
        .plugin("a", guest("random"))
        .backend(&origin)
        .start()
        .await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..8 {
        let answer = proxy.get("/").await;
        assert_eq!(answer.field("x-time").as_deref(), Some("y"));
        assert!(seen.insert(answer.field("x-random").unwrap()), "{seen:?}");
    }
}

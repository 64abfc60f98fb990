//! File descriptors that run out: nobody else is blamed, it is told, and it is over when they are back.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_is_not_blamed_for_them() {
    let origin_of_all = origin().route("/", text("ok")).start().await;
    let other = origin().route("/other", text("other")).start().await;
    let route = format!(
        "[[routes]]
path = '/other'
backend = 'http://{}'",
        other.address()
    );
    let proxy = proxy()
        .backend(&origin_of_all)
        .config(&route)
        .start_binary()
        .await;
    let mut client = proxy.client().await;
    assert_eq!(
        client.ask(&get("/")).await.text(),
        "ok",
        "it is taken on for certain"
    );
    let most = proxy.exhaust_files();
    // More often than an address may fail before it is left out.
    for _ in 0..8 {
        let answer = client.ask(&get("/other")).await;
        assert_eq!(answer.status(), 503);
        let why = answer.field("proxy-status").unwrap();
        assert!(why.contains("connection_limit_reached"), "{why}");
    }
    proxy.set_most_files(most);
    assert_eq!(
        client.ask(&get("/other")).await.text(),
        "other",
        "it was not left out"
    );
    let log = proxy.stderr();
    assert!(
        log.contains("this process has all the file descriptors that it may have"),
        "{log}"
    );
    assert!(!log.contains("left out"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_can_not_accept_says_so_once() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start_binary().await;
    let most = proxy.exhaust_files();
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    eventually!(proxy.stderr().contains("can't accept connections"));
    let log = proxy.stderr();
    assert!(log.contains("ulimit -n"), "{log}");
    proxy.set_most_files(most);
    assert_eq!(client.answer("GET").await.text(), "ok", "it waited");
    assert_eq!(
        proxy.stderr().matches("can't accept connections").count(),
        1
    );
}

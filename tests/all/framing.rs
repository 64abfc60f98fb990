//! Where messages begin and end: lengths, chunks, trailers, messages without bodies, connections kept and closed.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn messages_without_a_body_leave_the_connection_usable() {
    let origin = origin()
        .route(
            "/sized",
            raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
        )
        .route(
            "/chunked",
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        )
        .route("/204", raw("HTTP/1.1 204 No Content\r\n\r\n"))
        .route(
            "/304",
            raw("HTTP/1.1 304 Not Modified\r\netag: \"e\"\r\n\r\n"),
        )
        .route("/", text("after"))
        .start()
        .await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    for (method, target, status, length) in [
        ("HEAD", "/sized", 200, Some("1000")),
        ("HEAD", "/chunked", 200, None),
        ("GET", "/204", 204, None),
        ("GET", "/304", 304, None),
    ] {
        let answer = client.ask(&request(method, target)).await;
        assert_eq!(
            (answer.status(), answer.field("content-length").as_deref()),
            (status, length),
            "{method} {target}"
        );
        assert_eq!(
            client.ask(&get("/")).await.text(),
            "after",
            "{method} {target}"
        );
    }
    assert_eq!(
        origin.connections(),
        1,
        "and so do the connections to the backend"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_known_length_keeps_it_both_ways() {
    let origin = origin().route("/", text("hello")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let answer = proxy.ask(&request("POST", "/").body("some content")).await;
    assert_eq!(
        (answer.field("content-length").as_deref(), answer.text()),
        (Some("5"), "hello")
    );
    let got = origin.request();
    assert_eq!(
        (got.texts("content-length"), got.body),
        (vec!["12".to_owned()], b"some content".to_vec())
    );
    assert_eq!(
        got.head
            .windows(8)
            .filter(|w| w.eq_ignore_ascii_case(b"transfer"))
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_of_zero_is_not_no_length() {
    let origin = origin()
        .route("/", raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    let answer = proxy.ask(&request("POST", "/").body("")).await;
    assert_eq!(answer.field("content-length").as_deref(), Some("0"));
    assert_eq!(origin.request().texts("content-length"), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_pass_both_ways_with_their_trailers() {
    let reply = raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n")
        .then("3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nx-sum: 5\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let sent = request("POST", "/")
        .field("te", "trailers")
        .chunked(&[b"one", b" and two"]);
    let answer = proxy.ask(&sent).await;
    assert_eq!((answer.text(), answer.complete), ("abcde", true));
    assert_eq!(answer.trailers, [("x-sum".to_owned(), b"5".to_vec())]);
    let got = origin.request();
    assert_eq!(
        (got.content(), got.texts("content-length")),
        (b"one and two".to_vec(), vec![])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_with_the_connection_is_whole() {
    let origin = origin()
        .route("/", raw("HTTP/1.1 200 OK\r\n\r\nuntil the end").close())
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    let answer = proxy.get("/").await;
    assert_eq!((answer.text(), answer.complete), ("until the end", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_by_the_backend_is_seen_to_be_cut() {
    let origin = origin()
        .route(
            "/sized",
            raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").close(),
        )
        .route(
            "/chunked",
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n").close(),
        )
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    for target in ["/sized", "/chunked"] {
        let answer = proxy.get(target).await;
        assert_eq!(
            (answer.text(), answer.complete),
            ("half", false),
            "{target}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_by_the_client_is_not_completed_for_the_backend() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    for sent in [
        "content-length: 10\r\n\r\nhalf",
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let before = origin.received();
        let mut client = proxy.client().await;
        client
            .send(format!("POST / HTTP/1.1\r\nhost: h\r\n{sent}"))
            .await;
        eventually!(origin.received() > before);
        drop(client);
        proxy.get("/").await;
    }
    let uploads = origin
        .requests()
        .iter()
        .filter(|r| r.head.starts_with(b"POST"))
        .count();
    assert_eq!(uploads, 0, "no upload looked complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_on_both_sides() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    for _ in 0..20 {
        assert_eq!(client.ask(&get("/")).await.text(), "ok");
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_ahead_are_answered_in_order() {
    let origin = origin()
        .route("/a", text("a"))
        .route("/b", text("b"))
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    let mut client = proxy.client().await;
    let both = [
        request("POST", "/a").body("x").bytes(),
        get("/b").bytes(),
        get("/a").bytes(),
    ]
    .concat();
    client.send(both).await;
    for expected in ["a", "b", "a"] {
        assert_eq!(client.answer("GET").await.text(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_to_close_is_closed() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let mut client = proxy.client().await;
    let answer = client.ask(&get("/").field("connection", "close")).await;
    assert_eq!(
        (answer.text(), answer.field("connection").as_deref()),
        ("ok", Some("close"))
    );
    assert_eq!(client.rest().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_the_backend_closed_costs_no_request() {
    let origin = origin().route("/", text("ok").close()).start().await;
    let proxy = proxy().backend(&origin).start().await;
    for number in 0..20 {
        assert_eq!(proxy.get("/").await.status(), 200, "request {number}");
    }
}

/// RFC 9110, section 9.2.2: a proxy must not repeat a request that is not idempotent. What a backend that took the
/// request and hung up made of it, nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_repeated_is_sent_once() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/hangs-up", raw("").close())
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    for request in [
        request("POST", "/hangs-up"),
        request("POST", "/hangs-up").body("x"),
        request("PUT", "/hangs-up").body("x"),
        request("PATCH", "/hangs-up").chunked(&[b"x"]),
    ] {
        assert_eq!(proxy.get("/").await.text(), "ok", "a connection is kept");
        let before = origin.requests().len();
        let answer = proxy.ask(&request).await;
        assert_eq!(answer.status(), 502, "{request:?}");
        assert_eq!(origin.requests().len() - before, 1, "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_is_told_to_continue_when_the_backend_takes_the_body() {
    let origin = origin().route("/", text("thanks")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    let upload = request("POST", "/")
        .field("expect", "100-continue")
        .body("the body");
    client.send(upload.head()).await;
    assert_eq!(client.head().await.status, 100);
    client.send("the body").await;
    assert_eq!(client.answer("POST").await.text(), "thanks");
    assert_eq!(
        (origin.request().body, origin.request().texts("expect")),
        (b"the body".to_vec(), vec!["100-continue".to_owned()]),
        "the backend is asked whether it wants the body (RFC 9110, section 10.1.1)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_can_refuse_an_upload_before_it_is_sent() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("respond", guest("respond"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    let upload = request("POST", "/")
        .field("expect", "100-continue")
        .body("never sent");
    client.send(upload.head()).await;
    let head = client.head().await;
    assert_eq!(head.status, 403, "no 100 before the final answer");
    assert_eq!(origin.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_reads_the_body_lets_the_client_continue() {
    let origin = origin().route("/", text("thanks")).start().await;
    let proxy = proxy()
        .plugin("read", guest("read-request"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    let upload = request("POST", "/")
        .field("expect", "100-continue")
        .body("the body");
    client.send(upload.head()).await;
    assert_eq!(client.head().await.status, 100);
    assert_eq!(
        origin.connections(),
        0,
        "the plugin waits, the backend is not asked yet"
    );
    client.send("the body").await;
    assert_eq!(client.answer("POST").await.text(), "thanks");
    assert_eq!(origin.request().body, b"the body");
}

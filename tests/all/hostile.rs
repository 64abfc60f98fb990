//! Peers that break the rules: requests that are refused, backends that fail, and nothing that is smuggled.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_http_is_refused_and_the_proxy_goes_on() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    for sent in [
        "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nbad name: 1\r\n\r\n",
        "GET /a b HTTP/1.1\r\nhost: h\r\n\r\n",
        "G\u{e9}T / HTTP/1.1\r\nhost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1, 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
    ] {
        let mut client = proxy.client().await;
        client.send(sent).await;
        assert_eq!(client.answer("GET").await.status(), 400, "{sent:?}");
        assert_eq!(client.rest().await, b"", "{sent:?}");
    }
    assert_eq!(origin.connections(), 0, "none of them reached the backend");
    assert_eq!(proxy.get("/").await.text(), "ok");
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 without `Host`, or with several, is answered with 400.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_host() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    for sent in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: user@a\r\n\r\n",
    ] {
        let mut client = proxy.client().await;
        client.send(sent).await;
        assert_eq!(client.answer("GET").await.status(), 400, "{sent:?}");
    }
}

/// There is nothing behind a reverse proxy to tunnel to.
#[tokio::test(flavor = "multi_thread")]
async fn tunnels_are_refused() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let mut client = proxy.client().await;
    client
        .send("CONNECT other.test:443 HTTP/1.1\r\nhost: other.test:443\r\n\r\n")
        .await;
    let status = client.head().await.status;
    assert!((400..600).contains(&status), "{status}");
    assert_eq!(origin.requests().len(), 0);
}

/// RFC 9112, section 6.3: chunks win over a length, and a length beside them is not forwarded.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_not_be_smuggled_in_a_body() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let mut client = proxy.client().await;
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n";
    client
        .send(format!(
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n{smuggled}",
            smuggled.len()
        ))
        .await;
    client.answer("POST").await;
    proxy.get("/").await;
    for got in origin.requests() {
        let framings = got.values("content-length").len() + got.values("transfer-encoding").len();
        assert!(framings < 2, "{}", String::from_utf8_lossy(&got.head));
    }
    let lengths: Vec<_> = origin
        .requests()
        .iter()
        .flat_map(|got| got.texts("content-length"))
        .collect();
    assert_eq!(lengths, [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_fails_is_named_in_proxy_status() {
    let origin = origin()
        .route("/hangs-up", raw("").close())
        .route("/garbage", raw("SSH-2.0-OpenSSH_9\r\n\r\n").close())
        .route("/half-a-head", raw("HTTP/1.1 200 OK\r\ncontent-le").close())
        .route(
            "/two-lengths",
            raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab").close(),
        )
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    for (target, error) in [
        ("/hangs-up", "connection_terminated"),
        ("/garbage", "http_protocol_error"),
        ("/half-a-head", "http_response_incomplete"),
        ("/two-lengths", "http_protocol_error"),
    ] {
        let answer = proxy.get(target).await;
        assert_eq!(answer.status(), 502, "{target}");
        let status = answer.field("proxy-status").unwrap();
        assert!(
            status.starts_with(&format!("tollgate; error={error};")),
            "{target}: {status}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_down_is_named_in_proxy_status_and_may_come_back() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = proxy()
        .backend_at(&format!("http://{address}"))
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!(answer.status(), 502);
    let status = answer.field("proxy-status").unwrap();
    assert!(
        status.starts_with("tollgate; error=connection_refused;"),
        "{status}"
    );
    assert!(
        !answer.text().contains(&address.to_string()),
        "where the backend is concerns no client"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_any_reasonable_size_passes_and_a_huge_one_is_refused() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let large = "x".repeat(60 << 10);
    let answer = proxy.ask(&get("/").field("x-large", &large)).await;
    assert_eq!(
        (answer.status(), origin.request().texts("x-large")),
        (200, vec![large])
    );
    let mut client = proxy.client().await;
    client
        .send(get("/").field("x-huge", "x".repeat(1 << 20)).bytes())
        .await;
    assert_eq!(client.head().await.status, 431);
}

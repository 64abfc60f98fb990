//! Messages pass as they are: nothing is lost, joined, decoded or added but `via`.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_target_goes_out_byte_for_byte() {
    let origin = origin().start().await;
    let proxy = proxy().backend(&origin).start().await;
    let mut client = proxy.client().await;
    for target in [
        "/",
        "/a%2Fb//c/../d/./?x=%20&y=&&=",
        "//double/slash",
        "/%zz/%",
        "/;a=b/:@!$&'()*+,~|{}^?q=/?'{}|",
        "/?",
        "/?url=http://other/",
    ] {
        client.ask(&get(target)).await;
        assert_eq!(
            String::from_utf8_lossy(&origin.last_request().target()),
            target
        );
    }
    client.ask(&request("OPTIONS", "*")).await;
    assert_eq!(origin.last_request().target(), b"*");
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_pass_whatever_they_are() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let mut client = proxy.client().await;
    for method in [
        "GET",
        "POST",
        "DELETE",
        "PROPFIND",
        "M-SEARCH",
        "lower",
        "!#$%&'*+-.^_`|~",
    ] {
        assert_eq!(
            client.ask(&request(method, "/")).await.status(),
            200,
            "{method}"
        );
        assert!(
            origin
                .last_request()
                .head
                .starts_with(format!("{method} / HTTP/1.1\r\n").as_bytes()),
            "{method}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_fields_keep_bytes_order_and_repetition() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let sent = get("/")
        .field("X-Twice", "first, one")
        .field("x-empty", "")
        .field("x-bytes", b"caf\xe9 \xff\x80\ttab")
        .field("x-twice", "second")
        .field(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;x-twice",
        )
        .field("X-TWICE", "first, one");
    proxy.ask(&sent).await;
    let got = origin.request();
    assert_eq!(got.texts("x-twice"), ["first, one", "second", "first, one"]);
    assert_eq!(got.values("x-empty"), [b""]);
    assert_eq!(got.values("x-bytes"), [b"caf\xe9 \xff\x80\ttab"]);
    assert_eq!(
        got.texts("authorization"),
        ["AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;x-twice"]
    );
    assert_eq!(got.texts("host"), ["tollgate.test"]);
    assert_eq!(got.texts("via"), ["1.1 tollgate"]);
    let names: Vec<_> = [
        "content-length",
        "transfer-encoding",
        "connection",
        "user-agent",
        "accept",
    ]
    .into_iter()
    .filter(|name| !got.values(name).is_empty())
    .collect();
    assert_eq!(names, [] as [&str; 0], "nothing is added");
}

#[tokio::test(flavor = "multi_thread")]
async fn response_fields_keep_bytes_order_and_repetition() {
    let reply = raw(
        b"HTTP/1.1 207 As You Like\r\nSet-Cookie: a=1, b\r\nServer: origin\r\nX-Bytes: caf\xe9 \xff\r\nset-cookie: c=2\r\n\
          Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Encoding: gzip\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok",
    );
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let answer = proxy.get("/").await;
    assert_eq!((answer.status(), answer.text()), (207, "ok"));
    assert_eq!(answer.values("set-cookie"), ["a=1, b", "c=2"]);
    assert_eq!(
        answer.field("date").as_deref(),
        Some("Thu, 01 Jan 1970 00:00:00 GMT")
    );
    assert_eq!(answer.field("content-encoding").as_deref(), Some("gzip"));
    assert_eq!(answer.field("server").as_deref(), Some("origin"));
    assert_eq!(answer.field("x-empty").as_deref(), Some(""));
    assert!(
        answer
            .head
            .fields
            .contains(&("x-bytes".to_owned(), b"caf\xe9 \xff".to_vec()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_and_errors_of_the_backend_are_passed_on() {
    let origin = origin()
        .route(
            "/moved",
            raw("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"),
        )
        .route(
            "/broken",
            raw("HTTP/1.1 503 Nope\r\nretry-after: 9\r\ncontent-length: 3\r\n\r\nno\n"),
        )
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    let moved = proxy.get("/moved").await;
    assert_eq!(
        (moved.status(), moved.field("location").as_deref()),
        (302, Some("/elsewhere"))
    );
    let broken = proxy.get("/broken").await;
    assert_eq!(
        (broken.status(), broken.text(), broken.field("proxy-status")),
        (503, "no\n", None)
    );
    assert_eq!(origin.requests().len(), 2, "a redirect is not followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_one_hop_end_here() {
    let reply = raw(
        "HTTP/1.1 200 OK\r\nconnection: x-back, keep-alive\r\nx-back: 1\r\nkeep-alive: timeout=5\r\n\
                     x-end: 2\r\ncontent-length: 2\r\n\r\nok",
    );
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let sent = get("/")
        .field("connection", "keep-alive, X-Hop")
        .field("x-hop", "1")
        .field("proxy-connection", "keep-alive")
        .field("keep-alive", "timeout=5")
        .field("te", "gzip, trailers")
        .field("upgrade", "h2c")
        .field("x-end", "2");
    let answer = proxy.ask(&sent).await;
    let got = origin.request();
    for gone in ["x-hop", "proxy-connection", "keep-alive", "upgrade"] {
        assert_eq!(got.texts(gone), [] as [&str; 0], "{gone}");
    }
    assert_eq!(
        (got.texts("te"), got.texts("x-end")),
        (vec!["trailers".to_owned()], vec!["2".to_owned()])
    );
    assert_eq!(
        (answer.field("x-back"), answer.field("keep-alive")),
        (None, None)
    );
    assert_eq!(answer.field("x-end").as_deref(), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_target_wins_over_host() {
    let origin = origin().start().await;
    let proxy = proxy().backend(&origin).start().await;
    proxy.get("http://other.test:81/p?q=%20").await;
    let got = origin.request();
    assert_eq!(got.target(), b"/p?q=%20");
    assert_eq!(got.texts("host"), ["other.test:81"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http_1_0_is_served() {
    let origin = origin()
        .route(
            "/",
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        )
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    let answer = proxy.ask(&Request::new("GET / HTTP/1.0\r\n")).await;
    assert_eq!((answer.status(), answer.text()), (200, "ok"));
    assert_eq!(
        answer.field("transfer-encoding"),
        None,
        "HTTP/1.0 knows no chunks"
    );
    let got = origin.request();
    assert_eq!(got.texts("host"), [origin.address().to_string()]);
    assert_eq!(got.texts("via"), ["1.0 tollgate"]);
}

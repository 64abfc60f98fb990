//! Bodies in plugins: read, replaced, over a limit.

use tollgate_tests::*;

/// Long enough to come in many pieces.
const LONG: usize = 300_000;

fn long_text() -> String {
    (0..LONG / 6).map(|number| format!("{number:06}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_was_read_goes_on_unchanged() {
    let long = long_text();
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{LONG:x}\r\n{long}\r\n0\r\n\r\n"
    );
    let origin = origin()
        .route("/sized", text(&long))
        .route("/chunked", raw(chunked))
        .start()
        .await;
    let proxy = proxy()
        .plugin("a", guest("read-request"))
        .plugin("b", guest("read-response"))
        .plugin("c", guest("peek"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    for target in ["/sized", "/chunked"] {
        let (one, two) = long.as_bytes().split_at(LONG / 3);
        for request in [
            request("POST", target).body(&long),
            request("POST", target).chunked(&[one, two]),
        ] {
            let answer = client.ask(&request).await;
            assert_eq!((answer.status(), answer.complete), (200, true), "{target}");
            assert!(
                answer.body == long.as_bytes(),
                "the response is as the backend sent it"
            );
            assert!(
                origin.last_request().content() == long.as_bytes(),
                "the request is as the client sent it"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body_can_be_read() {
    let origin = origin()
        .route("/", raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
        .start()
        .await;
    let proxy = proxy()
        .plugin("a", guest("read-request"))
        .plugin("b", guest("read-response"))
        .backend(&origin)
        .start()
        .await;
    for request in [
        get("/"),
        request("POST", "/").body(""),
        request("HEAD", "/"),
    ] {
        assert_eq!(proxy.ask(&request).await.status(), 200, "{request:?}");
    }
}

/// Without one, a server waits for a body, or answers 411.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_chunked_body_that_was_read_has_a_length() {
    let reply = raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy()
        .plugin("a", guest("read-request"))
        .plugin("b", guest("read-response"))
        .backend(&origin)
        .start()
        .await;
    for method in ["PUT", "POST", "PATCH", "DELETE"] {
        let answer = proxy.ask(&request(method, "/").chunked(&[])).await;
        assert_eq!((answer.status(), answer.complete), (200, true), "{method}");
        assert_eq!(answer.field("content-length").as_deref(), Some("0"));
        let got = origin.last_request();
        assert_eq!(got.texts("content-length"), ["0"], "{method}");
        assert_eq!(got.texts("transfer-encoding"), [""; 0], "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_survive_a_read() {
    let reply = raw(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n",
    );
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy()
        .plugin("read", guest("read-response"))
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.ask(&get("/").field("te", "trailers")).await;
    assert_eq!((answer.text(), answer.complete), ("abc", true));
    assert_eq!(answer.trailers, [("x-sum".to_owned(), b"3".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_body_has_the_right_length() {
    let origin = origin()
        .route("/sized", text("the old body, of another length"))
        .route(
            "/chunked",
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n\r\n"),
        )
        .start()
        .await;
    let proxy = proxy()
        .plugin("set", guest("set-bodies"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    for target in ["/sized", "/chunked"] {
        for request in [
            request("POST", target).body("old, and longer than the new one"),
            request("PUT", target).chunked(&[b"old"]),
            request("POST", target),
        ] {
            let answer = client.ask(&request).await;
            assert_eq!(
                (answer.text(), answer.field("content-length").as_deref()),
                ("a new response body", Some("19"))
            );
            let got = origin.last_request();
            assert_eq!(got.content(), b"a new request body", "{request:?}");
            assert_eq!(got.texts("content-length"), ["18"], "{request:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_body_is_what_later_plugins_read() {
    let origin = origin().route("/", text("old")).start().await;
    let proxy = proxy()
        .plugin("a-sets", guest("set-request"))
        .plugin("b-shows", guest("sent-body"))
        .backend(&origin)
        .start()
        .await;
    assert_eq!(
        proxy.ask(&request("POST", "/").body("old")).await.text(),
        "a new request body"
    );
    assert_eq!(origin.request().content(), b"a new request body");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sent_body_can_be_read_on_the_way_back_if_it_was_kept() {
    let origin = origin().route("/", text("ok")).start().await;
    let kept = proxy()
        .plugin("reads", guest("read-request"))
        .plugin("shows", guest("sent-body"))
        .backend(&origin)
        .start()
        .await;
    assert_eq!(
        kept.ask(&request("POST", "/").body("sent long ago"))
            .await
            .text(),
        "sent long ago"
    );
    let gone = proxy()
        .plugin("shows", guest("sent-body"))
        .backend(&origin)
        .start()
        .await;
    let answer = gone.ask(&request("POST", "/").body("sent long ago")).await;
    assert_eq!(answer.status(), 502);
    assert!(
        answer
            .field("proxy-status")
            .unwrap()
            .contains("sent on before"),
        "{answer:?}"
    );
}

const LIMIT: &str = "[limits]\nbody = 1000";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_the_limit_is_413_and_reaches_no_backend() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("read", guest("read-request"))
        .config(LIMIT)
        .backend(&origin)
        .start()
        .await;
    let over = [b'x'; 1001];
    for request in [
        request("POST", "/").body(over),
        request("POST", "/").chunked(&[&over[..600], &over[600..]]),
    ] {
        let answer = proxy.ask(&request).await;
        assert_eq!(answer.status(), 413);
        let status = answer.field("proxy-status").unwrap();
        assert!(
            status.starts_with("tollgate; error=http_request_error;"),
            "{status}"
        );
        assert!(
            status.contains("plugin read") && status.contains("1000 bytes"),
            "{status}"
        );
    }
    assert_eq!(origin.connections(), 0);
    assert_eq!(
        proxy
            .ask(&request("POST", "/").body(&over[..1000]))
            .await
            .status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_over_the_limit_is_502() {
    let over = "x".repeat(1001);
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{over}\r\n0\r\n\r\n");
    let origin = origin()
        .route("/sized", text(&over))
        .route("/chunked", raw(chunked))
        .start()
        .await;
    let proxy = proxy()
        .plugin("read", guest("read-response"))
        .config(LIMIT)
        .backend(&origin)
        .start()
        .await;
    for target in ["/sized", "/chunked"] {
        let answer = proxy.get(target).await;
        assert_eq!(answer.status(), 502, "{target}");
        let status = answer.field("proxy-status").unwrap();
        assert!(
            status.starts_with("tollgate; error=http_response_body_size;"),
            "{status}"
        );
        assert!(
            status.contains("plugin read") && status.contains("1000 bytes"),
            "{status}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_never_cut_for_the_others() {
    let long = long_text();
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{LONG:x}\r\n{long}\r\n0\r\n\r\n"
    );
    let origin = origin()
        .route("/sized", text(&long))
        .route("/chunked", raw(chunked))
        .start()
        .await;
    let proxy = proxy()
        .plugin("peek", guest("peek"))
        .plugin("gives-up", guest("read-response"))
        .config(LIMIT)
        .config("[plugin.gives-up]\non-failure = 'open'")
        .backend(&origin)
        .start()
        .await;
    for (target, framing) in [
        ("/sized", "content-length"),
        ("/chunked", "transfer-encoding"),
    ] {
        for request in [
            request("POST", target).body(&long),
            request("POST", target).chunked(&[long.as_bytes()]),
        ] {
            let answer = proxy.ask(&request).await;
            assert_eq!((answer.status(), answer.complete), (200, true), "{target}");
            assert!(answer.body == long.as_bytes(), "{target}");
            assert!(
                answer.field(framing).is_some(),
                "{target} {:?}",
                answer.head
            );
            assert!(
                origin.last_request().content() == long.as_bytes(),
                "{target}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_408_or_504() {
    let origin = origin()
        .route(
            "/",
            raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").wait(&Gate::new()),
        )
        .route(
            "/cut",
            raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").close(),
        )
        .start()
        .await;
    let proxy = proxy()
        .plugin("out", guest("read-request"))
        .plugin("back", guest("read-response"))
        .config("[limits]\nbody-timeout = '200ms'")
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf")
        .await;
    let answer = client.answer("POST").await;
    assert_eq!(answer.status(), 408);
    assert!(
        answer.field("proxy-status").unwrap().contains("plugin out"),
        "{answer:?}"
    );
    assert_eq!(origin.connections(), 0);
    for (target, status, error) in [
        ("/", 504, "http_response_timeout"),
        ("/cut", 502, "http_response_incomplete"),
    ] {
        let answer = proxy.get(target).await;
        assert_eq!(answer.status(), status);
        assert!(
            answer.field("proxy-status").unwrap().contains(error),
            "{answer:?}"
        );
    }
}

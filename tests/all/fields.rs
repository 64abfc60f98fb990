//! What of lengths, trailers, interim responses and expectations may go on: the same rules for every message.

use tollgate_tests::*;

/// Fields of a response with a body of two bytes, and the length that a client must read; none for 502.
const LENGTHS: [(&str, Option<&str>); 7] = [
    ("content-length: 2", Some("2")),
    ("content-length: 2\r\ncontent-length: 2", Some("2")),
    ("content-length: 2, 2", Some("2")),
    ("content-length: 002", Some("2")),
    ("content-length: 2\r\ncontent-length: 3", None),
    ("content-length: 3, 2", None),
    ("content-length: two", None),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_response_has_one_length_or_is_refused() {
    for (lengths, expected) in LENGTHS {
        let origin = origin()
            .route(
                "/get",
                raw(format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\nok")),
            )
            .route(
                "/head",
                raw(format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\n")),
            )
            .route(
                "/304",
                raw(format!("HTTP/1.1 304 Not Modified\r\n{lengths}\r\n\r\n")),
            )
            .start()
            .await;
        let proxy = proxy().backend(&origin).start().await;
        for (method, path, status) in [
            ("GET", "/get", 200),
            ("HEAD", "/head", 200),
            ("GET", "/304", 304),
        ] {
            let answer = proxy.ask(&request(method, path)).await;
            let what = format!("{method} {path} {lengths}: {answer:?}");
            let Some(length) = expected else {
                assert_eq!(answer.status(), 502, "{what}");
                let why = answer.field("proxy-status").unwrap();
                assert!(why.contains("error=http_protocol_error"), "{what}");
                continue;
            };
            assert_eq!(answer.status(), status, "{what}");
            let got = answer.field("content-length");
            assert!(
                got.is_none() && status == 304 || got.as_deref() == Some(length),
                "{what}"
            );
            assert_eq!(
                answer.text(),
                if path == "/get" { "ok" } else { "" },
                "{what}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_content_has_no_length() {
    let reply = raw("HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let answer = proxy.get("/").await;
    assert_eq!(
        (answer.status(), answer.field("content-length")),
        (204, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requests_length_is_a_number() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    for (length, body, expected) in [("0", "", "0"), ("00", "", "0"), ("005", "hello", "5")] {
        let mut client = proxy.client().await;
        client
            .send(format!(
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}"
            ))
            .await;
        assert_eq!(client.answer("POST").await.status(), 200, "{length}");
        let got = origin.last_request();
        assert_eq!(got.texts("content-length"), [expected], "{length}");
        assert_eq!(got.content(), body.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interim_response_has_no_fields_of_the_backends_hop() {
    let fields = "connection: x-hop, close\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\ntransfer-encoding: chunked\r\n\
        content-length: 0\r\nupgrade: h2c\r\nproxy-connection: close\r\ntrailer: a\r\nte: trailers\r\nlink: </a>\r\n";
    let reply = format!(
        "HTTP/1.1 103 Early Hints\r\n{fields}\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    );
    let origin = origin().route("/", raw(reply)).start().await;
    let proxy = proxy().backend(&origin).start().await;
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    let interim = client.head().await;
    assert_eq!(interim.status, 103);
    assert_eq!(interim.fields, [("link".to_owned(), b"</a>".to_vec())]);
    assert_eq!(client.answer("GET").await.text(), "ok");
}

/// Trailers with everything that is not for the next hop; `x-hop` is named by the head's `connection`.
const TRAILERS: &str = "x-good: 1\r\nconnection: x-own, close\r\nx-own: 1\r\nkeep-alive: a\r\nupgrade: b\r\n\
    te: trailers\r\nproxy-connection: c\r\nx-hop: 1\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn trailers_have_no_fields_of_one_hop() {
    let head = "connection: x-hop\r\ntrailer: x-good, x-own, x-hop, keep-alive, upgrade, te, connection, proxy-connection, content-length, host\r\n";
    let reply = format!(
        "HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{TRAILERS}content-length: 9\r\nhost: x\r\n\r\n"
    );
    let origin = origin().route("/", raw(reply)).start().await;
    let proxy = proxy()
        .plugin("read", guest("read-response"))
        .config("[[routes]]\nbackend = 'default'\nplugins = []")
        .config("[[routes]]\nhost = 'read.test'\nbackend = 'default'\nplugins = ['read']")
        .backend(&origin)
        .start()
        .await;
    // What a plugin reads is put together in another place than what streams past.
    for host in ["stream.test", "read.test"] {
        let mut client = proxy.client().await;
        let sent = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\nte: trailers\r\n{}",
            head.replace("x-hop\r", "x-hop, te\r")
        );
        client
            .send(format!(
                "{sent}transfer-encoding: chunked\r\n\r\n2\r\nup\r\n0\r\n{TRAILERS}\r\n"
            ))
            .await;
        let answer = client.answer("POST").await;
        assert_eq!((answer.text(), answer.complete), ("ok", true), "{host}");
        assert_eq!(
            answer.trailers,
            [("x-good".to_owned(), b"1".to_vec())],
            "{host}"
        );
        let body = String::from_utf8(origin.last_request().body).unwrap();
        assert_eq!(body, "2\r\nup\r\n0\r\nx-good: 1\r\n\r\n", "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body_that_a_plugin_read_is_still_told() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("read", guest("read-request"))
        .config("[[routes]]\nbackend = 'default'\nplugins = []")
        .config("[[routes]]\nhost = 'read.test'\nbackend = 'default'\nplugins = ['read']")
        .backend(&origin)
        .start()
        .await;
    for method in ["PUT", "POST", "PATCH", "DELETE", "PROPFIND"] {
        for (host, expected) in [
            ("read.test", (vec!["0"], vec![])),
            ("stream.test", (vec![], vec!["chunked"])),
        ] {
            let head = format!("{method} / HTTP/1.1\r\nhost: {host}\r\n");
            let answer = proxy.ask(&Request::new(head).chunked(&[])).await;
            assert_eq!(answer.status(), 200, "{method} {host}");
            let got = origin.last_request();
            let framing = (got.texts("content-length"), got.texts("transfer-encoding"));
            let expected = (
                expected.0.iter().map(ToString::to_string).collect(),
                expected.1.iter().map(ToString::to_string).collect(),
            );
            assert_eq!(framing, expected, "{method} {host}");
        }
    }
    // Where content has no meaning, none is told.
    let answer = proxy.ask(&get("/").first_field("host", "read.test")).await;
    assert_eq!(answer.status(), 400, "two hosts");
    let answer = proxy
        .ask(&Request::new("GET / HTTP/1.1\r\nhost: read.test\r\n"))
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(origin.last_request().texts("content-length"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_response_that_a_plugin_read_has_a_length() {
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let origin = origin().route("/", raw(chunks)).start().await;
    let proxy = proxy()
        .plugin("read", guest("read-response"))
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!(
        (answer.status(), answer.field("content-length").as_deref()),
        (200, Some("0"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_closed_its_side_gets_its_answer_or_not() {
    for (key, answered) in [("answer", true), ("cancel", false)] {
        let never = Gate::new();
        let origin = origin()
            .route("/", text("late").after(&never))
            .start()
            .await;
        let config = format!(
            "[server]\nhalf-close = '{key}'\n[backends.default]\nfirst-byte-timeout = '3s'"
        );
        let proxy = proxy().config(&config).backend(&origin).start().await;
        let mut client = proxy.client().await;
        client.send(get("/").bytes()).await;
        client.finish().await;
        // The backend's own timeout makes the answer: later than a client is given that counts as one that has left.
        let got = String::from_utf8(client.rest().await).unwrap();
        assert_eq!(got.starts_with("HTTP/1.1 504 "), answered, "{key}: {got:?}");
        assert_eq!(got.is_empty(), !answered, "{key}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_left_is_noticed() {
    let never = Gate::new();
    let origin = origin()
        .route("/", text("late").after(&never))
        .start()
        .await;
    let proxy = proxy().backend(&origin).start().await;
    // Half-closed first, so that its reset comes after the end of its input.
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    eventually!(never.reached() == 1);
    client.finish().await;
    client.reset();
    eventually!(origin.gone() == 1);
}

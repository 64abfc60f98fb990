//! Error answers of the host: their form, and what plugins may add to them.

use tollgate_tests::*;

/// A port that nobody listens on.
async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// What a client asks for, and the type of the body that it gets; none for an empty body.
const FORMS: [(Option<&str>, Option<&str>); 8] = [
    (None, None),
    (Some("*/*"), None),
    (Some("application/xml, */*;q=0.5"), None),
    (Some("application/json;q=0, */*"), None),
    (Some("application/json"), Some("application/json")),
    (Some("text/plain"), Some("text/plain; charset=utf-8")),
    (
        Some("text/html,application/xml;q=0.9,*/*;q=0.8"),
        Some("text/plain; charset=utf-8"),
    ),
    (
        Some("text/html, application/json;q=0.9"),
        Some("application/json"),
    ),
];

/// Every path on which the host makes an error: the status, and the request that leads there.
fn paths() -> Vec<(u16, Request)> {
    vec![
        (502, get("/refused")),
        (504, get("/slow")),
        (404, get("/nowhere")),
        (502, get("/plugin")),
        (400, get("/").field("host", "two.test")),
        // The head is refused before there is a request.
        (400, get("/").field("accept-nothing ", "x")),
        (417, get("/").field("expect", "x")),
    ]
}

async fn failing() -> (Proxy, Origin) {
    let never = Gate::new();
    let origin = origin().route("/slow", text("late").after(&never)).start();
    let origin = origin.await;
    let closed = closed_port().await;
    let config = format!(
        "[server]\nrequest-timeout = '100ms'\n\
         [backends.slow]\naddress = 'http://{}'\n\
         [backends.closed]\naddress = '{closed}'\n\
         [[routes]]\npath = '/slow'\nbackend = 'slow'\nplugins = ['a', 'b']\n\
         [[routes]]\npath = '/refused'\nbackend = 'closed'\nplugins = ['a', 'b']\n\
         [[routes]]\npath = '/plugin'\nbackend = 'closed'\nplugins = ['a', 'bad', 'b']\n",
        origin.address()
    );
    let proxy = proxy()
        .plugin("a", guest("kept-fields").version("v00a"))
        .plugin("b", guest("kept-fields").version("v00b"))
        .plugin("bad", guest("fail-forward"))
        .config(&config)
        .without_backend()
        .start()
        .await;
    (proxy, origin)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_takes_the_form_that_the_client_asked_for() {
    let (proxy, _origin) = failing().await;
    for (status, request) in paths() {
        for (accept, kind) in FORMS {
            // In front: it must count even if a later field makes the head a bad one.
            let request = match accept {
                Some(accept) => request.clone().first_field("accept", accept),
                None => request.clone(),
            };
            let answer = proxy.ask(&request).await;
            let what = format!("{request:?}: {answer:?}");
            assert_eq!(answer.status(), status, "{what}");
            assert!(answer.field("proxy-status").is_some(), "{what}");
            assert_eq!(answer.field("content-type").as_deref(), kind, "{what}");
            assert_eq!(answer.body.is_empty(), kind.is_none(), "{what}");
            let length = answer.body.len().to_string();
            assert_eq!(answer.field("content-length"), Some(length), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_grpc_gets_its_error_as_grpc_after_a_timeout_too() {
    let (proxy, _origin) = failing().await;
    for (path, code) in [("/slow", "4"), ("/refused", "14"), ("/nowhere", "12")] {
        let request = request("POST", path).field("content-type", "application/grpc+proto");
        let answer = proxy.ask(&request.body("")).await;
        assert_eq!(answer.status(), 200, "{path}: {answer:?}");
        assert_eq!(answer.field("grpc-status").as_deref(), Some(code), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_plugins_set_before_they_forwarded_are_on_the_hosts_errors() {
    let (proxy, _origin) = failing().await;
    for (path, status, kept) in [
        ("/refused", 502, &["v00a", "v00b"][..]),
        ("/slow", 504, &["v00a", "v00b"]),
        // Those behind the plugin that failed were not called, and what the failed one set is not kept.
        ("/plugin", 502, &["v00a"]),
        ("/nowhere", 404, &[]),
    ] {
        let answer = proxy.ask(&get(path).field("accept", "text/plain")).await;
        let what = format!("{path}: {answer:?}");
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(answer.values("x-kept"), kept, "{what}");
        assert_eq!(answer.values("x-half-done"), [""; 0], "{what}");
        // Status, body and what says so are the host's.
        assert!(answer.text().starts_with(&status.to_string()), "{what}");
        let kind = answer.field("content-type");
        assert_eq!(kind.as_deref(), Some("text/plain; charset=utf-8"), "{what}");
        let why = answer.field("proxy-status").unwrap();
        assert!(why.starts_with("tollgate; error="), "{what}");
        assert_eq!(answer.field("etag"), None, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_on_no_answer_of_a_backend_or_a_plugin() {
    let origin = origin()
        .route("/fine", text("fine"))
        .route(
            "/own",
            raw("HTTP/1.1 502 Own\r\ncontent-length: 3\r\n\r\nown"),
        )
        .start()
        .await;
    let proxy = proxy()
        .plugin("a", guest("kept-fields"))
        .plugin("b", guest("respond"))
        .config("[[routes]]\npath = '/own'\nbackend = 'default'\nplugins = ['a']")
        .config("[[routes]]\npath = '/fine'\nbackend = 'default'\nplugins = ['a']")
        .backend(&origin)
        .start()
        .await;
    for (path, status, body) in [("/fine", 200, "fine"), ("/own", 502, "own")] {
        let answer = proxy.get(path).await;
        assert_eq!((answer.status(), answer.text()), (status, body));
        assert_eq!(answer.values("x-kept"), [""; 0], "{path}");
        assert_eq!(answer.field("etag"), None, "{path}");
    }
    let answer = proxy.get("/").await;
    assert_eq!((answer.status(), answer.text()), (403, "not today"));
    assert_eq!(answer.values("x-kept"), [""; 0]);
}

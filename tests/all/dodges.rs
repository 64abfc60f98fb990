//! Requests that are made to miss a plugin: written in other ways, changed on their way, sent along another route.

use tollgate_tests::*;

/// A request in which everything that rules look at is written out.
fn odd(method: &str, target: &str, host: &str) -> Request {
    Request::new(format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_see_through_other_ways_to_write_a_request() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("path", guest("mark").version("path"))
        .plugin("host", guest("mark").version("host"))
        .plugin("addr", guest("mark").version("addr"))
        .plugin("verb", guest("mark").version("verb"))
        .config("[plugin.path]\nmatch = { path = '/api/**' }")
        .config("[plugin.host]\nmatch = { host = 'api.test' }")
        .config("[plugin.addr]\nmatch = { host = '[::1]' }")
        .config("[plugin.verb]\nmatch = { method = 'POST' }")
        .backend(&origin)
        .start()
        .await;
    let cases = [
        ("GET", "/other", "h", ""),
        ("GET", "/api/x", "h", "path"),
        ("GET", "/%61pi", "h", "path"),
        ("GET", "/%2561pi/x", "h", "path"),
        ("GET", "/x/../api", "h", "path"),
        ("GET", "/x/%2e%2e/api", "h", "path"),
        ("GET", "/x/..%2fapi", "h", "path"),
        ("GET", "/x/..%5Capi", "h", "path"),
        ("GET", "/x/..;/api", "h", "path"),
        ("GET", "/api;v=1/x", "h", "path"),
        ("GET", "//api", "h", "path"),
        ("GET", "/./api", "h", "path"),
        ("GET", "/api?x=/other", "h", "path"),
        ("GET", "/other?x=/api", "h", ""),
        ("GET", "http://h/api", "h", "path"),
        ("GET", "/other", "API.Test", "host"),
        ("GET", "/other", "api.test:8080", "host"),
        ("GET", "/other", "api.test.", "host"),
        ("GET", "/other", "api.test..:80", "host"),
        ("GET", "http://api.test/other", "h", "host"),
        ("GET", "http://h/other", "api.test", ""),
        ("OPTIONS", "*", "api.test", "host"),
        ("GET", "/other", "[::1]", "addr"),
        ("GET", "/other", "[0:0::1]:80", "addr"),
        ("POST", "/other", "h", "verb"),
        ("post", "/other", "h", "verb"),
        ("PoSt", "/other", "h", "verb"),
    ];
    for (method, target, host, expected) in cases {
        let answer = proxy.ask(&odd(method, target, host)).await;
        let sent = origin.last_request().texts("x-mark").join(" ");
        assert_eq!(
            (sent, answer.values("x-mark").join(" ")),
            (expected.to_owned(), expected.to_owned()),
            "{method} {target} {host}: {answer:?}"
        );
    }
}

/// A plugin that changes a request keeps no later one from seeing it.
#[tokio::test(flavor = "multi_thread")]
async fn rules_hold_for_the_request_as_it_came_and_as_it_was_changed() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("a", guest("set-target"))
        .plugin("b", guest("mark").version("came"))
        .plugin("c", guest("mark").version("new."))
        .plugin("d", guest("mark").version("none"))
        .config("[plugin.b]\nmatch = { path = '/api/**' }")
        .config("[plugin.c]\nmatch = { path = '/moved' }")
        .config("[plugin.d]\nmatch = { path = '/else' }")
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.get("/api/x").await;
    let sent = origin.last_request();
    assert_eq!(sent.texts("x-mark"), ["came", "new."]);
    assert_eq!(answer.values("x-mark"), ["new.", "came"]);
    assert_eq!(sent.target(), b"/moved");
}

/// `/public` has no plugin, all else has: no way to write a path leads past it, whatever the backend makes of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_takes_another_route_when_decoded_is_refused() {
    let origin = origin().start().await;
    let url = format!("http://{}", origin.address());
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .config(&format!(
            "[[routes]]\npath = '/public'\nbackend = '{url}'\nplugins = []"
        ))
        .config(&format!(
            "[[routes]]\npath = '/a%20b'\nbackend = '{url}'\nplugins = []"
        ))
        .backend(&origin)
        .start()
        .await;
    for (target, marks) in [
        ("/public/x", 0),
        ("/public/a%20b", 0),
        ("/public//x", 0),
        ("/public/./x", 0),
        ("/public?x=/../secret", 0),
        ("/a%20b/x", 0),
        ("/secret", 1),
        // Taken for what has the plugin: it may be refused there, and it meets it.
        ("/%70ublic/x", 1),
        ("//public/x", 1),
        ("/secret/../public/x", 1),
    ] {
        proxy.get(target).await;
        assert_eq!(
            origin.last_request().texts("x-mark").len(),
            marks,
            "{target}"
        );
    }
    let before = origin.requests().len();
    for target in [
        "/public/../secret",
        "/public/%2e%2e/secret",
        "/public/..%2fsecret",
        "/public/..%252fsecret",
        "/public/..%5csecret",
        "/public/..;/secret",
        "/public//../../secret",
    ] {
        let answer = proxy.get(target).await;
        assert_eq!(answer.status(), 400, "{target}: {answer:?}");
        let status = answer.field("proxy-status").unwrap();
        assert!(status.contains("error=http_request_error"), "{status}");
    }
    assert_eq!(origin.requests().len(), before);
}

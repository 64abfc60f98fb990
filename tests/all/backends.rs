//! Plugins that choose the backend of a request, through the whole proxy.

use tollgate_tests::*;

/// Two origins, each of which says its name.
async fn origins() -> (Origin, Origin) {
    let named = async |name: &str| {
        let switch = format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n{name} speaking"
        );
        let origin = origin()
            .route("/", text(name))
            .route("/socket", raw(switch));
        origin.start().await
    };
    (named("default").await, named("other").await)
}

fn config(other: &Origin, plugin: &str) -> String {
    let other = other.address();
    format!(
        "backends.other.address = 'http://{other}'\n[plugin.choose]\norder = 50\nallow.backends = ['other']\n{plugin}\n"
    )
}

fn to(backend: &str) -> Request {
    get("/").field("x-backend", backend)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_to_the_backend_that_was_chosen() {
    let (default, other) = origins().await;
    let again = "[plugin.again]\nallow.backends = ['other']";
    let proxy = proxy()
        .plugin("choose", guest("choose"))
        .plugin("again", guest("choose"))
        .config(&config(&other, again))
        .backend(&default)
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!(
        (answer.text(), answer.field("x-went-to").as_deref()),
        ("default", Some("default"))
    );
    assert_eq!(
        default.last_request().texts("x-seen"),
        ["default", "default"]
    );
    for request in [to("other"), to("other").body("x")] {
        let answer = proxy.ask(&request).await;
        assert_eq!(
            (answer.text(), answer.field("x-went-to").as_deref()),
            ("other", Some("other"))
        );
        // A later plugin sees what an earlier one has chosen.
        assert_eq!(other.last_request().texts("x-seen"), ["default", "other"]);
    }
    // A switch of protocols goes there, too.
    let mut client = proxy.client().await;
    let socket = get("/socket")
        .field("x-backend", "other")
        .field("connection", "upgrade")
        .field("upgrade", "websocket");
    client.send(socket.bytes()).await;
    assert_eq!(client.head().await.status, 101);
    assert_eq!(client.bytes(14).await, b"other speaking");
    assert_eq!(default.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_not_chosen() {
    let (default, other) = origins().await;
    let proxy = proxy()
        .plugin("choose", guest("choose"))
        .config(&config(&other, ""))
        .backend(&default)
        .start()
        .await;
    for (name, status) in [
        ("default", 590),
        ("nowhere", 591),
        ("", 591),
        ("other", 200),
    ] {
        assert_eq!(proxy.ask(&to(name)).await.status(), status, "{name:?}");
    }
    assert_eq!(default.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_choice_of_a_call_that_failed_is_undone() {
    let (default, other) = origins().await;
    let proxy = proxy()
        .plugin("choose", guest("choose"))
        .config(&config(&other, "on-failure = 'open'"))
        .backend(&default)
        .start()
        .await;
    let answer = proxy.ask(&to("other").field("x-trap", "1")).await;
    assert_eq!((answer.status(), answer.text()), (200, "default"));
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_and_addresses_are_those_of_the_backend_that_was_chosen() {
    let (default, _) = origins().await;
    let gate = Gate::new();
    let slow = origin().route("/", text("late").after(&gate)).start().await;
    let proxy = proxy()
        .plugin("choose", guest("choose"))
        .config(&format!(
            "backends.other.first-byte-timeout = '50ms'\n{}",
            config(&slow, "")
        ))
        .backend(&default)
        .start()
        .await;
    assert_eq!(proxy.ask(&to("other")).await.status(), 504);
    assert_eq!(proxy.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_keeps_the_backends_that_it_began_with() {
    let (default, other) = origins().await;
    let third = origin().route("/", text("third")).start().await;
    let read = "[plugin.read]\norder = 1";
    let proxy = proxy()
        .plugin("read", guest("read-request"))
        .plugin("choose", guest("choose"))
        .config(&config(&other, read))
        .backend(&default)
        .start_binary()
        .await;
    let mut client = proxy.client().await;
    let head = to("other").field("content-length", "1");
    client.send(head.bytes()).await;
    // It is on its way when another one on its connection has been answered; then the backend moves.
    assert_eq!(proxy.ask(&to("other")).await.text(), "other");
    proxy.configure(&config(&third, read));
    eventually!(proxy.ask(&to("other")).await.text() == "third");
    client.send("x").await;
    assert_eq!(client.answer("GET").await.text(), "other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_a_backend_that_is_not_there_is_a_mistake() {
    let (default, other) = origins().await;
    let proxy = proxy()
        .plugin("choose", guest("choose"))
        .config(&config(&other, ""))
        .backend(&default)
        .start_binary()
        .await;
    proxy.configure(&config(&other, "").replace("['other']", "['othe']"));
    eventually!(proxy.stderr().contains("configuration not reloaded"));
    let log = proxy.stderr();
    let mistake = [
        ":4: plugin.choose.allow.backends",
        "did you mean \"other\"?",
    ];
    assert!(mistake.iter().all(|part| log.contains(part)), "{log}");
    // Without a word about backends the plugin is not served at all.
    proxy.configure(&config(&other, "").replace("allow.backends = ['other']", ""));
    eventually!(proxy.stderr().contains("backends = [\"NAME\"]"));
    assert_eq!(proxy.ask(&to("other")).await.text(), "other");
}

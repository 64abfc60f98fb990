//! The chain: who sees a message, in which order, and what plugins leave for one another.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_in_order_and_responses_in_reverse() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("a", guest("mark").version("last"))
        .plugin("b", guest("mark").version("2nd."))
        .plugin("c", guest("mark").version("frst"))
        .plugin("d", guest("mark").version("3rd."))
        .config("[plugin.c]\norder = -5\n[plugin.a]\norder = 200")
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!(
        origin.request().texts("x-mark"),
        ["frst", "2nd.", "3rd.", "last"],
        "by order, then by name"
    );
    assert_eq!(answer.values("x-mark"), ["last", "3rd.", "2nd.", "frst"]);
    assert_eq!(proxy.plugin_names(), ["c", "b", "d", "a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_skips_all_that_comes_after_and_returns_through_all_before() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("1", guest("mark").version("one."))
        .plugin("2", guest("respond"))
        .plugin("3", guest("mark").version("thre"))
        .backend(&origin)
        .start()
        .await;
    let answer = proxy.get("/").await;
    assert_eq!((answer.status(), answer.text()), (403, "not today"));
    assert_eq!(answer.field("x-gate").as_deref(), Some("closed"));
    assert_eq!(answer.field("content-length").as_deref(), Some("9"));
    assert_eq!(answer.values("x-mark"), ["one."]);
    assert_eq!(origin.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_head_has_no_body() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("respond", guest("respond"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    for _ in 0..2 {
        assert_eq!(client.ask(&request("HEAD", "/")).await.status(), 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_takes_part_where_its_rules_match() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("by-path", guest("mark").version("path"))
        .plugin("by-method", guest("mark").version("meth"))
        .plugin("by-host", guest("mark").version("host"))
        .config("[plugin.by-path]\nmatch = { path = '/api/**' }")
        .config("[plugin.by-method]\nmatch = { method = 'POST' }")
        .config(
            "[plugin.by-host]\nmatch = [{ host = '*.test', path = '/only' }, { host = 'other' }]",
        )
        .backend(&origin)
        .start()
        .await;
    let post = |target| Request::new(format!("POST {target} HTTP/1.1\r\nhost: OTHER:80\r\n"));
    for (request, expected) in [
        (get("/"), vec![]),
        (get("/api/x?q"), vec!["path"]),
        (get("/apis"), vec![]),
        (get("/?/api/x"), vec![]),
        (get("/only"), vec!["host"]),
        (post("/"), vec!["host", "meth"]),
        (post("/api"), vec!["host", "meth", "path"]),
    ] {
        let mut marks = proxy.ask(&request).await.values("x-mark");
        marks.sort();
        assert_eq!(marks, expected, "{request:?}");
        let mut sent = origin.last_request().texts("x-mark");
        sent.sort();
        assert_eq!(sent, expected, "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_travel_with_their_exchange() {
    let gate = Gate::new();
    let origin = origin()
        .route("/slow", text("ok").after(&gate))
        .start()
        .await;
    let proxy = proxy()
        .plugin("note", guest("note"))
        .backend(&origin)
        .start()
        .await;
    let mut slow = proxy.client().await;
    slow.send(get("/slow").bytes()).await;
    eventually!(gate.reached() == 1);
    for target in ["/a", "/b?c", "/a"] {
        assert_eq!(
            proxy.get(target).await.field("x-note").as_deref(),
            Some(target)
        );
    }
    gate.open();
    assert_eq!(
        slow.answer("GET").await.field("x-note").as_deref(),
        Some("/slow")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_reach_their_plugin_alone() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("setting", guest("setting"))
        .plugin("other", guest("mark"))
        .config("[plugin.setting.settings]\ngreeting = 'h\u{e9} \"there\"'\n[plugin.other.settings]\ngreeting = 'no'")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(
        proxy.get("/").await.field("x-greeting").as_deref(),
        Some("h\u{e9} \"there\"")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_not_there_is_none() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("setting", guest("setting"))
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.get("/").await.field("x-greeting"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_framing_is_the_hosts_alone() {
    let origin = origin().route("/", text("hello")).start().await;
    let proxy = proxy()
        .plugin("meddle", guest("meddle"))
        .backend(&origin)
        .start()
        .await;
    assert!(
        proxy.status("meddle").unwrap().serving.is_some(),
        "{:?}",
        proxy.refusal("meddle")
    );
    let answer = proxy.ask(&request("POST", "/").body("ab")).await;
    assert_eq!((answer.status(), answer.text()), (200, "hello"));
    assert_eq!(
        (
            origin.request().texts("content-length"),
            origin.request().body
        ),
        (vec!["2".to_owned()], b"ab".to_vec())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_switched_off_is_not_in_the_chain() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .config("[plugin.mark]\nenabled = false")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.mark().await, None);
    assert_eq!(proxy.status("mark").unwrap().state(), "disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_plugin_are_named_and_stay_lines() {
    let proxy = proxy().plugin("log", guest("log")).start_binary().await;
    proxy.get("/").await;
    // In the trial, and in the exchange.
    eventually!(proxy.stderr().matches("ERROR forged").count() == 2);
    let stderr = proxy.stderr();
    let lines: Vec<_> = stderr
        .lines()
        .filter(|line| line.contains("plugin=\"log\"") && !line.contains("exchange=trial"))
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let parts = [
        ("INFO", "on the way out"),
        ("WARN", "on the way back"),
        // The second line of what was logged is no line of the host's own.
        ("WARN plugin: ", "ERROR forged"),
    ];
    for (line, (level, text)) in lines.iter().zip(parts) {
        assert!(
            line.contains(level) && line.contains(text) && line.contains("exchange="),
            "{lines:?}"
        );
    }
}

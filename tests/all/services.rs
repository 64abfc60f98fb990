//! State and outbound requests of plugins, through the whole proxy.

use tollgate_tests::*;

/// A proxy whose plugin counts in a file of this directory.
async fn counting(directory: &std::path::Path) -> Binary {
    let path = directory.join("state.redb");
    proxy()
        .plugin("count", guest("count-state"))
        .config(&format!(
            "state.path = '{}'\nplugin.count.allow.state = true",
            path.display()
        ))
        .without_backend()
        .start_binary()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn state_survives_a_new_version_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let proxy = counting(directory.path()).await;
    for expected in [201, 202] {
        assert_eq!(proxy.get("/").await.status(), expected);
    }
    let again = format!("{}\n;; again", guest("count-state").text());
    proxy.plugins.replace("count.wat", again);
    eventually!(proxy.stderr().matches("plugin count: version").count() > 1);
    assert_eq!(proxy.get("/").await.status(), 203);
    proxy.terminate();
    proxy.ended().await;
    let proxy = counting(directory.path()).await;
    assert_eq!(proxy.get("/").await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_without_permission_serves_nobody_and_the_log_has_the_lines() {
    let proxy = proxy()
        .plugin("count", guest("count-state"))
        .config("[plugin.count]")
        .without_backend()
        .start_binary()
        .await;
    assert_eq!(proxy.get("/").await.status(), 503);
    let log = proxy.stderr();
    assert!(
        log.contains("plugin count:") && log.contains("what the configuration does not allow it"),
        "{log}"
    );
    assert!(
        log.contains("[plugin.count.allow]") && log.contains("state = true"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_takes_a_permission_away_is_refused_as_a_whole() {
    let proxy = proxy()
        .plugin("count", guest("count-state"))
        .config("state.store = 'memory'\nplugin.count.allow.state = true")
        .without_backend()
        .start_binary()
        .await;
    assert_eq!(proxy.get("/").await.status(), 201);
    proxy.configure("state.store = 'memory'\nplugin.count.order = 7");
    eventually!(
        proxy
            .stderr()
            .contains("what the configuration does not allow it")
    );
    assert_eq!(proxy.get("/").await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_that_call_their_own_proxy_in_a_circle_end_with_508() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("ask", guest("ask-again"))
        .config("plugin.ask.allow.http = ['http://127.0.0.1:*']\nplugin.ask.match.path = '/circle'")
        .backend(&origin)
        .start()
        .await;
    let circle = Request::new(format!(
        "GET /circle HTTP/1.1\r\nhost: {}\r\n",
        proxy.address
    ));
    let answer = proxy.client().await.ask(&circle).await;
    assert_eq!(answer.status(), 508);
    // Nobody else can claim to be deep, nor does the mark go on to a backend.
    let forged = get("/").field("tollgate-call", "0123456789abcdef0123456789abcdef");
    assert_eq!(proxy.client().await.ask(&forged).await.status(), 200);
    assert!(origin.last_request().texts("tollgate-call").is_empty());
    let deep = get("/").field("cdn-loop", "other, tollgate;d=8");
    assert_eq!(proxy.client().await.ask(&deep).await.status(), 508);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_sees_the_variables_that_are_granted_and_no_others() {
    let proxy = proxy()
        .plugin("some", guest("environ"))
        .plugin("none", guest("environ"))
        .config(
            "plugin.some = { match.path = '/some', allow.environment = ['PATH', 'NOBODY_SETS_THIS'] }\n\
             plugin.none = { match.path = '/none' }",
        )
        .without_backend()
        .start_binary()
        .await;
    let path = format!("PATH={}\0", std::env::var("PATH").unwrap());
    assert_eq!(proxy.get("/some").await.text(), path);
    assert_eq!(proxy.get("/none").await.text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plugin_counts_in_its_own_bucket_unless_they_share_one() {
    let proxy = proxy()
        .plugin("one", guest("count-state"))
        .plugin("two", guest("count-state"))
        .plugin("three", guest("count-state"))
        .plugin("four", guest("count-state"))
        .config(
            "state.store = 'memory'\n\
             plugin.one = { match.path = '/one', allow.state = true }\n\
             plugin.two = { match.path = '/two', allow.state = true }\n\
             plugin.three = { match.path = '/three', allow.state = 'both' }\n\
             plugin.four = { match.path = '/four', allow.state = 'both' }",
        )
        .without_backend()
        .start_binary()
        .await;
    let mut counted = Vec::new();
    for path in ["/one", "/one", "/two", "/three", "/four"] {
        counted.push(proxy.get(path).await.status());
    }
    assert_eq!(counted, [201, 202, 201, 201, 202]);
}

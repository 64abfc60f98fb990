//! Plugins that fail: what the client gets, what is undone, and that nobody else is hurt.

use tollgate_tests::*;

/// Every way to fail: the guest, the target that makes it, and what `Proxy-Status` says.
const FAILURES: [(&str, &str, &str); 7] = [
    (
        "fail-forward",
        "/",
        "plugin bad: forward-request returned an error",
    ),
    (
        "fail-return",
        "/",
        "plugin bad: return-response returned an error",
    ),
    (
        "trap-forward",
        "/trap",
        "plugin bad: forward-request trapped",
    ),
    (
        "trap-return",
        "/trap",
        "plugin bad: return-response trapped",
    ),
    (
        "loop-forward",
        "/loop",
        "plugin bad: forward-request took more than 100 ms of CPU time in one call",
    ),
    (
        "loop-return",
        "/loop",
        "plugin bad: return-response took more than 100 ms of CPU time in one call",
    ),
    (
        "grow",
        "/grow",
        "plugin bad: forward-request wanted more than 8388608 bytes of memory",
    ),
];

const LIMITS: &str = "[limits]\ndeadline = '100ms'\nmemory = '8MiB'";

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_failure_is_502_with_plugin_and_cause() {
    for (name, target, cause) in FAILURES {
        let origin = origin()
            .route(target, text("the real answer"))
            .route("/fine", text("fine"))
            .start()
            .await;
        let proxy = proxy()
            .plugin("bad", guest(name))
            .config(LIMITS)
            .backend(&origin)
            .start()
            .await;
        let mut client = proxy.client().await;
        for round in 0..2 {
            let answer = client.ask(&request("POST", target).body("sent")).await;
            assert_eq!(answer.status(), 502, "{name} {round}");
            let status = answer.field("proxy-status").unwrap();
            assert_eq!(
                status,
                format!("tollgate; error=proxy_internal_error; details=\"{cause}\""),
                "{name}"
            );
            let all = format!("{answer:?} {}", answer.text());
            assert!(
                !all.contains("secret")
                    && !all.contains("half-done")
                    && !all.contains("real answer"),
                "{all}"
            );
        }
        let asked = cause.contains("return-response");
        assert_eq!(origin.requests().len(), if asked { 2 } else { 0 }, "{name}");
        if !name.starts_with("fail") {
            assert_eq!(
                client.ask(&get("/fine")).await.text(),
                "fine",
                "{name}: the next request is served"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_failure_is_undone_and_the_exchange_goes_on() {
    for (name, target, _) in FAILURES {
        let origin = origin()
            .route(target, text("the real answer"))
            .start()
            .await;
        let proxy = proxy()
            .plugin("a", guest("mark").version("frst"))
            .plugin("bad", guest(name))
            .plugin("c", guest("mark").version("last"))
            .config("[plugin.bad]\non-failure = 'open'")
            .config(LIMITS)
            .backend(&origin)
            .start()
            .await;
        let answer = proxy
            .ask(&request("POST", target).body("what was sent"))
            .await;
        assert_eq!(
            (answer.status(), answer.text()),
            (200, "the real answer"),
            "{name}"
        );
        assert_eq!(answer.values("x-mark"), ["last", "frst"], "{name}");
        let got = origin.request();
        assert_eq!(got.texts("x-mark"), ["frst", "last"], "{name}");
        assert_eq!(
            (got.content(), got.texts("content-length")),
            (b"what was sent".to_vec(), vec!["13".to_owned()])
        );
        assert_eq!(
            (got.texts("x-half-done"), answer.values("x-half-done")),
            (vec![], vec![]),
            "{name}"
        );
        assert_eq!(answer.field("proxy-status"), None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_plugin_exchange_and_cause() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("bad", guest("fail-forward"))
        .backend(&origin)
        .start_binary()
        .await;
    proxy.get("/").await;
    let told = |log: &str| log.contains("a secret reason exchange=");
    eventually!(told(&proxy.stderr()));
    let stderr = proxy.stderr();
    let line = stderr
        .lines()
        .find(|line| line.contains("a secret reason") && line.contains("exchange="))
        .unwrap();
    assert!(
        line.contains("WARN")
            && line.contains("plugin bad: forward-request returned an error")
            && line.contains("exchange="),
        "{line}"
    );
}

/// The guest of one exchange waits for a body while the same plugin traps in another.
#[tokio::test(flavor = "multi_thread")]
async fn a_trap_hurts_no_other_exchange() {
    let origin = origin().route("/slow", text("slow")).start().await;
    let proxy = proxy()
        .plugin("reads", guest("read-request"))
        .plugin("traps", guest("trap-return"))
        .plugin("z-note", guest("note"))
        .backend(&origin)
        .start()
        .await;
    let mut slow = proxy.client().await;
    slow.send("POST /slow HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nha")
        .await;
    for _ in 0..20 {
        assert_eq!(proxy.get("/trap").await.status(), 502);
    }
    slow.send("lf").await;
    let answer = slow.answer("POST").await;
    assert_eq!(
        (answer.text(), answer.field("x-note").as_deref()),
        ("slow", Some("/slow"))
    );
    assert_eq!(origin.last_request().body, b"half");
}

/// More guests loop than there are threads; others are served meanwhile, and more than once. In the real binary, because
/// there the client and the origin don't share the threads.
#[tokio::test(flavor = "multi_thread")]
async fn a_loop_stops_nobody_else() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("loops", guest("loop-forward"))
        .config("[limits]\ndeadline = '60s'")
        .backend(&origin)
        .start_binary()
        .await;
    let mut loops = Vec::new();
    for _ in 0..4 {
        let mut client = proxy.client().await;
        client.send(get("/loop").bytes()).await;
        loops.push(client);
    }
    let mut other = proxy.client().await;
    for _ in 0..5 {
        assert_eq!(other.ask(&get("/")).await.text(), "ok");
    }
    // Their deadline is far off, however busy the machine is; ending them with the proxy is this test's way out.
    let answered = loops
        .iter_mut()
        .filter_map(|client| client.has_unread().then_some(()))
        .count();
    assert_eq!(answered, 0, "all of them still loop");
}

/// The deadline is for one call: an instance that serves many calls is not billed for all of them.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_has_a_deadline_of_its_own() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("busy", guest("busy"))
        .config("[limits]\ndeadline = '100ms'")
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    let began = std::time::Instant::now();
    let mut calls = 0;
    // Ten deadlines' worth of computing, however fast the machine is.
    while began.elapsed().as_millis() < 1000 || calls < 20 {
        assert_eq!(client.ask(&get("/")).await.status(), 200, "call {calls}");
        calls += 1;
    }
}

/// Exchanges that fail give their instances back: there are fewer slots than failures.
#[tokio::test(flavor = "multi_thread")]
async fn failed_instances_leave_no_trace() {
    let origin = origin().route("/fine", text("fine")).start().await;
    let proxy = proxy()
        .plugin("bad", guest("trap-forward"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    for _ in 0..2500 {
        assert_eq!(client.ask(&get("/trap")).await.status(), 502);
    }
    assert_eq!(client.ask(&get("/fine")).await.text(), "fine");
}

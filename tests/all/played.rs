//! Tapes in the place of backends: the same client gets the same answers when the backend is gone.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tollgate::record::tape::{Header, encode};
use tollgate_tests::*;

/// A directory for a tape.
struct Reel(TempDir);

impl Reel {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("a.tape")
    }

    fn url(&self) -> String {
        format!("tape:{}", self.path().display())
    }

    /// Puts on the tape what a proxy has recorded, once so many exchanges are there.
    async fn keep(&self, proxy: &Proxy, count: usize) {
        let ring = proxy.recorder().unwrap().ring().clone();
        eventually!(ring.size().exchanges == count);
        let mut bytes = Header { created: 1 }.encode().to_vec();
        // The newest first: the order of a tape is that of beginnings, however it was written.
        for exchange in ring.page(None, usize::MAX, |_| true).exchanges {
            bytes.extend(encode(&exchange).unwrap());
        }
        std::fs::write(self.path(), bytes).unwrap();
    }

    /// A proxy without any backend but the tape.
    async fn play(&self, more: &str) -> Proxy {
        let proxy = proxy().plugin("mark", guest("mark").version("now."));
        let proxy = proxy.config("[record]\nenabled = true").config(more);
        proxy.backend_at(&self.url()).start().await
    }
}

async fn recording(origin: &Origin, more: &str) -> Proxy {
    let proxy = proxy().plugin("mark", guest("mark").version("then"));
    let proxy = proxy.config(&format!("[record]\nenabled = true\n{more}"));
    proxy.backend(origin).start().await
}

/// What a client sees of an answer, but for what the plugin says and the date.
fn seen(answer: &Answer) -> String {
    let fields = answer.head.fields.iter();
    let fields = fields.filter(|(name, _)| !["x-mark", "date"].contains(&&**name));
    format!(
        "{} {:?} {:?} {:?}",
        answer.status(),
        fields.collect::<Vec<_>>(),
        answer.text(),
        answer.trailers
    )
}

/// Asks the same of every proxy.
async fn session(proxy: &Proxy) -> Vec<Answer> {
    let mut answers = Vec::new();
    for request in [
        get("/list"),
        request("HEAD", "/list"),
        request("POST", "/things?b=2&a=1")
            .field("content-type", "application/json")
            .body("{\"n\":1}"),
        get("/trailers").field("te", "trailers"),
        get("/gone"),
        get("/none"),
    ] {
        answers.push(proxy.ask(&request).await);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_client_gets_the_same_answers_without_the_backend() {
    let origin = origin()
        .route(
            "/list",
            raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nset-cookie: a=1\r\nX-Letters: As They Are\r\nset-cookie: b=2\r\n\r\nlist"),
        )
        .route(
            "/things",
            raw("HTTP/1.1 201 Created\r\nlocation: /things/7\r\ncontent-length: 2\r\n\r\n{}"),
        )
        .route(
            "/trailers",
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nx-sum: 7\r\n\r\n"),
        )
        .route("/gone", raw("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"))
        .route("/none", raw("HTTP/1.1 204 No Content\r\netag: \"e\"\r\n\r\n"))
        .start()
        .await;
    // Cookies would be masked.
    let then = recording(&origin, "mask-defaults = false").await;
    let expected = session(&then).await;
    let reel = Reel::new();
    reel.keep(&then, 6).await;
    drop((then, origin));

    let now = reel.play("").await;
    let got = session(&now).await;
    for (expected, got) in expected.iter().zip(&got) {
        assert_eq!(seen(expected), seen(got));
        // What the plugin of then made of it is not on the tape's answer, what it makes of it now is.
        assert_eq!(expected.values("x-mark"), ["then"]);
        assert_eq!(got.values("x-mark"), ["now."]);
    }
    assert_eq!(got[0].values("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(got[1].field("content-length").unwrap(), "4");
    assert_eq!(got[3].trailers, [("x-sum".to_owned(), b"7".to_vec())]);
    // Once each, then the last again.
    assert_eq!(now.get("/list").await.text(), "list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_is_an_error_that_names_the_request_and_the_nearest() {
    let origin = origin().route("/a", text("a")).start().await;
    let then = recording(&origin, "").await;
    then.ask(&request("POST", "/a?x=1").body("one")).await;
    let reel = Reel::new();
    reel.keep(&then, 1).await;
    drop(then);
    let now = reel.play("").await;
    let missed = now.ask(&request("POST", "/a?x=1").body("two")).await;
    assert_eq!(missed.status(), 502);
    for words in [
        "POST /a?x=1 (3 bytes)",
        "nearest is exchange",
        "the body differs",
    ] {
        assert!(missed.text().contains(words), "{}", missed.text());
    }
    assert!(
        missed
            .field("proxy-status")
            .unwrap()
            .contains("error=destination_not_found")
    );
    drop(now);

    let replay = "[backends.default.replay]\non-miss = 404\nmatch-body = false\nrepeat = 'once'";
    let now = reel.play(replay).await;
    let two = request("POST", "/a?x=1").body("two");
    assert_eq!(now.ask(&two).await.text(), "a", "the body does not count");
    let given = now.ask(&two).await;
    assert_eq!(given.status(), 404);
    assert!(given.text().contains("were all given"), "{}", given.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_goes_on_to_a_backend_whole() {
    let recorded = origin().route("/a", text("then")).start().await;
    let then = recording(&recorded, "").await;
    then.get("/a").await;
    let reel = Reel::new();
    reel.keep(&then, 1).await;
    drop(then);
    let live = origin()
        .route("/a", text("live"))
        .route("/b", text("live"))
        .start()
        .await;
    let on_miss = format!(
        "[backends.default.replay]\non-miss = 'http://{}'",
        live.address()
    );
    let now = reel.play(&on_miss).await;
    assert_eq!(now.get("/a").await.text(), "then");
    assert!(live.requests().is_empty());
    let body = "0123456789".repeat(10_000);
    let missed = request("POST", "/b").chunked(&[body.as_bytes(), b"end"]);
    assert_eq!(now.ask(&missed).await.text(), "live");
    let sent = live.request();
    assert_eq!(sent.content(), [body.as_bytes(), b"end"].concat());
    assert_eq!(sent.texts("x-mark"), ["now."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_not_kept_whole_is_refused_whoever_else_could_answer() {
    let recorded = origin().route("/a", text("0123456789")).start().await;
    let then = recording(&recorded, "body = 4").await;
    then.get("/a").await;
    let reel = Reel::new();
    reel.keep(&then, 1).await;
    let live = origin().route("/a", text("live")).start().await;
    let on_miss = format!(
        "[backends.default.replay]\non-miss = 'http://{}'",
        live.address()
    );
    let now = reel.play(&on_miss).await;
    let refused = now.get("/a").await;
    assert_eq!(refused.status(), 502);
    assert!(
        refused.text().contains("not kept whole: 4 of 10 bytes"),
        "{}",
        refused.text()
    );
    assert!(live.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_leave_to_send_gets_it() {
    let origin = origin().route("/a", text("a")).start().await;
    let then = recording(&origin, "").await;
    then.ask(&request("POST", "/a").body("one")).await;
    let reel = Reel::new();
    reel.keep(&then, 1).await;
    drop(then);
    for rules in ["", "[backends.default.replay]\nmatch-body = false"] {
        let now = reel.play(rules).await;
        let mut client = now.client().await;
        client
            .send(
                "POST /a HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n",
            )
            .await;
        assert_eq!(client.head().await.status, 100, "{rules}");
        client.send("one").await;
        assert_eq!(client.answer("POST").await.text(), "a");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_come_as_they_came_or_at_once() {
    const GAP: Duration = Duration::from_millis(300);
    let gate = Gate::new();
    let reply = raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    let reply = reply.wait(&gate).then("3\r\ntwo\r\n0\r\n\r\n");
    let origin = origin().route("/s", reply).start().await;
    let then = recording(&origin, "").await;
    let mut client = then.client().await;
    client.send("GET /s HTTP/1.1\r\nhost: h\r\n\r\n").await;
    client.head().await;
    client.bytes(8).await;
    let began = Instant::now();
    eventually!(began.elapsed() >= GAP);
    gate.open();
    client.bytes(13).await;
    let reel = Reel::new();
    reel.keep(&then, 1).await;
    drop(then);

    for (pace, pieces) in [
        ("original", "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        ("none", "6\r\nonetwo\r\n0\r\n\r\n"),
    ] {
        let now = reel
            .play(&format!("[backends.default.replay]\npace = '{pace}'"))
            .await;
        let mut client = now.client().await;
        let began = Instant::now();
        client.send("GET /s HTTP/1.1\r\nhost: h\r\n\r\n").await;
        let head = client.head().await;
        let rest = match head.field("content-length") {
            Some(_) => "onetwo",
            None => pieces,
        };
        let body = client.bytes(rest.len()).await;
        assert_eq!(String::from_utf8(body).unwrap(), rest, "{pace}");
        if pace == "original" {
            assert!(began.elapsed() >= GAP, "{:?}", began.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_har_answers_too() {
    let entry = json!({
        "startedDateTime": "2026-11-30T08:00:01.000Z",
        "time": 12.5,
        "request": {"method": "GET", "url": "https://shop.example/orders/1?b=2&a=1", "httpVersion": "h2", "headers": []},
        "response": {
            "status": 200,
            "headers": [{"name": "content-type", "value": "text/plain"}, {"name": "content-encoding", "value": "br"}],
            "content": {"size": 3, "mimeType": "text/plain", "text": "one"},
        },
    });
    let har = json!({"log": {"version": "1.2", "entries": [entry]}});
    let reel = Reel::new();
    std::fs::write(reel.path(), har.to_string()).unwrap();
    let now = proxy()
        .backend_at(&reel.url().replace("tape:", "har:"))
        .start()
        .await;
    let answer = now.get("/orders/1?a=1&b=2").await;
    assert_eq!((answer.status(), answer.text()), (200, "one"));
    assert_eq!(answer.field("content-type").unwrap(), "text/plain");
    assert!(answer.field("content-encoding").is_none());
}

#[tokio::test]
async fn a_file_that_is_none_is_no_start() {
    let reel = Reel::new();
    for (content, problem) in [
        (None, "can't be read"),
        (Some("x"), "neither a tape nor a HAR"),
    ] {
        if let Some(content) = content {
            std::fs::write(reel.path(), content).unwrap();
        }
        let ended = run_binary(&["run", "--listen", "127.0.0.1:0", "--backend", &reel.url()]).await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let words = format!("backend default: {}: {problem}", reel.path().display());
        assert!(ended.stderr.contains(&words), "{}", ended.stderr);
    }
}

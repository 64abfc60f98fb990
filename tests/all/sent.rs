//! `tollgate tape send`: the requests of a tape again, to another server.

use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_tests::*;

/// A directory with a HAR.
struct Desk(TempDir);

/// An exchange of a HAR: its second, the request line, the body, and what was answered.
fn entry(second: u32, line: &str, body: &str, status: u16, answer: &str) -> Value {
    let (method, path) = line.split_once(' ').unwrap();
    let posted = (!body.is_empty()).then(|| json!({"mimeType": "application/json", "text": body}));
    json!({
        "startedDateTime": format!("2026-11-30T08:00:0{second}.000Z"),
        "time": 12.5,
        "request": {
            "method": method,
            "url": format!("https://shop.example{path}"),
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "x-tenant", "value": "blue"}, {"name": "connection", "value": "keep-alive"}],
            "postData": posted,
        },
        "response": {
            "status": status,
            "headers": [{"name": "content-type", "value": "application/json"}],
            "content": {"size": answer.len(), "mimeType": "application/json", "text": answer},
        },
    })
}

impl Desk {
    fn new(entries: &[Value]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let har = json!({"log": {"version": "1.2", "entries": entries}});
        std::fs::write(desk.0.path().join("a.har"), har.to_string()).unwrap();
        desk
    }

    async fn send(&self, to: &Origin, more: &str) -> Ended {
        let file = self.0.path().join("a.har");
        let to = format!("http://{}", to.address());
        let mut words = vec!["tape", "send", file.to_str().unwrap(), "--to", &to];
        words.extend(more.split_whitespace());
        run_binary(&words).await
    }
}

/// `METHOD TARGET` of what a server got.
fn lines(origin: &Origin) -> Vec<String> {
    let line = |head: &[u8]| {
        let line = head.split(|byte| *byte == b'\r').next().unwrap();
        let line = String::from_utf8(line.to_vec()).unwrap();
        line.trim_end_matches(" HTTP/1.1").to_owned()
    };
    origin.requests().iter().map(|it| line(&it.head)).collect()
}

fn created(id: &str) -> Reply {
    let body = format!("{{\"id\":\"{id}\"}}");
    raw(format!(
        "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

#[tokio::test]
async fn requests_go_out_in_order_with_the_new_ids() {
    let desk = Desk::new(&[
        entry(
            2,
            "POST /things/old12345/parts",
            "{\"of\":\"old12345\",\"n\":1}",
            201,
            "{\"id\":\"p\"}",
        ),
        entry(
            1,
            "POST /things",
            "{\"name\":\"x\"}",
            201,
            "{\"id\":\"old12345\"}",
        ),
        entry(3, "GET /things/old12345?x=a%2Fold12345", "", 200, "{}"),
    ]);
    let server = origin()
        .route("/things", created("new99999"))
        .route("/things/new99999/parts", created("p"))
        .route("/things/new99999", text("{}"))
        .start()
        .await;
    let sent = desk.send(&server, "--map-ids").await;
    assert_eq!(sent.code, Some(0), "{} {}", sent.stdout, sent.stderr);
    assert_eq!(
        lines(&server),
        [
            "POST /things",
            "POST /things/new99999/parts",
            "GET /things/new99999?x=a%2Fnew99999"
        ]
    );
    let second = &server.requests()[1];
    assert_eq!(second.content(), b"{\"of\":\"new99999\",\"n\":1}");
    assert_eq!(second.texts("content-length"), ["23"]);
    assert_eq!(second.texts("x-tenant"), ["blue"]);
    assert_eq!(second.texts("host"), [server.address().to_string()]);
    assert_eq!(second.texts("x-tollgate-replay"), ["0000000000000001"]);
    assert!(
        sent.stdout
            .contains("POST /things/old12345/parts  201 → 201"),
        "{}",
        sent.stdout
    );
    assert!(sent.stdout.contains(", 2 ids replaced"), "{}", sent.stdout);
    let last = sent.stdout.lines().last().unwrap();
    assert_eq!(
        last,
        "3 sent: 3 with the status of then, 0 with another; 0 failed, 0 not sent; 1 ids have new names"
    );
}

#[tokio::test]
async fn what_fails_stops_it_unless_it_shall_go_on() {
    let desk = Desk::new(&[
        entry(1, "POST /a", "{}", 201, "{}"),
        entry(2, "DELETE /gone", "", 404, "{}"),
        entry(3, "POST /b", "{}", 200, "{}"),
    ]);
    let server = || origin().route("/b", text("{}")).start();
    let first = server().await;
    let stopped = desk.send(&first, "").await;
    assert_eq!(stopped.code, Some(1));
    assert_eq!(lines(&first), ["POST /a"]);
    for words in [
        "POST /a  201 → 404",
        "stopped, because",
        "1 sent: 0 with the status of then, 1 with another",
        "2 left",
    ] {
        assert!(
            stopped.stdout.contains(words),
            "{words}: {}",
            stopped.stdout
        );
    }
    let second = server().await;
    let went_on = desk.send(&second, "--keep-going").await;
    assert_eq!(went_on.code, Some(1));
    // What was an error then may be one now.
    assert_eq!(lines(&second), ["POST /a", "DELETE /gone", "POST /b"]);
    assert!(
        went_on
            .stdout
            .contains("3 sent: 2 with the status of then, 1 with another"),
        "{}",
        went_on.stdout
    );
    let nobody = server().await;
    let address = nobody.address();
    drop(nobody);
    let har = desk.0.path().join("a.har");
    let to = format!("http://{address}");
    let failed = run_binary(&["tape", "send", har.to_str().unwrap(), "--to", &to]).await;
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.stdout.contains("201 → failed: "),
        "{}",
        failed.stdout
    );
}

#[tokio::test]
async fn only_what_is_wanted_is_sent_and_the_rest_is_told() {
    let mut failed = entry(4, "POST /failed", "{}", 502, "{}");
    failed["response"]["status"] = json!(0);
    let desk = Desk::new(&[
        entry(1, "GET /a", "", 200, "{}"),
        entry(2, "POST /b", "{\"WaitTimeSeconds\":20}", 200, "{}"),
        entry(3, "PUT /c", "{\"password\":\"[masked]\"}", 200, "{}"),
        failed,
        entry(5, "POST /d", "{}", 200, "{}"),
    ]);
    let ok = || {
        let origin = origin().route("/a", text("{}")).route("/b", text("{}"));
        origin
            .route("/c", text("{}"))
            .route("/d", text("{}"))
            .start()
    };
    for (flags, code, expected) in [
        ("", 2, &[][..]),
        ("--masked skip", 0, &["GET /a", "POST /d"][..]),
        ("--masked send", 0, &["GET /a", "PUT /c", "POST /d"]),
        ("--masked skip --changes", 0, &["POST /d"]),
        (
            "--masked skip --long-polls --changes",
            0,
            &["POST /b", "POST /d"],
        ),
        ("--masked skip ~m GET", 0, &["GET /a"]),
        ("--masked skip --dry-run", 0, &[]),
        (
            "--masked skip --failed --keep-going",
            1,
            &["GET /a", "POST /failed", "POST /d"],
        ),
    ] {
        let server = ok().await;
        let sent = desk.send(&server, flags).await;
        assert_eq!(
            sent.code,
            Some(code),
            "{flags}: {} {}",
            sent.stdout,
            sent.stderr
        );
        assert_eq!(lines(&server), expected, "{flags}: {}", sent.stdout);
    }
    let server = ok().await;
    let refused = desk.send(&server, "").await;
    assert!(
        refused.stderr.contains("1 of the requests have [masked]")
            && refused.stderr.contains("(in body)"),
        "{}",
        refused.stderr
    );
    let told = desk.send(&server, "--masked skip").await.stdout;
    for words in [
        "POST /b  not sent: a long poll",
        "PUT /c  not sent: something of it was masked",
        "POST /failed  not sent: it was cut off then",
        "2 sent: 2 with the status of then, 0 with another; 0 failed, 3 not sent",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[tokio::test]
async fn mistakes_say_what_to_do() {
    let desk = Desk::new(&[]);
    let file = desk.0.path().join("a.har");
    for (file, to, code, words) in [
        (
            file.to_str().unwrap(),
            "localhost:1",
            64,
            "--to \"localhost:1\": expected a URL; did you mean http://localhost:1?",
        ),
        (file.to_str().unwrap(), "tape:x", 64, "expected a server"),
        ("/none", "http://h", 2, "/none: can't be read: "),
    ] {
        let ended = run_binary(&["tape", "send", file, "--to", to]).await;
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

//! `tollgate tape`, as somebody at a terminal uses it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_tests::*;

/// A directory with tapes.
struct Desk(TempDir);

/// Three exchanges, as a browser records them.
fn har() -> Value {
    let entry = |second: u32, method: &str, path: &str, status: u16, body: &str| {
        json!({
            "startedDateTime": format!("2026-11-30T08:00:0{second}.000Z"),
            "time": 12.5,
            "request": {
                "method": method,
                "url": format!("https://shop.example{path}"),
                "httpVersion": "HTTP/1.1",
                "headers": [{"name": "x-tenant", "value": "blue"}],
                "postData": {"mimeType": "application/json", "text": "{\"word\":\"sesame\"}"},
            },
            "response": {
                "status": status,
                "headers": [{"name": "content-type", "value": "text/plain"}],
                "content": {"size": body.len(), "mimeType": "text/plain", "text": body},
            },
        })
    };
    let entries = [
        entry(1, "GET", "/orders/1", 200, "one"),
        entry(2, "POST", "/orders", 201, "two"),
        entry(3, "GET", "/gone", 404, "three\u{1b}[2J"),
    ];
    json!({"log": {"version": "1.2", "entries": entries}})
}

impl Desk {
    /// With a HAR, and the tape that was made of it.
    async fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::write(desk.path("a.har"), har().to_string()).unwrap();
        let ended = desk.run("tape import --har $a.har -o $a.tape").await;
        assert_eq!(
            (ended.code, &*ended.stdout),
            (Some(0), ""),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.stderr, "3 exchanges on the tape a.tape\n");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the command with the words behind `$` as paths in this directory. The directory is gone from what it says.
    async fn run(&self, line: &str) -> Ended {
        let words = line.split(' ').map(|word| match word.strip_prefix('$') {
            Some(name) => self.path(name).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        });
        let words: Vec<String> = words.collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut ended = run_binary(&words).await;
        let here = format!("{}/", self.0.path().display());
        ended.stdout = ended.stdout.replace(&here, "");
        ended.stderr = ended.stderr.replace(&here, "");
        ended
    }
}

#[tokio::test]
async fn exchanges_are_listed_and_filtered() {
    let desk = Desk::new().await;
    let all = desk.run("tape show $a.tape").await;
    assert_eq!(all.code, Some(0));
    let lines: Vec<&str> = all.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "0000000000000001  2026-11-30 08:00:01.000  200    12.5 ms  GET https://shop.example/orders/1",
            "0000000000000002  2026-11-30 08:00:02.000  201    12.5 ms  POST https://shop.example/orders",
            "0000000000000003  2026-11-30 08:00:03.000  404    12.5 ms  GET https://shop.example/gone",
        ]
    );
    for (filter, expected) in [
        ("~m post", &lines[1..2]),
        ("~c 400-499", &lines[2..]),
        ("orders & !~m POST", &lines[..1]),
        ("~bs three", &lines[2..]),
        ("~q", &lines[..0]),
        ("~all --limit 2", &lines[..2]),
    ] {
        let some = desk.run(&format!("tape show $a.tape {filter}")).await;
        assert_eq!(some.code, Some(0), "{filter}: {}", some.stderr);
        assert_eq!(
            some.stdout.lines().collect::<Vec<_>>(),
            expected,
            "{filter}"
        );
    }
    let json = desk.run("tape show $a.tape --json ~c 404").await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&json["status"], &json["target"]),
        (&json!(404), &json!("/gone"))
    );
}

#[tokio::test]
async fn one_exchange_is_shown_whole_and_steers_no_terminal() {
    let desk = Desk::new().await;
    let one = desk.run("tape show $a.tape 0000000000000003").await;
    assert!(
        one.stdout
            .contains("  GET /gone (shop.example)\n  x-tenant: blue\n"),
        "{}",
        one.stdout
    );
    assert!(one.stdout.contains("1. backend har"), "{}", one.stdout);
    assert!(one.stdout.contains("+ three\\u{1b}[2J"), "{}", one.stdout);
    assert!(!one.stdout.contains('\u{1b}'));
    let json = desk.run("tape show $a.tape 0000000000000003 --json").await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["response"]["body"]["text"], "three\u{1b}[2J");
    assert_eq!(json["request"]["body"]["text"], "{\"word\":\"sesame\"}");
    let none = desk.run("tape show $a.tape 00000000000000ff").await;
    assert_eq!(none.code, Some(1));
    assert!(
        none.stderr
            .contains("a.tape: there is no exchange 00000000000000ff"),
        "{}",
        none.stderr
    );
}

#[tokio::test]
async fn exchanges_are_taken_out_and_come_back_from_a_har() {
    let desk = Desk::new().await;
    let ended = desk.run("tape grep $a.tape ~m GET -o $b.tape").await;
    assert_eq!(ended.stderr, "2 exchanges on the tape b.tape\n");
    // A tape may be written from itself.
    let ended = desk.run("tape grep $b.tape ~c 404 -o $b.tape").await;
    assert_eq!(ended.stderr, "1 exchange on the tape b.tape\n");
    let ended = desk.run("tape export --har $a.tape").await;
    let exported: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(exported["log"]["entries"][1]["response"]["status"], 201);
    let ended = desk.run("tape export --har $a.tape -o $c.har").await;
    assert_eq!(ended.stderr, "3 exchanges in the HAR c.har\n");
    desk.run("tape import --har $c.har -o $c.tape").await;
    let (first, second) = (
        desk.run("tape show $a.tape ~all --json").await,
        desk.run("tape show $c.tape ~all --json").await,
    );
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(first.stdout.lines().count(), 3);
}

#[tokio::test]
async fn tapes_go_through_pipes() {
    let desk = Desk::new().await;
    let tape = fs::read(desk.path("a.tape")).unwrap();
    let mut grep = Command::new(executable())
        .args(["tape", "grep", "-", "~m POST", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    grep.stdin.take().unwrap().write_all(&tape).unwrap();
    let grep = grep.wait_with_output().unwrap();
    assert!(grep.status.success());
    fs::write(desk.path("b.tape"), &grep.stdout).unwrap();
    let shown = desk.run("tape show $b.tape").await;
    assert_eq!(shown.stdout.lines().count(), 1);
    assert!(shown.stdout.contains("POST https://shop.example/orders"));
}

#[tokio::test]
async fn damage_is_told_and_what_is_before_it_is_shown() {
    let desk = Desk::new().await;
    let whole = fs::read(desk.path("a.tape")).unwrap();
    fs::write(desk.path("torn.tape"), &whole[..whole.len() - 7]).unwrap();
    let torn = desk.run("tape show $torn.tape").await;
    assert_eq!((torn.code, torn.stdout.lines().count()), (Some(0), 2));
    assert!(
        torn.stderr.contains("torn.tape: the last ") && torn.stderr.contains("they are skipped"),
        "{}",
        torn.stderr
    );
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(desk.path("bad.tape"), damaged).unwrap();
    let bad = desk.run("tape show $bad.tape").await;
    assert_eq!((bad.code, bad.stdout.lines().count()), (Some(1), 1));
    assert!(
        bad.stderr.contains("damaged at byte") && bad.stderr.contains("behind 1 records"),
        "{}",
        bad.stderr
    );
}

#[tokio::test]
async fn mistakes_say_what_to_do_and_leave_files_alone() {
    let desk = Desk::new().await;
    fs::write(desk.path("b.tape"), "mine").unwrap();
    fs::write(desk.path("not.har"), "{}").unwrap();
    for (line, code, words) in [
        (
            "tape show $a.tape ~nothing",
            64,
            "filter, character 1: no operator is called ~nothing",
        ),
        (
            "tape grep $a.tape (~q -o $b.tape",
            64,
            "filter, character 1: `(` is not closed",
        ),
        ("tape show $none.tape", 1, "none.tape: can't be read: "),
        (
            "tape show $a.har",
            1,
            "a.har: this is not a tape of tollgate",
        ),
        (
            "tape grep $a.har ~q -o $b.tape",
            1,
            "a.har: this is not a tape of tollgate",
        ),
        (
            "tape import --har $not.har -o $b.tape",
            1,
            "not.har: line 1: not a HAR: missing field `log`",
        ),
        (
            "tape import --har $a.tape -o $b.tape",
            1,
            "a.tape: line 1: not a HAR",
        ),
        (
            "tape export --har $a.tape -o $nowhere/x.har",
            1,
            "x.har: can't be written: ",
        ),
    ] {
        let ended = desk.run(line).await;
        assert_eq!(ended.code, Some(code), "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{line}: {}", ended.stderr);
    }
    assert_eq!(fs::read(desk.path("b.tape")).unwrap(), b"mine");
    let names = fs::read_dir(desk.0.path()).unwrap().count();
    assert_eq!(names, 4, "nothing is left behind");
}

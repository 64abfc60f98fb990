//! `tollgate test`: cases that are met or not, and what is written into them.

use std::fs;
use std::path::Path;

use tollgate_tests::*;

use super::{Desk, json};

const CASE: &str = "### request\nGET /x HTTP/1.1\nhost: h\n";

const GOOD: &str = "### expect request\nGET /x HTTP/1.1\nx-mark: v000\nhost: h\n\
    ### expect response\nHTTP/1.1 200 OK\nx-mark: v000\n";

/// A case that is met, one that expects nothing, one that is not met and one with a mistake.
fn four_cases() -> Desk {
    let desk = Desk::with(&["mark"]);
    desk.write("tests/good.http", format!("{CASE}{GOOD}"));
    desk.write("tests/open.http", CASE);
    let bad = GOOD.replacen("v000", "v009", 1);
    desk.write("tests/bad.http", format!("{CASE}{bad}"));
    desk.write("tests/wrong.http", "### reqest\n");
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn test_says_what_came_otherwise_than_expected() {
    let desk = four_cases();
    let ended = desk.test("mark", "").await;
    let expected = "FAILED   bad\n    --- expect request\n    +++ what came\n    @@ -1,3 +1,3 @@\n     GET /x HTTP/1.1\n    \
        -x-mark: v009\n    +x-mark: v000\n     host: h\nok       good\n\
        ok       open (nothing is expected; --update writes what came)\n\
        MISTAKE  wrong\n    tests/wrong.http:1: unknown section `reqest`";
    assert!(ended.stdout.starts_with(expected), "{}", ended.stdout);
    told(
        &ended,
        1,
        "plugin mark: 4 cases: 2 ok, 1 failed, 1 with a mistake\n",
    );

    fs::remove_file(desk.path("tests/bad.http")).unwrap();
    fs::remove_file(desk.path("tests/wrong.http")).unwrap();
    told(
        &desk.test("mark", "").await,
        0,
        "plugin mark: 2 cases: 2 ok\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn test_speaks_json() {
    let ended = four_cases().test("mark", "--json").await;
    let all = json(&ended);
    assert_eq!((ended.code, &all["good"]), (Some(1), &false.into()));
    let cases = all["cases"].as_array().unwrap();
    let results: Vec<_> = cases
        .iter()
        .map(|case| case["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["failed", "ok", "ok", "mistake"]);
    let failure = &cases[0]["failures"][0];
    assert_eq!(failure["expectation"], "expect request");
    let diff = failure["diff"].as_str().unwrap();
    assert!(diff.contains("-x-mark: v009\n+x-mark: v000\n"), "{diff}");
    assert!(
        cases[3]["mistake"]
            .as_str()
            .unwrap()
            .contains(":1: unknown section")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_leaves_cases_out_also_those_with_mistakes() {
    let desk = four_cases();
    let ended = desk.test("mark", "--filter oo").await;
    told(
        &ended,
        0,
        "ok       good\nplugin mark: 1 case: 1 ok, 3 left out by the filter\n",
    );
    let ended = desk.test("mark", "--filter nothing").await;
    told(
        &ended,
        1,
        "no case has \"nothing\" in its name (4 have not)",
    );
}

/// What each guest does to one case, as `--update` writes it behind the case.
const CAME: [(&str, &str); 8] = [
    (
        "setting",
        "### expect request\nPOST /x HTTP/1.1\nhost: h\n\nsent\n### expect response\nHTTP/1.1 201 Created\nx-b: 1\nx-greeting: hi\n\nanswer\n",
    ),
    (
        "respond",
        "### expect request\nnone\n### expect response\nHTTP/1.1 403 Forbidden\nx-gate: closed\n\nnot today\n",
    ),
    (
        "log",
        "### expect request\nPOST /x HTTP/1.1\nhost: h\n\nsent\n### expect response\nHTTP/1.1 201 Created\nx-b: 1\n\nanswer\n\
        ### expect log\ninfo on the way out\nwarn on the way back\nwarn ERROR forged\n",
    ),
    (
        "fail-forward",
        "### expect error\nforward-request: a secret reason\n",
    ),
    (
        "fail-return",
        "### expect request\nPOST /x HTTP/1.1\nhost: h\n\nsent\n### expect error\nreturn-response: a secret reason\n",
    ),
    (
        "trap-always",
        "### expect error\nforward-request: trapped: wasm trap: wasm `unreachable` instruction executed\n",
    ),
    // A body that nobody kept has gone to the backend.
    (
        "sent-body",
        "### expect request\nPOST /x HTTP/1.1\nhost: h\n\nsent\n\
        ### expect error\nreturn-response: gave up: no body, no service (the body was sent on before and is not kept)\n",
    ),
    (
        "set-bodies",
        "### expect request\nPOST /x HTTP/1.1\nhost: h\n\na new request body\n\
        ### expect response\nHTTP/1.1 201 Created\nx-b: 1\n\na new response body\n",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn test_runs_the_real_chain_and_writes_what_came() {
    let case = "### settings\ngreeting = \"hi\"\n### request\nPOST /x HTTP/1.1\nhost: h\n\nsent\n\
        ### response\nHTTP/1.1 201 Created\nx-b: 1\n\nanswer\n";
    for (guest, came) in CAME {
        let desk = Desk::with(&[guest]);
        desk.write("tests/a.http", case);
        let ended = desk.test(guest, "--update").await;
        assert_eq!(
            ended.code,
            Some(0),
            "{guest}: {}{}",
            ended.stdout,
            ended.stderr
        );
        assert!(
            ended.stdout.starts_with("updated  a\nwrote tests/a.http\n")
                && ended.stdout.ends_with("1 case: 0 ok, 1 updated\n"),
            "{}",
            ended.stdout
        );
        assert_eq!(
            desk.read("tests/a.http"),
            format!("{case}{came}"),
            "{guest}"
        );
        let ended = desk.test(guest, "").await;
        assert_eq!(
            (ended.code, ended.stdout.lines().next()),
            (Some(0), Some("ok       a")),
            "{guest}: {}",
            ended.stdout
        );
        let ended = desk.test(guest, "--update").await;
        assert!(
            !ended.stdout.contains("updated"),
            "{guest}: {}",
            ended.stdout
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_is_a_failure_unless_it_is_expected() {
    let desk = Desk::with(&["fail-return"]);
    desk.write(
        "tests/a.http",
        format!("{CASE}### expect response\nHTTP/1.1 200 OK\n"),
    );
    let ended = desk.test("fail-return", "").await;
    assert_eq!(ended.code, Some(1));
    let diff = "FAILED   a\n    --- expect error\n    +++ what came\n    @@ -1 +1 @@\n    -none\n    +return-response: a secret reason\nplugin";
    assert!(ended.stdout.starts_with(diff), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_case_has_an_instance_of_its_own() {
    let desk = Desk::with(&["count"]);
    for name in ["a", "b", "c"] {
        desk.write(
            &format!("tests/{name}.http"),
            format!("{CASE}### expect response\nHTTP/1.1 200 OK\nx-count: 1\n"),
        );
    }
    let ended = desk.test("count", "").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_runs_the_entries_of_a_har() {
    let desk = Desk::with(&["mark"]);
    let entry = r#"{"request": {"method": "GET", "url": "http://h/x", "headers": []}, "response": {"status": 204, "headers": []}}"#;
    desk.write(
        "tests/browser.har",
        format!(r#"{{"log": {{"entries": [{entry}, {entry}]}}}}"#),
    );
    let ended = desk.test("mark", "--update --filter browser.har#2").await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let expected = "### 2 expect request\nGET /x HTTP/1.1\nhost: h\nx-mark: v000\n### 2 expect response\nHTTP/1.1 204 No Content\nx-mark: v000\n";
    assert_eq!(desk.read("tests/browser.har.expected"), expected);
    desk.write("tests/browser.har.expected", expected.replace("204", "200"));
    let ended = desk.test("mark", "").await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.contains("browser.har#1 (nothing is expected")
            && ended.stdout.contains("FAILED   browser.har#2"),
        "{}",
        ended.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn test_takes_a_plugins_directory() {
    let desk = Desk::with(&[]);
    let test = || desk.run("test $p --no-cache");
    told(
        &test().await,
        64,
        "tollgate: p is neither a directory nor a file\n",
    );
    let manifest = "name = \"hello\"\nlanguage = \"wat\"\ntests = \"../cases\"\n";
    desk.write("p/plugin.toml", manifest);
    told(
        &test().await,
        1,
        "tollgate: p/build/hello.wasm is not there; run `tollgate build ",
    );
    desk.write("p/build/hello.wasm", guest("mark").binary());
    let ended = test().await;
    told(
        &ended,
        1,
        "no cases (*.http, *.har) in p/../cases; write this into",
    );
    told(&ended, 1, "\n### request\nGET / HTTP/1.1\n");
    desk.write("cases/a.http", format!("{CASE}{GOOD}"));
    let ended = test().await;
    told(&ended, 0, "ok       a\nplugin hello: 1 case: 1 ok\n");
    assert_eq!(ended.stderr, "");
    older(&desk.path("p/build/hello.wasm"));
    let stale = "p/plugin.toml is newer than p/build/hello.wasm; run `tollgate build";
    told(&test().await, 0, stale);
    let ended = desk.run("test $p --no-cache --cases $cases/a.http").await;
    told(&ended, 0, "1 ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_refuses_what_is_no_plugin_as_the_loader_does() {
    let desk = Desk::with(&["missing-export"]);
    desk.write("tests/a.http", CASE);
    let ended = desk.test("missing-export", "").await;
    assert!(
        ended.code == Some(1)
            && ended.stderr.contains(
                "missing-export.wat: `tollgate:proxy/interceptor@0.1.0` must have the function"
            ),
        "{}",
        ended.stderr
    );
}

/// Asserts that it ended with this code and said these words.
fn told(ended: &Ended, code: i32, words: &str) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{said}");
    assert!(said.contains(words), "{words:?}\n{said}");
}

/// Makes a file an hour older.
fn older(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let hour = std::time::Duration::from_secs(3600);
    file.set_modified(std::time::SystemTime::now() - hour)
        .unwrap();
}

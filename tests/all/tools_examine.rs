//! `tollgate check` and `tollgate test`, as somebody at a terminal uses them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tollgate_tests::*;

/// A directory with plugins and cases.
struct Desk(TempDir);

impl Desk {
    /// With these guests of `tests/guests` as plugin files.
    fn with(guests: &[&str]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for name in guests {
            desk.write(&format!("{name}.wat"), guest(name).text());
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
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

    /// Tests a guest on the cases in `tests`.
    async fn test(&self, guest: &str, flags: &str) -> Ended {
        let line = format!("test ${guest}.wat --no-cache {flags}");
        self.run(line.trim_end()).await
    }
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", ended.stdout, ended.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_a_plugin_is_and_costs() {
    let desk = Desk::with(&["mark", "fail-return"]);
    let ended = desk.run("check $mark.wat $fail-return.wat").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for words in [
        "mark.wat: good\n",
        "contract     tollgate:proxy@0.1\n",
        "kind         WebAssembly text, ",
        "compile      baseline ",
        " ms, optimized ",
        "memory       64 KiB at the start, 64 KiB after the first calls\n",
        "call times   forward-request ",
        " us (medians of ",
        "tollgate:proxy/request@0.1.0   no permission needed\n",
        "exports      tollgate:proxy/interceptor@0.1.0\n",
        "fail-return.wat: good\n",
        "return-response returned an error: a secret reason\n",
    ] {
        assert!(ended.stdout.contains(words), "{words:?}\n{}", ended.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_speaks_json() {
    let desk = Desk::with(&["mark", "missing-export"]);
    let ended = desk.run("check --json $mark.wat $missing-export.wat").await;
    assert_eq!(ended.code, Some(1));
    let all = json(&ended);
    assert_eq!(all["good"], false);
    let [mark, missing] = &all["files"].as_array().unwrap()[..] else {
        panic!("{all}")
    };
    assert_eq!(
        (&mark["file"], &mark["good"]),
        (&"mark.wat".into(), &true.into())
    );
    assert_eq!(mark["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        mark["size"],
        fs::metadata(desk.path("mark.wat")).unwrap().len()
    );
    assert_eq!(mark["contract"], "tollgate:proxy@0.1");
    assert_eq!(mark["memory"]["start"], 65536);
    let names: Vec<_> = mark["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["interface"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"tollgate:proxy/request"), "{names:?}");
    for tier in ["baseline", "optimized"] {
        assert!(
            mark["compile"][tier]["ms"].as_f64().unwrap() > 0.0,
            "{mark}"
        );
    }
    for time in ["forward_request_us", "return_response_us"] {
        assert!(mark["call_times"][time].as_f64().unwrap() > 0.0, "{mark}");
    }
    let same = |one: &Value, other: &Value| {
        let keys = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            keys(one),
            keys(other),
            "what is not known is null, not absent"
        );
    };
    same(mark, missing);
    assert!(
        missing["error"]
            .as_str()
            .unwrap()
            .contains("must have the function `return-response`")
    );
    assert_eq!(
        (&missing["contract"], &missing["call_times"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn check_refuses_in_the_loaders_words() {
    let bad = [
        "trap-always",
        "other-contract",
        "unknown-import",
        "wrong-type",
        "loop-always",
    ];
    let proxy = proxy().plugin("late", guest("mark"));
    let proxy = bad
        .iter()
        .fold(proxy, |proxy, name| proxy.plugin(name, guest(name)));
    let proxy = proxy.config("[limits]\ndeadline = '100ms'").start().await;
    let desk = Desk::with(&bad);
    desk.write("tollgate.toml", "[limits]\ndeadline = '100ms'");
    desk.write("empty.wasm", "");
    for name in bad {
        let ended = desk
            .run(&format!("check ${name}.wat --config $tollgate.toml"))
            .await;
        let refusal = proxy.refusal(name).unwrap();
        assert!(
            ended
                .stdout
                .starts_with(&format!("{name}.wat: {refusal}\n")),
            "{refusal}\n{}",
            ended.stdout
        );
        assert_eq!(ended.code, Some(1));
    }
    let ended = desk.run("check $empty.wasm $nothing.wasm").await;
    assert!(
        ended
            .stdout
            .starts_with("empty.wasm: the file is empty\nnothing.wasm: cannot read nothing.wasm: "),
        "{}",
        ended.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_which_imports_are_of_no_use() {
    let desk = Desk::with(&[]);
    let import = "(module\n  (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))\n  (import \"wasi_snapshot_preview1\" \"fd_prestat_get\" (func (param i32 i32) (result i32)))\n";
    desk.write(
        "files.wat",
        guest("mark").text().replacen("(module\n", import, 1),
    );
    let ended = desk.run("check $files.wat").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let line = ended
        .stdout
        .lines()
        .find(|line| line.contains("wasi:filesystem/preopens@0.2."));
    assert!(
        line.unwrap()
            .contains("needs files (linked, but nothing is granted"),
        "{}",
        ended.stdout
    );
    let imports = json(&desk.run("check $files.wat --json").await);
    let imports = imports["files"][0]["imports"].as_array().unwrap().clone();
    let permission = |interface: &str| {
        let import = imports
            .iter()
            .find(|import| import["interface"] == interface)
            .unwrap();
        (import["permission"].clone(), import["granted"].clone())
    };
    assert_eq!(
        permission("wasi:filesystem/types"),
        ("files".into(), false.into())
    );
    assert_eq!(permission("wasi:cli/stdout"), (Value::Null, true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_takes_directories_and_refuses_what_it_can_not_make_sense_of() {
    let desk = Desk::with(&["mark", "count"]);
    desk.write("README.md", "no plugin");
    desk.write(".hidden.wat", "no plugin");
    desk.write("none/x.txt", "");
    desk.write("bad.toml", "[limits]\ndeadline = 'soon'");
    let ended = desk.run("check $").await;
    let files: Vec<_> = ended
        .stdout
        .lines()
        .filter(|line| !line.starts_with(' '))
        .collect();
    assert_eq!(
        (ended.code, &files[..]),
        (Some(0), &["count.wat: good", "mark.wat: good"][..])
    );
    let ended = desk.run("check $none").await;
    assert_eq!(
        (ended.code, &ended.stderr[..]),
        (
            Some(64),
            "tollgate: no plugin files (*.wasm, *.wat) in none\n"
        )
    );
    let ended = desk.run("check $mark.wat --config $bad.toml").await;
    assert!(
        ended.code == Some(64) && ended.stderr.contains("bad.toml:2: limits.deadline"),
        "{}",
        ended.stderr
    );
}

const CASE: &str = "### request\nGET /x HTTP/1.1\nhost: h\n";

#[tokio::test(flavor = "multi_thread")]
async fn test_says_what_came_otherwise_than_expected() {
    let desk = Desk::with(&["mark"]);
    let good = "### expect request\nGET /x HTTP/1.1\nx-mark: v000\nhost: h\n### expect response\nHTTP/1.1 200 OK\nx-mark: v000\n";
    desk.write("tests/good.http", format!("{CASE}{good}"));
    desk.write("tests/open.http", CASE);
    let ended = desk.test("mark", "").await;
    let expected = "ok       good\nok       open (nothing is expected; --update writes what came)\nplugin mark: 2 cases: 2 ok\n";
    assert_eq!(
        (ended.code, &ended.stdout[..]),
        (Some(0), expected),
        "{}",
        ended.stderr
    );

    desk.write(
        "tests/bad.http",
        format!("{CASE}{}", good.replacen("v000", "v009", 1)),
    );
    desk.write("tests/wrong.http", "### reqest\n");
    let ended = desk.test("mark", "").await;
    let diff = "FAILED   bad\n    --- expect request\n    +++ what came\n    @@ -1,3 +1,3 @@\n     GET /x HTTP/1.1\n    -x-mark: v009\n    +x-mark: v000\n     host: h\n";
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.starts_with(diff), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("MISTAKE  wrong\n    tests/wrong.http:1: unknown section `reqest`"),
        "{}",
        ended.stdout
    );
    assert!(
        ended
            .stdout
            .ends_with("plugin mark: 4 cases: 2 ok, 1 failed, 1 with a mistake\n"),
        "{}",
        ended.stdout
    );

    let all = json(&desk.test("mark", "--json").await);
    let results: Vec<_> = all["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["failed", "ok", "ok", "mistake"]);
    assert_eq!(
        all["cases"][0]["failures"][0]["expectation"],
        "expect request"
    );
    assert!(
        all["cases"][0]["failures"][0]["diff"]
            .as_str()
            .unwrap()
            .contains("-x-mark: v009\n+x-mark: v000\n")
    );

    let ended = desk.test("mark", "--filter oo").await;
    assert_eq!(
        (ended.code, &ended.stdout[..]),
        (
            Some(0),
            "ok       good\nplugin mark: 1 case: 1 ok, 3 left out by the filter\n"
        )
    );
    let ended = desk.test("mark", "--filter nothing").await;
    assert!(
        ended.code == Some(1)
            && ended
                .stderr
                .contains("no case has \"nothing\" in its name (4 have not)"),
        "{}",
        ended.stderr
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
        ### expect log\ninfo on the way out\nwarn on the way back\\nERROR forged\n",
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
        ### expect error\nreturn-response: gave up: no body, no service (the body has gone to its receiver already)\n",
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
            ended.stdout.contains("updated  tests/a.http\n"),
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
    let project = "test $p --no-cache";
    let ended = desk.run(project).await;
    assert_eq!(
        (ended.code, &ended.stderr[..]),
        (Some(64), "tollgate: p is neither a directory nor a file\n")
    );
    desk.write(
        "p/plugin.toml",
        "name = \"hello\"\nlanguage = \"wat\"\ntests = \"../cases\"\n",
    );
    let ended = desk.run(project).await;
    let missing = "tollgate: p/build/hello.wasm is not there; run `tollgate build ";
    assert!(
        ended.code == Some(1) && ended.stderr.starts_with(missing),
        "{}",
        ended.stderr
    );
    desk.write("p/build/hello.wasm", guest("mark").binary());
    let ended = desk.run(project).await;
    assert!(
        ended.code == Some(1)
            && ended
                .stderr
                .contains("no cases (*.http, *.har) in p/../cases; write this into"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("\n### request\nGET / HTTP/1.1\n"),
        "{}",
        ended.stderr
    );
    desk.write(
        "cases/a.http",
        format!("{CASE}### expect response\nHTTP/1.1 200 OK\nx-mark: v000\n"),
    );
    let ended = desk.run(project).await;
    assert_eq!(
        (ended.code, &ended.stdout[..], &ended.stderr[..]),
        (Some(0), "ok       a\nplugin hello: 1 case: 1 ok\n", "")
    );
    older(&desk.path("p/build/hello.wasm"));
    let ended = desk.run(project).await;
    assert!(
        ended.code == Some(0)
            && ended
                .stderr
                .contains("p/plugin.toml is newer than p/build/hello.wasm; run `tollgate build"),
        "{}",
        ended.stderr
    );
    let ended = desk.run("test $p --no-cache --cases $cases/a.http").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
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

/// Makes a file an hour older.
fn older(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let hour = std::time::Duration::from_secs(3600);
    file.set_modified(std::time::SystemTime::now() - hour)
        .unwrap();
}

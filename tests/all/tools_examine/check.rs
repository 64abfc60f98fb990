//! `tollgate check`: what it tells, and what it refuses.

use std::fs;

use serde_json::Value;
use tollgate_tests::*;

use super::{Desk, json};

fn as_components() -> bool {
    std::env::var_os("TOLLGATE_LINKING").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_a_plugin_is_and_costs() {
    let desk = Desk::with(&["mark", "fail-return"]);
    let ended = desk.run("check $mark.wat $fail-return.wat").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // All tests run once more with every plugin as a component.
    let linked = match as_components() {
        false => "linked       directly: it is one core module\n",
        true => "linked       as a component: TOLLGATE_LINKING says so\n",
    };
    for words in [
        "mark.wat: good\n",
        "contract     tollgate:proxy@0.1\n",
        "kind         WebAssembly text, ",
        "compile      baseline ",
        " ms, optimized ",
        linked,
        "memory       64 KiB at the start, 64 KiB after the first calls\n",
        "call times   forward-request ",
        " us (median of 500, optimized code)\n",
        "tollgate:proxy/request@0.1.0   no permission needed\n",
        "exports      tollgate:proxy/interceptor@0.1.0\n",
        "fail-return.wat: good\n",
        "first calls  forward-request ok\n",
        "return-response returned an error: a secret reason\n",
    ] {
        assert!(ended.stdout.contains(words), "{words:?}\n{}", ended.stdout);
    }
}

/// It is served, so it is good; what its trial came to is told.
#[tokio::test(flavor = "multi_thread")]
async fn check_tells_how_the_trial_of_a_standard_component_failed() {
    let desk = Desk::with(&["standard-trap"]);
    let ended = desk.run("check $standard-trap.wat").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let words = "first call   handle trapped: wasm trap: wasm `unreachable` instruction executed";
    assert!(
        ended.stdout.contains("standard-trap.wat: good\n") && ended.stdout.contains(words),
        "{}",
        ended.stdout
    );
    let document = json(&desk.run("check --json $standard-trap.wat").await);
    let failed = &document["files"][0]["first_calls"]["handle"];
    assert!(failed.as_str().unwrap().contains("trapped"), "{document}");
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
    assert_eq!(mark["linking"]["why"].is_null(), !as_components());
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
    assert_eq!(mark["call_times"]["handle_us"], Value::Null);
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

/// A file is good only if the proxy would load it: by the same rule for its name.
#[tokio::test(flavor = "multi_thread")]
async fn check_refuses_names_as_the_proxy_does() {
    let desk = Desk::with(&["mark"]);
    let bad = [
        (
            "UPPER.WAT",
            "its extension must be in lower case; rename it to UPPER.wat",
        ),
        ("-dash.wat", "a plugin's name has 1 to 64 letters"),
        ("a.wasm.wat", "rename the file"),
        ("caf\u{e9}.wat", "a plugin's name has 1 to 64 letters"),
        (
            "mark.cwasm",
            "mark.wat is loaded in its place; remove one of the two files",
        ),
    ];
    for (name, _) in bad {
        desk.write(name, guest("mark").text());
    }
    let ended = desk.run("check $").await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    for (name, words) in bad {
        let line = ended.stdout.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_default();
        assert!(
            line.contains("not loaded: ") && line.contains(words),
            "{line}"
        );
    }
    assert!(
        ended.stdout.contains("mark.wat: good\n"),
        "{}",
        ended.stdout
    );
    let named = desk.run("check --json $UPPER.WAT").await;
    assert_eq!(named.code, Some(1));
    let error = json(&named)["files"][0]["error"].clone();
    assert!(error.as_str().unwrap().contains("rename it"), "{error}");
    desk.write("mark.txt", guest("mark").text());
    let other = desk.run("check $mark.txt").await;
    assert!(
        other.stdout.contains("NAME.wasm or NAME.wat"),
        "{}",
        other.stdout
    );
}

//! `tollgate test`: the conditions under which a case runs. Limits and deadlines, time and chance.

use tollgate_tests::*;

use super::{Desk, json};

fn case(target: &str, options: &str) -> String {
    format!("### options\n{options}\n### request\nGET {target} HTTP/1.1\nhost: h\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_fails_its_case_as_it_would_fail_its_exchange() {
    let desk = Desk::with(&["loop-forward", "sleep", "grow"]);
    // The guest, what the case says, what came.
    let cases = [
        (
            "loop-forward",
            "/loop",
            "",
            "forward-request: took more than 1000 ms of CPU time",
        ),
        (
            "loop-forward",
            "/loop",
            "limits.deadline = '50ms'",
            "forward-request: took more than 50 ms of CPU time",
        ),
        (
            "sleep",
            "/sleep",
            "timeout = '100ms'",
            "forward-request: took longer than 0.1 s",
        ),
        (
            "grow",
            "/grow",
            "limits.memory = '1MiB'",
            "wanted more than 1048576 bytes of memory",
        ),
        (
            "grow",
            "/grow",
            "limits.memory = '300MiB'",
            "wanted more than 314572800 bytes of memory",
        ),
    ];
    for (guest, target, options, came) in cases {
        desk.write("tests/a.http", case(target, options));
        desk.write("tests/b.http", case("/", options));
        let ended = desk.test(guest, "").await;
        let begin = "FAILED   a\n    --- expect error\n    +++ what came\n    @@ -1 +1 @@\n    -none\n    +forward-request: ";
        assert!(
            ended.code == Some(1) && ended.stdout.starts_with(begin) && ended.stdout.contains(came),
            "{guest}, {options}: {}{}",
            ended.stdout,
            ended.stderr
        );
        assert!(
            ended.stdout.contains("\nok       b ("),
            "{guest}: {}",
            ended.stdout
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_conditions_for_all_its_cases() {
    let desk = Desk::with(&[]);
    let manifest = "name = \"p\"\nlanguage = \"wat\"\n[test]\nlimits.deadline = '40ms'\n";
    desk.write("p/plugin.toml", manifest);
    desk.write("p/build/p.wasm", guest("loop-forward").binary());
    desk.write("p/tests/a.http", case("/loop", ""));
    desk.write("p/tests/b.http", case("/loop", "limits.deadline = '80ms'"));
    let ended = desk.run("test $p --no-cache").await;
    for words in ["more than 40 ms", "more than 80 ms"] {
        assert!(
            ended.stdout.contains(words),
            "{}{}",
            ended.stdout,
            ended.stderr
        );
    }
    desk.write("p/build/p.wasm", guest("setting").binary());
    desk.write(
        "p/plugin.toml",
        format!("{manifest}settings.greeting = 'project'\n"),
    );
    let expect = "### expect response\nHTTP/1.1 200 OK\nx-greeting: ";
    desk.write(
        "p/tests/a.http",
        format!("{}{expect}project\n", case("/", "")),
    );
    let own = "### settings\ngreeting = 'case'\n";
    desk.write(
        "p/tests/b.http",
        format!("{own}{}{expect}case\n", case("/", "")),
    );
    let ended = desk.run("test $p --no-cache").await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    desk.write("p/plugin.toml", format!("{manifest}limits.memroy = 1\n"));
    let ended = desk.run("test $p --no-cache").await;
    assert!(
        ended.code == Some(64)
            && ended
                .stderr
                .contains("plugin.toml:5: test.limits.memroy: unknown key"),
        "{}",
        ended.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn time_and_chance_are_the_same_in_every_run() {
    let desk = Desk::with(&["ambient"]);
    desk.write("tests/a.http", case("/", ""));
    let came = || {
        let text = desk.read("tests/a.http");
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
        };
        [value("x-now: "), value("x-random: "), value("x-more: ")]
    };
    let update = async |flags: &str| {
        let ended = desk.test("ambient", &format!("--update {flags}")).await;
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        came()
    };
    let first = update("").await;
    // 2026-01-01T00:00:00Z in nanoseconds.
    assert_eq!(first[0], format!("{:016x}", 1_767_225_600_000_000_000_u64));
    // ChaCha8 from this seed, whatever the version of tollgate: what cases expect stays right.
    assert_eq!(first[1..], RANDOM);
    let ended = desk.test("ambient", "").await;
    assert_eq!(ended.code, Some(0), "the same again: {}", ended.stdout);
    let other = update("--now 1970-01-01T00:00:01Z --seed 7").await;
    assert_eq!(other[0], "000000003b9aca00");
    assert!(other[1..] != first[1..]);
    let options = "now = 1970-01-01T00:00:01Z\nseed = 7";
    let text = desk.read("tests/a.http").replacen(
        "### options\n",
        &format!("### options\n{options}\n"),
        1,
    );
    desk.write("tests/a.http", text);
    assert_eq!(desk.test("ambient", "").await.code, Some(0));
    let real = update("--now real --seed real").await;
    assert!(real[0] > first[0] && real[1..] != other[1..], "{real:?}");
    let again = update("--now real --seed real").await;
    assert!(
        real.iter().zip(&again).all(|(one, other)| one != other),
        "{real:?} {again:?}"
    );
    for (flag, words) in [
        ("--now noon", "--now: expected a date"),
        ("--seed x", "--seed: expected a whole number"),
    ] {
        let ended = desk.test("ambient", flag).await;
        assert!(
            ended.code == Some(64) && ended.stderr.contains(words),
            "{}",
            ended.stderr
        );
    }
}

/// The first two random numbers from the default seed, as a little-endian machine reads them.
const RANDOM: [&str; 2] = ["a47c32e65f37676c", "7dba9d3ccbbd6779"];

#[tokio::test(flavor = "multi_thread")]
async fn an_update_says_which_cases_would_have_failed() {
    let desk = Desk::with(&["mark"]);
    let expect = "### expect response\nHTTP/1.1 200 OK\nx-mark: ";
    desk.write(
        "tests/a.http",
        format!(
            "{}{expect}v000\n### expect request\nGET / HTTP/1.1\nhost: h\nx-mark: v000\n",
            case("/", "")
        ),
    );
    desk.write(
        "tests/b.http",
        format!(
            "{}{expect}v009\n### expect request\nGET / HTTP/1.1\nhost: {{{{any}}}}\nx-mark: v009\n",
            case("/", "")
        ),
    );
    let ended = desk.test("mark", "--update --json").await;
    let report = json(&ended);
    let results: Vec<_> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["result"].as_str().unwrap())
        .collect();
    assert_eq!(
        (ended.code, results),
        (Some(0), vec!["ok", "updated"]),
        "{}",
        ended.stdout
    );
    let written = desk.read("tests/b.http");
    assert!(
        written.ends_with("\nhost: {{any}}\nx-mark: v000\n"),
        "{written}"
    );
    assert_eq!(desk.test("mark", "").await.code, Some(0));
}

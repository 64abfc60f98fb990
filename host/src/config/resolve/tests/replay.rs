//! Tapes as backends: where they are named, and how they answer.

use http::StatusCode;

use super::*;
use crate::config::backend::OnMiss;
use crate::record::answers::{AnswerRules, Pace, QueryRule, Repeat};

/// The rules of the default backend, and what becomes of misses.
fn replay(flags: &[&str], variables: &[(&str, &str)], file: &str) -> (AnswerRules, OnMiss) {
    let (config, _) = resolved(flags, variables, Some(file)).unwrap();
    let backend = &config.backends["default"];
    assert!(backend.tape().is_some());
    (backend.replay.rules.clone(), backend.replay.on_miss.clone())
}

#[test]
fn a_tape_is_named_wherever_a_backend_is() {
    let file = "backend = 'tape:a.tape'\n[[routes]]\npath = '/b'\nbackend = 'har:/b.har'";
    let (config, dir) = resolved(&[], &[], Some(file)).unwrap();
    let default = config.backends["default"].tape();
    assert_eq!(default, Some(&*dir.join("a.tape")));
    let other = config.backends["tape:/b.har"].tape();
    assert_eq!(other, Some(std::path::Path::new("/b.har")));
    let (config, _) = resolved(&["--backend", "tape:x"], &[], None).unwrap();
    assert_eq!(
        config.backends["default"].tape(),
        Some(std::path::Path::new("x"))
    );
    assert_eq!(config.echo, None);
    assert_eq!(config.backends["default"].replay, Default::default());
}

const TABLE: &str = "
backend = 'tape:a'
[backends.default.replay]
match-host = true
match-body = false
match-fields = ['X-Tenant']
ignore-query = ['ts', 'sig']
ignore-keys = ['ClientToken']
repeat = 'cycle'
pace = 'original'
on-miss = 404
";

#[test]
fn every_key_of_the_table_and_of_the_flag() {
    let expected = AnswerRules {
        host: true,
        query: QueryRule::AllBut(vec!["ts".to_owned(), "sig".to_owned()]),
        body: false,
        fields: vec!["x-tenant".to_owned()],
        ignore_keys: vec!["ClientToken".to_owned()],
        repeat: Repeat::Cycle,
        pace: Pace::Original,
    };
    let not_found = OnMiss::Status(StatusCode::NOT_FOUND);
    assert_eq!(
        replay(&[], &[], TABLE),
        (expected.clone(), not_found.clone())
    );
    let words = "match-host=true match-body=false match-fields=X-Tenant ignore-query=ts,sig ignore-keys=ClientToken \
        repeat=cycle pace=original on-miss=404";
    let flags: Vec<&str> = words
        .split_whitespace()
        .flat_map(|word| ["--replay", word])
        .collect();
    let flags = [&["--backend", "tape:a"], &flags[..]].concat();
    assert_eq!(
        replay(&flags, &[], ""),
        (expected.clone(), not_found.clone())
    );
    let variables = [("TOLLGATE_REPLAY", words), ("TOLLGATE_BACKEND", "tape:a")];
    assert_eq!(
        replay(&[], &variables, ""),
        (expected.clone(), not_found.clone())
    );
    // A flag has the last word, key by key.
    let flags = [
        "--replay",
        "repeat=once",
        "--replay",
        "ignore-query=*",
        "--replay",
        "on-miss=503",
    ];
    let other = AnswerRules {
        repeat: Repeat::Once,
        query: QueryRule::Nothing,
        ..expected
    };
    let unavailable = OnMiss::Status(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(replay(&flags, &[], TABLE), (other, unavailable));
}

#[test]
fn misses_go_to_a_backend_that_is_a_server() {
    let to = |name: &str| OnMiss::Backend(name.into());
    let named = "backend = 'tape:a'\n[backends.default.replay]\non-miss = 'live'\n[backends.live]\naddress = 'http://l'";
    assert_eq!(replay(&[], &[], named).1, to("live"));
    let flags = [
        "--backend",
        "tape:a",
        "--replay",
        "on-miss=http://localhost:9",
    ];
    assert_eq!(replay(&flags, &[], "").1, to("http://localhost:9"));
    let (config, _) = resolved(&flags, &[], None).unwrap();
    assert!(config.backends.contains_key("http://localhost:9"));
}

#[test]
fn mistakes() {
    assert_wrong(
        r#"
backend = 'tape:a' ; [backends.default.replay] ; repeat = 'never'
    => 3: backends.default.replay.repeat = 'never': expected last, once or cycle
backend = 'tape:a' ; [backends.default.replay] ; pace = 2
    => 3: backends.default.replay.pace = 2: expected a string
backend = 'tape:a' ; [backends.default.replay] ; on-miss = 200
    => 3: backends.default.replay.on-miss = 200: expected a status from 400 to 599, or a backend
backend = 'tape:a' ; [backends.default.replay] ; on-miss = 'nobody'
    => 3: backends.default.replay.on-miss = 'nobody': expected a status from 400 to 599, a name of [backends], or a URL
backend = 'tape:a' ; [backends.default.replay] ; on-miss = 'default'
    => 3: backends.default.replay.on-miss = 'default': a tape has no answer either; expected a backend that is a server
backend = 'tape:a' ; [backends.default.replay] ; on-miss = 'tape:b'
    => 3: backends.default.replay.on-miss = 'tape:b': a tape has no answer either; expected a backend that is a server
backend = 'tape:a' ; [backends.default.replay] ; on-miss = 'http://127.0.0.1:4567'
    => 3: backends.default.replay.on-miss = 'http://127.0.0.1:4567': the proxy listens on 127.0.0.1:4567 and its backend is http://127.0.0.1:4567, so requests would come back; expected another backend or another listen address
backend = 'tape:a' ; [backends.default.replay] ; match-feilds = []
    => 3: backends.default.replay.match-feilds: unknown key; did you mean match-fields?
[backends.a] ; addresses = ['tape:a', ; 'tape:b']
    => 3: backends.a.addresses = 'tape:b': a tape answers alone; expected no other address beside it
"#,
    );
    for (flag, problem) in [
        (
            "on-miss",
            "--replay \"on-miss\": expected KEY=VALUE, such as on-miss=404",
        ),
        (
            "onmiss=1",
            "--replay \"onmiss=1\": unknown key; did you mean on-miss?",
        ),
        (
            "repeat=x",
            "--replay \"repeat=x\": expected last, once or cycle",
        ),
    ] {
        let mistakes = resolved(&["--backend", "tape:a", "--replay", flag], &[], None).unwrap_err();
        assert_eq!(mistakes, [problem]);
    }
    let mistakes = resolved(&["--replay", "pace=none"], &[], None).unwrap_err();
    assert!(
        mistakes[0].starts_with("--replay \"pace=none\": the default backend is no tape"),
        "{mistakes:?}"
    );
}

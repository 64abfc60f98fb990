//! What must not end while the process lives is started in one way, which ends the process with it.

use std::collections::BTreeSet;

use super::{assert_none, sources, without_inline_tests};

/// Files of the host that start tasks or threads, and why it is no matter to the process when one of those ends. What must
/// not end is started through `essential`.
const SPAWNING: [(&str, &str); 28] = [
    (
        "host/src/essential.rs",
        "the way to start what must not end",
    ),
    (
        "host/src/proxy/listeners.rs",
        "hands `essential::task` to the runtime",
    ),
    (
        "host/src/app/spawn.rs",
        "hands `essential::task` to the runtime",
    ),
    ("host/src/telemetry.rs", "prints once"),
    ("host/src/telemetry/writer.rs", "goes on after a panic"),
    ("host/src/admin/listen.rs", "a connection"),
    ("host/src/dial.rs", "an attempt to connect"),
    ("host/src/echo.rs", "a connection"),
    (
        "host/src/plugin/background.rs",
        "goes on after a panic in a call",
    ),
    ("host/src/plugin/kind/hooks/idle.rs", "waited for"),
    (
        "host/src/plugin/jobs.rs",
        "a job, whose end the supervisor hears of",
    ),
    ("host/src/admin/api/exchanges.rs", "waited for"),
    ("host/src/app/reload.rs", "waited for"),
    ("host/src/admin/api/what_if.rs", "waited for"),
    ("host/src/plugin/supervise/orders.rs", "waited for"),
    ("host/src/plugin/kind/hooks/permits.rs", "wakes a worker"),
    ("host/src/plugin/kind/wasi_http/component.rs", "an exchange"),
    ("host/src/plugin/kind/wasi_http/run.rs", "an exchange"),
    ("host/src/proxy/accept.rs", "a connection"),
    ("host/src/proxy/exchange.rs", "a tunnel"),
    ("host/src/proxy/http2/client/exchange.rs", "an exchange"),
    ("host/src/proxy/http2/server/connection.rs", "an exchange"),
    (
        "host/src/proxy/upstream/http1/apart.rs",
        "the rest of an exchange",
    ),
    (
        "host/src/proxy/upstream/resolve.rs",
        "a look-up; the next one is asked for again",
    ),
    ("host/src/proxy/upstream/shared.rs", "a connection"),
    (
        "host/src/record/tape/writer.rs",
        "goes on after a panic; without it exchanges are missing on the tape, and are counted",
    ),
    (
        "host/src/proxy/websocket/opening.rs",
        "the end of a WebSocket that never was",
    ),
    ("host/src/tls/roots.rs", "waited for"),
];

#[test]
fn what_must_not_end_is_started_in_one_way() {
    let spawns = [
        "tokio::spawn(",
        "thread::spawn(",
        ".spawn(",
        "spawn_blocking(",
        "run::spawn(",
    ];
    let mut strays = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources() {
        let is_the_proxys = source.path.starts_with("host/src/")
            && !source.path.starts_with("host/src/tools/")
            && !source.path.ends_with("tests.rs")
            && !source.path.contains("/tests/");
        let code = without_inline_tests(&source.code);
        if !is_the_proxys || !spawns.iter().any(|spawn| code.contains(spawn)) {
            continue;
        }
        match SPAWNING.iter().find(|(path, _)| *path == source.path) {
            Some((path, _)) => drop(seen.insert(*path)),
            None => strays.push(source.path),
        }
    }
    assert_none("starts a task by itself; see host/src/essential.rs", strays);
    let gone = SPAWNING.iter().filter(|(path, _)| !seen.contains(path));
    assert_none(
        "starts nothing any more",
        gone.map(|(path, _)| (*path).to_owned()),
    );
}

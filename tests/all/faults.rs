//! What plugins keep, when its place fails: a Redis server that is gone, silent or slow, a disk that is full, a file that is damaged.

mod redis;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tollgate_tests::*;

use self::redis::Redis;

/// Two plugins with one bucket: `/count` counts, `/look` answers with the count. All else goes to the backend.
fn counting(state: &str) -> Builder {
    counting_or(state, "closed")
}

/// The same with this failure policy of the plugin that counts.
fn counting_or(state: &str, on_failure: &str) -> Builder {
    proxy()
        .plugin("count", guest("count-state"))
        .plugin("look", guest("look-state"))
        .config(&format!(
            "state = {{ {state} }}\n\
             plugin.count = {{ match.path = '/count', allow.state = 'both', on-failure = '{on_failure}' }}\n\
             plugin.look = {{ match.path = '/look', allow.state = 'both' }}"
        ))
}

async fn ok() -> Origin {
    let origin = origin().route("/count", text("passed"));
    origin.route("/", text("ok")).start().await
}

/// What `/count` answers: the count, or why there is none.
async fn count(proxy: &Served) -> Result<u16, String> {
    let answer = proxy.get("/count").await;
    match answer.status() {
        status @ 201..=499 => Ok(status - 200),
        502 => Err(answer.field("proxy-status").unwrap()),
        other => panic!("{other}: {answer:?}"),
    }
}

/// What `/look` answers.
async fn look(proxy: &Served) -> u16 {
    let answer = proxy.get("/look").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    answer.text().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_server_that_is_silent_fails_calls_in_time_and_is_used_again() {
    let server = Redis::start();
    let origin = ok().await;
    let proxy = counting(&format!("store = '{}', timeout = '300ms'", server.url()));
    let proxy = Arc::new(proxy.backend(&origin).start_binary().await);
    assert_eq!(count(&proxy).await, Ok(1));
    server.stop();
    let mut all = JoinSet::new();
    for _ in 0..8 {
        let proxy = proxy.clone();
        all.spawn(async move { count(&proxy).await });
    }
    for failed in all.join_all().await {
        let why = failed.unwrap_err();
        assert!(
            why.contains("plugin count: forward-request returned an error"),
            "{why}"
        );
    }
    let told = || {
        proxy
            .stderr()
            .matches("did not answer within 300ms")
            .count()
    };
    eventually!(told() == 8);
    // Who has no business with it is served meanwhile.
    assert_eq!(proxy.get("/").await.text(), "ok");
    server.go_on();
    let patience = Patience::begin();
    let counted = loop {
        match count(&proxy).await {
            Ok(counted) => break counted,
            Err(_) => patience.wait("it is used again").await,
        }
    };
    // What was not acknowledged was done or not.
    assert!((2..=10).contains(&counted), "{counted}");
    assert_eq!(look(&proxy).await, counted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_redis_server_is_waited_for_within_the_limit() {
    let server = Redis::start();
    let origin = ok().await;
    let url = server.url();
    let patient = counting(&format!("store = '{url}', timeout = '60s'"));
    let patient = patient.backend(&origin).start().await;
    let open = counting_or(&format!("store = '{url}', timeout = '200ms'"), "open")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(count(&patient).await, Ok(1));
    assert_eq!(count(&open).await, Ok(2));
    // It takes nothing for two seconds.
    server.ask("CLIENT PAUSE 2000 ALL");
    let (waited, passed) = tokio::join!(count(&patient), open.get("/count"));
    assert_eq!((passed.status(), passed.text()), (200, "passed"));
    // The other one's call may have been done as well.
    assert!(matches!(waited, Ok(3 | 4)), "{waited:?}");
    eventually!(count(&open).await.is_ok_and(|count| count > 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_server_that_starts_again_under_load_loses_nothing_that_was_acknowledged() {
    const MOST: u16 = 50;
    let mut server = Redis::start();
    let origin = ok().await;
    let proxy = counting(&format!("store = '{}', timeout = '2s'", server.url()));
    let proxy = Arc::new(proxy.backend(&origin).start_binary().await);
    assert_eq!(count(&proxy).await, Ok(1));
    let (done, is_done) = tokio::sync::watch::channel(false);
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let (proxy, is_done) = (proxy.clone(), is_done.clone());
        clients.spawn(async move {
            let (mut counted, mut failed, mut highest) = (0, 0, 0);
            while !*is_done.borrow() {
                // What an answer can say is bounded; who has counted enough looks.
                if counted == MOST {
                    failed += u16::from(proxy.get("/look").await.status() != 200);
                } else {
                    match count(&proxy).await {
                        Ok(count) => {
                            assert!(count > highest, "{count} after {highest}");
                            (counted, highest) = (counted + 1, count);
                        }
                        Err(_) => failed += 1,
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (counted, failed, highest)
        });
    }
    for round in 1..=2_u16 {
        let before = look(&proxy).await;
        server.kill();
        eventually!(count(&proxy).await.is_err());
        assert_eq!(proxy.get("/").await.text(), "ok");
        server.start_again();
        eventually!(count(&proxy).await.is_ok());
        assert!(look(&proxy).await > before, "in round {round}");
    }
    done.send(true).unwrap();
    let (mut sum, mut failures, mut highest) = (0, 0, 0);
    for (counted, failed, last) in clients.join_all().await {
        (sum, failures, highest) = (sum + counted, failures + failed, highest.max(last));
    }
    assert!(failures > 0, "the clients met it when it was away");
    let last = look(&proxy).await;
    assert!(last >= sum && last >= highest, "{last} of {sum}, {highest}");
}

/// On a disk of 8 MiB, in a name space of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_what_writes_and_nothing_is_lost() {
    let place = tempfile::tempdir().unwrap();
    let disk = place.path().to_str().unwrap();
    let mount = format!("mount -t tmpfs -o size=8m tmpfs {disk} || exit 77; exec \"$0\" \"$@\"");
    let name_space = ["unshare", "--map-root-user", "--mount"];
    let mut command = std::process::Command::new(name_space[0]);
    let possible = command
        .args(&name_space[1..])
        .args(["sh", "-c", &mount, "true"]);
    if !possible.status().is_ok_and(|status| status.success()) {
        println!("skipped: no disk can be mounted here");
        return;
    }
    let under = [&name_space[..], &["sh", "-c", &mount]].concat();
    let state = format!("path = '{disk}/state.redb'");
    let proxy = counting(&state).without_backend().under(&under);
    let proxy = proxy.start_binary().await;
    assert_eq!(count(&proxy).await, Ok(1));
    let filler = format!("/proc/{}/root{disk}/filler", proxy.id());
    fill(Path::new(&filler));
    // The last page of the log has room for some more.
    let patience = Patience::begin();
    let mut counted = 1;
    while let Ok(more) = count(&proxy).await {
        counted = more;
        patience.wait("the disk is full").await;
    }
    let told =
        "the store can't be used at the moment: its log can't be written: No space left on device";
    eventually!(proxy.stderr().contains(told));
    for _ in 0..3 {
        assert!(count(&proxy).await.is_err());
        assert_eq!(look(&proxy).await, counted);
    }
    fs::remove_file(&filler).unwrap();
    eventually!(count(&proxy).await == Ok(counted + 1));
    assert_eq!(count(&proxy).await, Ok(counted + 2));
    assert_eq!(look(&proxy).await, counted + 2);
}

/// Writes until nothing more goes onto the disk.
fn fill(file: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(file).unwrap();
    for size in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_file_that_cannot_be_used_refuses_the_plugin_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let state = format!("path = '{}'", path.display());
    let proxy = counting(&state).without_backend().start_binary().await;
    assert_eq!(count(&proxy).await, Ok(1));
    proxy.terminate();
    proxy.ended().await;
    let good = fs::read(&path).unwrap();
    let mut newer = good.clone();
    // The version of redb's own format, in both places where it is.
    (newer[64], newer[192]) = (9, 9);
    let damaged = [
        (
            good[..good.len() / 2].to_vec(),
            "is damaged or no database of tollgate",
        ),
        (
            b"something else".repeat(100),
            "is damaged or no database of tollgate",
        ),
        (newer, "was written by a newer tollgate"),
    ];
    for (bytes, words) in damaged {
        fs::write(&path, &bytes).unwrap();
        let proxy = counting(&state).without_backend().start_binary().await;
        let answer = proxy.get("/count").await;
        assert_eq!(answer.status(), 503, "{answer:?}");
        let log = proxy.stderr();
        let line = log.lines().find(|line| line.contains("plugin count:"));
        assert!(
            line.is_some_and(|line| line.contains(words) && line.contains("state.redb")),
            "{words}: {log}"
        );
        proxy.terminate();
        assert_eq!(proxy.ended().await.code, Some(0));
        assert!(fs::read(&path).unwrap() == bytes, "{words}");
    }
    fs::write(&path, &good).unwrap();
    let proxy = counting(&state).without_backend().start_binary().await;
    assert_eq!(count(&proxy).await, Ok(2));
}

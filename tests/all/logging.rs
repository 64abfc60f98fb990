//! The log: what is in it, and that a stderr which takes nothing costs nothing else.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::process::Stdio;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tollgate_tests::*;

/// A pipe that takes no more, and blocks whoever tries unless it is told not to.
fn full_pipe(blocking: bool) -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'.'; 4096]).is_ok() {}
    while writer.write(b".").is_ok() {}
    if blocking {
        fcntl_setfl(&writer, flags).unwrap();
    }
    (reader, writer)
}

/// A proxy all of whose requests are logged, and which adds `x-mark` to all responses.
fn talkative(origin: &Origin) -> Builder {
    proxy()
        .plugin("log", guest("log"))
        .plugin("mark", guest("mark"))
        .log("debug")
        .backend(origin)
}

/// Whatever became of its log: it answers, no plugin is left out, files and configuration are followed, and it ends when
/// it is told to.
async fn goes_on(proxy: Binary) {
    for _ in 0..200 {
        let answer = proxy.get("/").await;
        assert_eq!(
            (answer.status(), answer.field("x-mark").as_deref()),
            (200, Some("v000"))
        );
    }
    proxy
        .plugins
        .replace("mark.wat", guest("mark").version("v002").text());
    eventually!(proxy.mark().await.as_deref() == Some("v002"));
    let config = "[[routes]]\npath = '/bare'\nbackend = 'default'\nplugins = []\n";
    proxy.plugins.replace("../tollgate.toml", config);
    proxy.hang_up();
    eventually!(proxy.get("/bare").await.field("x-mark").is_none());
    assert_eq!(proxy.mark().await.as_deref(), Some("v002"));
    proxy.terminate();
    assert_eq!(proxy.ended().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_the_log_alone() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/bare", text("ok"))
        .start()
        .await;
    let full = File::options().write(true).open("/dev/full").unwrap();
    goes_on(
        talkative(&origin)
            .start_binary_into(full.try_clone().unwrap(), full)
            .await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_costs_the_log_alone() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/bare", text("ok"))
        .start()
        .await;
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let proxy = talkative(&origin)
        .start_binary_into(Stdio::null(), writer)
        .await;
    goes_on(proxy).await;
}

/// `tollgate run 2>&1 | head -1`
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_after_a_line_ends_nothing() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/bare", text("ok"))
        .start()
        .await;
    let (mut reader, writer) = io::pipe().unwrap();
    let both = writer.try_clone().unwrap();
    let proxy = talkative(&origin).start_binary_into(both, writer).await;
    let mut first = [0];
    while first != *b"\n" {
        reader.read_exact(&mut first).unwrap();
    }
    drop(reader);
    goes_on(proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_that_nobody_reads_blocks_nothing() {
    for blocking in [true, false] {
        let origin = origin()
            .route("/", text("ok"))
            .route("/bare", text("ok"))
            .start()
            .await;
        let (_reader, writer) = full_pipe(blocking);
        let both = writer.try_clone().unwrap();
        let proxy = talkative(&origin).start_binary_into(both, writer).await;
        goes_on(proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_pipe_held_up_is_written_once_it_is_read() {
    for blocking in [true, false] {
        let origin = origin().route("/", text("ok")).start().await;
        let (mut reader, writer) = full_pipe(blocking);
        let proxy = talkative(&origin)
            .start_binary_into(Stdio::null(), writer)
            .await;
        assert_eq!(proxy.get("/").await.text(), "ok");
        let mut read = String::new();
        let mut piece = vec![0; 64 << 10];
        while !read.contains("on the way out") {
            let count = reader.read(&mut piece).unwrap();
            read.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
        assert!(!read.contains("log lines lost"), "{read}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_plugin_is_told_from_the_others() {
    let proxy = proxy()
        .plugin("one", guest("log"))
        .plugin("two", guest("log"))
        .log("off,plugin::two=info,tollgate=info")
        .start_binary()
        .await;
    assert_eq!(proxy.get("/").await.status(), 200);
    eventually!(proxy.stderr().contains("on the way back"));
    let log = proxy.stderr();
    assert!(
        log.contains("plugin=\"two\"") && !log.contains("plugin=\"one\""),
        "{log}"
    );
    assert!(
        log.contains("plugin one: version"),
        "the host's own lines stay: {log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_filters_nothing_is_a_mistake() {
    let ended = run_binary(&["run", "--log", "nonsense"]).await;
    assert_eq!(ended.code, Some(64), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("--log: \"nonsense\" is not a log filter"),
        "{ended:?}"
    );
}

/// No line that a plugin writes begins like one of the host's.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_can_not_be_forged() {
    let proxy = proxy().plugin("log", guest("log")).start_binary().await;
    assert_eq!(proxy.get("/").await.status(), 200);
    eventually!(proxy.stderr().contains("ERROR forged"));
    let log = proxy.stderr();
    assert!(
        !log.lines()
            .any(|line| line.trim_start().starts_with("ERROR")),
        "{log}"
    );
}

/// The lines of plugins in a log: what follows the target, without the time.
fn of_plugins(log: &str) -> Vec<&str> {
    let lines = log.lines();
    lines
        .filter_map(|line| Some(line.split_once(" plugin: ")?.1))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_without_a_line_end_is_told_with_its_own_exchange() {
    let proxy = proxy().plugin("p", guest("print")).start_binary().await;
    assert_eq!(proxy.get("/").await.status(), 200);
    assert_eq!(proxy.get("/trap").await.status(), 502);
    eventually!(proxy.stderr().contains("in mid-"));
    let log = proxy.stderr();
    let lines = of_plugins(&log);
    let exchange = |line: &str| line.split("exchange=").nth(1).unwrap().to_owned();
    let (first, trapped) = (exchange(lines[3]), exchange(lines[6]));
    let expected = [
        // A trial says so, and says it once although there are two, of quick and of good code.
        "one plugin=\"p\" exchange=trial",
        "two 2 plugin=\"p\" exchange=trial",
        "back again plugin=\"p\" exchange=trial",
        &format!("one plugin=\"p\" exchange={first}"),
        &format!("two 2 plugin=\"p\" exchange={first}"),
        &format!("back again plugin=\"p\" exchange={first}"),
        &format!("broken: in mid- plugin=\"p\" exchange={trapped}"),
    ];
    assert_eq!(lines, expected);
    assert!(
        first.len() == 16 && trapped.len() == 16 && first != trapped,
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_does_not_fill_the_log() {
    let proxy = proxy().plugin("p", guest("print")).start_binary().await;
    assert_eq!(proxy.get("/flood").await.status(), 200);
    eventually!(proxy.stderr().contains("more bytes of text were dropped"));
    let log = proxy.stderr();
    assert!(log.len() < 100_000, "{} bytes", log.len());
    // The rest of 20 MiB, with the two lines that came after.
    let dropped: usize = log
        .lines()
        .find_map(|line| {
            line.split_once(" more bytes of text")?
                .0
                .rsplit(' ')
                .next()?
                .parse()
                .ok()
        })
        .unwrap();
    assert!(
        (20 << 20) - (80 << 10) < dropped && dropped < (20 << 20),
        "{dropped}"
    );
}

/// Names that are in a plugin's file are somebody's text, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_a_file_forges_nothing() {
    let module =
        "(module (func (export \"a\\0a2026-01-01T00:00:00Z ERROR forged \\1b[31m\") unreachable))";
    let long = format!("(module (func (export \"{}\")))", "x".repeat(90_000));
    let proxy = proxy()
        .file("bad.wat", module)
        .file("long.wat", long)
        .start_binary()
        .await;
    eventually!(proxy.stderr().contains("plugin bad") && proxy.stderr().contains("plugin long"));
    for said in [proxy.stderr(), proxy.stdout()] {
        assert!(said.contains("forged"), "the name is shown: {said}");
        assert!(!said.contains('\x1b') && said.len() < 50_000, "{said}");
        assert!(
            !said.lines().any(|line| line.starts_with("2026-01-01")),
            "{said}"
        );
    }
    let check = run_binary(&["check", proxy.plugins.file("bad.wat").to_str().unwrap()]).await;
    let said = check.stdout + &check.stderr;
    assert!(said.contains("forged") && !said.contains('\x1b'), "{said}");
    assert!(
        !said.lines().any(|line| line.starts_with("2026-01-01")),
        "{said}"
    );
}

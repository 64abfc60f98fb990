//! `run --record` and `what-if`: what is on the tape, and what plugins would do with it now.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use tollgate_tests::*;

/// A tape, and a directory for the plugins of a what-if.
struct Desk {
    directory: TempDir,
    tape: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("p")).unwrap();
        let tape = directory.path().join("t.tape");
        Self { directory, tape }
    }

    /// The table that has a proxy write the tape.
    fn config(&self) -> String {
        format!("[record]\ntape = '{}'", self.tape.display())
    }

    fn plugins(&self) -> PathBuf {
        self.directory.path().join("p")
    }

    fn add(&self, name: &str, guest: &Guest) {
        fs::write(self.plugins().join(format!("{name}.wat")), guest.text()).unwrap();
    }

    /// What was served is recorded by a process that ends in good order.
    async fn record(&self, binary: Binary) {
        binary.terminate();
        let ended = binary.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }

    async fn run(&self, command: &[&str], more: &[&str]) -> Ended {
        let tape = self.tape.to_str().unwrap();
        run_binary(&[command, &[tape], more].concat()).await
    }

    async fn show(&self, more: &[&str]) -> String {
        let ended = self.run(&["tape", "show"], more).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    }

    /// The exit code and what was printed.
    async fn what_if(&self, more: &[&str]) -> (Option<i32>, String) {
        let plugins = self.plugins();
        let flags = ["--plugins", plugins.to_str().unwrap()];
        let ended = self.run(&["what-if"], &[&flags, more].concat()).await;
        assert_eq!(ended.stderr, "");
        (ended.code, ended.stdout)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_served_is_on_the_tape_when_the_process_has_ended() {
    let desk = Desk::new();
    let origin = origin().route("/", text("hello")).start().await;
    let proxy = proxy().plugin("mark", guest("mark")).config(&desk.config());
    let proxy = proxy.backend(&origin);
    let proxy = proxy.start_binary().await;
    for number in 0..20 {
        let request =
            request("POST", &format!("/?n={number}")).field("authorization", "Bearer secret1234");
        assert_eq!(proxy.ask(&request.body("question")).await.status(), 200);
    }
    desk.record(proxy).await;
    let lines = desk.show(&[]).await;
    assert_eq!(lines.lines().count(), 20);
    assert!(
        lines.lines().all(|line| line.ends_with("  mark*")),
        "{lines}"
    );
    let mode = fs::metadata(&desk.tape).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let tape = fs::read(&desk.tape).unwrap();
    assert!(
        !tape.windows(10).any(|part| part == b"secret1234"),
        "it is masked"
    );
    let id = &lines[..16];
    let whole = desk.show(&[id]).await;
    assert!(
        whole.contains("plugin mark forward-request") && whole.contains("+ x-mark: v000"),
        "{whole}"
    );
    assert!(whole.contains("authorization: [masked]"), "{whole}");
    assert!(whole.contains("\n  question\n"), "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tape_is_for_one_process_and_a_file_of_others_for_none() {
    let desk = Desk::new();
    let first = proxy().config(&desk.config()).start_binary().await;
    let tape = desk.tape.to_str().unwrap();
    let plugins = desk.plugins();
    let run = [
        "run",
        "--listen",
        "127.0.0.1:0",
        "--backend",
        "echo://127.0.0.1:0",
        "--plugins",
        plugins.to_str().unwrap(),
    ];
    let second = run_binary(&[&run[..], &["--record", tape]].concat()).await;
    assert_eq!(second.code, Some(1));
    assert!(
        second
            .stderr
            .contains("t.tape: another process writes this tape; name another file"),
        "{}",
        second.stderr
    );
    assert_eq!(first.get("/").await.status(), 200);
    desk.record(first).await;
    assert_eq!(desk.show(&[]).await.lines().count(), 1);
    fs::write(&desk.tape, "dear diary").unwrap();
    let third = run_binary(&[&run[..], &["--record", tape]].concat()).await;
    assert_eq!(third.code, Some(1));
    assert!(
        third
            .stderr
            .contains("t.tape: this is not a tape of tollgate"),
        "{}",
        third.stderr
    );
    assert_eq!(fs::read(&desk.tape).unwrap(), b"dear diary");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_plugin_is_seen_in_what_it_does_to_the_tape() {
    let desk = Desk::new();
    let origin = origin().route("/", text("hello")).start().await;
    let proxy = proxy()
        .plugin("a", guest("mark").version("one."))
        .plugin("b", guest("mark").version("two."))
        .config(&desk.config())
        .backend(&origin);
    let proxy = proxy.start_binary().await;
    for _ in 0..3 {
        proxy.ask(&request("POST", "/").body("question")).await;
    }
    desk.record(proxy).await;
    desk.add("a", &guest("mark").version("one."));
    desk.add("b", &guest("mark").version("two."));
    let same = desk.what_if(&[]).await;
    assert_eq!(
        same,
        (Some(0), "3 exchanges: 0 differ, 0 failed\n".to_owned())
    );

    desk.add("a", &guest("mark").version("new."));
    let (code, told) = desk.what_if(&[]).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.ends_with("3 exchanges: 3 differ, 0 failed\n"),
        "{told}"
    );
    assert!(
        told.contains("plugin a forward-request (") && told.contains(" → "),
        "{told}"
    );
    assert!(
        told.contains("    request\n    - x-mark: one.\n    + x-mark: new.\n"),
        "{told}"
    );
    assert!(
        !told.contains("plugin b"),
        "it only hands on what a did: {told}"
    );
    let (code, some) = desk.what_if(&["~m", "GET"]).await;
    assert_eq!(
        (code, &*some),
        (Some(0), "0 exchanges: 0 differ, 0 failed\n")
    );

    desk.add("a", &guest("respond"));
    let (code, told) = desk.what_if(&["--json"]).await;
    assert_eq!(code, Some(1));
    let json: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(json["counts"]["differ"], 3);
    assert_eq!(json["exchanges"][0]["status"]["then"], 200);
    assert_eq!(json["exchanges"][0]["status"]["now"], 403);

    desk.add("a", &guest("fail-forward"));
    let (_, told) = desk.what_if(&[]).await;
    assert!(
        told.ends_with("3 exchanges: 3 differ, 3 failed\n"),
        "{told}"
    );
    assert!(
        told.contains("+ failed: ") && told.contains("200 → 502"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_is_named() {
    let desk = Desk::new();
    let proxy = proxy().config(&desk.config()).start_binary().await;
    let request = get("/?token=secret1").field("authorization", "Bearer secret1234");
    proxy.ask(&request).await;
    proxy.get("/").await;
    desk.record(proxy).await;
    desk.add("a", &guest("mark"));
    let (code, told) = desk.what_if(&[]).await;
    assert_eq!(code, Some(1));
    // The echo backend answers with the fields that it got.
    let named = "  run with masked values: target, authorization, response body\n";
    assert_eq!(told.matches(named).count(), 1, "{told}");
    assert!(
        told.ends_with("2 exchanges: 2 differ, 0 failed, 1 run with masked values\n"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_does_not_start_is_told_and_nothing_is_run() {
    let desk = Desk::new();
    let proxy = proxy().config(&desk.config()).start_binary().await;
    proxy.get("/").await;
    desk.record(proxy).await;
    fs::write(desk.plugins().join("broken.wat"), "(module").unwrap();
    let plugins = desk.plugins();
    let ended = desk
        .run(&["what-if"], &["--plugins", plugins.to_str().unwrap()])
        .await;
    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""));
    assert!(ended.stderr.contains("plugin broken: "), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_begins_empty_and_lasts_over_the_run() {
    let desk = Desk::new();
    let allow = "[plugin.count-state.allow]\nstate = true\n[state]\nstore = 'memory'\n";
    let proxy = proxy()
        .plugin("count-state", guest("count-state"))
        .config(&format!("{allow}{}", desk.config()));
    let proxy = proxy.start_binary().await;
    for count in 1..=3 {
        assert_eq!(proxy.get("/").await.status(), 200 + count);
    }
    desk.record(proxy).await;
    desk.add("count-state", &guest("count-state"));
    fs::write(desk.directory.path().join("t.toml"), allow).unwrap();
    let config = desk.directory.path().join("t.toml");
    let same = desk.what_if(&["--config", config.to_str().unwrap()]).await;
    assert_eq!(
        same,
        (Some(0), "3 exchanges: 0 differ, 0 failed\n".to_owned())
    );
}

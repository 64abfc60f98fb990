//! Verdicts on plugin files: before the first request, each told once, with what the trial found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate_tests::*;

/// Of a core module that does not describe itself nobody can tell whether it is whole before it has come to rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_its_verdict_before_the_first_request() {
    let origin = origin().route("/", text("ok")).start().await;
    for name in ["mark.wasm", "mark.wat"] {
        let guest = guest("mark");
        let content = match name {
            "mark.wasm" => guest.binary(),
            _ => guest.text().as_bytes().to_vec(),
        };
        let proxy = proxy().file(name, content).backend(&origin).start().await;
        assert_eq!(proxy.mark().await.as_deref(), Some("v000"), "{name}");
    }
    let broken = &guest("mark").binary()[..100];
    let proxy = proxy()
        .file("mark.wasm", broken)
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.status("mark").unwrap().state(), "failed");
    assert_eq!(proxy.get("/").await.text(), "ok");
}

/// A file that changes for ever must not keep the proxy from starting; if it is required, nothing passes its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_never_rests_does_not_stop_the_start() {
    let plugins = Plugins::new();
    let file = plugins.file("restless.wasm");
    let done = Arc::new(AtomicBool::new(false));
    let over = done.clone();
    let writer = std::thread::spawn(move || {
        let whole = guest("mark").binary();
        let mut length = 0;
        while !over.load(Ordering::SeqCst) {
            length = length % 40 + 8;
            std::fs::write(&file, &whole[..length]).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    });
    let proxy = proxy()
        .plugins(plugins)
        .plugin("mark", guest("mark"))
        .config("[plugin.restless]\nmatch = { path = '/api' }")
        .start_binary()
        .await;
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
    assert_eq!(proxy.get("/api").await.status(), 503);
    let words = "restless.wasm keeps changing or is incomplete; the start goes on without it";
    eventually!(proxy.stderr().contains(words));
    done.store(true, Ordering::SeqCst);
    writer.join().unwrap();
    proxy
        .plugins
        .replace("restless.wasm", guest("mark").version("rest").binary());
    eventually!(proxy.get("/api").await.values("x-mark") == ["rest", "v000"]);
}

/// The same fault in another file is another verdict; the same file again is none.
#[tokio::test(flavor = "multi_thread")]
async fn each_file_is_told_once_also_with_the_same_fault() {
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .log("info")
        .start_binary()
        .await;
    let refusals = || proxy.stderr().matches("mark.wat refused").count();
    let bad = |note: u32| format!("{};; {note}\n", guest("trap-always").text());
    for note in 1..=3 {
        proxy.plugins.replace("mark.wat", bad(note));
        eventually!(refusals() >= note as usize);
    }
    // A touched file holds what was told; then a good one shows that it was looked at.
    proxy.plugins.replace("mark.wat", bad(3));
    proxy
        .plugins
        .write("other.wat", guest("mark").version("othr").text());
    eventually!(
        proxy
            .get("/")
            .await
            .values("x-mark")
            .contains(&"othr".to_owned())
    );
    proxy
        .plugins
        .replace("mark.wat", guest("mark").version("v002").text());
    eventually!(
        proxy
            .get("/")
            .await
            .values("x-mark")
            .contains(&"v002".to_owned())
    );
    eventually!(proxy.stderr().matches(" serves (baseline)").count() == 3);
    assert_eq!(refusals(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_hooks_return_in_the_trial_are_told() {
    for (name, hook) in [
        ("fail-forward", "forward-request"),
        ("fail-return", "return-response"),
    ] {
        let proxy = proxy().plugin("bad", guest(name)).start_binary().await;
        let words = format!("in its trial {hook} returned an error: a secret reason");
        let row = proxy.stdout();
        let row = row.lines().find(|line| line.starts_with("bad")).unwrap();
        assert!(row.ends_with(&format!("active; {words}")), "{row}");
        eventually!(proxy.stderr().contains(&words));
        let stderr = proxy.stderr();
        let line = stderr.lines().find(|line| line.contains(&words)).unwrap();
        assert!(
            line.contains(" WARN ") && line.contains("serves, but"),
            "{line}"
        );
    }
}

/// The author of a standard component knows nothing of trials: one that traps in it serves, and the request that traps
/// gets its 502. One that can't be started is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_standard_component_that_traps_in_its_trial_is_not_left_out() {
    let origin = origin().route("/", text("ok")).start().await;
    let component = guest("standard-trap").text().to_owned();
    let loops = component.replace("unreachable", "(loop (br 0))");
    let dies = component.replace("$start nop", "$start unreachable");
    for (text, state, status, words) in [
        (component, "active", 502, "handle trapped"),
        (
            loops,
            "active",
            502,
            "handle took more than 100 ms of CPU time",
        ),
        (dies, "failed", 200, "can't be started: it trapped"),
    ] {
        let proxy = proxy()
            .file("foreign.wat", text)
            .config("standard-components = true\n[limits]\ndeadline = '100ms'")
            .backend(&origin)
            .start()
            .await;
        let row = proxy.status("foreign").unwrap();
        assert_eq!(row.state(), state, "{row:?}");
        let told = [row.warnings, row.error.into_iter().collect()].concat();
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
        let answer = proxy.get("/").await;
        assert_eq!(answer.status(), status, "{answer:?}");
        if status == 502 {
            assert!(
                answer
                    .field("proxy-status")
                    .unwrap()
                    .contains("plugin foreign: handle ")
            );
        }
    }
}

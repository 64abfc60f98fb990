//! Trials: a new version proves itself before it serves, within a bound of its own, and delays nobody else.

use tollgate_tests::*;

/// The guest `wait`, which waits for an hour.
fn forever() -> String {
    let text = guest("wait")
        .text()
        .replace("20_000_000", "3_600_000_000_000");
    assert_ne!(text, guest("wait").text());
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_waits_for_ever_is_refused() {
    let proxy = proxy()
        .file("slow.wat", forever())
        .plugin("mark", guest("mark"))
        .start()
        .await;
    let refusal = proxy.refusal("slow").unwrap();
    assert!(
        refusal
            .contains("after 2s in all it was still waiting in its first call of forward-request")
            && refusal.contains("`limits.trial`"),
        "{refusal}"
    );
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
}

/// As many as wait, and longer than anybody's patience.
#[tokio::test(flavor = "multi_thread")]
async fn guests_that_wait_delay_no_other_file_and_no_configuration() {
    let proxy = proxy()
        .config("[limits]\ntrial = '1h'\n[plugin.mark]\norder = 1")
        .log("info")
        .start_binary()
        .await;
    for number in 0..8 {
        proxy
            .plugins
            .write(&format!("slow-{number}.wat"), forever());
    }
    eventually!(proxy.stderr().matches("still in its trial").count() >= 8);
    proxy.plugins.write("mark.wat", guest("mark").text());
    eventually!(proxy.mark().await.as_deref() == Some("v000"));
    let file = proxy.plugins.beside().join("tollgate.toml");
    std::fs::write(
        file,
        "[limits]\ntrial = '1h'\n[plugin.mark]\nmatch = { path = '/marked' }",
    )
    .unwrap();
    eventually!(proxy.mark().await.is_none());
    let marked = proxy.get("/marked").await;
    assert_eq!(marked.field("x-mark").as_deref(), Some("v000"));
}

/// What waits less than it may is served, and computing is not waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_waits_a_little_is_served() {
    let proxy = proxy()
        .plugin("wait", guest("wait"))
        .plugin("busy", guest("busy"))
        .config("[limits]\ntrial = '200ms'")
        .start()
        .await;
    assert_eq!(proxy.refusal("wait"), None);
    assert_eq!(proxy.refusal("busy"), None);
}

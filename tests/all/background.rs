//! Background work, through the whole proxy: what ticks is what serves.

use tollgate_tests::*;

/// Every tenth of a second, for both plugins.
const OFTEN: &str = "plugin.tick = { required = false, background.every = '100ms' }\n\
                     plugin.other = { required = false, background.every = '100ms' }\n";

fn ticks(proxy: &Binary, version: &str) -> usize {
    let line = format!("tick {version} plugin=\"tick\" exchange=background");
    proxy.stderr().matches(&line).count()
}

/// Waits until the other plugin has ticked some times more: long enough for one that still ticks to be seen.
async fn a_while(proxy: &Binary) {
    let others = || {
        let line = "plugin=\"other\" exchange=background";
        proxy.stderr().matches(line).count()
    };
    let before = others();
    eventually!(others() > before + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ticks_is_what_serves() {
    let proxy = proxy()
        .plugin("tick", guest("tick"))
        .plugin("other", guest("tick").version("else"))
        .config(OFTEN)
        .without_backend()
        .start_binary()
        .await;
    eventually!(ticks(&proxy, "v000") > 3);
    assert!(
        !proxy.stderr().contains("exchange=trial"),
        "not in the trial"
    );
    let next = guest("tick").version("v002");
    proxy.plugins.replace("tick.wat", next.text());
    eventually!(ticks(&proxy, "v002") > 0);
    let old = ticks(&proxy, "v000");
    a_while(&proxy).await;
    assert_eq!(ticks(&proxy, "v000"), old);
    // A file that is refused changes nothing.
    proxy.plugins.replace("tick.wat", "(module)");
    eventually!(proxy.stderr().contains("refused"));
    let now = ticks(&proxy, "v002");
    eventually!(ticks(&proxy, "v002") > now + 2);
    proxy.plugins.remove("tick.wat");
    eventually!(proxy.stderr().contains("plugin tick: removed"));
    let last = ticks(&proxy, "v002");
    a_while(&proxy).await;
    // One may have been on its way into the log.
    assert!(ticks(&proxy, "v002") <= last + 1);
    // It comes back, and is switched off.
    proxy
        .plugins
        .replace("tick.wat", guest("tick").version("v003").text());
    eventually!(ticks(&proxy, "v003") > 0);
    proxy.configure(&format!(
        "plugin.tick.enabled = false\n{}",
        OFTEN.replace("plugin.tick", "#")
    ));
    eventually!(proxy.stderr().contains("configuration reloaded"));
    let off = ticks(&proxy, "v003");
    a_while(&proxy).await;
    assert!(ticks(&proxy, "v003") <= off + 1);
    proxy.terminate();
    assert_eq!(proxy.ended().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_is_told_and_called_less_often() {
    let proxy = proxy()
        .plugin("tick", guest("tick"))
        .config("plugin.tick = { settings.fail = 'x', background.every = '100ms' }")
        .without_backend()
        .start_binary()
        .await;
    for wait in ["200ms", "400ms", "800ms"] {
        let line = format!(
            "plugin tick: background.tick returned an error: fail; it is called again after {wait}"
        );
        eventually!(proxy.stderr().contains(&line));
    }
    assert_eq!(proxy.get("/").await.status(), 200, "exchanges don't suffer");
    proxy.configure("plugin.tick.background.every = '50ms'");
    eventually!(proxy.stderr().contains("expected at least 100ms"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_for_who_has_nothing_to_do_is_told() {
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .plugin("tick", guest("tick"))
        .plugin("beside", guest("mark"))
        .file("beside.toml", "background.every = '1s'")
        .config("plugin.mark.background.every = '1s'\nplugin.tick.background.every = '1s'")
        .without_backend()
        .start_binary()
        .await;
    let told = |name: &str| {
        let line = format!("plugin {name}: version ");
        let words = "background.every is set for it, and it exports no `background`";
        let log = proxy.stderr();
        log.lines()
            .any(|one| one.contains(&line) && one.contains(words))
    };
    eventually!(told("mark") && told("beside"));
    assert!(!told("tick"));
    assert_eq!(proxy.get("/").await.status(), 200);
}

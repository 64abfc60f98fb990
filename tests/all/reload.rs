//! Plugins that change while the proxy runs: every way in which a file comes and goes, and what happens under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate_tests::*;

/// The guest `mark` in this version, as text.
fn mark(version: &str) -> String {
    guest("mark").version(version).text().to_owned()
}

/// Waits until this version of `mark` serves; an empty name for none.
async fn serves(proxy: &Served, version: &str) {
    eventually!(proxy.mark().await.unwrap_or_default() == version);
}

async fn with_mark(watch: &str) -> (Origin, Proxy) {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .watch(watch)
        .backend(&origin)
        .start()
        .await;
    assert_eq!(
        proxy.mark().await.as_deref(),
        Some("v001"),
        "it serves from the first request on"
    );
    (origin, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_write_a_file_is_noticed() {
    let (_origin, proxy) = with_mark("events").await;
    let plugins = &proxy.plugins;
    plugins.write("mark.wat", mark("v002"));
    serves(&proxy, "v002").await;
    plugins.replace("mark.wat", mark("v003"));
    serves(&proxy, "v003").await;
    plugins
        .write_slowly("mark.wat", mark("v004").as_bytes(), 10)
        .await;
    serves(&proxy, "v004").await;
    plugins.remove("mark.wat");
    plugins.write("mark.wat", mark("v005"));
    serves(&proxy, "v005").await;
    assert_eq!(proxy.refusal("mark"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_that_is_written_slowly_is_taken_when_it_is_whole() {
    let (_origin, proxy) = with_mark("events").await;
    proxy.plugins.remove("mark.wat");
    serves(&proxy, "").await;
    let binary = guest("mark").version("v002").binary();
    proxy.plugins.write_slowly("mark.wasm", &binary, 20).await;
    serves(&proxy, "v002").await;
    proxy
        .plugins
        .write_slowly("mark.wasm", &guest("mark").version("v003").binary(), 20)
        .await;
    serves(&proxy, "v003").await;
    assert_eq!(proxy.refusal("mark"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_events_a_look_finds_changes() {
    let (_origin, proxy) = with_mark("poll").await;
    proxy.plugins.replace("mark.wat", mark("v002"));
    serves(&proxy, "v002").await;
    proxy.plugins.write("mark.wat", mark("v003"));
    serves(&proxy, "v003").await;
    proxy.plugins.remove("mark.wat");
    serves(&proxy, "").await;
}

/// Another proxy on the same directory says when the change could have been noticed.
#[tokio::test(flavor = "multi_thread")]
async fn switched_off_nothing_changes() {
    let (origin, off) = with_mark("off").await;
    let directory = format!("plugins = '{}'", off.plugins.path().display());
    let args = tollgate::cli::RunArgs {
        listen: vec!["127.0.0.1:0".to_owned()],
        backend: Some(format!("http://{}", origin.address())),
        config: Some(off.plugins.beside().join("other.toml")),
        no_cache: true,
        ..tollgate::cli::RunArgs::default()
    };
    std::fs::write(args.config.as_ref().unwrap(), directory).unwrap();
    let config = tollgate::config::resolve(&args, |_| None).unwrap();
    let again = Box::new(move || tollgate::config::resolve(&args, |_| None));
    let on = tollgate::app::App::start(config, again).await.unwrap();
    off.plugins.replace("mark.wat", mark("v002"));
    let mut other = Client::connect(on.address().unwrap()).await;
    eventually!(other.ask(&get("/")).await.field("x-mark").as_deref() == Some("v002"));
    assert_eq!(off.mark().await.as_deref(), Some("v001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_switched_is_a_change() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy().backend(&origin).start().await;
    for version in ["v001", "v002", "v003"] {
        proxy.plugins.mount("mark.wat", mark(version));
        serves(&proxy, version).await;
    }
    assert_eq!(proxy.plugin_names(), ["mark"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_comes_and_goes_with_its_file() {
    let (_origin, proxy) = with_mark("events").await;
    proxy.plugins.write("also.wat", mark("also"));
    eventually!(proxy.get("/").await.values("x-mark") == ["v001", "also"]);
    proxy.plugins.remove("mark.wat");
    eventually!(proxy.get("/").await.values("x-mark") == ["also"]);
    assert_eq!(proxy.plugin_names(), ["also"]);
    proxy.plugins.write("mark.wat", mark("v002"));
    eventually!(proxy.get("/").await.values("x-mark") == ["v002", "also"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_may_go_and_come_back() {
    let (_origin, proxy) = with_mark("events").await;
    proxy.plugins.remove_directory();
    serves(&proxy, "").await;
    assert_eq!(proxy.plugin_names(), [] as [&str; 0]);
    proxy.plugins.make_directory();
    proxy.plugins.write("mark.wat", mark("v002"));
    serves(&proxy, "v002").await;
    proxy.plugins.write("mark.wat", mark("v003"));
    serves(&proxy, "v003").await;
}

/// Clients ask without a pause while twenty versions come. No request fails, and both hooks of each are of one version.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_versions_change() {
    let (origin, proxy) = with_mark("events").await;
    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| tokio::spawn(ask_until(proxy.address, done.clone())))
        .collect();
    for number in 2..22 {
        let version = format!("v{number:03}");
        proxy.plugins.replace("mark.wat", mark(&version));
        serves(&proxy, &version).await;
    }
    done.store(true, Ordering::SeqCst);
    let mut asked = 0;
    for client in clients {
        asked += client.await.unwrap();
    }
    assert!(asked >= 20, "{asked} requests are no load");
    assert!(origin.requests().len() >= asked);
}

/// Asks until told to stop; counts requests. The origin echoes the version that the request went through.
async fn ask_until(address: std::net::SocketAddr, done: Arc<AtomicBool>) -> usize {
    let mut client = Client::connect(address).await;
    let mut asked = 0;
    while !done.load(Ordering::SeqCst) {
        let answer = client.ask(&get("/")).await;
        assert_eq!((answer.status(), answer.text()), (200, "ok"));
        assert_eq!(answer.values("x-mark").len(), 1, "{answer:?}");
        asked += 1;
    }
    asked
}

/// Both hooks of an exchange are of one version, whichever came while it waited for the backend.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_returns_through_the_version_that_it_went_out_through() {
    let gate = Gate::new();
    let origin = origin()
        .route("/", text("ok"))
        .route("/slow", text("slow").after(&gate))
        .start()
        .await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .backend(&origin)
        .start()
        .await;
    let mut slow = proxy.client().await;
    slow.send(get("/slow").bytes()).await;
    eventually!(gate.reached() == 1);
    proxy.plugins.replace("mark.wat", mark("v002"));
    serves(&proxy, "v002").await;
    gate.open();
    assert_eq!(slow.answer("GET").await.values("x-mark"), ["v001"]);
}

/// Two plugins, one replaced and one removed, between the hooks and in the middle of the body: the exchange still ends
/// with what it began with.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_keeps_its_chain_to_its_last_byte() {
    let (head, half) = (Gate::new(), Gate::new());
    let reply = raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
        .after(&head)
        .then("ha")
        .wait(&half)
        .then("lf");
    let origin = origin()
        .route("/", text("ok"))
        .route("/slow", reply)
        .start()
        .await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .plugin("note", guest("note"))
        .backend(&origin)
        .start()
        .await;
    let mut slow = proxy.client().await;
    slow.send(get("/slow").bytes()).await;
    eventually!(head.reached() == 1);
    proxy.plugins.replace("mark.wat", mark("v002"));
    proxy.plugins.remove("note.wat");
    serves(&proxy, "v002").await;
    eventually!(proxy.get("/").await.field("x-note").is_none());
    head.open();
    let answer = slow.head().await;
    assert_eq!(
        answer.field("x-mark").as_deref(),
        Some("v001"),
        "both hooks are of one version"
    );
    assert_eq!(
        answer.field("x-note").as_deref(),
        Some("/slow"),
        "the plugin that is gone still ends what it began"
    );
    assert_eq!(slow.bytes(2).await, b"ha");
    proxy.plugins.replace("mark.wat", mark("v003"));
    serves(&proxy, "v003").await;
    half.open();
    assert_eq!(slow.bytes(2).await, b"lf");
    assert_eq!(
        slow.ask(&get("/")).await.field("x-mark").as_deref(),
        Some("v003"),
        "the connection is not held back"
    );
}

/// Settings, order, rules and policy belong to the name, so every version has them.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_has_the_configuration_of_its_name() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/not", text("ok"))
        .start()
        .await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .plugin("also", guest("mark").version("also"))
        .config("[plugin.mark]\norder = 1\nmatch = { path = '/' }")
        .backend(&origin)
        .start()
        .await;
    for version in ["v002", "v003"] {
        proxy.plugins.replace("mark.wat", mark(version));
        eventually!(proxy.get("/").await.values("x-mark") == ["also", version]);
        assert_eq!(proxy.get("/not").await.values("x-mark"), ["also"]);
    }
}

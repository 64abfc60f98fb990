//! Old versions go when nobody needs them: their code is unmapped, their instances are freed, memory stays flat.

use tollgate_tests::*;

/// Replaces `mark` and waits until the new version serves.
async fn swap_in(proxy: &Binary, version: &str) {
    proxy
        .plugins
        .replace("mark.wat", guest("mark").version(version).text());
    eventually!(proxy.mark().await.as_deref() == Some(version));
}

/// Waits until the better code of the last of so many versions is in its place. (The log is written a little after what it
/// tells of: as many lines as before say nothing of the newest version.)
async fn settle(proxy: &Binary, versions: usize) {
    eventually!(proxy.stderr().matches("(optimized)").count() == versions);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_of_old_versions_is_freed() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .log("info,tollgate=debug")
        .backend(&origin)
        .start_binary()
        .await;
    settle(&proxy, 1).await;
    let one_version = proxy.pieces_of_code();
    for number in 2..12 {
        swap_in(&proxy, &format!("v{number:03}")).await;
        settle(&proxy, number).await;
    }
    eventually!(proxy.pieces_of_code() <= one_version);
    proxy.plugins.remove("mark.wat");
    eventually!(proxy.pieces_of_code() < one_version);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_stays_for_as_long_as_an_exchange_needs_it() {
    let half = Gate::new();
    let reply = raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha")
        .wait(&half)
        .then("lf");
    let origin = origin()
        .route("/", text("ok"))
        .route("/slow", reply)
        .start()
        .await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .log("info,tollgate=debug")
        .backend(&origin)
        .start_binary()
        .await;
    settle(&proxy, 1).await;
    let one_version = proxy.pieces_of_code();
    let mut slow = proxy.client().await;
    slow.send(get("/slow").bytes()).await;
    assert_eq!(slow.head().await.field("x-mark").as_deref(), Some("v001"));
    for (count, version) in [(2, "v002"), (3, "v003"), (4, "v004")] {
        swap_in(&proxy, version).await;
        settle(&proxy, count).await;
    }
    eventually!(proxy.pieces_of_code() == 2 * one_version - without_plugins().await);
    half.open();
    assert_eq!(slow.bytes(4).await, b"half");
    eventually!(proxy.pieces_of_code() == one_version);
}

/// Pieces of code of a proxy that has no plugin.
async fn without_plugins() -> usize {
    proxy().start_binary().await.pieces_of_code()
}

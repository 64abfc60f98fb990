//! Going back to a version that served, and forward again: at once, without a request that misses the plugin.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tollgate_tests::*;

use super::{ask, events, ok, plugin, post, with_admin};

fn mark(version: &str) -> String {
    guest("mark").version(version).text().to_owned()
}

/// A proxy at which these versions of `mark` have served, one after the other.
async fn after(origin: &Origin, versions: &[&str]) -> Proxy {
    let proxy = with_admin()
        .plugin("mark", guest("mark").version(versions[0]))
        .config("[plugin.mark]\norder = 1")
        .backend(origin)
        .start()
        .await;
    for version in &versions[1..] {
        proxy.plugins.replace("mark.wat", mark(version));
        eventually!(proxy.mark().await.as_deref() == Some(version));
    }
    proxy
}

async fn rollback(proxy: &Proxy) -> (u16, Value) {
    post(proxy, "/api/v1/plugins/mark/rollback").await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_back_version_by_version_and_forward_to_the_file() {
    let origin = ok().await;
    let proxy = after(&origin, &["v001", "v002", "v003", "v004", "v005"]).await;
    for version in ["v004", "v003", "v002"] {
        let (status, back) = rollback(&proxy).await;
        assert_eq!(
            (status, &back["serving"]["pinned"]),
            (200, &true.into()),
            "{back}"
        );
        assert_eq!(proxy.mark().await.as_deref(), Some(version));
    }
    let (status, problem) = rollback(&proxy).await;
    assert_eq!(status, 409, "the first is not kept: {problem}");
    let (status, forward) = post(&proxy, "/api/v1/plugins/mark/promote").await;
    assert_eq!(
        (status, &forward["serving"]["pinned"]),
        (200, &false.into()),
        "{forward}"
    );
    assert_eq!(proxy.mark().await.as_deref(), Some("v005"));
    let told = events(&forward);
    assert_eq!(
        told[told.len() - 4..],
        ["rolled-back", "rolled-back", "rolled-back", "promoted"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_back_until_the_file_has_another_content() {
    let origin = ok().await;
    let proxy = after(&origin, &["v001", "v002"]).await;
    rollback(&proxy).await;
    // What is no change: the same content in a new file, and asking for it.
    proxy.plugins.replace("mark.wat", mark("v002"));
    let (_, read) = post(&proxy, "/api/v1/plugins/mark/reload").await;
    assert_eq!(read["serving"]["pinned"], true, "{read}");
    // Neither is what concerns the plugin alone.
    let order = json!({"order": 5});
    assert_eq!(
        ask(&proxy, "PUT", "/api/v1/plugins/mark/order", Some(&order))
            .await
            .0,
        200
    );
    let settings = json!({"settings": {"a": "b"}});
    let (_, set) = ask(
        &proxy,
        "PUT",
        "/api/v1/plugins/mark/settings",
        Some(&settings),
    )
    .await;
    assert_eq!(set["serving"]["pinned"], true, "{set}");
    proxy.plugins.replace("mark.toml", "required = true");
    eventually!(post(&proxy, "/api/v1/plugins/mark/reload").await.0 == 200);
    // Nor being off for a while.
    post(&proxy, "/api/v1/plugins/mark/disable").await;
    assert_eq!(proxy.mark().await, None);
    let (status, on) = post(&proxy, "/api/v1/plugins/mark/enable").await;
    assert_eq!(
        (status, &on["serving"]["pinned"]),
        (200, &true.into()),
        "{on}"
    );
    assert_eq!(proxy.mark().await.as_deref(), Some("v001"));
    // A file that is refused leaves it there, one that serves does not.
    proxy.plugins.replace("mark.wat", "(module)");
    eventually!(plugin(&proxy, "mark").await["error"].is_string());
    assert_eq!(proxy.mark().await.as_deref(), Some("v001"));
    let (status, problem) = post(&proxy, "/api/v1/plugins/mark/promote").await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(plugin(&proxy, "mark").await["serving"]["pinned"], true);
    proxy.plugins.replace("mark.wat", mark("v003"));
    eventually!(proxy.mark().await.as_deref() == Some("v003"));
    assert_eq!(plugin(&proxy, "mark").await["serving"]["pinned"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_changed_to_the_version_before_ends_the_pin() {
    let origin = ok().await;
    let proxy = after(&origin, &["v001", "v002"]).await;
    rollback(&proxy).await;
    proxy.plugins.replace("mark.wat", mark("v001"));
    eventually!(plugin(&proxy, "mark").await["serving"]["pinned"] == false);
    proxy.plugins.replace("mark.wat", mark("v002"));
    eventually!(proxy.mark().await.as_deref() == Some("v002"));
}

/// What the configuration says now holds for a version from before.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_may_not_serve_any_more_is_not_gone_back_to() {
    let origin = ok().await;
    let proxy = with_admin()
        .plugin("mark", guest("count-state"))
        .file("mark.toml", "allow.state = true")
        .config("[state]\nstore = \"memory\"")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(
        plugin(&proxy, "mark").await["permissions"],
        json!(["state"])
    );
    proxy.plugins.replace("mark.wat", mark("v002"));
    eventually!(proxy.mark().await.as_deref() == Some("v002"));
    proxy.plugins.replace("mark.toml", "order = 9");
    eventually!(plugin(&proxy, "mark").await["order"] == 9);
    let (status, problem) = rollback(&proxy).await;
    assert_eq!(status, 422, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("state = true"),
        "{problem}"
    );
    assert_eq!(proxy.mark().await.as_deref(), Some("v002"));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_file_goes_and_so_do_its_versions() {
    let origin = ok().await;
    let proxy = after(&origin, &["v001", "v002"]).await;
    rollback(&proxy).await;
    proxy.plugins.remove("mark.wat");
    eventually!(proxy.get("/").await.status() == 503);
    assert_eq!(
        rollback(&proxy).await.0,
        409,
        "nothing serves without a file"
    );
    assert_eq!(proxy.get("/").await.status(), 503);
    proxy.plugins.replace("mark.wat", mark("v003"));
    eventually!(proxy.mark().await.as_deref() == Some("v003"));
    assert_eq!(plugin(&proxy, "mark").await["can_roll_back"], false);
}

/// While a plugin goes back and forth, each request meets one version of it.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_misses_the_plugin_while_it_goes_back_and_forth() {
    let origin = ok().await;
    let proxy = Arc::new(after(&origin, &["v001", "v002"]).await);
    let over = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (proxy, over) = (proxy.clone(), over.clone());
            tokio::spawn(async move {
                let mut client = proxy.client().await;
                let mut seen = [0_u32; 2];
                while !over.load(Ordering::Relaxed) {
                    let answer = client.ask(&get("/")).await;
                    assert_eq!(answer.status(), 200);
                    match answer.field("x-mark").as_deref() {
                        Some("v001") => seen[0] += 1,
                        Some("v002") => seen[1] += 1,
                        other => panic!("a request met {other:?}"),
                    }
                }
                seen
            })
        })
        .collect();
    for round in 0..10 {
        let path = match round % 2 {
            0 => "rollback",
            _ => "promote",
        };
        let (status, answer) = post(&proxy, &format!("/api/v1/plugins/mark/{path}")).await;
        assert_eq!(status, 200, "{answer}");
    }
    over.store(true, Ordering::Relaxed);
    let mut seen = [0, 0];
    for asked in asking {
        let one = asked.await.unwrap();
        seen = [seen[0] + one[0], seen[1] + one[1]];
    }
    assert!(
        seen[0] > 0 && seen[1] > 0,
        "both versions were met: {seen:?}"
    );
}

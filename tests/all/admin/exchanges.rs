//! Recorded exchanges over the API: the list, one of them, what a step changed, and news of them.

use serde_json::{Value, json};
use tollgate_tests::*;

use super::{Told, ask, ok, read, send, with_admin};

/// A proxy that records, with the plugin `mark`.
async fn recording(origin: &Origin) -> Proxy {
    with_admin()
        .plugin("mark", guest("mark"))
        .config("[record]\nenabled = true")
        .backend(origin)
        .start()
        .await
}

/// The exchanges that are there once so many are; the newest first.
async fn exchanges(proxy: &Proxy, count: usize) -> Vec<Value> {
    eventually!(
        read(proxy, "/api/v1/exchanges").await["exchanges"]
            .as_array()
            .unwrap()
            .len()
            == count
    );
    let list = read(proxy, "/api/v1/exchanges").await;
    list["exchanges"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_is_listed_and_each_step_can_be_seen() {
    let origin = ok().await;
    let proxy = recording(&origin).await;
    let asked = request("POST", "/")
        .field("content-type", "application/json")
        .body("{\"a\":1}");
    assert_eq!(proxy.ask(&asked).await.status(), 200);
    let list = exchanges(&proxy, 1).await;
    let summary = &list[0];
    assert_eq!(
        (&summary["method"], &summary["target"], &summary["status"]),
        (&json!("POST"), &json!("/"), &json!(200))
    );
    assert_eq!(
        summary["plugins"],
        json!([{"name": "mark", "changed": "both"}])
    );
    let path = format!("/api/v1/exchanges/{}", summary["id"].as_str().unwrap());
    let whole = read(&proxy, &path).await;
    assert_eq!(whole["request"]["body"]["text"], "{\"a\":1}");
    assert_eq!(whole["response"]["body"]["text"], "ok");
    let steps = whole["steps"].as_array().unwrap();
    let forward = steps
        .iter()
        .position(|step| step["performer"]["hook"] == "forward-request")
        .unwrap();
    assert_eq!(
        steps[forward]["preview"][0],
        json!({"op": "+", "text": "x-mark: v000"})
    );
    let step = read(&proxy, &format!("{path}/steps/{forward}")).await;
    let rows = step["request"]["head"]["rows"].as_array().unwrap();
    let added: Vec<_> = rows.iter().filter(|row| row["op"] == "insert").collect();
    assert_eq!(added.len(), 1, "{step}");
    assert_eq!(added[0]["right"], "x-mark: v000");
    assert_eq!(
        (&step["request"]["body"]["unchanged"], &step["response"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        ask(&proxy, "GET", &format!("{path}/steps/99"), None)
            .await
            .0,
        404
    );
    let get = Request::new(format!("GET {path}/curl HTTP/1.1\r\nhost: localhost\r\n"));
    let curl = send(&proxy, &get).await;
    let archive = read(&proxy, "/api/v1/exchanges.har?filter=~m%20POST").await;
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(
        (entries.len(), &entries[0]["request"]["method"]),
        (1, &json!("POST")),
        "{archive}"
    );
    assert!(
        curl.text().contains("--data-raw '{\"a\":1}'"),
        "{}",
        curl.text()
    );
    assert_eq!(
        ask(&proxy, "GET", "/api/v1/exchanges/00000000000000zz", None)
            .await
            .0,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_pages_and_a_filter_and_can_be_emptied() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/a", text("a"))
        .route("/b", text("b"))
        .start()
        .await;
    let proxy = recording(&origin).await;
    for path in ["/a", "/b", "/a"] {
        proxy.get(path).await;
    }
    exchanges(&proxy, 3).await;
    let targets = async |query: &str| {
        let list = read(&proxy, &format!("/api/v1/exchanges?{query}")).await;
        let all = list["exchanges"].as_array().unwrap().iter();
        let targets = all.map(|one| one["target"].as_str().unwrap().to_owned());
        (
            targets.collect::<Vec<_>>().join(" "),
            list["more"].as_bool().unwrap(),
        )
    };
    assert_eq!(targets("limit=2").await, ("/a /b".to_owned(), true));
    let second = exchanges(&proxy, 3).await[1]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        targets(&format!("before={second}")).await,
        ("/a".to_owned(), false)
    );
    assert_eq!(targets("filter=~u%20/b").await, ("/b".to_owned(), false));
    assert_eq!(targets("filter=~p%20mark").await.0, "/a /b /a");
    assert_eq!(targets("filter=~p%20other").await.0, "");
    for query in [
        "filter=~c",
        "filter=(",
        "limit=0",
        "limit=x",
        "before=x",
        "filtre=a",
    ] {
        let (status, problem) =
            ask(&proxy, "GET", &format!("/api/v1/exchanges?{query}"), None).await;
        assert_eq!(status, 400, "{query}: {problem}");
    }
    assert_eq!(
        ask(&proxy, "DELETE", "/api/v1/exchanges", None).await.0,
        204
    );
    exchanges(&proxy, 0).await;
    let status = read(&proxy, "/api/v1/status").await;
    assert_eq!(
        (
            &status["recording"]["on"],
            &status["recording"]["exchanges"]
        ),
        (&json!(true), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_told_as_they_end() {
    let origin = ok().await;
    let proxy = recording(&origin).await;
    let mut told = Told::by(&proxy, "only=exchanges").await;
    proxy.get("/").await;
    told.until("event: exchanges\ndata: [{\"id\":\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_filter_those_that_fit_are_told_and_no_other() {
    let origin = origin()
        .route("/a", text("apple"))
        .route("/b", text("pear"))
        .start()
        .await;
    let proxy = recording(&origin).await;
    let mut told = Told::by(&proxy, "only=exchanges&filter=~bs%20pear").await;
    for path in ["/a", "/b?1", "/a", "/b?2"] {
        proxy.get(path).await;
    }
    let text = told.until("\"target\":\"/b?2\"").await;
    assert!(text.contains("\"target\":\"/b?1\""), "{text}");
    assert!(!text.contains("\"target\":\"/a\""), "{text}");
}

/// The tape's part of the status, and its error while it can't be written.
#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_how_the_tape_is() {
    let origin = ok().await;
    let plugins = Plugins::new();
    let tape = plugins.path().join("../exchanges.tape");
    let proxy = with_admin()
        .plugins(plugins)
        .config(&format!("[record]\ntape = {tape:?}"))
        .backend(&origin)
        .start()
        .await;
    proxy.get("/").await;
    let tape_of = async || read(&proxy, "/api/v1/status").await["recording"]["tape"].clone();
    eventually!(tape_of().await["exchanges"] == 1);
    let told = tape_of().await;
    assert_eq!(
        (&told["dropped"], &told["error"]),
        (&json!(0), &Value::Null)
    );
    assert!(told["bytes"].as_u64().unwrap() > 0, "{told}");
    let file = told["file"].as_str().unwrap();
    assert!(file.ends_with("exchanges.tape"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_recording_the_list_is_empty_and_says_so() {
    let origin = ok().await;
    let proxy = with_admin()
        .plugin("mark", guest("mark"))
        .config("[record]\nenabled = false")
        .backend(&origin)
        .start()
        .await;
    proxy.get("/").await;
    exchanges(&proxy, 0).await;
    assert_eq!(
        read(&proxy, "/api/v1/status").await["recording"]["on"],
        false
    );
    let (status, problem) = ask(&proxy, "GET", "/api/v1/exchanges/0123456789abcdef", None).await;
    assert_eq!(status, 404);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("record.enabled"),
        "{problem}"
    );
}

//! A recorded request sent again over the API.

use serde_json::{Value, json};
use tollgate_tests::*;

use super::{ask, ok, read, send, with_admin};

async fn recording(origin: &Origin, more: &str) -> Proxy {
    with_admin()
        .plugin("mark", guest("mark"))
        .config(&format!("[record]\nenabled = true\n{more}"))
        .backend(origin)
        .start()
        .await
}

/// The id of the newest exchange, once so many are there.
async fn newest(proxy: &Proxy, count: usize) -> String {
    let ring = proxy.recorder().unwrap().ring().clone();
    eventually!(ring.size().exchanges == count);
    let list = read(proxy, "/api/v1/exchanges").await;
    list["exchanges"][0]["id"].as_str().unwrap().to_owned()
}

async fn replay(proxy: &Proxy, id: &str, body: Value) -> (u16, Value) {
    ask(
        proxy,
        "POST",
        &format!("/api/v1/exchanges/{id}/replay"),
        Some(&body),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_through_the_proxy_again_and_is_an_exchange_of_its_own() {
    let origin = ok().await;
    let proxy = recording(&origin, "").await;
    let asked = request("POST", "/?x=1")
        .field("x-tenant", "Blue")
        .body("{\"a\":1}");
    assert_eq!(proxy.ask(&asked).await.text(), "ok");
    let id = newest(&proxy, 1).await;
    let (status, done) = replay(&proxy, &id, json!({})).await;
    assert_eq!(status, 200, "{done}");
    let new = done["id"].as_str().unwrap().to_owned();
    assert_ne!(new, id);
    assert_eq!(
        done,
        json!({"id": new, "status": 200, "then": {"status": 200}, "same": true, "masked": []})
    );
    let [then, now] = &origin.requests()[..] else {
        panic!("{:?}", origin.requests())
    };
    assert_eq!(
        (then.target(), then.content()),
        (now.target(), now.content())
    );
    for name in [
        "host",
        "x-tenant",
        "content-length",
        "x-mark",
        "via",
        "x-forwarded-for",
    ] {
        assert_eq!(then.texts(name), now.texts(name), "{name}");
    }
    assert_eq!(now.texts("x-tollgate-replay"), std::slice::from_ref(&id));
    assert!(then.texts("x-tollgate-replay").is_empty());
    // It is there when the answer is.
    let shown = read(&proxy, &format!("/api/v1/exchanges/{new}")).await;
    assert_eq!(shown["request"]["body"]["text"], "{\"a\":1}");
    assert_eq!(shown["response"]["body"]["text"], "ok");
    // A replay can be replayed.
    let (status, again) = replay(&proxy, &new, json!({"masked": "refuse"})).await;
    assert_eq!((status, &again["same"]), (200, &json!(true)));
    assert_eq!(origin.last_request().texts("x-tollgate-replay"), [new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_meets_the_plugins_of_now_and_says_whether_the_answer_is_the_same() {
    let origin = ok().await;
    let proxy = recording(&origin, "").await;
    proxy.get("/").await;
    let id = newest(&proxy, 1).await;
    proxy.plugins.add("gate", &guest("respond"));
    eventually!(proxy.get("/").await.status() == 403);
    let (status, done) = replay(&proxy, &id, json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&done["status"], &done["then"]["status"], &done["same"]),
        (&json!(403), &json!(200), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_masked_is_not_sent_unless_somebody_says_so() {
    let origin = ok().await;
    let proxy = recording(&origin, "").await;
    let asked = request("POST", "/?token=abc")
        .field("authorization", "Bearer secret")
        .field("content-type", "application/json")
        .body("{\"password\":\"a much longer secret\"}");
    proxy.ask(&asked).await;
    let id = newest(&proxy, 1).await;
    let (status, problem) = replay(&proxy, &id, json!({})).await;
    assert_eq!(status, 409);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("target, authorization, body"), "{detail}");
    assert_eq!(origin.requests().len(), 1);
    let (status, done) = replay(&proxy, &id, json!({"masked": "send"})).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(done["masked"], json!(["target", "authorization", "body"]));
    let sent = origin.last_request();
    assert_eq!(sent.texts("authorization"), ["[masked]"]);
    assert_eq!(sent.content(), b"{\"password\":\"[masked]\"}");
    let (status, _) = replay(&proxy, &id, json!({"masked": "sned"})).await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_whole_can_not_be_sent_again() {
    let origin = ok().await;
    let proxy = recording(&origin, "body = 4").await;
    proxy.ask(&request("POST", "/").body("0123456789")).await;
    let id = newest(&proxy, 1).await;
    let (status, problem) = replay(&proxy, &id, json!({})).await;
    assert_eq!(status, 422);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("4 of 10 bytes"),
        "{problem}"
    );
    assert_eq!(origin.requests().len(), 1);
    let (status, _) = replay(&proxy, "00000000000000ff", json!({})).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_send_nothing_again() {
    let origin = ok().await;
    let proxy = recording(&origin, "").await;
    proxy.get("/").await;
    let id = newest(&proxy, 1).await;
    let order = |host: &str| {
        let line = format!("POST /api/v1/exchanges/{id}/replay HTTP/1.1\r\nhost: {host}\r\n");
        Request::new(line)
    };
    let mark = |request: Request| request.field("x-tollgate-admin", "1");
    for (request, status) in [
        (order("localhost"), 403),
        (
            mark(order("localhost")).field("origin", "http://evil.example"),
            403,
        ),
        (mark(order("evil.example")), 421),
        (
            mark(order("localhost"))
                .field("content-type", "text/plain")
                .body("{}"),
            415,
        ),
    ] {
        assert_eq!(send(&proxy, &request).await.status(), status, "{request:?}");
    }
    assert_eq!(origin.requests().len(), 1);
    assert_eq!(send(&proxy, &mark(order("localhost"))).await.status(), 200);
}

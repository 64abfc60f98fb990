//! Guests that wait for bodies hold no thread: hundreds of them block nobody.

use tollgate_tests::*;

/// Far more than there are threads.
const MANY: usize = 300;

/// A client in the middle of its upload, with a guest that waits for the rest.
async fn half_an_upload(proxy: &Served) -> Client {
    let mut client = proxy.client().await;
    client
        .send("POST /upload HTTP/1.1\r\nhost: h\r\ncontent-length: 8\r\n\r\nhalf")
        .await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_waiting_guests_block_nobody() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/upload", text("stored"))
        .start()
        .await;
    let proxy = proxy()
        .plugin("read", guest("read-request"))
        .backend(&origin)
        .start()
        .await;
    let mut waiting = Vec::new();
    for _ in 0..MANY {
        waiting.push(half_an_upload(&proxy).await);
    }
    let mut other = proxy.client().await;
    for _ in 0..20 {
        assert_eq!(
            other.ask(&request("POST", "/").body("whole")).await.text(),
            "ok"
        );
    }
    assert_eq!(
        origin.requests().len(),
        20,
        "none of the others has gone on"
    );
    for client in &mut waiting {
        client.send("done").await;
    }
    for client in &mut waiting {
        assert_eq!(client.answer("POST").await.text(), "stored");
    }
    assert!(
        origin.requests()[20..]
            .iter()
            .all(|request| request.body == b"halfdone")
    );
}

/// Waiting is not computing: the CPU deadline doesn't run meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_is_not_billed() {
    let gate = Gate::new();
    let reply = raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha")
        .wait(&gate)
        .then("lf");
    let origin = origin()
        .route("/slow", reply)
        .route("/loop", text("loop"))
        .start()
        .await;
    let proxy = proxy()
        .plugin("loop", guest("loop-forward"))
        .plugin("read", guest("read-response"))
        .config("[limits]\ndeadline = '50ms'")
        .backend(&origin)
        .start()
        .await;
    let mut slow = proxy.client().await;
    slow.send(get("/slow").bytes()).await;
    eventually!(gate.reached() == 1);
    // Each of these takes a whole deadline.
    for _ in 0..4 {
        assert_eq!(proxy.get("/loop").await.status(), 502);
    }
    gate.open();
    assert_eq!(slow.answer("GET").await.text(), "half");
}

/// A client that leaves takes its guest with it. There are fewer instances than clients here.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_free_their_guests() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("read", guest("read-request"))
        .backend(&origin)
        .start()
        .await;
    for _ in 0..6 {
        let mut waiting = Vec::new();
        for _ in 0..400 {
            waiting.push(half_an_upload(&proxy).await);
        }
        // All of them have reached the plugin when a later one has passed it.
        assert_eq!(
            proxy.ask(&request("POST", "/").body("whole")).await.text(),
            "ok"
        );
    }
    eventually!(
        proxy
            .ask(&request("POST", "/").body("whole"))
            .await
            .status()
            == 200
    );
}

//! Bodies that no plugin asks for stream past, however long they are and however slow their receiver is.

use tollgate_tests::*;

/// More than the buffers of all sockets on the way hold together.
const HUGE: usize = 64 << 20;

/// Kibibytes that the process may grow by meanwhile. Most of it is the compiler, which works in the background.
const MOST_TAKEN: u64 = 32 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_response_streams_to_a_slow_reader() {
    let gate = Gate::new();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n");
    let reply = raw(head)
        .then_fill(HUGE / 2)
        .wait(&gate)
        .then_fill(HUGE / 2);
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start_binary()
        .await;
    let before = proxy.peak_memory();
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    assert_eq!(client.head().await.status, 200);
    client.skip(HUGE / 2).await;
    assert_eq!(
        gate.reached(),
        1,
        "half of it is here while the other half was not even sent"
    );
    gate.open();
    client.skip(HUGE / 2).await;
    assert!(!client.has_unread());
    let taken = proxy.peak_memory() - before;
    assert!(
        taken < MOST_TAKEN,
        "{taken} KiB were taken to pass {HUGE} bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_upload_streams_to_the_backend() {
    let origin = origin().route("/", text("thanks")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start_binary()
        .await;
    let before = proxy.peak_memory();
    let mut client = proxy.client().await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {HUGE}\r\n\r\n"
        ))
        .await;
    client.send(vec![b'.'; HUGE / 2]).await;
    eventually!(origin.received() > (HUGE / 2) as u64);
    client.send(vec![b'.'; HUGE / 2]).await;
    assert_eq!(client.answer("POST").await.text(), "thanks");
    assert_eq!(origin.request().body.len(), HUGE);
    let taken = proxy.peak_memory() - before;
    assert!(
        taken < MOST_TAKEN,
        "{taken} KiB were taken to pass {HUGE} bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_stream_is_passed_on_piece_by_piece() {
    let (first, second) = (Gate::new(), Gate::new());
    let reply = raw(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )
    .then("9\r\ndata: 1\n\n\r\n")
    .wait(&first)
    .then("9\r\ndata: 2\n\n\r\n")
    .wait(&second)
    .then("0\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(client.bytes(14).await, b"9\r\ndata: 1\n\n\r\n");
    first.open();
    assert_eq!(client.bytes(14).await, b"9\r\ndata: 2\n\n\r\n");
    second.open();
    assert_eq!(client.bytes(5).await, b"0\r\n\r\n");
}

/// A backend may answer before it has the whole request.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_reaches_a_client_that_still_sends() {
    let origin = origin()
        .route("/", text("enough").without_reading())
        .start()
        .await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\nthe beginning")
        .await;
    assert_eq!(client.answer("POST").await.text(), "enough");
}

//! Signals: no new connections, running exchanges end, and the exit code says whether all did.

use tokio::net::TcpStream;
use tollgate_tests::*;

/// A proxy with an exchange in the middle of its response.
async fn in_the_middle(gate: &Gate, drain: &str) -> (Origin, Binary, Client) {
    let reply = raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha")
        .wait(gate)
        .then("lf");
    let origin = origin()
        .route("/slow", reply)
        .route("/", text("ok"))
        .start()
        .await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .config(drain)
        .backend(&origin)
        .start_binary()
        .await;
    let mut slow = proxy.client().await;
    slow.send(get("/slow").bytes()).await;
    assert_eq!(slow.head().await.status, 200);
    (origin, proxy, slow)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_exchange_ends_and_new_connections_are_refused() {
    for interrupt in [false, true] {
        let gate = Gate::new();
        let (_origin, proxy, mut slow) = in_the_middle(&gate, "").await;
        let mut idle = proxy.client().await;
        assert_eq!(idle.ask(&get("/")).await.text(), "ok");
        if interrupt {
            proxy.interrupt()
        } else {
            proxy.terminate()
        }
        eventually!(TcpStream::connect(proxy.address).await.is_err());
        assert_eq!(
            idle.rest().await,
            b"",
            "a connection without an exchange is closed"
        );
        gate.open();
        assert_eq!(slow.bytes(4).await, b"half");
        let ended = proxy.ended().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

/// A request that still waits for its backend when the signal comes is answered too, plugins and all.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_without_a_response_yet_gets_one() {
    let gate = Gate::new();
    let origin = origin().route("/", text("ok").after(&gate)).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start_binary()
        .await;
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    eventually!(gate.reached() == 1);
    proxy.terminate();
    eventually!(TcpStream::connect(proxy.address).await.is_err());
    gate.open();
    let answer = client.answer("GET").await;
    assert_eq!(
        (answer.text(), answer.field("x-mark").as_deref()),
        ("ok", Some("v000"))
    );
    assert_eq!(answer.field("connection").as_deref(), Some("close"));
    assert_eq!(proxy.ended().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_cuts_off() {
    let (_origin, proxy, mut slow) = in_the_middle(&Gate::new(), "").await;
    proxy.terminate();
    eventually!(TcpStream::connect(proxy.address).await.is_err());
    proxy.terminate();
    assert_eq!(slow.rest().await, b"ha");
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(ended.stderr.contains("cut off"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_to_drain_is_bounded() {
    let (_origin, proxy, mut slow) = in_the_middle(&Gate::new(), "drain = '200ms'").await;
    proxy.terminate();
    assert_eq!(slow.rest().await, b"ha");
    assert_eq!(proxy.ended().await.code, Some(75));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_it_ends_at_once() {
    let proxy = proxy().plugin("mark", guest("mark")).start_binary().await;
    proxy.mark().await;
    proxy.terminate();
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

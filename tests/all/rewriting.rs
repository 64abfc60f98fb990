//! Bodies that a plugin rewrites as they flow, through the whole proxy.

use tollgate_tests::*;

const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

async fn rewriting(origin: &Origin) -> Proxy {
    let rewrite = guest("rewrite").version("v001");
    let proxy = proxy().plugin("rewrite", rewrite).backend(origin);
    proxy.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_one_by_one() {
    let (first, second) = (Gate::new(), Gate::new());
    let reply = raw(STREAM)
        .then("9\r\ndata: 1\n\n\r\n3\r\nx: \r\n")
        .wait(&first)
        .then("4\r\n2\r\n\r\r\n4\r\n\ndat\r\n")
        .wait(&second)
        .then("6\r\na: 3\n\n\r\n0\r\nx-end: 1\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = rewriting(&origin).await;
    let mut client = proxy.client().await;
    client.send(get("/").field("te", "trailers").bytes()).await;
    assert_eq!(client.head().await.status, 200);
    // What is not whole yet waits, and nothing else does.
    assert_eq!(client.bytes(14).await, b"9\r\ndata: 1\n\n\r\n");
    first.open();
    assert_eq!(client.bytes(11).await, b"6\r\n[v001]\r\n");
    second.open();
    let rest = client.bytes(30).await;
    assert_eq!(
        String::from_utf8_lossy(&rest),
        "a\r\n\ndata: 3\n\n\r\n0\r\nx-end: 1\r\n\r\n"
    );
}

/// An event stream with every kind of line end, a BOM, a blank line more than needed, and no blank line at its end; and what a client
/// must get of it.
const EVERY_END: (&str, &str) = (
    "\u{feff}data: 1\n\nx2\r\n\r\ndata: 3\r\rxx\r\ndata: 4\r\n\n: c\n\r\n\nx: 5\rid: 5\r\rdata: 6\n\nx7\r\n\r\ndata: \u{fc}\ndata",
    "\u{feff}data: 1\n\n[v001]data: 3\r\r[v001]: c\n\r\n\n[v001]data: 6\n\n[v001]data: \u{fc}\ndata",
);

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_may_be_cut_anywhere() {
    let (stream, expected) = (EVERY_END.0.as_bytes(), EVERY_END.1);
    let chunk = |bytes: &[u8]| {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        chunk
    };
    let (mut origin, mut gates) = (origin(), Vec::new());
    for at in 1..stream.len() {
        // The second part comes when the first has been read.
        let gate = Gate::new();
        let reply = raw(STREAM).then(chunk(&stream[..at])).wait(&gate);
        let reply = reply.then(chunk(&stream[at..])).then("0\r\n\r\n");
        origin = origin.route(&format!("/{at}"), reply);
        gates.push(gate);
    }
    let bytes: Vec<u8> = stream.chunks(1).flat_map(chunk).collect();
    let bytewise = raw(STREAM).then(bytes).then("0\r\n\r\n");
    let origin = origin.route("/bytes", bytewise).start().await;
    let proxy = rewriting(&origin).await;
    let mut client = proxy.client().await;
    for (number, gate) in gates.iter().enumerate() {
        let target = format!("/{}", number + 1);
        client.send(get(&target).bytes()).await;
        eventually!(gate.reached() > 0);
        gate.open();
        let answer = client.answer("GET").await;
        assert!(answer.complete, "cut at {}", number + 1);
        // Of a CRLF that is cut in two the LF comes when the event has gone on, and stays.
        let came = answer.text().replace("[v001]\n", "[v001]");
        assert_eq!(came, expected, "cut at {}", number + 1);
    }
    let answer = client.ask(&get("/bytes")).await;
    assert_eq!(answer.text().replace("[v001]\n", "[v001]"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_rewritten_on_its_way() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = rewriting(&origin).await;
    let mut client = proxy.client().await;
    let request = request("POST", "/")
        .field("digest", "md5=x")
        .body("keep\nxxx\nkeep");
    assert_eq!(client.ask(&request).await.text(), "ok");
    let seen = origin.last_request();
    assert_eq!(seen.content(), b"keep\n[v001]keep");
    assert!(seen.texts("content-length").is_empty() && seen.texts("digest").is_empty());
    assert_eq!(seen.texts("transfer-encoding"), ["chunked"]);
    // A request without a body gets none.
    assert_eq!(client.ask(&get("/")).await.text(), "ok");
    assert!(origin.last_request().texts("transfer-encoding").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_piece_cuts_the_message_off() {
    let reply = raw(STREAM).then("9\r\ndata: 1\n\n\r\n7\r\ntrap: \n\r\n1\r\n\n\r\n0\r\n\r\n");
    let origin = origin()
        .route("/", reply)
        .route("/upload", text("ok"))
        .start()
        .await;
    let proxy = rewriting(&origin).await;
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    client.head().await;
    let rest = client.rest().await;
    assert_eq!(rest, b"9\r\ndata: 1\n\n\r\n", "no last chunk follows");
    let mut client = proxy.client().await;
    let refused = client
        .ask(&request("POST", "/upload").body("keep\ntrap\n"))
        .await;
    assert_eq!(refused.status(), 502);
    let status = refused.field("proxy-status").unwrap();
    assert!(
        status.contains("plugin rewrite: request-body failed"),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_whole_representation_stays_as_it_is() {
    let part = raw(
        "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-1/9\r\ncontent-length: 2\r\n\r\nx\n",
    );
    let head = raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\netag: \"a\"\r\n\r\n");
    let same = raw("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\netag: \"a\"\r\n\r\n");
    let origin = origin()
        .route("/part", part)
        .route("/head", head)
        .route("/same", same)
        .start()
        .await;
    let proxy = rewriting(&origin).await;
    let mut client = proxy.client().await;
    let part = client.ask(&get("/part")).await;
    assert_eq!(
        (part.text(), part.field("content-length").as_deref()),
        ("x\n", Some("2"))
    );
    let same = client.ask(&get("/same")).await;
    assert_eq!(same.field("etag").as_deref(), Some("\"a\""));
    let head = client.ask(&request("HEAD", "/head")).await;
    let told = (head.field("content-length"), head.field("etag"));
    assert_eq!(told, (Some("9".to_owned()), Some("\"a\"".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_with_the_version_that_it_began_with() {
    let gate = Gate::new();
    let reply = raw(STREAM)
        .then("3\r\nx\n\n\r\n")
        .wait(&gate)
        .then("3\r\nx\n\n\r\n0\r\n\r\n");
    let origin = origin()
        .route("/", reply)
        .route("/now", text("x\n\n"))
        .start()
        .await;
    let proxy = rewriting(&origin).await;
    let mut client = proxy.client().await;
    client.send(get("/").bytes()).await;
    client.head().await;
    assert_eq!(client.bytes(11).await, b"6\r\n[v001]\r\n");
    proxy
        .plugins
        .replace("rewrite.wat", guest("rewrite").version("v002").text());
    let mut other = proxy.client().await;
    eventually!(other.ask(&get("/now")).await.text() == "[v002]");
    gate.open();
    assert_eq!(client.bytes(16).await, b"6\r\n[v001]\r\n0\r\n\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_body_ends_properly_and_its_source_is_told() {
    let gate = Gate::new();
    let reply = raw(STREAM)
        .then("9\r\ndata: 1\n\n\r\n3\r\ns\n\n\r\n")
        .wait(&gate);
    let origin = origin().route("/", reply).start().await;
    let proxy = rewriting(&origin).await;
    let mut client = proxy.client().await;
    let answer = client.ask(&get("/")).await;
    assert_eq!(answer.text(), "data: 1\n\n");
    eventually!(origin.gone() == 1);
    gate.open();
}

/// More than the buffers of all sockets on the way hold together.
const HUGE: usize = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_takes_no_memory() {
    let event = format!("data: {}\n\n", ".".repeat(1000));
    let count = HUGE / event.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
        count * event.len()
    );
    let origin = origin()
        .route("/", raw(head).then(event.repeat(count)))
        .start()
        .await;
    let proxy = proxy()
        .plugin("rewrite", guest("rewrite"))
        .backend(&origin)
        .start_binary()
        .await;
    let before = proxy.peak_memory();
    let mut client = proxy.client().await;
    let answer = client.ask(&get("/")).await;
    assert_eq!(answer.body.len(), count * event.len());
    let taken = proxy.peak_memory() - before;
    // Most of it is the compiler, which works in the background.
    assert!(
        taken < 32 << 10,
        "{taken} KiB were taken to pass {HUGE} bytes"
    );
}

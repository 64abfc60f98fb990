//! A connection as its client sees it. Time is tokio's and stands still until all wait.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::config::server::HalfClose;
use crate::message::{BodyError, Fields, Known, OnInformational};
use crate::proxy::delivery::Delivery;
use crate::proxy::http1::chunks::BadBody;
use crate::proxy::http1::request::HeadLimits;

mod stream;

const LIMITS: Limits = Limits {
    head: HeadLimits {
        max_head: 8 << 10,
        max_fields: 100,
        max_target: 1 << 10,
    },
    header_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(75),
    body_timeout: Duration::from_secs(30),
    half_close: HalfClose::Answer,
};

/// What the exchanges of a test have seen: a line for each request, with what went wrong.
type Log = Arc<Mutex<Vec<String>>>;

/// Exchanges by a function.
struct By<F>(F);

impl<F, A, B> Exchanges for By<F>
where
    F: Fn(Inbound) -> A + Send + Sync,
    A: Future<Output = (ResponseHead, B)> + Send,
    B: HttpBody<Data = Bytes, Error = BoxError> + Delivery + Send + Unpin,
{
    type Body = B;

    fn exchange(&self, inbound: Inbound) -> impl Future<Output = (ResponseHead, B)> + Send {
        (self.0)(inbound)
    }
}

struct Server {
    log: Log,
    /// Lets a request for `/wait` go on.
    go_on: Arc<Notify>,
    /// What the last exchange was given to send interim responses.
    interim: Arc<Mutex<Option<OnInformational>>>,
    stop: Stop,
    /// How the connection ended.
    connection: JoinHandle<io::Result<()>>,
}

fn serve<IO>(io: IO, prefix: &'static [u8]) -> Server
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    serve_with(io, prefix, LIMITS, |_| false)
}

fn serve_with<IO>(
    io: IO,
    prefix: &'static [u8],
    limits: Limits,
    has_left: fn(&IO) -> bool,
) -> Server
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (log, go_on) = (Log::default(), Arc::new(Notify::new()));
    let interim = Arc::<Mutex<Option<OnInformational>>>::default();
    let stop = Stop::default();
    let peer = Peer {
        has_left,
        abort: |_| {},
    };
    let exchange = {
        let (log, go_on, interim) = (log.clone(), go_on.clone(), interim.clone());
        move |inbound: Inbound| {
            *interim.lock().unwrap() = inbound.on_informational.clone();
            answer(inbound, log.clone(), go_on.clone())
        }
    };
    let serving = super::serve(
        io,
        Bytes::from_static(prefix),
        limits,
        peer,
        stop.clone(),
        By(exchange),
    );
    Server {
        log,
        go_on,
        interim,
        stop,
        connection: tokio::spawn(serving),
    }
}

type Answer = (
    ResponseHead,
    http_body_util::combinators::BoxBody<Bytes, BoxError>,
);

fn reply(status: StatusCode, text: String) -> Answer {
    let body = Full::from(text).map_err(|never| match never {});
    (ResponseHead::new(status), body.boxed())
}

async fn answer(inbound: Inbound, log: Log, go_on: Arc<Notify>) -> Answer {
    let head = inbound.head;
    let line = format!("{} {}", head.method, head.target);
    let say = |what: String| log.lock().unwrap().push(what);
    if let Some(error) = inbound.refused {
        say(format!("refused: {error:?}"));
        return reply(error.status(), error.to_string());
    }
    match head.target.path() {
        "/wait" => go_on.notified().await,
        "/unread" => return reply(StatusCode::OK, line),
        "/large" => return reply(StatusCode::OK, "x".repeat(4 << 20)),
        "/early" => {
            inbound.on_informational.unwrap()(&ResponseHead {
                fields: Fields::from_iter([("Link", "</a>")]),
                ..ResponseHead::new(StatusCode::EARLY_HINTS)
            });
        }
        "/switch" => return switch(inbound.tunnel.unwrap()),
        _ => {}
    }
    match inbound.body.collect().await {
        Ok(body) => {
            let trailers = body.trailers().map_or(0, http::HeaderMap::len);
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            say(format!("{line} {body:?} {trailers}"));
            reply(StatusCode::OK, format!("{line} {body}"))
        }
        Err(error) => {
            let cause = error.to_string();
            say(format!("{line}: {cause}"));
            reply(StatusCode::BAD_REQUEST, cause)
        }
    }
}

/// Answers 101 and sends back, in capitals, what comes, until it ends.
fn switch(tunnel: Opening) -> Answer {
    tokio::spawn(async move {
        let mut io = tunnel.await.unwrap();
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.unwrap();
        io.write_all(&all.to_ascii_uppercase()).await.unwrap();
        io.shutdown().await.unwrap();
    });
    let (mut head, body) = reply(StatusCode::SWITCHING_PROTOCOLS, String::new());
    head.fields.append(Known::Upgrade, "capitals");
    head.fields.append(Known::Connection, "upgrade");
    (head, body)
}

impl Server {
    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn send_interim(&self, status: StatusCode) {
        let send = self.interim.lock().unwrap().clone().unwrap();
        send(&ResponseHead::new(status));
    }

    async fn ended(self) -> io::Result<()> {
        in_time(self.connection).await.unwrap()
    }
}

fn connect() -> (DuplexStream, Server) {
    let (client, server) = tokio::io::duplex(16 << 10);
    (client, serve(server, b""))
}

/// What must happen at some time. Where time stands still, that is at once.
async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5000), what)
        .await
        .expect("nothing happens")
}

/// Reads one response that has a length: its head and its body.
async fn response(client: &mut (impl AsyncRead + Unpin)) -> (String, String) {
    in_time(read_response(client)).await
}

async fn read_response(client: &mut (impl AsyncRead + Unpin)) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |n| n.parse().unwrap())];
    client.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

async fn rest(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = String::new();
    in_time(client.read_to_string(&mut all)).await.unwrap();
    all
}

fn status(response: &(String, String)) -> &str {
    &response.0["HTTP/1.1 ".len()..][..3]
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_many_requests() {
    let (mut client, server) = connect();
    for i in 0..3 {
        let request = format!("POST /{i} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi");
        client.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(response(&mut client).await.1, format!("POST /{i} hi"));
    }
    drop(client);
    server.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_answered_in_its_turn_and_is_the_last() {
    let (mut client, server) = connect();
    let requests = "POST /1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\
        GET /2 HTTP/1.1\r\nhost: a\r\n\r\n\
        GET /3 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n\
        GET /4 HTTP/1.1\r\nhost: a\r\n\r\n";
    client.write_all(requests.as_bytes()).await.unwrap();
    assert_eq!(response(&mut client).await.1, "POST /1 hi");
    assert_eq!(response(&mut client).await.1, "GET /2 ");
    let refused = response(&mut client).await;
    assert_eq!(status(&refused), "400");
    assert!(refused.0.contains("connection: close"), "{}", refused.0);
    assert_eq!(refused.1, BadHead::ContentLength.to_string());
    assert_eq!(rest(&mut client).await, "");
    let log = server.log();
    assert_eq!(
        log,
        [
            "POST /1 \"hi\" 0",
            "GET /2 \"\" 0",
            "refused: ContentLength"
        ]
    );
    drop(client);
    server.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_can_not_forge_a_refusal() {
    let (mut client, server) = connect();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(status(&response(&mut client).await), "200");
    assert_eq!(server.log(), ["GET / \"\" 0"]);
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_refused_head_request_has_no_body() {
    let (mut client, _server) = connect();
    client.write_all(b"HEAD / HTTP/2.0\r\n\r\n").await.unwrap();
    let all = rest(&mut client).await;
    assert!(all.starts_with("HTTP/1.1 505"), "{all}");
    assert!(all.ends_with("\r\n\r\n"), "{all}");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_were_read_before_come_first() {
    let (mut client, io) = tokio::io::duplex(1024);
    let _server = serve(
        io,
        b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\nPOST /2 HTTP/1.1\r\nhost: a\r\ncont",
    );
    assert_eq!(response(&mut client).await.1, "GET /1 ");
    client.write_all(b"ent-length: 2\r\n\r\nhi").await.unwrap();
    assert_eq!(response(&mut client).await.1, "POST /2 hi");
}

#[tokio::test(start_paused = true)]
async fn a_broken_body_is_told_to_who_reads_it() {
    let (mut client, server) = connect();
    let request = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n2\r\nho\nGET / HTTP/1.1\r\n\r\n";
    client.write_all(request).await.unwrap();
    let refused = response(&mut client).await;
    assert_eq!(
        (status(&refused), &refused.1),
        ("400", &format!("the body broke off: {}", BadBody::DataEnd))
    );
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(server.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_go_through_whole() {
    let (client, server) = connect();
    let body = "0123456789abcdef".repeat(1 << 14);
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    let requests = format!(
        "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}\
         POST /2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\na: b\r\n\r\n",
        body.len()
    );
    let (mut read, mut write) = tokio::io::split(client);
    let writer = tokio::spawn(async move {
        write.write_all(requests.as_bytes()).await.unwrap();
        write
    });
    assert_eq!(response(&mut read).await.1, format!("POST /1 {body}"));
    assert_eq!(response(&mut read).await.1, format!("POST /2 {body}{body}"));
    assert!(server.log()[1].ends_with(" 1"), "the trailer is there");
    writer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_never_sends_a_byte_is_left() {
    let (mut client, server) = connect();
    let begin = Instant::now();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(begin.elapsed().as_secs(), 10);
    server.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_answered_with_408() {
    let (mut client, server) = connect();
    let begin = Instant::now();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    response(&mut client).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    // Each byte is in time for itself, the head is not.
    for byte in b"GET / HTT" {
        client.write_all(&[*byte]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let late = response(&mut client).await;
    assert_eq!(status(&late), "408");
    assert_eq!(begin.elapsed().as_secs(), 30);
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(server.log()[1], "refused: Timeout");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_in_silence() {
    let (mut client, server) = connect();
    for pause in [0, 70] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        response(&mut client).await;
    }
    let begin = Instant::now();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(begin.elapsed().as_secs(), 75);
    server.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_that_came_in_time_leaves_no_trace() {
    let (mut client, _server) = connect();
    for part in [
        "GET / HTTP/1.1\r\n",
        "host: a\r\n\r\nGET / HTTP/1.1\r\n",
        "host: a\r\n\r\n",
    ] {
        client.write_all(part.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(9)).await;
    }
    for _ in 0..2 {
        assert_eq!(status(&response(&mut client).await), "200");
    }
    let begin = Instant::now();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(begin.elapsed().as_secs(), 75 - 9);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_takes_the_time_it_takes() {
    let (mut client, server) = connect();
    let begin = Instant::now();
    // The next head has begun meanwhile.
    client
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1003)).await;
    server.go_on.notify_one();
    assert_eq!(response(&mut client).await.1, "GET /wait ");
    // From here on it is waited for.
    assert_eq!(status(&response(&mut client).await), "408");
    assert_eq!(begin.elapsed().as_secs(), 1013);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up() {
    let (mut client, server) = connect();
    let head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
    client.write_all(head).await.unwrap();
    for _ in 0..5 {
        client.write_all(b"x").await.unwrap();
        tokio::time::sleep(Duration::from_secs(29)).await;
    }
    let begin = Instant::now();
    assert_eq!(status(&response(&mut client).await), "400");
    assert_eq!(begin.elapsed().as_secs(), 1);
    let after = Duration::from_secs(30);
    let stalled = BodyError::TimedOut { after }.to_string();
    assert_eq!(server.log(), [format!("POST /: {stalled}")]);
}

#[tokio::test(start_paused = true)]
async fn a_trailer_section_that_stalls_is_given_up() {
    let (mut client, server) = connect();
    let request = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: ";
    client.write_all(request).await.unwrap();
    assert_eq!(status(&response(&mut client).await), "400");
    assert!(
        server.log()[0].contains("no further byte of the body"),
        "{:?}",
        server.log()
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_given_up() {
    let (mut client, server) = connect();
    client
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let begin = Instant::now();
    let error = server.ended().await.unwrap_err();
    assert_eq!(begin.elapsed().as_secs(), 30);
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().contains("took nothing"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_its_time_gets_all() {
    let (mut client, _server) = connect();
    client
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let begin = Instant::now();
    let mut part = vec![0; 16 << 10];
    let mut got = 0;
    while got < 4 << 20 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let n = in_time(client.read(&mut part)).await.unwrap();
        assert!(n > 0, "ended after {got} bytes");
        got += n;
    }
    assert!(begin.elapsed() > Duration::from_secs(1000));
    // The time to rest begins when it has all.
    let begin = Instant::now();
    rest(&mut client).await;
    assert_eq!(begin.elapsed().as_secs(), 75);
}

const SWITCH: &str =
    "GET /switch HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: capitals\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn after_a_switch_bytes_pass_as_they_are() {
    let (mut client, server) = connect();
    // Bytes that come with the head, and bytes that are no HTTP.
    client
        .write_all(format!("{SWITCH}hello \n\n").as_bytes())
        .await
        .unwrap();
    assert_eq!(status(&response(&mut client).await), "101");
    server.ended().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    client.write_all(b"world\0").await.unwrap();
    // One way is closed, the other isn't.
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, "HELLO \n\nWORLD\0");
}

#[tokio::test(start_paused = true)]
async fn a_switch_after_a_body_and_with_the_client_s_end_already_there() {
    let (mut client, _server) = connect();
    let head = SWITCH.replace("host: a", "host: a\r\ncontent-length: 3");
    client
        .write_all(format!("{head}abchello").as_bytes())
        .await
        .unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(status(&response(&mut client).await), "101");
    assert_eq!(rest(&mut client).await, "HELLO");
}

#[tokio::test(start_paused = true)]
async fn without_a_switch_http_goes_on() {
    let (mut client, server) = connect();
    let head = SWITCH.replace("/switch", "/stay");
    // Nobody has said what follows: when the exchange is over, that is HTTP.
    client
        .write_all(format!("{head}GET /2 HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes())
        .await
        .unwrap();
    assert_eq!(response(&mut client).await.1, "GET /stay ");
    assert_eq!(response(&mut client).await.1, "GET /2 ");
    client
        .write_all(head.replace("/stay", "/wait").as_bytes())
        .await
        .unwrap();
    client.write_all(b"bad\n").await.unwrap();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.log().len(), 2, "what follows is not looked at");
    server.go_on.notify_one();
    assert_eq!(response(&mut client).await.1, "GET /wait ");
    assert_eq!(status(&response(&mut client).await), "400");
}

#[tokio::test(start_paused = true)]
async fn an_interim_response_comes_before_the_final_one() {
    let (mut client, server) = connect();
    for _ in 0..2 {
        client
            .write_all(b"GET /early HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let early = response(&mut client).await;
        assert_eq!(early.0, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        assert_eq!(response(&mut client).await.1, "GET /early ");
    }
    drop(server);
}

#[tokio::test(start_paused = true)]
async fn an_interim_response_is_sent_while_the_final_one_is_waited_for() {
    let (mut client, server) = connect();
    client
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begin = Instant::now();
    // From another task: the connection has to be woken.
    server.send_interim(StatusCode::PROCESSING);
    assert_eq!(
        response(&mut client).await.0,
        "HTTP/1.1 102 Processing\r\n\r\n"
    );
    assert_eq!(begin.elapsed(), Duration::ZERO);
    server.send_interim(StatusCode::OK);
    server.send_interim(StatusCode::SWITCHING_PROTOCOLS);
    server.go_on.notify_one();
    assert_eq!(response(&mut client).await.1, "GET /wait ");
}

#[tokio::test(start_paused = true)]
async fn http_1_0_gets_no_interim_response() {
    let (mut client, _server) = connect();
    client
        .write_all(b"GET /early HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(start_paused = true)]
async fn an_interim_response_never_comes_amid_another_response() {
    let (mut client, server) = connect();
    client
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.send_interim(StatusCode::PROCESSING);
    assert_eq!(response(&mut client).await.1, "x".repeat(4 << 20));
}

/// A client that sends more than anybody reads still gets its answer. (On a real socket, in real time.)
#[tokio::test]
async fn the_last_response_survives_unread_input() {
    let unread = "POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 500000\r\n\r\n";
    for (head, expected) in [("GET / HTTP/3.0\r\n\r\n", "505"), (unread, "200")] {
        let exchange = answer_to_more_than_is_read(head);
        let all = tokio::time::timeout(Duration::from_secs(60), exchange)
            .await
            .unwrap();
        assert!(all.starts_with(&format!("HTTP/1.1 {expected}")), "{all}");
    }
}

async fn answer_to_more_than_is_read(head: &str) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    let server = serve(listener.accept().await.unwrap().0, b"");
    client.write_all(head.as_bytes()).await.unwrap();
    // Most of it is sent before the answer is looked at, and some after it is there.
    client.write_all(&[b'x'; 300_000]).await.unwrap();
    client.peek(&mut [0]).await.unwrap();
    client.write_all(&[b'x'; 200_000]).await.unwrap();
    let all = rest(&mut client).await;
    drop(client);
    server.ended().await.unwrap();
    all
}

#[tokio::test(start_paused = true)]
async fn lingering_has_an_end() {
    let (mut client, server) = connect();
    client.write_all(b"bad\n").await.unwrap();
    let begin = Instant::now();
    assert_eq!(status(&response(&mut client).await), "400");
    server.ended().await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_client_that_has_nothing_to_say() {
    let (mut client, server) = connect();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let begin = Instant::now();
    server.ended().await.unwrap();
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(status(&response(&mut client).await), "200");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_closed_its_side_gets_its_response() {
    let (mut client, server) = connect();
    client
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    client.shutdown().await.unwrap();
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.go_on.notify_one();
    assert!(rest(&mut client).await.ends_with("GET /wait "));
    server.ended().await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_exchange_of_a_client_that_has_left_is_cancelled() {
    let left: fn(&DuplexStream) -> bool = |_| true;
    let stays: fn(&DuplexStream) -> bool = |_| false;
    for (half_close, has_left, seconds) in [
        (HalfClose::Cancel, stays, 2),
        // Its reset is seen.
        (HalfClose::Answer, left, 0),
    ] {
        let (mut client, io) = tokio::io::duplex(16 << 10);
        let limits = Limits {
            half_close,
            ..LIMITS
        };
        let server = serve_with(io, b"", limits, has_left);
        client
            .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        drop(client);
        let begin = Instant::now();
        server.ended().await.unwrap_err();
        assert_eq!(begin.elapsed().as_secs(), seconds, "{half_close:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_closed_its_side_waits_for_its_answer() {
    let (mut client, server) = connect();
    client
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    client.shutdown().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    server.go_on.notify_one();
    let (head, body) = response(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(body, "GET /wait ");
    server.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_expects_it_is_told_to_go_on_when_the_body_is_wanted() {
    let (mut client, server) = connect();
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        )
    };
    client.write_all(head("/wait").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    server.go_on.notify_one();
    let go_on = response(&mut client).await.0;
    assert_eq!(go_on, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hi").await.unwrap();
    assert_eq!(response(&mut client).await.1, "POST /wait hi");
    // Nobody wants it: the answer comes, and the end, because it is not known whether the body comes.
    client.write_all(head("/unread").as_bytes()).await.unwrap();
    let (head, _) = response(&mut client).await;
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_connection_outlives_a_short_body_that_nobody_wanted() {
    let (mut client, _server) = connect();
    let requests = "POST /unread HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\
        GET /2 HTTP/1.1\r\nhost: a\r\n\r\n";
    client.write_all(requests.as_bytes()).await.unwrap();
    assert_eq!(response(&mut client).await.1, "POST /unread");
    assert_eq!(response(&mut client).await.1, "GET /2 ");
}

#[tokio::test(start_paused = true)]
async fn once_it_is_time_to_stop_the_exchange_is_the_last() {
    let (mut client, server) = connect();
    let request = b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n";
    client.write_all(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.stop.stop();
    server.go_on.notify_one();
    let (head, body) = response(&mut client).await;
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(body, "GET /wait ");
    assert_eq!(rest(&mut client).await, "");

    let (mut client, server) = connect();
    client
        .write_all(b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    response(&mut client).await;
    let begin = Instant::now();
    server.stop.stop();
    assert_eq!(rest(&mut client).await, "", "one at rest ends at once");
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

/// A body that breaks off after some data.
struct Broken(u8);

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        self.0 += 1;
        Poll::Ready(Some(match self.0 {
            1 => Ok(http_body::Frame::data("part".into())),
            _ => Err("broken".into()),
        }))
    }
}

impl Delivery for Broken {}

/// A body that says when it was told that the response has gone.
struct Told {
    data: Option<Bytes>,
    is_told: Arc<Mutex<bool>>,
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        Poll::Ready(
            self.data
                .take()
                .map(|data| Ok(http_body::Frame::data(data))),
        )
    }
}

impl Delivery for Told {
    fn delivered(self: std::pin::Pin<&mut Self>) {
        *self.is_told.lock().unwrap() = true;
    }
}

#[tokio::test]
async fn a_body_is_told_when_the_connection_has_taken_all_and_not_before() {
    for (data, leaves) in [
        (None, false),
        (None, true),
        (Some("12345"), false),
        (Some("12345"), true),
    ] {
        let is_told = Arc::new(Mutex::new(false));
        let exchange = |_| {
            let data = data.map(|data| Bytes::from_static(data.as_bytes()));
            let is_told = is_told.clone();
            async move { (ResponseHead::new(StatusCode::OK), Told { data, is_told }) }
        };
        let (mut client, io) = tokio::io::duplex(1024);
        let peer = Peer {
            has_left: |_: &DuplexStream| false,
            abort: |_| {},
        };
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        let client = (!leaves).then_some(client);
        let serving = super::serve(
            io,
            Bytes::new(),
            LIMITS,
            peer,
            Stop::default(),
            By(exchange),
        );
        let ended = match client {
            None => serving.await,
            Some(mut client) => {
                let mut all = String::new();
                let (ended, read) = tokio::join!(serving, client.read_to_string(&mut all));
                assert!(read.is_ok() && all.starts_with("HTTP/1.1 200"), "{all}");
                ended
            }
        };
        assert_eq!(
            (ended.is_err(), *is_told.lock().unwrap()),
            (leaves, !leaves),
            "{data:?}"
        );
    }
}

#[tokio::test]
async fn a_response_that_breaks_off_is_never_taken_for_a_whole_one() {
    for (version, end) in [
        ("1.1", Ok("part\r\n")),
        ("1.0", Err(io::ErrorKind::ConnectionReset)),
    ] {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let peer = Peer {
            has_left: |_| false,
            abort: |io: &tokio::net::TcpStream| io.set_zero_linger().unwrap(),
        };
        let exchange = |_| async { (ResponseHead::new(StatusCode::OK), Broken(0)) };
        let io = listener.accept().await.unwrap().0;
        let serving = super::serve(
            io,
            Bytes::new(),
            LIMITS,
            peer,
            Stop::default(),
            By(exchange),
        );
        let serving = tokio::spawn(serving);
        let request = format!("GET / HTTP/{version}\r\nhost: a\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut all = String::new();
        let read = client.read_to_string(&mut all).await;
        match end {
            Ok(end) => assert!(read.is_ok() && all.ends_with(end), "{read:?} {all}"),
            Err(kind) => assert_eq!(read.unwrap_err().kind(), kind),
        }
        serving.await.unwrap().unwrap();
    }
}

/// What a connection takes while it rests, beside its socket and its timer.
#[tokio::test]
async fn a_connection_at_rest_is_small() {
    let (_client, io) = tokio::io::duplex(1);
    let peer = Peer {
        has_left: |_: &DuplexStream| false,
        abort: |_| {},
    };
    let exchange = |_| async { reply(StatusCode::OK, String::new()) };
    let connection = super::serve(
        io,
        Bytes::new(),
        LIMITS,
        peer,
        Stop::default(),
        By(exchange),
    );
    let size = std::mem::size_of_val(&connection);
    assert!(size <= 640, "{size} bytes");
}

//! Responses byte by byte: on a connection in memory, so that every read ends where a test wants it.

use http::HeaderMap;
use tokio::io::DuplexStream;
use tokio::task::yield_now;

use super::*;
use crate::message::{BodyError, Tunnel};
use crate::proxy::upstream::connect::Connected;
use crate::proxy::upstream::pool::{Grant, Taken};
use crate::proxy::upstream::stream::{Io, Stream};
use crate::proxy::upstream::wire::Wire;

/// An address with one connection at rest, whose other side is here. Nobody takes a second one.
fn rigged() -> (Endpoint, DuplexStream) {
    rigged_with(|near| Box::new(near))
}

fn rigged_with(wrap: impl FnOnce(DuplexStream) -> Tunnel) -> (Endpoint, DuplexStream) {
    let config = Arc::new(BackendConfig {
        max_head: 1024,
        max_fields: 10,
        ..config(SocketAddr::from(([127, 0, 0, 1], 1)))
    });
    let resolver: Arc<dyn Resolve> = Arc::new(SystemResolver);
    let endpoint = Endpoint::new(&config.addresses[0], &config, None, &resolver);
    let (near, far) = tokio::io::duplex(1 << 20);
    let Taken::Now(Grant::Slot(slot)) = endpoint.pool.reserve() else {
        panic!("there is room")
    };
    let connected = Connected {
        stream: Stream::new(Io::Tls(wrap(near))),
        origin: None,
        http2: false,
    };
    endpoint.pool.put(Wire::new(connected, slot));
    (endpoint, far)
}

/// What a client gets: status, interim responses, body, trailers; or why not.
type Got = Result<(u16, Vec<u16>, String, Vec<String>), String>;

/// Sends a request; the connection answers in pieces that end at `cuts`, and ends if `then_ends`. Tells also whether the
/// connection rests afterwards.
async fn got(method: &str, response: &[u8], cuts: &[usize], then_ends: bool) -> (Got, bool) {
    let (endpoint, mut far) = rigged();
    let interim = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = interim.clone();
    let head = request(method, "/");
    let client = async {
        let mut call = Call {
            head: &head,
            body: Body::Empty,
            upgrade: None,
            expect_continue: false,
            on_informational: Some(Arc::new(move |head| {
                sink.lock().unwrap().push(head.status.as_u16());
            })),
            repeatable: false,
            pending: None,
        };
        let received = endpoint.send(&mut call).await;
        let received = received.map_err(|miss| miss.error.proxy_error().as_str().to_owned())?;
        let body = received.body.collect().await.map_err(|e| e.to_string())?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        let lines = trailers
            .iter()
            .map(|(n, v)| format!("{n}: {}", v.to_str().unwrap()));
        let lines = lines.collect();
        let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        let interim = interim.lock().unwrap().clone();
        Ok((received.head.status.as_u16(), interim, text, lines))
    };
    let server = async {
        super::head(&mut far).await.unwrap();
        let mut from = 0;
        for &to in cuts.iter().chain([&response.len()]) {
            // Who has seen enough closes the connection.
            let _ = far.write_all(&response[from..to]).await;
            from = to;
            // The client is polled before this goes on.
            yield_now().await;
            yield_now().await;
        }
        // None: the client has closed it.
        (!then_ends).then_some(far)
    };
    let (got, far) = tokio::join!(client, server);
    let rests = match endpoint.pool.take() {
        Taken::Now(Grant::Idle(_)) => far.is_some(),
        _ => false,
    };
    (got, rests)
}

/// Plays a response whole, cut at every byte, and byte by byte.
async fn holds(method: &str, response: &str, then_ends: bool, expected: Got, rests: bool) {
    let bytes = response.as_bytes();
    let each: Vec<_> = (1..bytes.len()).collect();
    for cuts in (0..bytes.len()).map(|cut| vec![cut]).chain([each]) {
        let (got, rested) = got(method, bytes, &cuts, then_ends).await;
        assert_eq!(got, expected, "{response:?} cut at {cuts:?}");
        assert_eq!(rested, rests, "{response:?} cut at {cuts:?}");
    }
}

fn plain(status: u16, text: &str) -> Got {
    Ok((status, vec![], text.to_owned(), vec![]))
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn responses_are_read_wherever_reads_end() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let not_modified = "HTTP/1.1 304 No\r\ncontent-length: 5\r\n\r\n";
    let hinted = format!("HTTP/1.1 103 Hint\r\nlink: a\r\n\r\n{ok}");
    let chunks = format!("{CHUNKED}3;x=y\r\nhel\r\n2  \r\nlo\r\n0\r\n\r\n");
    let trailers = format!("{CHUNKED}1\r\nx\r\n0\r\nX-Sum: 1\r\nconnection: a\r\nHost: b\r\n\r\n");
    let keep_alive = ok.replace("1.1 200 OK", "1.0 200 OK\r\nconnection: keep-alive");
    let with_hint = Ok((200, vec![103], "hello".to_owned(), vec![]));
    let with_trailers = Ok((200, vec![], "x".to_owned(), vec!["x-sum: 1".to_owned()]));
    for (method, response, expected) in [
        ("GET", ok, plain(200, "hello")),
        (
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            plain(200, ""),
        ),
        ("GET", "\r\nHTTP/1.1 204 No\r\n\r\n", plain(204, "")),
        ("GET", not_modified, plain(304, "")),
        ("HEAD", CHUNKED, plain(200, "")),
        ("GET", &chunks, plain(200, "hello")),
        ("GET", &trailers, with_trailers),
        ("GET", &hinted, with_hint),
        ("GET", &keep_alive, plain(200, "hello")),
    ] {
        holds(method, response, false, expected, true).await;
    }
    let close = ok.replace("OK", "OK\r\nConnection: a, Close");
    for response in [&ok.replace("1.1", "1.0"), &close] {
        holds("GET", response, false, plain(200, "hello"), false).await;
    }
    let until_close = "HTTP/1.1 200 OK\r\n\r\nhello";
    holds("GET", until_close, true, plain(200, "hello"), false).await;
}

#[tokio::test]
async fn broken_responses_are_errors_wherever_reads_end() {
    let ended = "the body broke off: the connection ended before the body did";
    let no_chunk =
        "the body broke off: a chunk's data is not as long as its size, or does not end with CR LF";
    let (invalid, incomplete) = ("http_protocol_error", "http_response_incomplete");
    let unfinished = format!("{CHUNKED}5\r\nhello\r\n0\r\n");
    let too_long = format!("{CHUNKED}5\r\nhello!");
    let two = CHUNKED.replace("\r\n\r\n", "\r\ncontent-length: 1\r\n\r\n");
    for (response, then_ends, expected) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            true,
            ended,
        ),
        (&unfinished, true, ended),
        (&too_long, false, no_chunk),
        ("HTTP/1.1 200 OK\r\na: b", true, incomplete),
        ("HTTP/1.1 103 Hint\r\n\r\n", true, incomplete),
        ("HTTP/1.1 200 OK\r\na: \0\r\n\r\n", false, invalid),
        ("SSH-2.0-OpenSSH\r\n", false, invalid),
        (&two, false, invalid),
        ("HTTP/1.1 101 Switch\r\n\r\n", false, invalid),
    ] {
        holds("GET", response, then_ends, Err(expected.to_owned()), false).await;
    }
}

/// The same in one read or in two: what is behind a response that is over belongs to nobody.
#[tokio::test]
async fn a_connection_with_something_left_over_is_not_used_again() {
    for response in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    ] {
        for cut in 0..response.len() {
            let more = format!("{response}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
            let (endpoint, mut far) = rigged();
            let head = request("GET", "/");
            let client = async {
                let mut texts = Vec::new();
                for _ in 0..2 {
                    let mut call = call(&head, Body::full("x"));
                    let text = match endpoint.send(&mut call).await {
                        Ok(received) => text(received).await,
                        Err(miss) => miss.error.proxy_error().as_str().to_owned(),
                    };
                    texts.push(text);
                    yield_now().await;
                }
                texts
            };
            let server = async {
                super::head(&mut far).await.unwrap();
                far.write_all(&more.as_bytes()[..cut]).await.unwrap();
                yield_now().await;
                let _ = far.write_all(&more.as_bytes()[cut..]).await;
                far
            };
            let (texts, _far) = tokio::join!(client, server);
            // The second one asks for a new connection, which nobody takes.
            assert_eq!(texts[1], "connection_refused", "{response:?} cut at {cut}");
        }
    }
}

fn call(head: &RequestHead, body: Body) -> Call<'_> {
    Call {
        head,
        body,
        upgrade: None,
        expect_continue: false,
        on_informational: None,
        repeatable: false,
        pending: None,
    }
}

#[tokio::test]
async fn what_is_too_large_is_told_by_its_key() {
    let many = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
    let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(1001));
    for (response, expected) in [
        (
            many(11),
            "the response's head has more than 10 fields (max-fields)",
        ),
        (
            long,
            "the response's head is larger than 1024 bytes (max-head)",
        ),
    ] {
        let (endpoint, mut far) = rigged();
        let head = request("GET", "/");
        let mut call = call(&head, Body::Empty);
        let (sent, ()) = tokio::join!(endpoint.send(&mut call), async {
            super::head(&mut far).await.unwrap();
            let _ = far.write_all(response.as_bytes()).await;
        });
        let Err(miss) = sent else { panic!("it passes") };
        assert_eq!(miss.error.to_string(), expected);
        let class = miss.error.proxy_error().as_str();
        assert_eq!(class, "http_response_header_section_size");
    }
    let trailers = |lines: String| {
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n{lines}\r\n")
    };
    for (lines, why) in [
        ("a: b\r\n".repeat(11), "has more than 10 fields"),
        (
            format!("a: {}\r\n", "b".repeat(1200)),
            "is larger than 1024 bytes",
        ),
    ] {
        let (got, rests) = got("GET", trailers(lines).as_bytes(), &[], false).await;
        let error = got.unwrap_err();
        assert!(error.contains(why) && !rests, "{error}");
    }
}

#[tokio::test]
async fn a_flood_of_interim_responses_is_an_error() {
    let response = |count| {
        "HTTP/1.1 103 Hint\r\n\r\n".repeat(count) + "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    };
    assert_eq!(
        got("GET", response(100).as_bytes(), &[], false)
            .await
            .0
            .unwrap()
            .1
            .len(),
        100
    );
    let flooded = got("GET", response(101).as_bytes(), &[], false).await.0;
    assert_eq!(flooded.unwrap_err(), "http_protocol_error");
}

#[tokio::test]
async fn trailers_of_a_request_follow_its_chunks() {
    let (endpoint, mut far) = rigged();
    let head = request("POST", "/");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    let body = Body::Full {
        data: "hello".into(),
        trailers: Some(Box::new(trailers)),
    };
    let mut call = call(&head, body);
    let expected = "5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n";
    let (sent, head) = tokio::join!(endpoint.send(&mut call), async {
        let head = super::head(&mut far).await.unwrap();
        let mut body = vec![0; expected.len()];
        far.read_exact(&mut body).await.unwrap();
        say(&mut far, &answer(std::str::from_utf8(&body).unwrap())).await;
        head
    });
    assert!(
        head.ends_with("transfer-encoding: chunked\r\n\r\n"),
        "{head}"
    );
    assert_eq!(text(sent.ok().unwrap()).await, expected);
}

#[tokio::test]
async fn a_head_and_its_body_leave_in_one_write() {
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = writes.clone();
    let (endpoint, mut far) = rigged_with(|near| Box::new(Counted(near, counted)));
    let head = request("POST", "/");
    for size in [0, 1, 10_000, 100_000] {
        let mut call = call(&head, Body::full(vec![b'x'; size]));
        let (sent, ()) = tokio::join!(endpoint.send(&mut call), async {
            super::head(&mut far).await.unwrap();
            far.read_exact(&mut vec![0; size]).await.unwrap();
            say(&mut far, &answer("")).await;
        });
        text(sent.ok().unwrap()).await;
        assert_eq!(writes.swap(0, Ordering::SeqCst), 1, "{size}");
    }
}

/// Counts what are system calls on a socket.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl tokio::io::AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for Counted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        data: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.poll_write_vectored(cx, &[std::io::IoSlice::new(data)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        data: &[std::io::IoSlice<'_>],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let all: Vec<u8> = data.iter().flat_map(|data| data.to_vec()).collect();
        Pin::new(&mut self.0).poll_write(cx, &all)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_large_body_comes_in_few_large_pieces() {
    const SIZE: usize = 4 << 20;
    let (endpoint, mut far) = rigged();
    let head = request("GET", "/");
    let data: Vec<u8> = (0..SIZE).map(|i| (i / 251) as u8).collect();
    let mut call = call(&head, Body::Empty);
    let (pieces, ()) = tokio::join!(
        async {
            let mut body = endpoint.send(&mut call).await.ok().unwrap().body;
            let (mut got, mut pieces) = (Vec::new(), Vec::new());
            while let Some(frame) = body.frame().await {
                let piece = frame.unwrap().into_data().unwrap();
                pieces.push(piece.len());
                got.extend_from_slice(&piece);
            }
            assert!(got == data, "the body came through as it was");
            pieces
        },
        async {
            super::head(&mut far).await.unwrap();
            say(
                &mut far,
                &format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n"),
            )
            .await;
            far.write_all(&data).await.unwrap();
        }
    );
    let largest = *pieces.iter().max().unwrap();
    assert_eq!(largest, 256 << 10, "{pieces:?}");
    assert!(pieces.len() < 40, "{pieces:?}");
}

#[test]
fn a_connection_at_rest_is_small() {
    let size = std::mem::size_of::<Wire>();
    assert!(size <= 200, "{size} bytes");
}

/// The response breaks off with the request: its sender is gone, and the backend never gets the rest.
#[tokio::test]
async fn a_request_that_breaks_off_ends_its_response() {
    let (endpoint, mut far) = rigged();
    let head = request("POST", "/");
    let (frames, body) = failing_body();
    let mut call = call(&head, body);
    let (body, ()) = tokio::join!(
        async { endpoint.send(&mut call).await.ok().unwrap().body },
        async {
            super::head(&mut far).await.unwrap();
            say(&mut far, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
        }
    );
    drop(frames);
    let error = soon(body.collect()).await.unwrap_err();
    let Some(BodyError::Disconnected(why)) = BodyError::find(&*error) else {
        panic!("{error:?}")
    };
    assert!(why.contains("the request's body failed"), "{why}");
    let mut rest = Vec::new();
    soon(far.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"", "no end of the body");
}

/// A body that is silent until the sender is dropped, and then fails.
fn failing_body() -> (tokio::sync::mpsc::Sender<()>, Body) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
    let frames = Failing(Box::new(move |cx| receiver.poll_recv(cx).map(|_| ())));
    (sender, Body::Stream(Streaming::new(frames)))
}

struct Failing(PollEnd);

type PollEnd = Box<dyn FnMut(&mut std::task::Context<'_>) -> std::task::Poll<()> + Send>;

impl http_body::Body for Failing {
    type Data = bytes::Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, BodyError>>> {
        (self.0)(cx).map(|()| Some(Err(BodyError::Disconnected("gone".to_owned()))))
    }
}

/// What is left of a request when its response is over is given a while, and no more.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_request_has_its_time() {
    for response in [
        &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"][..],
        &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no", "k"],
    ] {
        let (endpoint, mut far) = rigged();
        let head = request("POST", "/");
        let (_frames, body) = channel_body();
        let mut call = call(&head, body);
        let (got, ()) = tokio::join!(
            async { text(endpoint.send(&mut call).await.ok().unwrap()).await },
            async {
                super::head(&mut far).await.unwrap();
                for piece in response {
                    say(&mut far, piece).await;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        );
        assert_eq!(got, "ok");
        let start = Instant::now();
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
        let waited = start.elapsed().as_secs_f32().round();
        assert_eq!(waited, 10.0);
    }
}

/// A body that was held back and refused is never sent, and its connection is not used for another request.
#[tokio::test]
async fn a_refused_body_closes_its_connection() {
    let (endpoint, mut far) = rigged();
    let head = request("POST", "/");
    let mut call = call(&head, Body::full("body"));
    call.expect_continue = true;
    let (got, ()) = tokio::join!(
        async { text(endpoint.send(&mut call).await.ok().unwrap()).await },
        async {
            let head = super::head(&mut far).await.unwrap();
            assert!(head.contains("expect: 100-continue\r\n"), "{head}");
            say(&mut far, &answer("no")).await;
        }
    );
    assert_eq!(got, "no");
    let mut rest = Vec::new();
    soon(far.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"");
}

/// A backend that stops in the middle of anything is waited for as long as the settings say.
#[tokio::test(start_paused = true)]
async fn stalls_are_timed() {
    let first_byte = config(SocketAddr::from(([127, 0, 0, 1], 1))).first_byte_timeout;
    // Within a head, between heads, and while it takes no more of a request.
    for (said, body) in [
        ("HTTP/1.1 200 O", Body::Empty),
        ("HTTP/1.1 103 Hint\r\n\r\n", Body::Empty),
        ("", Body::full(vec![0; 4 << 20])),
    ] {
        let (endpoint, mut far) = rigged();
        let head = request("POST", "/");
        let mut call = call(&head, body);
        let start = Instant::now();
        let (sent, ()) = tokio::join!(endpoint.send(&mut call), async {
            super::head(&mut far).await.unwrap();
            say(&mut far, said).await;
        });
        let Err(miss) = sent else { panic!("it passes") };
        assert_eq!(miss.error.proxy_error().as_str(), "http_response_timeout");
        assert_eq!(start.elapsed().as_secs(), first_byte.as_secs(), "{said}");
    }
}

/// A look at the connections at rest closes what the backend has closed, or has sent something on unasked.
#[tokio::test(start_paused = true)]
async fn what_rests_is_looked_at() {
    for (said, ends, stays) in [("", false, true), ("", true, false), ("x", false, false)] {
        let (endpoint, mut far) = rigged();
        say(&mut far, said).await;
        let _far = (!ends).then_some(far);
        tokio::time::sleep(Duration::from_secs(2)).await;
        endpoint.maintain(Instant::now());
        let rests = matches!(endpoint.pool.take(), Taken::Now(Grant::Idle(_)));
        assert_eq!(rests, stays, "{said:?} {ends}");
    }
}

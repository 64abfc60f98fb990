//! What happens when something takes too long, on a clock that stands still unless everybody waits.

use super::*;
use crate::message::BodyError;

fn quick(address: SocketAddr) -> BackendConfig {
    BackendConfig {
        first_byte_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(3),
        ..config(address)
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_has_a_time_for_its_first_byte() {
    let (address, _) = server(|number, mut stream| async move {
        head(&mut stream).await.unwrap();
        let seconds = [9, 11][number.min(1)];
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        say(&mut stream, &answer("late")).await;
        drop(stream);
    })
    .await;
    let backend = backend(quick(address));
    assert_eq!(get(&backend).await.unwrap(), "late");
    let start = Instant::now();
    assert_eq!(
        kind(send(&backend, "GET", Body::Empty)).await,
        "http_response_timeout"
    );
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_first_byte_begins_after_the_request() {
    let (address, _) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
        let mut body = [0; 4];
        stream.read_exact(&mut body).await.unwrap();
        tokio::time::sleep(Duration::from_secs(9)).await;
        say(&mut stream, &answer("done")).await;
    })
    .await;
    let backend = backend(quick(address));
    let mut head = request("POST", "/");
    head.fields
        .insert("content-length", http::HeaderValue::from(4));
    let (frames, body) = channel_body();
    tokio::spawn(async move {
        for piece in ["a", "b", "c", "d"] {
            tokio::time::sleep(Duration::from_secs(8)).await;
            frames.send(piece.into()).await.unwrap();
        }
    });
    let received = backend.send(outgoing(&head, body)).await.unwrap();
    assert_eq!(text(received).await, "done");
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_time_for_each_frame() {
    let (address, _) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await;
        for piece in ["a", "b", "c"] {
            tokio::time::sleep(Duration::from_secs(2)).await;
            say(&mut stream, piece).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let backend = backend(quick(address));
    let mut body = send(&backend, "GET", Body::Empty).await.unwrap().body;
    for piece in ["a", "b", "c"] {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    let start = Instant::now();
    let error = body.frame().await.unwrap().unwrap_err();
    let after = Duration::from_secs(3);
    assert_eq!(
        BodyError::find(&*error),
        Some(BodyError::TimedOut { after })
    );
    assert_eq!(start.elapsed(), after);
}

#[tokio::test(start_paused = true)]
async fn connections_at_rest_are_closed_after_their_time() {
    let (address, count) = constant("a").await;
    let backend = backend(BackendConfig {
        idle_timeout: Duration::from_secs(5),
        ..quick(address)
    });
    for (wait, connections) in [(0, 1), (4, 1), (4, 1), (6, 2)] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        backend.maintain();
        get(&backend).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), connections, "after {wait} s");
    }
}

/// A server that waits for the head, says this, and answers with the body that it got within a while.
async fn continuing(interim: &'static str) -> SocketAddr {
    let (address, _) = server(move |_, mut stream| async move {
        let head = head(&mut stream).await.unwrap();
        assert!(head.contains("expect: 100-continue\r\n"), "{head}");
        let mut early = [0; 1];
        let waiting = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut early));
        assert!(waiting.await.is_err(), "the body came unasked");
        say(&mut stream, interim).await;
        if interim.contains("417") {
            // Long after any patience is at its end.
            let waiting = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut early));
            assert!(
                waiting.await.is_err(),
                "the body came though nobody wants it"
            );
            return say(&mut stream, "o").await;
        }
        let mut body = [0; 4];
        stream.read_exact(&mut body).await.unwrap();
        say(&mut stream, &answer(std::str::from_utf8(&body).unwrap())).await;
    })
    .await;
    address
}

#[tokio::test(start_paused = true)]
async fn a_body_waits_until_the_backend_wants_it() {
    let refusal = "HTTP/1.1 417 No\r\ncontent-length: 2\r\n\r\nn";
    for (interim, expected, seconds) in [
        ("HTTP/1.1 100 Continue\r\n\r\n", "body", 0),
        (
            "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
            "body",
            0,
        ),
        (refusal, "no", 2),
        ("", "body", 1),
    ] {
        let backend = backend(quick(continuing(interim).await));
        let mut head = request("POST", "/");
        head.fields
            .insert("content-length", http::HeaderValue::from(4));
        let polled = Arc::new(AtomicUsize::new(0));
        let count = polled.clone();
        let mut data = Some("body");
        let frames = Frames(Box::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            std::task::Poll::Ready(data.take().map(Into::into))
        }));
        let mut request = outgoing(&head, Body::Stream(Streaming::new(frames)));
        request.expect_continue = true;
        let start = Instant::now();
        let received = backend.send(request).await.unwrap();
        assert_eq!(text(received).await, expected, "{interim}");
        assert_eq!(start.elapsed().as_secs(), seconds, "{interim}");
        assert_eq!(
            polled.load(Ordering::SeqCst) == 0,
            interim == refusal,
            "{interim}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_ends_the_wait_for_100() {
    let (address, _) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
    })
    .await;
    let backend = backend(quick(address));
    let (_frames, body) = channel_body();
    let head = request("POST", "/");
    let mut request = outgoing(&head, body);
    request.expect_continue = true;
    let error = backend.send(request).await.unwrap_err();
    assert_eq!(error.proxy_error().as_str(), "connection_terminated");
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_a_time_to_come_about() {
    // A listener whose backlog of one is full doesn't answer.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let _fill = std::net::TcpStream::connect(address).unwrap();
    let backend = backend(config(address));
    let start = Instant::now();
    assert_eq!(
        kind(send(&backend, "GET", Body::Empty)).await,
        "connection_timeout"
    );
    assert_eq!(start.elapsed().as_secs(), 5);
}

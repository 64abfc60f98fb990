//! Exchanges over HTTP/1.1: connections kept and dropped, retries, bodies both ways.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::*;
use crate::message::BodyError;

#[tokio::test]
async fn one_connection_serves_all_kinds_of_responses() {
    let (address, count) = server(|_, mut stream| async move {
        for response in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: t\r\n\r\n1\r\nx\r\n0\r\nt: 1\r\n\r\n",
        ] {
            head(&mut stream).await.unwrap();
            say(&mut stream, response).await;
        }
        // A body in two pieces.
        head(&mut stream).await.unwrap();
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        say(&mut stream, "one").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        say(&mut stream, "two").await;
        // For HEAD, where the length tells of no body.
        head(&mut stream).await.unwrap();
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n").await;
        head(&mut stream).await.unwrap();
        say(&mut stream, &answer("last")).await;
        head(&mut stream).await;
    })
    .await;
    let backend = backend(config(address));
    for expected in ["whole", "", "abcde", "", "x", "onetwo"] {
        assert_eq!(get(&backend).await.unwrap(), expected);
    }
    let response = send(&backend, "HEAD", Body::Empty).await.unwrap();
    assert_eq!(response.head.fields.get_text("content-length"), Some("6"));
    drop(response);
    assert_eq!(get(&backend).await.unwrap(), "last");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_piece_that_came_with_the_head_counts_to_the_length() {
    let (address, _) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none",
        )
        .await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        say(&mut stream, "two").await;
        head(&mut stream).await;
    })
    .await;
    let backend = backend(config(address));
    let mut body = send(&backend, "GET", Body::Empty).await.unwrap().body;
    for (left, piece) in [(6, "one"), (3, "two")] {
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(left));
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    assert!(http_body::Body::is_end_stream(&body));
}

#[tokio::test]
async fn the_head_goes_out_as_it_came() {
    let (address, _) = server(|_, mut stream| async move {
        let head = head(&mut stream).await.unwrap();
        say(&mut stream, &answer(&head)).await;
    })
    .await;
    let backend = backend(config(address));
    let mut head = request("GET", "/a%2Fb//c?x=%20&&y");
    head.fields.append("X-A", "1");
    head.fields.append("x-b", "\u{e9}");
    head.fields.append("x-a", "2");
    let received = backend.send(outgoing(&head, Body::Empty)).await.unwrap();
    let sent = text(received).await;
    assert_eq!(
        sent,
        "GET /a%2Fb//c?x=%20&&y HTTP/1.1\r\nhost: client.test\r\nX-A: 1\r\nx-b: \u{e9}\r\nx-a: 2\r\n\r\n"
    );
}

#[tokio::test]
async fn a_get_with_a_body_of_unknown_length_keeps_it() {
    let (address, _) = server(|_, mut stream| async move {
        let head = head(&mut stream).await.unwrap();
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let mut body = [0; 13];
        stream.read_exact(&mut body).await.unwrap();
        say(&mut stream, &answer(std::str::from_utf8(&body).unwrap())).await;
    })
    .await;
    let backend = backend(config(address));
    let (frames, body) = channel_body();
    frames.try_send("abc".into()).unwrap();
    drop(frames);
    let response = send(&backend, "GET", body).await.unwrap();
    assert_eq!(text(response).await, "3\r\nabc\r\n0\r\n\r\n");
}

/// A server that answers the first request of each connection, then does something else with the second one.
async fn first_then(second: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    server(move |number, mut stream| async move {
        head(&mut stream).await.unwrap();
        say(&mut stream, &answer(&number.to_string())).await;
        if second == "close" {
            return;
        }
        head(&mut stream).await.unwrap();
        say(&mut stream, second).await;
    })
    .await
}

#[tokio::test]
async fn a_connection_that_the_backend_closed_is_not_used() {
    for at_once in [true, false] {
        let close = Arc::new(tokio::sync::Notify::new());
        let signal = close.clone();
        let (address, count) = server(move |number, mut stream| {
            let signal = signal.clone();
            async move {
                head(&mut stream).await.unwrap();
                stream.read_u8().await.unwrap();
                say(&mut stream, &answer(&number.to_string())).await;
                if !at_once {
                    signal.notified().await;
                }
            }
        })
        .await;
        let backend = backend(config(address));
        for number in 0..4 {
            // Whatever the method: nothing goes to the closed connection, or is taken back from it.
            let sending = send(&backend, "POST", Body::full("x"));
            assert_eq!(text(sending.await.unwrap()).await, number.to_string());
            close.notify_one();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(count.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test]
async fn an_idempotent_request_survives_a_reused_connection_that_ends() {
    let (address, count) = first_then("").await;
    let backend = backend(config(address));
    assert_eq!(get(&backend).await.unwrap(), "0");
    assert_eq!(get(&backend).await.unwrap(), "1");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_repeated() {
    let full = || Body::full("x");
    for (method, body, second, expected) in [
        ("POST", Body::Empty, "", "connection_terminated"),
        ("PUT", full(), "", "connection_terminated"),
        (
            "GET",
            Body::Empty,
            "HTTP/1.1 200",
            "http_response_incomplete",
        ),
        (
            "GET",
            Body::Empty,
            "nonsense\r\n\r\n",
            "http_protocol_error",
        ),
        (
            "GET",
            Body::Empty,
            "HTTP/1.1 103 Hint\r\n\r\n",
            "http_response_incomplete",
        ),
        (
            "GET",
            Body::Empty,
            "HTTP/1.1 101 Switch\r\n\r\n",
            "http_protocol_error",
        ),
    ] {
        let (address, count) = first_then(second).await;
        let backend = backend(config(address));
        assert_eq!(get(&backend).await.unwrap(), "0");
        let error = kind(send(&backend, method, body)).await;
        assert_eq!(error, expected, "{method} {second}");
        assert_eq!(count.load(Ordering::SeqCst), 1, "{method} {second}");
    }
}

#[tokio::test]
async fn a_new_connection_that_ends_is_an_error() {
    let (address, count) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
    })
    .await;
    let backend = backend(config(address));
    assert_eq!(
        kind(send(&backend, "GET", Body::Empty)).await,
        "connection_terminated"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_not_short() {
    let (address, _) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        )
        .await;
    })
    .await;
    let backend = backend(config(address));
    let response = send(&backend, "GET", Body::Empty).await.unwrap();
    let error = response.body.collect().await.unwrap_err();
    assert!(
        matches!(BodyError::find(&*error), Some(BodyError::Disconnected(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_clients_failing_body_is_told_apart() {
    let (address, _) = server(|_, mut stream| async move {
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let backend = backend(config(address));
    let sending = send(&backend, "POST", Body::Broken("gone".to_owned()));
    let error = sending.await.map(|r| r.head.status).unwrap_err();
    assert!(
        matches!(&error, UpstreamError::RequestBody(BodyError::Disconnected(why)) if why == "gone"),
        "{error:?}"
    );
}

/// The client reads none of the response until its upload is through, and the backend answers at once.
#[tokio::test]
async fn neither_direction_waits_for_the_other() {
    const SIZE: usize = 24 << 20;
    let (address, _) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
        say(
            &mut stream,
            &format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n"),
        )
        .await;
        let (mut read, mut write) = stream.split();
        let mut buffer = vec![0; 1 << 16];
        let mut rest = SIZE;
        while rest > 0 {
            rest -= read.read(&mut buffer).await.unwrap();
        }
        write.write_all(&vec![7; SIZE]).await.unwrap();
    })
    .await;
    let backend = backend(config(address));
    let mut head = request("POST", "/");
    head.fields
        .insert("content-length", http::HeaderValue::from(SIZE));
    let (frames, body) = channel_body();
    let (uploaded, upload) = oneshot::channel();
    tokio::spawn(async move {
        let piece = Bytes::from(vec![1; 1 << 16]);
        for _ in 0..SIZE / piece.len() {
            frames.send(piece.clone()).await.unwrap();
        }
        uploaded.send(()).unwrap();
    });
    let received = backend.send(outgoing(&head, body)).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(60), upload).await;
    waited.expect("the upload stands still").unwrap();
    let body = received.body.collect().await.unwrap();
    assert_eq!(body.to_bytes().len(), SIZE);
}

#[tokio::test]
async fn an_upload_goes_on_when_the_response_is_over() {
    // The response comes whole with its head, or in pieces.
    for pieces in [&["early"][..], &["ear", "ly"]] {
        let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
        let (address, _) = server(move |_, mut stream| {
            let done = done.clone();
            async move {
                head(&mut stream).await.unwrap();
                say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").await;
                for piece in pieces {
                    say(&mut stream, piece).await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let mut body = [0; 6];
                stream.read_exact(&mut body).await.unwrap();
                done.send(body).unwrap();
            }
        })
        .await;
        let backend = backend(config(address));
        let mut head = request("POST", "/");
        head.fields
            .insert("content-length", http::HeaderValue::from(6));
        let (frames, body) = channel_body();
        frames.send("abc".into()).await.unwrap();
        let received = backend.send(outgoing(&head, body)).await.unwrap();
        assert_eq!(text(received).await, "early");
        frames.send("def".into()).await.unwrap();
        drop(frames);
        assert_eq!(&soon(finished.recv()).await.unwrap(), b"abcdef");
    }
}

/// Tells when the backend's side of a connection has ended.
async fn watched(
    first: &'static str,
) -> (
    SocketAddr,
    tokio::sync::mpsc::UnboundedReceiver<()>,
    Arc<AtomicUsize>,
) {
    let (closed, closes) = tokio::sync::mpsc::unbounded_channel();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let (address, _) = server(move |_, mut stream| {
        let (closed, counted) = (closed.clone(), counted.clone());
        async move {
            while head(&mut stream).await.is_some() {
                counted.fetch_add(1, Ordering::SeqCst);
                say(&mut stream, first).await;
            }
            closed.send(()).unwrap();
        }
    })
    .await;
    (address, closes, asked)
}

#[tokio::test]
async fn an_exchange_that_is_given_up_closes_its_connection() {
    // Before the response.
    let (address, mut closed, asked) = watched("").await;
    let client = backend(config(address));
    let sending = tokio::spawn(async move { get(&client).await });
    until("the request is there", || asked.load(Ordering::SeqCst) == 1).await;
    sending.abort();
    soon(closed.recv()).await.unwrap();

    // Within its body.
    let (address, mut closed, _) = watched("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
    let client = backend(config(address));
    let mut response = send(&client, "GET", Body::Empty).await.unwrap();
    response.body.frame().await.unwrap().unwrap();
    drop(response);
    soon(closed.recv()).await.unwrap();

    // Before its body was looked at.
    let (address, mut closed, _) = watched("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await;
    let client = backend(config(address));
    drop(send(&client, "GET", Body::Empty).await.unwrap());
    soon(closed.recv()).await.unwrap();
}

#[tokio::test]
async fn a_backend_that_is_no_longer_needed_closes_its_connections() {
    let (address, mut closed, _) = watched("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na").await;
    let backend = backend(config(address));
    get(&backend).await.unwrap();
    drop(backend);
    soon(closed.recv()).await.unwrap();
}

#[tokio::test]
async fn interim_responses_are_told_of_in_order() {
    let (address, _) = server(|_, mut stream| async move {
        head(&mut stream).await.unwrap();
        say(
            &mut stream,
            "HTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n",
        )
        .await;
        say(&mut stream, &answer("final")).await;
    })
    .await;
    let backend = backend(config(address));
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = told.clone();
    let head = request("GET", "/");
    let mut request = outgoing(&head, Body::Empty);
    request.on_informational = Some(Arc::new(move |head| {
        let told = (head.status.as_u16(), head.fields.len());
        sink.lock().unwrap().push(told);
    }));
    let received = backend.send(request).await.unwrap();
    assert_eq!(text(received).await, "final");
    assert_eq!(*told.lock().unwrap(), [(103, 1), (102, 0)]);
}

#[tokio::test]
async fn a_request_over_the_limit_waits_its_turn() {
    let (address, count) = server(|_, mut stream| async move {
        while head(&mut stream).await.is_some() {
            say(
                &mut stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab",
            )
            .await;
            tokio::time::sleep(Duration::from_millis(30)).await;
            say(&mut stream, "cd").await;
        }
    })
    .await;
    let mut config = config(address);
    config.max_connections = 1;
    config.connect_timeout = Duration::from_millis(500);
    let backend = backend(config);
    let first = send(&backend, "GET", Body::Empty).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..3 {
        let (backend, order) = (backend.clone(), order.clone());
        waiting.spawn(async move {
            assert_eq!(get(&backend).await.unwrap(), "abcd");
            order.lock().unwrap().push(number);
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(text(first).await, "abcd");
    waiting.join_all().await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
    assert_eq!(count.load(Ordering::SeqCst), 1);

    let held = send(&backend, "GET", Body::Empty).await.unwrap();
    let late = kind(send(&backend, "GET", Body::Empty)).await;
    assert_eq!(late, "connection_limit_reached");
    let waiting = tokio::spawn({
        let backend = backend.clone();
        async move { get(&backend).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(held);
    let got = waiting.await.unwrap();
    assert_eq!(got, "abcd", "a closed connection makes room");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_unix_socket_is_an_address() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backend.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while let Some(head) = head(&mut stream).await {
            say(&mut stream, &answer(&head)).await;
        }
    });
    let url = BackendUrl {
        tls: false,
        address: BackendAddress::Unix(path),
    };
    let backend = backend(BackendConfig::new(vec![url]));
    let mut head = request("GET", "/");
    head.fields.clear();
    let received = backend.send(outgoing(&head, Body::Empty)).await.unwrap();
    assert_eq!(
        text(received).await,
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
    );
    assert!(get(&backend).await.unwrap().contains("client.test"));
}

//! Our client against a bare `h2` server: what odd and dying backends do.

use http::StatusCode;
use tokio::io::AsyncReadExt;

use super::*;
use crate::message::BodyError;
use crate::proxy::http2::client::SendError;

type Accepted = (Request<h2::RecvStream>, h2::server::SendResponse<Bytes>);

/// Sends a request and answers it by hand.
async fn exchange<T, Fut>(
    sender: &Sender,
    server: &mut h2::server::Connection<DuplexStream, Bytes>,
    body: Body,
    by_hand: impl FnOnce(Accepted) -> Fut,
) -> (Result<Response<RecvBody>, SendError>, T)
where
    Fut: Future<Output = T>,
{
    let answer = async {
        let accepted = server.accept().await.unwrap().unwrap();
        let answered = by_hand(accepted).await;
        (answered, server)
    };
    let sent = sender.send(post("/"), body, None);
    let both = async {
        let mut sent = std::pin::pin!(sent);
        let mut answer = std::pin::pin!(answer);
        let (mut response, mut answered) = (None, None);
        poll_fn(move |cx| {
            if response.is_none()
                && let Poll::Ready(ready) = sent.as_mut().poll(cx)
            {
                response = Some(ready);
            }
            match &mut answered {
                None => {
                    if let Poll::Ready((value, server)) = answer.as_mut().poll(cx) {
                        answered = Some((Some(value), server));
                        cx.waker().wake_by_ref();
                    }
                }
                Some((_, server)) => {
                    let _ = server.poll_closed(cx);
                }
            }
            match (&response, &mut answered) {
                (Some(_), Some((value, _))) => {
                    Poll::Ready((response.take().unwrap(), value.take().unwrap()))
                }
                _ => Poll::Pending,
            }
        })
        .await
    };
    soon(both).await
}

/// Goes on with the server's connection beside a wait.
async fn beside<F: Future>(
    server: &mut h2::server::Connection<DuplexStream, Bytes>,
    what: F,
) -> F::Output {
    let mut what = std::pin::pin!(what);
    let both = poll_fn(|cx| {
        let _ = server.poll_closed(cx);
        what.as_mut().poll(cx)
    });
    soon(both).await
}

fn ok() -> Response<()> {
    Response::new(())
}

#[tokio::test]
async fn an_early_response_that_stops_the_upload_is_no_error() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    let (feed, body) = fed();
    let (response, ()) = exchange(&sender, &mut server, body, |(_, mut respond)| async move {
        let mut stream = respond.send_response(ok(), false).unwrap();
        stream.send_data("enough".into(), true).unwrap();
        // Dropped unread: `h2` resets with NO_ERROR.
    })
    .await;
    let response = response.unwrap();
    let body = beside(&mut server, response.into_body().collect()).await;
    assert_eq!(body.unwrap().to_bytes(), "enough");
    beside(&mut server, feed.closed()).await;
    assert!(!sender.is_closed() && sender.under_way() == 0);
}

#[tokio::test]
async fn a_response_that_breaks_off_is_an_error() {
    // Short of its length, and reset though by NO_ERROR.
    for reset in [None, Some(Reason::NO_ERROR), Some(Reason::INTERNAL_ERROR)] {
        let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
        let (response, stream) = exchange(
            &sender,
            &mut server,
            Body::Empty,
            |(_, mut respond)| async move {
                let mut head = ok();
                head.headers_mut().insert("content-length", 5.into());
                let mut stream = respond.send_response(head, false).unwrap();
                stream.send_data("abc".into(), false).unwrap();
                stream
            },
        )
        .await;
        let mut stream = stream;
        let mut body = response.unwrap().into_body();
        assert_eq!(beside(&mut server, next_data(&mut body)).await, "abc");
        match reset {
            None => stream.send_data(Bytes::new(), true).unwrap(),
            Some(reason) => stream.send_reset(reason),
        }
        let error = beside(&mut server, body.frame())
            .await
            .unwrap()
            .unwrap_err();
        assert!(matches!(error, BodyError::Disconnected(_)), "{error}");
        assert!(beside(&mut server, body.frame()).await.is_none());
    }
}

#[tokio::test]
async fn a_refused_request_gives_its_body_back() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    let body = Body::full("again");
    let (refused, ()) = exchange(&sender, &mut server, body, |(_, mut respond)| async move {
        respond.send_reset(Reason::REFUSED_STREAM);
    })
    .await;
    let unsent = refused.unwrap_err().unsent.unwrap();
    assert_eq!(unsent.collect().await.unwrap().to_bytes(), "again");

    // A reset for any other reason may have come after the request was processed.
    let body = Body::full("again");
    let (failed, ()) = exchange(&sender, &mut server, body, |(_, mut respond)| async move {
        respond.send_reset(Reason::INTERNAL_ERROR);
    })
    .await;
    assert!(failed.unwrap_err().unsent.is_none());
}

#[tokio::test]
async fn what_goaway_leaves_out_may_be_sent_elsewhere() {
    let (near, mut far) = tokio::io::duplex(PIPE);
    let (sender, driver) = handshake(near, ClientLimits::default()).await.unwrap();
    tokio::spawn(driver);
    let backend = async {
        // SETTINGS, then, when a request has come, a GOAWAY that names no stream.
        tokio::io::AsyncWriteExt::write_all(&mut far, &[0, 0, 0, 4, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let mut came = Vec::new();
        while !came.windows(7).any(|w| w == b"payload") {
            far.read_buf(&mut came).await.unwrap();
        }
        let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        tokio::io::AsyncWriteExt::write_all(&mut far, &goaway)
            .await
            .unwrap();
        far
    };
    let sent = sender.send(post("/"), Body::full("payload"), None);
    let (failed, _far) = soon(async { tokio::join!(sent, backend) }).await;
    assert!(failed.unwrap_err().unsent.is_some());
    assert!(sender.is_closed());
    let failed = soon(sender.send(get("/"), Body::Empty, None)).await;
    assert!(failed.unwrap_err().unsent.is_some());
}

#[tokio::test]
async fn a_backend_that_dies_leaves_open_what_it_has_done() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    let died = async {
        let accepted = server.accept().await.unwrap().unwrap();
        drop((accepted, server));
    };
    let sent = sender.send(post("/"), Body::full("x"), None);
    let (failed, ()) = soon(async { tokio::join!(sent, died) }).await;
    let failed = failed.unwrap_err();
    assert!(
        failed.error.is_connection_lost() && failed.unsent.is_none(),
        "{failed}"
    );
    soon(async {
        while !sender.is_closed() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn to_drop_the_wait_or_the_body_cancels_at_the_backend() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    // The wait.
    let waiting = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(get("/"), Body::Empty, None).await }
    });
    let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    waiting.abort();
    let reset = poll_fn(|cx| respond.poll_reset(cx));
    assert_eq!(beside(&mut server, reset).await.unwrap(), Reason::CANCEL);

    // The body of the response, while the request's own is still sent.
    let (feed, body) = fed();
    feed.send(Ok(Frame::data("x".into()))).unwrap();
    let (response, mut stream) =
        exchange(&sender, &mut server, body, |(_, mut respond)| async move {
            respond.send_response(ok(), false).unwrap()
        })
        .await;
    let response = response.unwrap();
    assert_eq!(sender.under_way(), 1);
    drop(response);
    let reset = poll_fn(|cx| stream.poll_reset(cx));
    assert_eq!(beside(&mut server, reset).await.unwrap(), Reason::CANCEL);
    beside(&mut server, feed.closed()).await;
    assert_eq!(sender.under_way(), 0);
}

#[tokio::test]
async fn room_is_what_both_sides_allow() {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(1);
    let (sender, mut server) = with_server(ClientLimits::default(), &builder).await;
    beside(&mut server, sender.settings()).await;
    assert!(sender.has_room());
    let (response, _stream) = exchange(
        &sender,
        &mut server,
        Body::Empty,
        |(_, mut respond)| async move { respond.send_response(ok(), false).unwrap() },
    )
    .await;
    assert!(!sender.has_room());
    drop(response);
    assert!(sender.has_room());

    let limits = ClientLimits {
        max_streams: 0,
        ..ClientLimits::default()
    };
    let (sender, _server) = with_bare_server(limits).await;
    assert!(!sender.has_room());
}

#[tokio::test]
async fn an_upload_that_fails_fails_the_request() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    let (feed, body) = fed();
    feed.send(Ok(Frame::data("x".into()))).unwrap();
    let (failed, reset) = exchange(&sender, &mut server, body, |(_, respond)| async move {
        feed.send(Err(BodyError::TooLarge { limit: 1 }.into()))
            .unwrap();
        respond
    })
    .await;
    let failed = failed.unwrap_err();
    let Error::RequestBody(cause) = &failed.error else {
        panic!("{failed}");
    };
    assert_eq!(
        BodyError::find(&**cause),
        Some(BodyError::TooLarge { limit: 1 })
    );
    assert_eq!(
        BodyError::find(&failed),
        Some(BodyError::TooLarge { limit: 1 })
    );
    let mut respond = reset;
    let reset = poll_fn(|cx| respond.poll_reset(cx));
    assert_eq!(beside(&mut server, reset).await.unwrap(), Reason::CANCEL);
}

#[tokio::test(start_paused = true)]
async fn backends_that_stall_are_left_in_time() {
    let limits = ClientLimits {
        body_timeout: Duration::from_secs(7),
        ..ClientLimits::default()
    };
    // No window for the request: more than the 64 KiB - 1 that a stream begins with.
    let (sender, mut server) = with_bare_server(limits.clone()).await;
    let (feed, body) = fed();
    feed.send(Ok(Frame::data(vec![0; 1 << 20].into()))).unwrap();
    let (failed, _unread) = exchange(
        &sender,
        &mut server,
        body,
        |accepted| async move { accepted },
    )
    .await;
    let failed = failed.unwrap_err();
    assert!(matches!(failed.error, Error::WindowTimedOut(_)), "{failed}");

    // No further frame of the response.
    let (sender, mut server) = with_bare_server(limits.clone()).await;
    let (response, _stream) = exchange(
        &sender,
        &mut server,
        Body::Empty,
        |(_, mut respond)| async move { respond.send_response(ok(), false).unwrap() },
    )
    .await;
    let mut body = response.unwrap().into_body();
    let error = beside(&mut server, body.frame())
        .await
        .unwrap()
        .unwrap_err();
    let after = limits.body_timeout;
    assert_eq!(error, BodyError::TimedOut { after });
    assert_eq!(sender.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_vanished_is_noticed() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    let waiting = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(get("/"), Body::Empty, None).await }
    });
    let accepted = soon(server.accept()).await.unwrap().unwrap();
    // Slow is not gone.
    for _ in 0..100 {
        beside(&mut server, tokio::time::sleep(Duration::from_secs(50))).await;
    }
    assert!(!waiting.is_finished());
    // From here the server is polled no more.
    let failed = soon(waiting).await.unwrap().unwrap_err();
    assert!(failed.error.is_connection_lost(), "{failed}");
    assert!(sender.is_closed());
    drop(accepted);
}

#[tokio::test]
async fn statuses_without_content_keep_their_length() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    let (response, ()) = exchange(
        &sender,
        &mut server,
        Body::Empty,
        |(_, mut respond)| async move {
            let mut head = ok();
            *head.status_mut() = StatusCode::NOT_MODIFIED;
            head.headers_mut().insert("content-length", 5.into());
            respond.send_response(head, true).unwrap();
        },
    )
    .await;
    let response = response.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert!(http_body::Body::is_end_stream(response.body()));
}

#[tokio::test]
async fn a_backend_that_closes_without_settings_is_waited_for_no_longer() {
    let (near, far) = tokio::io::duplex(PIPE);
    let (sender, driver) = handshake(near, ClientLimits::default()).await.unwrap();
    tokio::spawn(driver);
    let (_, ()) = soon(async {
        tokio::join!(sender.settings(), async {
            tokio::task::yield_now().await;
            drop(far);
        })
    })
    .await;
    assert!(sender.is_closed() && !sender.supports_connect_protocol());
}

#[tokio::test]
async fn a_backend_that_says_goodbye_finishes_what_it_has_and_gets_no_more() {
    let (sender, mut server) = with_bare_server(ClientLimits::default()).await;
    let (response, mut stream) = exchange(
        &sender,
        &mut server,
        Body::Empty,
        |(_, mut respond)| async move { respond.send_response(ok(), false).unwrap() },
    )
    .await;
    assert!(!sender.is_closed());
    server.graceful_shutdown();
    let closed = async {
        while !sender.is_closed() {
            tokio::task::yield_now().await;
        }
    };
    beside(&mut server, closed).await;
    assert_eq!(sender.under_way(), 1);
    stream.send_data("finished".into(), true).unwrap();
    let body = beside(&mut server, response.unwrap().into_body().collect()).await;
    assert_eq!(body.unwrap().to_bytes(), "finished");
}

//! A bare `h2` client against our server: what odd and hostile clients do.

use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use tokio::sync::oneshot;

use super::*;
use crate::message::BodyError;

/// Tells when it is dropped.
struct Bell(Option<oneshot::Sender<()>>);

impl Drop for Bell {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

type Answer = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A service that never answers, and the news that it was dropped.
fn stuck() -> (
    impl Fn(Inbound) -> Answer + Send + 'static,
    oneshot::Receiver<()>,
) {
    let (ring, rang) = oneshot::channel();
    let bell = Mutex::new(Some(Bell(Some(ring))));
    let service = move |inbound| {
        let bell = bell.lock().unwrap().take();
        let answer = async move {
            let _held: (Option<Bell>, Inbound) = (bell, inbound);
            pending().await
        };
        Box::pin(answer) as Answer
    };
    (service, rang)
}

#[tokio::test]
async fn heads_are_framed_by_what_they_carry() {
    let cases = [
        (Method::GET, 200, "text", false, Some("4")),
        (Method::HEAD, 200, "text", true, None),
        (Method::GET, 204, "text", true, None),
        (Method::GET, 304, "text", true, None),
        (Method::GET, 200, "", true, None),
    ];
    for (method, status, text, is_end, length) in cases {
        let (io, _) = server(move |_| async move {
            let mut response = answer(text);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let fields = response.headers_mut();
            fields.insert("connection", "x".parse().unwrap());
            fields.insert("keep-alive", "x".parse().unwrap());
            response
        });
        let mut client = bare_client(io).await;
        let mut request = get("/");
        *request.method_mut() = method.clone();
        let (response, _) = client.send_request(request, true).unwrap();
        let response = soon(response).await.unwrap();
        let fields = response.headers();
        let sent = fields.get("content-length").map(|v| v.to_str().unwrap());
        assert_eq!(sent, length, "{method} {status}");
        assert!(fields.contains_key("date") && !fields.contains_key("connection"));
        let mut body = response.into_body();
        assert_eq!(body.is_end_stream(), is_end, "{method} {status}");
        if !is_end {
            assert_eq!(soon(body.data()).await.unwrap().unwrap(), text);
            // The end came with the data, not in a frame of its own.
            assert!(body.is_end_stream());
        }
    }
}

#[tokio::test]
async fn malformed_requests_are_stream_errors() {
    let (io, _) = server(|_| async { answer("x") });
    let mut client = bare_client(io).await;
    let fields: &[&[(&str, &str)]] = &[
        &[("host", "other")],
        &[("content-length", "1")],
        &[("content-length", "")],
        &[("content-length", "0"), ("content-length", "0")],
        &[("x", " y")],
    ];
    for fields in fields {
        let mut request = get("/");
        for (name, value) in *fields {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let (response, _) = client.send_request(request, true).unwrap();
        let error = soon(response).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::PROTOCOL_ERROR), "{fields:?}");
    }
    let (response, _) = client.send_request(get("/"), true).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431() {
    let (io, _) = server(|_| async { answer("x") });
    let mut client = bare_client(io).await;
    let mut request = get("/");
    let large = "x".repeat(LIMITS.max_head);
    request.headers_mut().insert("x", large.parse().unwrap());
    let (response, _) = client.send_request(request, true).unwrap();
    let status = soon(response).await.unwrap().status();
    assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn a_body_other_than_its_length_fails_for_the_service_too() {
    for sent in ["abc", "abcdefg"] {
        let (tell, told) = oneshot::channel();
        let tell = Arc::new(Mutex::new(Some(tell)));
        let (io, _) = server(move |inbound| {
            let tell = tell.lock().unwrap().take().unwrap();
            async move {
                let body = inbound.request.into_body();
                assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
                tell.send(body.collect().await.map(|_| ())).unwrap();
                pending().await
            }
        });
        let mut client = bare_client(io).await;
        let mut request = post("/");
        request.headers_mut().insert("content-length", 5.into());
        let (response, mut stream) = client.send_request(request, false).unwrap();
        stream.send_data(sent.into(), true).unwrap();
        let error = soon(response).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::PROTOCOL_ERROR));
        let told = soon(told).await;
        // The service may have been dropped before it could tell.
        assert!(
            matches!(told, Err(_) | Ok(Err(BodyError::Disconnected(_)))),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn trailers_with_too_many_fields_break_the_body_off() {
    for (count, is_fine) in [(LIMITS.max_fields, true), (LIMITS.max_fields + 1, false)] {
        let (io, _) = server(|inbound| async {
            answer(match inbound.request.into_body().collect().await {
                Ok(_) => "whole",
                Err(BodyError::Disconnected(why)) if why.contains("more than 100 fields") => {
                    "broken"
                }
                Err(_) => "otherwise",
            })
        });
        let mut client = bare_client(io).await;
        let (response, mut stream) = client.send_request(post("/"), false).unwrap();
        let mut trailers = HeaderMap::new();
        for _ in 0..count {
            trailers.append("x", "1".parse().unwrap());
        }
        stream.send_trailers(trailers).unwrap();
        let mut body = soon(response).await.unwrap().into_body();
        let expected = if is_fine { "whole" } else { "broken" };
        assert_eq!(soon(body.data()).await.unwrap().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_reset_drops_the_service_at_once() {
    let (service, dropped) = stuck();
    let (io, _) = server(service);
    let mut client = bare_client(io).await;
    let (_response, mut stream) = client.send_request(post("/"), false).unwrap();
    // The server must have it: what is reset before it was accepted never reaches a service.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    stream.send_reset(Reason::CANCEL);
    soon(dropped).await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_service_and_is_no_error() {
    let (service, dropped) = stuck();
    let (io, serving) = server(service);
    let (mut client, connection) = h2::client::handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let (_response, _stream) = client.send_request(get("/"), true).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    connection.abort();
    soon(dropped).await.unwrap();
    soon(serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reset_drops_the_body_of_the_response() {
    let (feed, body) = fed();
    let body = Arc::new(Mutex::new(Some(body)));
    let (io, _) = server(move |_| {
        let body = body.lock().unwrap().take().unwrap();
        async { Response::new(body) }
    });
    let mut client = bare_client(io).await;
    let (response, mut stream) = client.send_request(get("/"), false).unwrap();
    feed.send(Ok(Frame::data("x".into()))).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "x");
    stream.send_reset(Reason::CANCEL);
    soon(feed.closed()).await;
}

#[tokio::test]
async fn a_body_that_fails_resets_the_stream() {
    let (feed, body) = fed();
    let body = Arc::new(Mutex::new(Some(body)));
    let (io, _) = server(move |_| {
        let body = body.lock().unwrap().take().unwrap();
        async { Response::new(body) }
    });
    let mut client = bare_client(io).await;
    let (response, _) = client.send_request(get("/"), true).unwrap();
    feed.send(Ok(Frame::data("x".into()))).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "x");
    feed.send(Err("broken".into())).unwrap();
    let error = soon(body.data()).await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn an_upload_that_nobody_reads_ends_after_the_whole_response() {
    let (io, _) = server(|_| async { answer("enough") });
    let mut client = bare_client(io).await;
    let (response, mut stream) = client.send_request(post("/"), false).unwrap();
    stream.send_data("begun".into(), false).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "enough");
    assert_eq!(reset_reason(&mut stream).await, Reason::NO_ERROR);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_grants_no_window_is_cancelled_in_time() {
    let (feed, body) = fed();
    let body = Arc::new(Mutex::new(Some(body)));
    let (io, _) = server(move |_| {
        let body = body.lock().unwrap().take().unwrap();
        async { Response::new(body) }
    });
    let mut client = bare_client(io).await;
    let (response, _) = client.send_request(get("/"), true).unwrap();
    // More than the window of 64 KiB - 1, in pieces: what the server takes is bounded.
    for _ in 0..1000 {
        feed.send(Ok(Frame::data(vec![0; 1000].into()))).unwrap();
    }
    let mut body = soon(response).await.unwrap().into_body();
    let began = tokio::time::Instant::now();
    soon(feed.closed()).await;
    let waited = began.elapsed();
    assert!(waited >= LIMITS.body_timeout && waited < 2 * LIMITS.body_timeout);
    let mut came = 0;
    let error = loop {
        match soon(body.data()).await.unwrap() {
            Ok(data) => came += data.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(came, 65_535);
    assert_eq!(error.reason(), Some(Reason::CANCEL));
}

#[tokio::test(start_paused = true)]
async fn an_upload_waits_for_its_reader_within_the_window() {
    let (go, wait) = oneshot::channel::<()>();
    let wait = Arc::new(Mutex::new(Some(wait)));
    let (io, _) = server(move |inbound| {
        let wait = wait.lock().unwrap().take().unwrap();
        async {
            wait.await.unwrap();
            let body = inbound.request.into_body().collect().await.unwrap();
            Response::new(Body::full(body.to_bytes().len().to_string()))
        }
    });
    let mut client = bare_client(io).await;
    let (response, mut stream) = client.send_request(post("/"), false).unwrap();
    let mut sent = 0;
    // The clock is paused: it passes only when nothing can go on.
    let patience = Duration::from_secs(1);
    stream.reserve_capacity(1 << 20);
    while let Ok(window) =
        tokio::time::timeout(patience, poll_fn(|cx| stream.poll_capacity(cx))).await
    {
        let window = window.unwrap().unwrap();
        stream.send_data(vec![0; window].into(), false).unwrap();
        sent += window;
        stream.reserve_capacity(1 << 20);
    }
    assert_eq!(sent, crate::proxy::http2::STREAM_WINDOW as usize);
    go.send(()).unwrap();
    stream.send_data(vec![0; 1 << 20].into(), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    let total = (sent + (1 << 20)).to_string();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), total);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_times_out() {
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let (io, _) = server(move |inbound| {
        let tell = tell.lock().unwrap().take().unwrap();
        async {
            let result = inbound.request.into_body().collect().await;
            tell.send(result.map(|_| ())).unwrap();
            answer("late")
        }
    });
    let mut client = bare_client(io).await;
    let (response, mut stream) = client.send_request(post("/"), false).unwrap();
    stream.send_data("begun".into(), false).unwrap();
    let after = LIMITS.body_timeout;
    assert_eq!(
        soon(told).await.unwrap(),
        Err(BodyError::TimedOut { after })
    );
    assert_eq!(soon(response).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_drain_finishes_what_runs_and_accepts_nothing_more() {
    let (go, wait) = oneshot::channel::<()>();
    let wait = Arc::new(Mutex::new(Some(wait)));
    let (stop, stopped) = oneshot::channel::<()>();
    let (io, far) = tokio::io::duplex(PIPE);
    let service = move |_| {
        let wait = wait.lock().unwrap().take().unwrap();
        async {
            wait.await.unwrap();
            answer("finished")
        }
    };
    let stopped = async { drop(stopped.await) };
    let serving = tokio::spawn(serve(far, LIMITS, service, stopped));
    let mut client = bare_client(io).await;
    let (response, _) = client.send_request(get("/"), true).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    let refused = async {
        while poll_fn(|cx| client.poll_ready(cx)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(refused).await;
    assert!(!serving.is_finished());
    go.send(()).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "finished");
    soon(serving).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_at_each_of_its_stages() {
    // No preface.
    let (io, serving) = server(|_| async { answer("x") });
    let error = soon(serving).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::HandshakeTimedOut(_)), "{error}");
    drop(io);

    // No request: a goodbye.
    let (io, serving) = server(|_| async { answer("x") });
    let (mut client, connection) = h2::client::handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let (response, _) = client.send_request(get("/"), true).unwrap();
    soon(response).await.unwrap();
    let began = tokio::time::Instant::now();
    let twice = 2 * LIMITS.idle_timeout;
    within(twice, connection).await.unwrap().unwrap();
    let idle = began.elapsed();
    assert!(idle >= LIMITS.idle_timeout && idle < LIMITS.idle_timeout + Duration::from_secs(6));
    soon(serving).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanished_is_noticed_and_one_that_waits_is_not() {
    let (service, dropped) = stuck();
    let (io, serving) = server(service);
    let (mut client, connection) = h2::client::handshake(io).await.unwrap();
    let mut connection = Box::pin(connection);
    let (response, _) = client.send_request(get("/"), true).unwrap();
    // It answers PINGs as long as it is polled.
    let waited = tokio::time::timeout(Duration::from_secs(3600), connection.as_mut()).await;
    assert!(waited.is_err() && !serving.is_finished());
    let error = soon(serving).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Vanished(_)), "{error}");
    soon(dropped).await.unwrap();
    drop(response);
}

#[tokio::test]
async fn a_client_that_mostly_cancels_is_sent_away() {
    let (io, serving) = server(|_| pending());
    let client = bare_client(io).await;
    let attack = async {
        loop {
            let mut ready = match client.clone().ready().await {
                Ok(ready) => ready,
                Err(error) => return error,
            };
            let Ok((response, mut stream)) = ready.send_request(get("/"), false) else {
                continue;
            };
            // Slow enough to be accepted, which is what `h2` itself does not count.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            stream.send_reset(Reason::CANCEL);
            drop(response);
        }
    };
    let error = soon(attack).await;
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM), "{error}");
    let error = soon(serving).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::RapidReset { .. }), "{error}");
}

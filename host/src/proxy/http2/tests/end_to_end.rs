//! Our client and our server against each other: what an exchange through the proxy is made of.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::*;
use crate::message::ResponseHead;
use crate::proxy::http2::client::ConnectAnswer;

#[tokio::test]
async fn trailers_travel_both_ways() {
    let sender = pair(|inbound| async {
        let request = inbound.request.into_body().collect().await.unwrap();
        assert_eq!(request.trailers(), Some(&trailers("asked")));
        assert_eq!(request.to_bytes(), "question");
        Response::new(Body::Full {
            data: "answer".into(),
            trailers: Some(Box::new(trailers("grpc-status"))),
        })
    })
    .await;
    let body = Body::Full {
        data: "question".into(),
        trailers: Some(Box::new(trailers("asked"))),
    };
    let response = soon(sender.send(post("/"), body, None)).await.unwrap();
    assert!(response.headers().contains_key("date"));
    let body = soon(response.into_body().collect()).await.unwrap();
    assert_eq!(body.trailers(), Some(&trailers("grpc-status")));
    assert_eq!(body.to_bytes(), "answer");
}

#[tokio::test]
async fn a_call_streams_both_ways_at_once() {
    let sender = pair(|inbound| async {
        Response::new(Body::Stream(Streaming::new(inbound.request.into_body())))
    })
    .await;
    let (feed, body) = fed();
    let response = soon(sender.send(post("/"), body, None)).await.unwrap();
    let mut echo = response.into_body();
    for text in ["a", "b", "c"] {
        feed.send(Ok(Frame::data(text.into()))).unwrap();
        assert_eq!(next_data(&mut echo).await, text);
    }
    feed.send(Ok(Frame::trailers(trailers("end")))).unwrap();
    let last = soon(echo.frame()).await.unwrap().unwrap();
    assert_eq!(last.into_trailers().unwrap(), trailers("end"));
    assert!(soon(echo.frame()).await.is_none());
    assert_eq!(sender.under_way(), 0);
}

#[tokio::test]
async fn interim_responses_come_before_the_final_one() {
    let sender = pair(|inbound| async move {
        let mut links = HeaderMap::new();
        links.insert("link", "</a>".parse().unwrap());
        links.insert("connection", "close".parse().unwrap());
        let informational = inbound.informational.clone();
        let tell = |status, fields: &HeaderMap| informational.send(status, fields);
        tell(StatusCode::CONTINUE, &HeaderMap::new());
        tell(StatusCode::SWITCHING_PROTOCOLS, &HeaderMap::new());
        tell(StatusCode::EARLY_HINTS, &links);
        let body = inbound.request.into_body().collect().await.unwrap();
        tell(StatusCode::EARLY_HINTS, &links);
        Response::new(Body::full(body.to_bytes()))
    })
    .await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let (feed, body) = fed();
    let mut feed = Some(feed);
    let on_informational: crate::message::OnInformational = {
        let (went_on, mut wait) = mpsc::unbounded_channel();
        let feed = feed.take().unwrap();
        // The client sends its body only when it is asked to.
        tokio::spawn(async move {
            wait.recv().await;
            feed.send(Ok(Frame::data("body".into()))).unwrap();
        });
        Arc::new(move |head: &ResponseHead| {
            let _ = went_on.send(());
            log.lock()
                .unwrap()
                .push((head.status.as_u16(), head.fields.len()));
        })
    };
    let sent = sender.send(post("/"), body, Some(on_informational));
    let body = soon(soon(sent).await.unwrap().into_body().collect()).await;
    assert_eq!(body.unwrap().to_bytes(), "body");
    assert_eq!(*seen.lock().unwrap(), [(100, 0), (103, 1), (103, 1)]);
}

#[tokio::test]
async fn an_extended_connect_is_a_tunnel_with_half_close() {
    let sender = pair(|inbound| async move {
        let protocol = inbound.request.extensions().get::<h2::ext::Protocol>();
        assert_eq!(protocol.unwrap().as_str(), "websocket");
        let promise = inbound.tunnel.unwrap();
        tokio::spawn(async {
            let mut tunnel = promise.await.unwrap();
            let mut all = Vec::new();
            tunnel.read_to_end(&mut all).await.unwrap();
            // The client has finished; this side has not.
            tunnel.write_all(&all).await.unwrap();
            tunnel.shutdown().await.unwrap();
        });
        Response::new(Body::Empty)
    })
    .await;
    soon(sender.settings()).await;
    assert!(sender.supports_connect_protocol());
    let connected = soon(sender.connect(extended_connect(), None)).await;
    let Ok(ConnectAnswer::Tunnel(head, mut tunnel)) = connected else {
        panic!("{connected:?}");
    };
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(sender.under_way(), 1);
    // More than the windows hold.
    let sent = vec![7; 3 << 20];
    soon(tunnel.write_all(&sent)).await.unwrap();
    soon(tunnel.shutdown()).await.unwrap();
    let mut came = Vec::new();
    soon(tunnel.read_to_end(&mut came)).await.unwrap();
    assert!(came == sent);
    drop(tunnel);
    assert_eq!(sender.under_way(), 0);
}

#[tokio::test]
async fn a_connect_that_is_refused_has_an_ordinary_response() {
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let sender = pair(move |inbound| {
        let tell = tell.lock().unwrap().take().unwrap();
        async move {
            let promise = inbound.tunnel.unwrap();
            tokio::spawn(async move { tell.send(promise.await.is_err()) });
            let mut response = answer("no");
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        }
    })
    .await;
    soon(sender.settings()).await;
    let connected = soon(sender.connect(extended_connect(), None)).await;
    let Ok(ConnectAnswer::Refused(response)) = connected else {
        panic!("{connected:?}");
    };
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let body = soon(response.into_body().collect()).await.unwrap();
    assert_eq!(body.to_bytes(), "no");
    assert!(soon(told).await.unwrap());
}

#[tokio::test]
async fn a_large_body_comes_whole_over_tcp() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let echo = |inbound: Inbound| async {
            Response::new(Body::Stream(Streaming::new(inbound.request.into_body())))
        };
        serve(io, LIMITS, echo, pending()).await
    });
    let io = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, driver) = handshake(io, ClientLimits::default()).await.unwrap();
    tokio::spawn(driver);
    let sent = Bytes::from((0..8 << 20).map(|n| (n % 251) as u8).collect::<Vec<_>>());
    let response = sender.send(post("/"), Body::full(sent.clone()), None);
    let body = soon(soon(response).await.unwrap().into_body().collect()).await;
    assert!(body.unwrap().to_bytes() == sent);
}

#[tokio::test]
async fn a_connection_ends_when_nobody_holds_it() {
    let (io, serving) = server(|_| async { answer("x") });
    let (sender, driver) = handshake(io, ClientLimits::default()).await.unwrap();
    let driving = tokio::spawn(driver);
    let response = soon(sender.send(get("/"), Body::Empty, None))
        .await
        .unwrap();
    drop(sender);
    let body = soon(response.into_body().collect()).await.unwrap();
    assert_eq!(body.to_bytes(), "x");
    soon(driving).await.unwrap().unwrap();
    soon(serving).await.unwrap().unwrap();
}

//! Switches of protocols: HTTP/1.1 and HTTP/2 on either side.

use http::Response;

use super::*;
use crate::config::backend::Protocol;

const HANDSHAKE: [(&str, &str); 3] = [
    ("upgrade", "websocket"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
];

fn handshake(fields: &[(&'static str, &'static str)]) -> RequestHead {
    let mut head = request("GET", "/chat");
    for (name, value) in fields {
        head.fields.insert(*name, *value);
    }
    head
}

async fn switch(
    backend: &Backend,
    head: &RequestHead,
    upgrade: Upgrade,
) -> Result<Received, UpstreamError> {
    let mut request = outgoing(head, Body::Empty);
    request.upgrade = Some(upgrade);
    backend.send(request).await
}

/// Sends through a tunnel, half-closes, and expects this back.
async fn exchange(tunnel: Opening, expected: &str) {
    let mut tunnel = tunnel.await.unwrap();
    tunnel.write_all(b"ping").await.unwrap();
    tunnel.flush().await.unwrap();
    tunnel.shutdown().await.unwrap();
    let mut heard = String::new();
    tunnel.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, expected);
}

/// A server that switches and then says again what it hears, after a first word.
async fn switching(fields: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let fields = Arc::new(fields);
    let (address, _) = server(move |_, mut stream| {
        let fields = fields.clone();
        async move {
            let head = head(&mut stream).await.unwrap();
            assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");
            let fields = fields(&head);
            say(
                &mut stream,
                &format!("HTTP/1.1 101 Switch\r\n{fields}\r\nhello "),
            )
            .await;
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            say(&mut stream, &heard).await;
        }
    })
    .await;
    address
}

#[tokio::test]
async fn any_protocol_goes_through_from_http1_to_http1() {
    let address = switching(|head| {
        assert!(head.contains("\r\nupgrade: chat/2\r\n"), "{head}");
        "connection: upgrade\r\nupgrade: chat/2\r\n".to_owned()
    })
    .await;
    let backend = backend(config(address));
    let head = handshake(&[("upgrade", "chat/2")]);
    let received = switch(&backend, &head, Upgrade::Http1).await.unwrap();
    assert_eq!(received.head.status, 101);
    assert_eq!(received.head.fields.get_text("upgrade"), Some("chat/2"));
    exchange(received.tunnel.unwrap(), "hello ping").await;
}

#[tokio::test]
async fn a_backend_may_decline_and_keeps_its_connection() {
    let (address, count) = constant("no").await;
    let backend = backend(config(address));
    for _ in 0..2 {
        let received = switch(&backend, &handshake(&HANDSHAKE), Upgrade::Http1)
            .await
            .unwrap();
        assert!(received.tunnel.is_none());
        assert_eq!(text(received).await, "no");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_tunnel_counts_as_a_connection() {
    let address = switching(|_| "connection: upgrade\r\nupgrade: websocket\r\n".to_owned()).await;
    let mut config = config(address);
    config.max_connections = 1;
    config.connect_timeout = Duration::from_millis(200);
    let backend = backend(config);
    let head = handshake(&HANDSHAKE);
    let first = switch(&backend, &head, Upgrade::Http1).await.unwrap();
    let second = switch(&backend, &head, Upgrade::Http1).await.unwrap_err();
    assert_eq!(second.proxy_error().as_str(), "connection_limit_reached");
    drop(first);
    assert!(switch(&backend, &head, Upgrade::Http1).await.is_ok());
}

#[tokio::test]
async fn an_extended_connect_becomes_a_handshake_of_http1() {
    let fields = |head: &str, accept: &dyn Fn(&str) -> String| {
        let key = head
            .split("sec-websocket-key: ")
            .nth(1)
            .unwrap()
            .split('\r')
            .next()
            .unwrap();
        assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nsec-websocket-version: 13\r\n"), "{head}");
        let accept = accept(key);
        format!("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n")
    };
    let right = |key: &str| {
        let mut head = ResponseHead::default();
        upgrade::to_switching_protocols(&mut head, key.as_bytes());
        let accept = head.fields.get_text("sec-websocket-accept");
        accept.unwrap().to_owned()
    };
    let address = switching(move |head| fields(head, &right)).await;
    let backend = backend(config(address));
    let head = handshake(&[("upgrade", "websocket"), ("sec-websocket-version", "13")]);
    let received = switch(&backend, &head, Upgrade::ExtendedConnect)
        .await
        .unwrap();
    assert_eq!(received.head.status, 200);
    assert!(
        received.head.fields.is_empty(),
        "{:?}",
        received.head.fields
    );
    exchange(received.tunnel.unwrap(), "hello ping").await;

    let address = switching(move |head| fields(head, &|_| "AAAA".to_owned())).await;
    let backend = super::backend(config(address));
    let error = switch(&backend, &head, Upgrade::ExtendedConnect)
        .await
        .unwrap_err();
    assert_eq!(error.proxy_error().as_str(), "http_upgrade_failed");
}

/// A server of HTTP/2 that takes extended CONNECT, if `able`, and says again what it hears.
async fn connecting(able: bool) -> Arc<Backend> {
    let (address, _) = server(move |_, stream| async move {
        let mut builder = h2::server::Builder::new();
        if able {
            builder.enable_connect_protocol();
        }
        let mut connection = builder.handshake::<_, bytes::Bytes>(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            assert_eq!(request.method(), "CONNECT");
            assert_eq!(
                request
                    .extensions()
                    .get::<h2::ext::Protocol>()
                    .unwrap()
                    .as_str(),
                "websocket"
            );
            assert_eq!(request.uri().path(), "/chat");
            assert!(!request.headers().contains_key("sec-websocket-key"));
            assert!(!request.headers().contains_key("upgrade"));
            tokio::spawn(async move {
                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                let mut body = request.into_body();
                stream.send_data("hello ".into(), false).unwrap();
                while let Some(Ok(data)) = body.data().await {
                    stream.send_data(data, false).unwrap();
                }
                stream.send_data("".into(), true).unwrap();
            });
        }
    })
    .await;
    let mut config = config(address);
    config.protocol = Protocol::Http2;
    backend(config)
}

#[tokio::test]
async fn a_handshake_becomes_an_extended_connect() {
    let backend = connecting(true).await;
    let received = switch(&backend, &handshake(&HANDSHAKE), Upgrade::Http1)
        .await
        .unwrap();
    assert_eq!(received.head.status, 101);
    assert_eq!(received.head.fields.get_text("upgrade"), Some("websocket"));
    let accept = received.head.fields.get_text("sec-websocket-accept");
    assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    exchange(received.tunnel.unwrap(), "hello ping").await;

    let head = handshake(&[HANDSHAKE[0], HANDSHAKE[2]]);
    let received = switch(&backend, &head, Upgrade::ExtendedConnect)
        .await
        .unwrap();
    assert_eq!(received.head.status, 200);
    exchange(received.tunnel.unwrap(), "hello ping").await;
}

#[tokio::test]
async fn a_backend_without_extended_connect_is_told_apart() {
    let backend = connecting(false).await;
    let error = switch(&backend, &handshake(&HANDSHAKE), Upgrade::Http1)
        .await
        .unwrap_err();
    assert_eq!(error.proxy_error().as_str(), "http_upgrade_failed");
}

#[tokio::test]
async fn http2_ignores_an_upgrade_that_it_cannot_make() {
    let (address, _) = server(|_, stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            assert!(!request.headers().contains_key("upgrade"));
            let response = Response::builder().header("x-method", request.method().as_str());
            let response = response.body(()).unwrap();
            let mut stream: h2::SendStream<bytes::Bytes> =
                respond.send_response(response, false).unwrap();
            stream.send_data("plain".into(), true).unwrap();
        }
    })
    .await;
    let mut config = config(address);
    config.protocol = Protocol::Http2;
    let backend = backend(config);
    let head = handshake(&[("upgrade", "chat/2")]);
    let received = switch(&backend, &head, Upgrade::Http1).await.unwrap();
    assert!(received.tunnel.is_none());
    assert_eq!(received.head.fields.get_text("x-method"), Some("GET"));
    assert_eq!(text(received).await, "plain");
}

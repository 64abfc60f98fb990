//! TLS and HTTP/2: what ALPN and the settings agree on, and how requests share connections.

use http::Response;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::backend::Protocol;

/// A server's identity and the file that a client trusts.
struct Identity {
    directory: tempfile::TempDir,
    key: rcgen::CertifiedKey<rcgen::KeyPair>,
}

impl Identity {
    fn new() -> Self {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), key.cert.pem()).unwrap();
        Self { directory, key }
    }

    fn acceptor(&self, alpn: &[&str]) -> TlsAcceptor {
        let certificate = CertificateDer::from(self.key.cert.der().to_vec());
        let key = PrivateKeyDer::from_pem_slice(self.key.signing_key.serialize_pem().as_bytes());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.unwrap())
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    fn backend(&self, address: SocketAddr, protocol: Protocol) -> Arc<Backend> {
        let mut config = BackendConfig::new(vec![BackendUrl {
            tls: true,
            address: BackendAddress::Tcp(format!("localhost:{}", address.port()).parse().unwrap()),
        }]);
        config.protocol = protocol;
        config.tls.ca = Some(self.directory.path().join("ca.pem"));
        backend(config)
    }
}

/// Answers each stream with the request's line and its number on the connection.
async fn serve_http2<IO>(io: IO)
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(8);
    let Ok(mut connection) = builder.handshake::<_, bytes::Bytes>(io).await else {
        return;
    };
    let mut number = 0;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        number += 1;
        let text = format!("{} {} {number}", request.method(), request.uri());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let response = Response::builder()
                .header("x-te", request.headers().contains_key("te").to_string());
            let mut stream = respond
                .send_response(response.body(()).unwrap(), false)
                .unwrap();
            stream.send_data(text.into(), true).unwrap();
        });
    }
}

/// A server that speaks what ALPN agrees on.
async fn secure(identity: &Identity, alpn: &[&str]) -> (SocketAddr, Arc<AtomicUsize>) {
    let acceptor = identity.acceptor(alpn);
    server(move |number, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                return serve_http2(stream).await;
            }
            while head(&mut stream).await.is_some() {
                say(&mut stream, &answer(&format!("http/1.1 {number}"))).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn alpn_decides_unless_the_settings_do() {
    let identity = Identity::new();
    for (alpn, protocol, expected) in [
        (&["h2", "http/1.1"][..], Protocol::Auto, Ok("GET")),
        (&["h2", "http/1.1"], Protocol::Http1, Ok("http/1.1")),
        (&["h2", "http/1.1"], Protocol::Http2, Ok("GET")),
        (&["http/1.1"], Protocol::Auto, Ok("http/1.1")),
        (&[], Protocol::Auto, Ok("http/1.1")),
        (&["http/1.1"], Protocol::Http2, Err("tls_protocol_error")),
        (&["h2"], Protocol::Http1, Err("tls_alert_received")),
    ] {
        let (address, count) = secure(&identity, alpn).await;
        let backend = identity.backend(address, protocol);
        for _ in 0..3 {
            let got = get(&backend).await.map_err(|e| e.proxy_error().as_str());
            let got = got.as_ref().map(|text| text.split(' ').next().unwrap());
            assert_eq!(got.map_err(|e| *e), expected, "{alpn:?} {protocol:?}");
        }
        if expected.is_ok() {
            assert_eq!(count.load(Ordering::SeqCst), 1, "{alpn:?} {protocol:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_told_apart() {
    let (one, other) = (Identity::new(), Identity::new());
    let (address, _) = secure(&one, &[]).await;
    let backend = other.backend(address, Protocol::Auto);
    assert_eq!(
        kind(send(&backend, "GET", Body::Empty)).await,
        "tls_certificate_error"
    );

    let (address, _) = server(|_, mut stream| async move {
        say(&mut stream, "HTTP/1.1 400 Bad Request\r\n\r\n").await;
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let backend = one.backend(address, Protocol::Auto);
    assert_eq!(
        kind(send(&backend, "GET", Body::Empty)).await,
        "tls_protocol_error"
    );
}

#[tokio::test]
async fn a_burst_shares_one_connection_and_opens_more_only_for_want_of_room() {
    let identity = Identity::new();
    let (address, count) = secure(&identity, &["h2"]).await;
    let backend = identity.backend(address, Protocol::Auto);
    let burst = async |size: usize| {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..size {
            let backend = backend.clone();
            all.spawn(async move { get(&backend).await.unwrap() });
        }
        all.join_all().await.len()
    };
    assert_eq!(burst(8).await, 8);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(burst(16).await, 16);
    let connections = count.load(Ordering::SeqCst);
    assert!((2..=3).contains(&connections), "{connections}");
}

#[tokio::test]
async fn prior_knowledge_speaks_http2_in_cleartext() {
    let (address, count) = server(|_, stream| serve_http2(stream)).await;
    let mut config = config(address);
    config.protocol = Protocol::Http2;
    let backend = backend(config);
    let mut head = request("GET", "/p?q=%20");
    head.fields.insert("te", "trailers");
    for number in 1..4 {
        let received = backend.send(outgoing(&head, Body::Empty)).await.unwrap();
        assert_eq!(received.head.fields.get_text("x-te"), Some("true"));
        let expected = format!("GET http://client.test/p?q=%20 {number}");
        assert_eq!(text(received).await, expected);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stream_that_was_not_processed_is_sent_again_with_its_body() {
    let (address, count) = server(|number, stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        if number == 0 {
            respond.send_reset(h2::Reason::REFUSED_STREAM);
            connection.graceful_shutdown();
        } else {
            tokio::spawn(async move {
                let mut body = request.into_body();
                let data = body.data().await.unwrap().unwrap();
                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                stream.send_data(data, true).unwrap();
            });
        }
        while connection.accept().await.is_some() {}
    })
    .await;
    let mut config = config(address);
    config.protocol = Protocol::Http2;
    let backend = backend(config);
    let response = send(&backend, "POST", Body::full("whole")).await.unwrap();
    assert_eq!(text(response).await, "whole");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn http2_has_a_time_for_the_first_byte() {
    let (address, _) = server(|_, stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let mut held = Vec::new();
        while let Some(Ok(exchange)) = connection.accept().await {
            held.push(exchange);
        }
    })
    .await;
    let mut config = config(address);
    config.protocol = Protocol::Http2;
    config.first_byte_timeout = Duration::from_secs(7);
    let backend = backend(config);
    let start = Instant::now();
    assert_eq!(
        kind(send(&backend, "GET", Body::Empty)).await,
        "http_response_timeout"
    );
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_http2_waits_until_it_is_wanted() {
    for (status, expected, seconds) in [(100, "body", 0), (417, "", 0), (0, "body", 1)] {
        let (address, _) = server(move |_, stream| async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (request, mut respond) = connection.accept().await.unwrap().unwrap();
            assert_eq!(request.headers()["expect"], "100-continue");
            let task = tokio::spawn(async move {
                let mut body = request.into_body();
                let early = tokio::time::timeout(Duration::from_millis(500), body.data()).await;
                assert!(early.is_err(), "the body came unasked");
                let interim = |status: u16| Response::builder().status(status).body(()).unwrap();
                if status == 417 {
                    respond.send_response(interim(417), true).unwrap();
                    return;
                }
                if status == 100 {
                    respond.send_informational(interim(100)).unwrap();
                }
                let data = body.data().await.unwrap().unwrap();
                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                stream.send_data(data, true).unwrap();
            });
            while connection.accept().await.is_some() {}
            task.await.unwrap();
        })
        .await;
        let mut config = config(address);
        config.protocol = Protocol::Http2;
        let backend = backend(config);
        let head = request("POST", "/");
        let mut request = outgoing(&head, Body::full("body"));
        request.expect_continue = true;
        let start = Instant::now();
        let received = backend.send(request).await.unwrap();
        assert_eq!(text(received).await, expected, "{status}");
        assert_eq!(start.elapsed().as_secs(), seconds, "{status}");
    }
}

#[tokio::test]
async fn nothing_waits_for_a_body_over_http2_that_was_refused() {
    for content in [None, Some("no")] {
        let (address, _) = server(move |_, stream| async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let mut held = Vec::new();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let head = Response::builder().status(417).body(()).unwrap();
                let mut stream = respond.send_response(head, content.is_none()).unwrap();
                if let Some(content) = content {
                    stream.send_data(content.into(), true).unwrap();
                }
                held.push((request, respond));
            }
        })
        .await;
        let mut config = config(address);
        config.protocol = Protocol::Http2;
        let backend = backend(config);
        let head = request("POST", "/");
        let alive = Arc::new(());
        let watch = Arc::downgrade(&alive);
        let frames = Frames(Box::new(move |_| {
            let _alive = &alive;
            std::task::Poll::Pending
        }));
        let mut request = outgoing(&head, Body::Stream(Streaming::new(frames)));
        request.expect_continue = true;
        let received = backend.send(request).await.unwrap();
        assert_eq!(text(received).await, content.unwrap_or_default());
        until("the body is dropped", || watch.upgrade().is_none()).await;
    }
}

/// The keys that bound heads and trailers hold for HTTP/2 as they do for HTTP/1.1.
#[tokio::test]
async fn heads_and_trailers_over_http2_have_bounds() {
    let (address, _) = server(|_, stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let mut fields = http::HeaderMap::new();
            let (count, size) = match request.uri().path() {
                "/many" => (21, 1),
                "/large" => (1, 1024),
                _ => (20, 1),
            };
            for _ in 0..count {
                fields.append("a", "b".repeat(size).parse().unwrap());
            }
            let mut response = Response::new(());
            let in_head = request.method() == "GET";
            if in_head {
                *response.headers_mut() = fields.clone();
            }
            let Ok(mut stream) = respond.send_response(response, false) else {
                continue;
            };
            let sent = match in_head {
                true => stream.send_data(bytes::Bytes::new(), true),
                false => stream.send_trailers(fields),
            };
            let _ = sent;
        }
    })
    .await;
    let mut config = config(address);
    config.protocol = Protocol::Http2;
    (config.max_head, config.max_fields) = (1024, 20);
    let backend = backend(config);
    for (target, why) in [
        ("/fits", None),
        ("/many", Some("more than 20 fields")),
        ("/large", Some("larger than 1024 bytes")),
    ] {
        let head = request("GET", target);
        let sent = backend.send(outgoing(&head, Body::Empty)).await;
        let error = sent.map(|_| ()).map_err(|error| {
            let class = "http_response_header_section_size";
            assert_eq!(error.proxy_error().as_str(), class, "{error}");
            error.to_string()
        });
        assert_eq!(error.is_err(), why.is_some(), "{target}");
        assert!(error.err().is_none_or(|e| e.contains(why.unwrap())));
        let head = request("POST", target);
        let received = backend.send(outgoing(&head, Body::Empty)).await.unwrap();
        let error = received.body.collect().await.map(|_| ());
        let error = error.map_err(|error| error.to_string());
        assert_eq!(error.is_err(), why.is_some(), "{target}");
        assert!(error.err().is_none_or(|e| e.contains(why.unwrap())));
    }
}

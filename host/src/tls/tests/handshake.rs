//! What both sides agree on: ALPN, versions, resumption; and peers that don't speak TLS.

use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn alpn_is_agreed_on_or_refused() {
    enum Expected {
        Http1,
        Http2,
        NoHttp2,
        Alert,
    }
    use Expected::*;
    let both: &[&[u8]] = &[ALPN_HTTP2, ALPN_HTTP1];
    let cases: [(&[&[u8]], [Expected; 3]); 4] = [
        (both, [Http1, Http2, Http2]),
        (&[], [Http1, NoHttp2, Http1]),
        (&[ALPN_HTTP1], [Http1, NoHttp2, Http1]),
        (&[ALPN_HTTP2], [Alert, Http2, Http2]),
    ];
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let issued = authority.issue(&["a.example"]);
    let ours = files.identity(&issued).acceptor();
    let client = files.client(&authority);
    for (protocols, expected) in cases {
        let theirs = other_server(&issued, |config| {
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        });
        let acceptor = if protocols == both { &ours } else { &theirs };
        for (alpn, expected) in [Alpn::Http1, Alpn::Http2, Alpn::Either]
            .into_iter()
            .zip(expected)
        {
            let (result, _) = shake(acceptor, &client, "a.example", alpn).await;
            let right = match &result {
                Ok(connected) if connected.http2 => matches!(expected, Http2),
                Ok(_) => matches!(expected, Http1),
                Err(TlsError::NoHttp2) => matches!(expected, NoHttp2),
                Err(TlsError::Alert(_)) => matches!(expected, Alert),
                Err(_) => false,
            };
            assert!(right, "{protocols:?} {alpn:?}: {result:?}");
        }
    }
}

#[tokio::test]
async fn both_versions_are_spoken_and_resumed() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let issued = authority.issue(&["a.example"]);
    for version in VERSIONS {
        let acceptor = other_server_of(&issued, &[version], |_| ());
        let client = files.client(&authority);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let (mut near, mut far) = connected(&acceptor, &client, "a.example").await;
            exchange(&mut near.stream, &mut far).await;
            let session = near.stream.get_ref().1;
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(
                session.handshake_kind(),
                Some(kind),
                "{:?}",
                version.version
            );
        }
    }
}

#[tokio::test]
async fn the_server_resumes_from_its_tickets_also_after_a_reload() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let identity = files.identity(&authority.issue(&["a.example"]));
    let client = files.client(&authority);
    let acceptor = identity.acceptor();
    for kind in [
        HandshakeKind::Full,
        HandshakeKind::Resumed,
        HandshakeKind::Resumed,
    ] {
        let (mut near, mut far) = connected(&acceptor, &client, "a.example").await;
        exchange(&mut near.stream, &mut far).await;
        assert_eq!(far.get_ref().1.handshake_kind(), Some(kind));
        files.pair("server", &authority.issue(&["a.example"]));
        assert!(matches!(identity.reload(), Ok(Reloaded::Swapped { .. })));
    }
}

#[tokio::test]
async fn a_version_that_is_too_old_is_refused() {
    // A ClientHello of TLS 1.1 with one suite of its time, and the one extension that rustls looks at before.
    let mut hello = vec![0x16, 3, 1, 0, 55, 1, 0, 0, 51, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    hello.extend([0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let files = Files::new();
    let identity = files.identity(&Authority::new("ca").issue(&["a.example"]));
    let (mut near, far) = tokio::io::duplex(1024);
    near.write_all(&hello).await.unwrap();
    let error = TlsError::from(within(identity.acceptor().accept(far)).await.unwrap_err());
    assert!(matches!(error, TlsError::Protocol(_)), "{error}");
    let mut answer = Vec::new();
    within(near.read_to_end(&mut answer)).await.unwrap();
    // A fatal alert: protocol_version.
    assert_eq!(answer[0], 21);
    assert_eq!(answer[5..], [2, 70]);
}

#[tokio::test]
async fn peers_that_do_not_speak_tls_are_told_apart() {
    let files = Files::new();
    let client = files.client(&Authority::new("ca"));
    let cases: [(&[u8], &str); 2] = [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "the peer does not speak TLS",
        ),
        (b"", "the connection failed during TLS: tls handshake eof"),
    ];
    for (answer, expected) in cases {
        let (near, mut far) = tokio::io::duplex(64 << 10);
        far.write_all(answer).await.unwrap();
        far.shutdown().await.unwrap();
        let error = within(client.connect(near, "a.example", Alpn::Either))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(matches!(error, TlsError::Protocol(_)), !answer.is_empty());
    }
}

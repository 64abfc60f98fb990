//! Servers that ask for a certificate of the client.

use rustls::server::WebPkiClientVerifier;
use rustls::{AlertDescription, HandshakeKind, RootCertStore, SupportedProtocolVersion};

use super::*;

/// A server that wants a certificate of the authority.
fn demanding(authority: &Authority, version: &'static SupportedProtocolVersion) -> TlsAcceptor {
    let files = Files::new();
    let mut roots = RootCertStore::empty();
    for certificate in pem::load_certificates(&files.write("ca.pem", &authority.pem)).unwrap() {
        roots.add(certificate).unwrap();
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .unwrap();
    let (chain, key) = files.pair("server", &authority.issue(&["a.example"]));
    let pair = pem::load_pair(&chain, &key).unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)));
    Arc::new(config).into()
}

fn showing(files: &Files, authority: &Authority, client: &Issued) -> ClientTls {
    let options = ClientOptions {
        client: Some(files.pair("client", client)),
        ..trusting(&files.write("ca.pem", &authority.pem))
    };
    ClientTls::new(options).unwrap()
}

#[tokio::test]
async fn the_certificate_is_shown_and_a_new_one_is_not_hidden_by_an_old_session() {
    let authority = Authority::new("ca");
    let (first, second) = (authority.issue(&["first"]), authority.issue(&["second"]));
    for version in VERSIONS {
        let files = Files::new();
        let acceptor = demanding(&authority, version);
        let client = showing(&files, &authority, &first);
        for (expected, kind) in [
            (&first, HandshakeKind::Full),
            (&first, HandshakeKind::Resumed),
            (&second, HandshakeKind::Full),
        ] {
            files.pair("client", expected);
            // That of the first look: the same pair, written again.
            client.reload().unwrap();
            if kind == HandshakeKind::Resumed {
                let (mut near, mut far) = connected(&acceptor, &client, "a.example").await;
                exchange(&mut near.stream, &mut far).await;
            }
            let (mut near, mut far) = connected(&acceptor, &client, "a.example").await;
            exchange(&mut near.stream, &mut far).await;
            let session = far.get_ref().1;
            assert_eq!(session.peer_certificates().unwrap()[0], expected.der);
            assert_eq!(session.handshake_kind(), Some(kind));
        }
    }
}

#[tokio::test]
async fn without_an_acceptable_certificate_the_alert_says_so() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let none = files.client(&authority);
    let foreign = showing(
        &files,
        &authority,
        &Authority::new("another").issue(&["client"]),
    );
    let [tls13, tls12] = [&rustls::version::TLS13, &rustls::version::TLS12]
        .map(|version| demanding(&authority, version));
    let cases = [
        (&tls13, &none, AlertDescription::CertificateRequired),
        (&tls12, &none, AlertDescription::CertificateRequired),
        (&tls13, &foreign, AlertDescription::UnknownCA),
        (&tls12, &foreign, AlertDescription::UnknownCA),
    ];
    for (acceptor, client, expected) in cases {
        let error = match shake(acceptor, client, "a.example", Alpn::Either).await.0 {
            Err(error) => error,
            // TLS 1.3: the client is done before the server has looked.
            Ok(mut connected) => {
                let error = within(connected.stream.read(&mut [0])).await.unwrap_err();
                TlsError::find(&error).unwrap()
            }
        };
        assert!(
            matches!(error, TlsError::Alert(alert) if alert == expected),
            "{error}"
        );
    }
}

//! Which certificates of a server are taken, and what is said about the others.

use rustls::sign::CertifiedKey;
use rustls::{CertificateError, SignatureScheme};

use super::*;

/// The certificate error of a handshake that must fail with one.
async fn refusal(issued: &Issued, client: &ClientTls, host: &str) -> String {
    let acceptor = other_server(issued, |_| ());
    match shake(&acceptor, client, host, Alpn::Either).await {
        (Err(error @ TlsError::Certificate(_)), Err(TlsError::Alert(_))) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let client = files.client(&authority);
    let now = SystemTime::now();
    let expired = authority.issue_with(&["a.example"], |params| {
        params.not_before = (now - 9 * DAY).into();
        params.not_after = (now - 3 * DAY / 2).into();
    });
    let early = authority.issue_with(&["a.example"], |params| {
        params.not_before = (now + 9 * DAY / 2).into()
    });
    let no_server = authority.issue_with(&["a.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let other_name = authority.issue(&["b.example", "*.c.example", "10.0.0.1"]);
    let stranger = Authority::new("another").issue(&["a.example"]);
    let cases = [
        (&expired, "the certificate expired 36 h ago"),
        (&early, "the certificate becomes valid only in 4 days"),
        (&no_server, "server authentication"),
        (
            &other_name,
            "the certificate is not for `a.example` but for ",
        ),
        (&other_name, "b.example"),
        (&other_name, "*.c.example"),
        (&other_name, "10.0.0.1"),
        (&stranger, "the certificate is from an unknown issuer"),
    ];
    for (issued, expected) in cases {
        let text = refusal(issued, &client, "a.example").await;
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn names_and_addresses_are_verified() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let acceptor = files
        .identity(&authority.issue(&["a.example", "*.b.example", "127.0.0.1", "::1"]))
        .acceptor();
    let client = files.client(&authority);
    let cases = [
        ("a.example", true),
        ("A.EXAMPLE", true),
        ("a.example.", true),
        ("x.b.example", true),
        ("x.y.b.example", false),
        ("b.example", false),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("::1", true),
        ("[::1]", true),
        ("[::2]", false),
    ];
    for (host, expected) in cases {
        let (result, _) = shake(&acceptor, &client, host, Alpn::Either).await;
        let right = match &result {
            Ok(_) => expected,
            Err(TlsError::Certificate(CertificateError::NotValidForNameContext { .. })) => {
                !expected
            }
            Err(_) => false,
        };
        assert!(right, "{host}: {result:?}");
    }
    for host in ["", "a b", "fe80::1%eth0", "[::1", "käse.example"] {
        let (result, _) = shake(&acceptor, &client, host, Alpn::Either).await;
        let error = result.unwrap_err().to_string();
        assert_eq!(
            error,
            format!("`{host}` is neither a host name nor an IP address")
        );
    }
}

#[tokio::test]
async fn the_name_can_be_set() {
    let (files, authority) = (Files::new(), Authority::new("ca"));
    let acceptor = files.identity(&authority.issue(&["a.example"])).acceptor();
    let ca = files.write("ca.pem", &authority.pem);
    let named = |name: &str| ClientOptions {
        server_name: Some(name.to_owned()),
        ..trusting(&ca)
    };
    let client = ClientTls::new(named("a.example")).unwrap();
    let (_, server) = connected(&acceptor, &client, "127.0.0.1").await;
    assert_eq!(server.get_ref().1.server_name(), Some("a.example"));
    let error = ClientTls::new(named("a/b")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a/b` is neither a host name nor an IP address"
    );
}

#[tokio::test]
async fn without_verification_the_peer_must_still_have_the_key() {
    let client = ClientTls::new(ClientOptions {
        verify: false,
        ..unsaid()
    })
    .unwrap();
    let stranger = Authority::new("ca").issue(&["b.example"]);
    for version in VERSIONS {
        let acceptor = other_server_of(&stranger, &[version], |_| ());
        connected(&acceptor, &client, "a.example").await;

        let acceptor = other_server_of(&stranger, &[version], |config| {
            config.cert_resolver = Arc::new(Impostor(stranger.der.clone()));
        });
        let (result, _) = shake(&acceptor, &client, "a.example", Alpn::Either).await;
        assert!(
            matches!(
                result,
                Err(TlsError::Certificate(CertificateError::BadSignature))
            ),
            "{:?}: {result:?}",
            version.version
        );
    }
}

/// Shows somebody's certificate and signs with a key of its own.
#[derive(Debug)]
struct Impostor(CertificateDer<'static>);

impl rustls::server::ResolvesServerCert for Impostor {
    fn resolve(&self, hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        assert!(
            hello
                .signature_schemes()
                .contains(&SignatureScheme::ECDSA_NISTP256_SHA256)
        );
        let key = KeyPair::generate().unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let key = provider().key_provider.load_private_key(key).unwrap();
        Some(Arc::new(CertifiedKey::new(vec![self.0.clone()], key)))
    }
}

#[tokio::test]
async fn a_certificate_named_as_ca_is_taken_though_it_is_an_authority_itself() {
    // As `openssl req -x509` makes it.
    let make = |not_after: SystemTime| {
        let mut params = leaf(&["a.example"]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = not_after.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Issued {
            der: certificate.der().clone(),
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    };
    let files = Files::new();
    let good = make(SystemTime::now() + DAY);
    let client = ClientTls::new(trusting(&files.write("ca.pem", &good.chain))).unwrap();
    for version in VERSIONS {
        let acceptor = other_server_of(&good, &[version], |_| ());
        connected(&acceptor, &client, "a.example").await;
    }
    let text = refusal(&good, &client, "b.example").await;
    assert!(text.contains("not for `b.example`"), "{text}");
    let text = refusal(&make(SystemTime::now() + DAY), &client, "a.example").await;
    assert!(
        text.contains("not acceptable") || text.contains("unknown issuer"),
        "{text}"
    );

    let old = make(SystemTime::now() - DAY / 2);
    let client = ClientTls::new(trusting(&files.write("ca.pem", &old.chain))).unwrap();
    let text = refusal(&old, &client, "a.example").await;
    assert!(text.contains("expired 12 h ago"), "{text}");
}

#[tokio::test]
async fn the_self_signed_certificate_serves_this_machine() {
    let now = SystemTime::now();
    let identity = ServerIdentity::self_signed("10.9.8.7".parse().unwrap(), now).unwrap();
    let acceptor = identity.acceptor();
    let unverified = ClientTls::new(ClientOptions {
        verify: false,
        ..unsaid()
    })
    .unwrap();
    let (seen, _) = connected(&acceptor, &unverified, "a.example").await;
    let leaf = shown(&seen);
    assert_eq!(identity.fingerprint(), pem::fingerprint(&leaf));

    let files = Files::new();
    let body = rcgen_pem(&leaf);
    let client = ClientTls::new(trusting(&files.write("ca.pem", body))).unwrap();
    for host in ["localhost", "127.0.0.1", "::1", "10.9.8.7"] {
        connected(&acceptor, &client, host).await;
    }
    let (result, _) = shake(&acceptor, &client, "a.example", Alpn::Either).await;
    assert!(
        matches!(result, Err(TlsError::Certificate(_))),
        "{result:?}"
    );

    assert_eq!(identity.warning(now - DAY / 2), None);
    assert_eq!(identity.warning(now + 363 * DAY), None);
    assert!(
        identity
            .warning(now - 2 * DAY)
            .unwrap()
            .contains("becomes valid only in 24 h")
    );
    assert!(
        identity
            .warning(now + 366 * DAY)
            .unwrap()
            .contains("expired 2 days ago")
    );
    assert_eq!(identity.reload().unwrap(), Reloaded::Unchanged);
    let another = ServerIdentity::self_signed(LOOPBACK, now).unwrap();
    assert_ne!(another.fingerprint(), identity.fingerprint());
}

/// PEM as openssl and rustls read it, made by openssl so that no code of ours is in between.
fn rcgen_pem(der: &[u8]) -> Vec<u8> {
    super::openssl::run(&["x509", "-inform", "DER"], der)
}

//! Real handshakes: this side against rustls as a peer with other settings, and against openssl.

mod certificates;
mod files;
mod handshake;
mod mutual;
mod openssl;
mod reload;
mod roots;

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio_rustls::{TlsAcceptor, server};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate authority of the tests.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate of an [`Authority`], and its key.
struct Issued {
    der: CertificateDer<'static>,
    chain: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// For servers and clients, valid for 90 days.
    fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| ())
    }

    fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = leaf(names);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            der: certificate.der().clone(),
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + 89 * DAY).into();
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

/// Files of a test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As tools replace a file: by another one of that name.
    fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path("new"), contents).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
        self.path(name)
    }

    fn pair(&self, name: &str, issued: &Issued) -> (PathBuf, PathBuf) {
        let chain = self.write(&format!("{name}.pem"), &issued.chain);
        (chain, self.write(&format!("{name}-key.pem"), &issued.key))
    }

    fn identity(&self, issued: &Issued) -> ServerIdentity {
        let (chain, key) = self.pair("server", issued);
        ServerIdentity::from_files(&chain, &key).unwrap()
    }

    /// Trusts the authority and shows no certificate.
    fn client(&self, authority: &Authority) -> ClientTls {
        ClientTls::new(trusting(&self.write("ca.pem", &authority.pem))).unwrap()
    }
}

fn trusting(ca: &Path) -> ClientOptions {
    ClientOptions {
        ca: Some(ca.to_owned()),
        ..unsaid()
    }
}

/// A backend of which nothing is said.
fn unsaid() -> ClientOptions {
    ClientOptions {
        verify: true,
        ca: None,
        more: Vec::new(),
        server_name: None,
        client: None,
    }
}

/// A server that is not ours: rustls with other settings.
fn other_server(issued: &Issued, change: impl FnOnce(&mut ServerConfig)) -> TlsAcceptor {
    other_server_of(issued, rustls::ALL_VERSIONS, change)
}

fn other_server_of(
    issued: &Issued,
    versions: &[&'static rustls::SupportedProtocolVersion],
    change: impl FnOnce(&mut ServerConfig),
) -> TlsAcceptor {
    let files = Files::new();
    let (chain, key) = files.pair("other", issued);
    let pair = pem::load_pair(&chain, &key).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)));
    change(&mut config);
    Arc::new(config).into()
}

type ClientEnd = Result<TlsConnected<DuplexStream>, TlsError>;
type ServerEnd = Result<server::TlsStream<DuplexStream>, TlsError>;

/// One handshake; how it went on both sides.
async fn shake(
    acceptor: &TlsAcceptor,
    client: &ClientTls,
    host: &str,
    alpn: Alpn,
) -> (ClientEnd, ServerEnd) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let both = async {
        tokio::join!(client.connect(near, host, alpn), async {
            Ok(acceptor.accept(far).await?)
        })
    };
    within(both).await
}

/// A handshake that goes well.
async fn connected(
    acceptor: &TlsAcceptor,
    client: &ClientTls,
    host: &str,
) -> (TlsConnected<DuplexStream>, server::TlsStream<DuplexStream>) {
    let (client, server) = shake(acceptor, client, host, Alpn::Either).await;
    (client.unwrap(), server.unwrap())
}

/// Bytes there and back.
async fn exchange<A, B>(client: &mut A, server: &mut B)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    within(async {
        let mut bytes = [0; 4];
        client.write_all(b"ping").await.unwrap();
        client.flush().await.unwrap();
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"ping");
        server.write_all(b"pong").await.unwrap();
        server.flush().await.unwrap();
        client.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"pong");
    })
    .await;
}

/// The leaf that the server showed.
fn shown(connected: &TlsConnected<DuplexStream>) -> CertificateDer<'static> {
    connected.stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("it hangs")
}

#[test]
fn only_what_mozilla_recommends_is_offered() {
    let provider = provider();
    let groups: Vec<String> = provider
        .kx_groups
        .iter()
        .map(|group| format!("{:?}", group.name()))
        .collect();
    assert_eq!(groups, ["X25519", "secp256r1", "secp384r1"]);
    let mut suites: Vec<String> = provider
        .cipher_suites
        .iter()
        .map(|suite| format!("{:?}", suite.suite()))
        .collect();
    suites.sort();
    assert_eq!(
        suites,
        [
            "TLS13_AES_128_GCM_SHA256",
            "TLS13_AES_256_GCM_SHA384",
            "TLS13_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ]
    );
}

/// What the tests listen on.
const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

//! The certificate that clients see, exchanged while connections run: the resolver reads it anew for each handshake, so a
//! reload touches neither the configuration nor any connection, and what was agreed goes on.
//!
//! What a connection costs. With accepting, one exchange and closing, a full handshake of TLS 1.3 takes some 230 µs of CPU
//! time here and 365 at a client of ours, a resumed one 185 and 220; the second ticket 4 µs and some 250 bytes on the wire.
//! Tickets are sealed with keys that change every 6 hours and last 12, so the server keeps nothing for them; the session
//! cache only serves clients of TLS 1.2 and is bounded. There is no 0-RTT: its data can be replayed, and a proxy can't
//! know what a request does. An idle connection holds 7.5 KB, of which 4 KiB are rustls's read buffer.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::UnixTime;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::stamp;
use super::{
    ALPN_HTTP1, ALPN_HTTP2, ALPN_HTTP10, SetupError, VERSIONS, pem, provider, self_signed,
};
use crate::stamp::Stamp;

/// Sessions of clients of TLS 1.2. Its table is allocated whole: 30 KB.
const SESSION_CACHE: usize = 256;

/// A browser opens up to six connections for HTTP/1, and each resumption uses up a ticket; with fewer than two, parallel
/// connections would rarely resume. More are paid for by every client.
const TICKETS: usize = 2;

/// The proxy's own certificate and the TLS configuration that shows it. One for each listener.
#[derive(Debug)]
pub struct ServerIdentity {
    current: Arc<Current>,
    config: Arc<ServerConfig>,
    /// None for a certificate of our own making.
    files: Option<CertificateFiles>,
}

/// What [`ServerIdentity::reload`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    Unchanged,
    /// New handshakes show another certificate. Its fingerprint, as [`ServerIdentity::fingerprint`] has it.
    Swapped {
        fingerprint: String,
    },
}

#[derive(Debug)]
struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
    /// Those that the current certificate was read from.
    seen: Mutex<Vec<Stamp>>,
}

impl ServerIdentity {
    /// From PEM files: the chain, leaf first, and its key; both may be the same file.
    ///
    /// A certificate that has expired or isn't valid yet is taken: see [`warning`](Self::warning).
    ///
    /// # Errors
    ///
    /// A file can't be read or has something else in it, or key and certificate don't belong together.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, SetupError> {
        let stamps = stamp::of(&[chain, key])?;
        let pair = pem::load_pair(chain, key)?;
        let files = CertificateFiles {
            chain: chain.to_owned(),
            key: key.to_owned(),
            seen: Mutex::new(stamps),
        };
        Self::new(pair, Some(files))
    }

    /// A new certificate for local use: ECDSA P-256, valid for a year from `now`, for localhost, the loopback addresses,
    /// the address listened on and the machine's name.
    ///
    /// # Errors
    ///
    /// Only if the system gives no random bytes.
    pub fn self_signed(listen: IpAddr, now: SystemTime) -> Result<Self, SetupError> {
        Self::new(self_signed::generate(listen, now)?, None)
    }

    fn new(pair: CertifiedKey, files: Option<CertificateFiles>) -> Result<Self, SetupError> {
        let current = Arc::new(Current(ArcSwap::from_pointee(pair)));
        let config = Arc::new(server_config(current.clone())?);
        Ok(Self {
            current,
            config,
            files,
        })
    }

    /// Makes TLS of accepted connections; the same for the life of the identity. What the client chose is
    /// `stream.get_ref().1.alpn_protocol()`: `h2`, `http/1.1`, or none, which means HTTP/1.1.
    ///
    /// A handshake has no time limit of its own. Its errors become [`TlsError`](super::TlsError) with `into`.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.config.clone().into()
    }

    /// Looks at the files and takes what is new in them, if it is good: two calls of `stat` when nothing changed. Blocks
    /// for as long as reading them takes. Called once a second or so.
    ///
    /// # Errors
    ///
    /// As [`from_files`](Self::from_files). The certificate stays what it was and the next call tries again, so the
    /// error of a pair that is only half replaced goes away by itself; tell the same error only once.
    pub fn reload(&self) -> Result<Reloaded, SetupError> {
        let Some(files) = &self.files else {
            return Ok(Reloaded::Unchanged);
        };
        let stamps = stamp::of(&[&files.chain, &files.key])?;
        let mut seen = files.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == stamps {
            return Ok(Reloaded::Unchanged);
        }
        let pair = pem::load_pair(&files.chain, &files.key)?;
        self.current.0.store(Arc::new(pair));
        *seen = stamps;
        Ok(Reloaded::Swapped {
            fingerprint: self.fingerprint(),
        })
    }

    /// SHA-256 of the certificate as browsers and `openssl x509 -fingerprint -sha256` show it: `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        self.current
            .0
            .load()
            .cert
            .first()
            .map(|leaf| pem::fingerprint(leaf))
            .unwrap_or_default()
    }

    /// Why clients will refuse the certificate at this time, if that can be told from it alone: it has expired, isn't
    /// valid yet, or is not for servers. Worth a line in the log at the start and after each reload.
    pub fn warning(&self, now: SystemTime) -> Option<String> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let current = self.current.0.load();
        pem::warning(current.cert.first()?, UnixTime::since_unix_epoch(now))
    }
}

/// The certificate of the moment.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn server_config(current: Arc<Current>) -> Result<ServerConfig, SetupError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.alpn_protocols = [ALPN_HTTP2, ALPN_HTTP1, ALPN_HTTP10]
        .map(<[u8]>::to_vec)
        .into();
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    config.send_tls13_tickets = TICKETS;
    config.session_storage = ServerSessionMemoryCache::new(SESSION_CACHE);
    config.max_early_data_size = 0;
    Ok(config)
}

//! TLS toward a backend: whom to trust, which certificate to show, and the handshake.
//!
//! A [`ClientTls`] is made once for each backend and keeps its sessions, so that further connections resume. When one of
//! its files changes, everything is made anew: a session of the old client certificate must not be resumed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, ClientConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::stamp;
use super::verify::{Either, Unverified};
use super::{ALPN_HTTP1, ALPN_HTTP2, SetupError, TlsError, VERSIONS, pem, provider, roots};
use crate::stamp::Stamp;

/// Eight tickets are kept for each name, and a backend has few names.
const SESSIONS: usize = 128;

/// How a backend is reached; the table `[backends.NAME.tls]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// False accepts any certificate.
    pub verify: bool,
    /// PEM file of the authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of authorities to trust beside the system's; not together with `ca`.
    pub more: Vec<PathBuf>,
    /// The name to verify and to send as SNI in place of the host that is connected to.
    pub server_name: Option<String>,
    /// PEM files of the certificate to show: chain, leaf first, and key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// What is offered in ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alpn {
    Http1,
    /// HTTP/2 alone: a peer that doesn't agree to it is an error.
    Http2,
    /// HTTP/2 if the peer has it.
    Either,
}

/// A finished handshake.
#[derive(Debug)]
pub struct TlsConnected<IO> {
    pub stream: TlsStream<IO>,
    /// ALPN agreed on HTTP/2. Else speak HTTP/1.1.
    pub http2: bool,
}

/// TLS toward one backend.
#[derive(Debug)]
pub struct ClientTls {
    options: ClientOptions,
    server_name: Option<ServerName<'static>>,
    /// None as long as the system's authorities are needed and nobody has loaded them.
    config: ArcSwapOption<ClientConfig>,
    /// Of the files that were read last. Its lock is held while `config` is made.
    seen: Mutex<Vec<Stamp>>,
}

impl ClientTls {
    /// Reads the files that are named. The system's authorities are loaded by the first
    /// [`connect`](Self::connect) that needs them.
    ///
    /// # Errors
    ///
    /// A file can't be used, or `server_name` is no name.
    pub fn new(options: ClientOptions) -> Result<Self, SetupError> {
        let server_name = options
            .server_name
            .as_deref()
            .map(server_name)
            .transpose()?;
        let seen = stamp::of(&options.files())?;
        let config = options.config(roots::system_if_loaded())?;
        Ok(Self {
            server_name,
            config: ArcSwapOption::new(config),
            seen: Mutex::new(seen),
            options,
        })
    }

    /// Looks at the files and takes what is new in them, for connections from now on. True if something was.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new). Everything stays as it was, and the next call tries again.
    pub fn reload(&self) -> Result<bool, SetupError> {
        let stamps = stamp::of(&self.options.files())?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == stamps {
            return Ok(false);
        }
        self.config
            .store(self.options.config(roots::system_if_loaded())?);
        *seen = stamps;
        Ok(true)
    }

    /// Shakes hands on a connection to `host` (a name, or an IP address with or without brackets). Has no time limit of
    /// its own; dropping it closes the connection.
    ///
    /// # Errors
    ///
    /// See [`TlsError`]. With TLS 1.3 a server tells only after the handshake that it doesn't accept our certificate:
    /// look into later errors of the stream with [`TlsError::find`].
    pub async fn connect<IO>(
        &self,
        io: IO,
        host: &str,
        alpn: Alpn,
    ) -> Result<TlsConnected<IO>, TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => server_name(host)?,
        };
        let config = match self.config.load_full() {
            Some(config) => config,
            None => self.with_system_roots().await?,
        };
        let connector = TlsConnector::from(config);
        let stream = connector
            .with_alpn(alpn.protocols())
            .connect(name, io)
            .await
            .map_err(|error| refused(error.into(), alpn))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2);
        if alpn == Alpn::Http2 && !http2 {
            return Err(TlsError::NoHttp2);
        }
        Ok(TlsConnected { stream, http2 })
    }

    async fn with_system_roots(&self) -> Result<Arc<ClientConfig>, SetupError> {
        let verifier = match roots::system().await {
            Ok(system) => self.options.and_more(system)?,
            // A machine without authorities of its own, and a file of some.
            Err(error) => roots::from_files(&self.options.more)?.ok_or(error)?,
        };
        let _seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = self.config.load_full() {
            return Ok(config);
        }
        let config = self.options.config_with(verifier)?;
        self.config.store(Some(config.clone()));
        Ok(config)
    }
}

impl ClientOptions {
    fn files(&self) -> Vec<&Path> {
        let client = self.client.iter().flat_map(|(chain, key)| [chain, key]);
        let authorities = self.ca.iter().chain(&self.more);
        authorities.chain(client).map(PathBuf::as_path).collect()
    }

    /// None if the system's authorities are needed and not there yet; the client's certificate has been tried then.
    fn config(
        &self,
        system: Option<Arc<dyn ServerCertVerifier>>,
    ) -> Result<Option<Arc<ClientConfig>>, SetupError> {
        let verifier = match &self.ca {
            _ if !self.verify => Some(Arc::new(Unverified(provider())) as _),
            Some(ca) => Some(roots::from_file(ca)?),
            None => match system {
                Some(system) => Some(self.and_more(system)?),
                None => {
                    roots::from_files(&self.more)?;
                    None
                }
            },
        };
        match verifier {
            Some(verifier) => self.config_with(verifier).map(Some),
            None => self.client_certificate().map(|_| None),
        }
    }

    /// A verifier that also trusts the authorities of the files in `more`.
    fn and_more(
        &self,
        system: Arc<dyn ServerCertVerifier>,
    ) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
        Ok(match roots::from_files(&self.more)? {
            Some(more) => Arc::new(Either { system, more }),
            None => system,
        })
    }

    fn config_with(
        &self,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> Result<Arc<ClientConfig>, SetupError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match self.client_certificate()? {
            Some(certificate) => builder.with_client_cert_resolver(Arc::new(certificate)),
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Arc::new(config))
    }

    fn client_certificate(&self) -> Result<Option<SingleCertAndKey>, SetupError> {
        let pair = self
            .client
            .as_ref()
            .map(|(chain, key)| pem::load_pair(chain, key));
        Ok(pair.transpose()?.map(SingleCertAndKey::from))
    }
}

impl Alpn {
    fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Alpn::Http1 => vec![ALPN_HTTP1.to_vec()],
            Alpn::Http2 => vec![ALPN_HTTP2.to_vec()],
            Alpn::Either => vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()],
        }
    }
}

/// A server that has ALPN and no HTTP/2 refuses with an alert (RFC 7301, section 3.2), one without ALPN goes on: for who
/// asked for HTTP/2 alone both are the same.
fn refused(error: TlsError, alpn: Alpn) -> TlsError {
    match error {
        TlsError::Alert(AlertDescription::NoApplicationProtocol) if alpn == Alpn::Http2 => {
            TlsError::NoHttp2
        }
        other => other,
    }
}

/// A trailing dot may stay: rustls leaves it out of SNI, and webpki knows it.
fn server_name(host: &str) -> Result<ServerName<'static>, SetupError> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    ServerName::try_from(bare.to_owned()).map_err(|_| SetupError::ServerName(host.to_owned()))
}

//! From an address to a socket: look the name up, connect, shake hands, all within one time.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};

use super::error::UpstreamError;
use super::resolve::Name;
use super::stream::{Io, Stream};
use crate::dial;
use crate::tls::{Alpn, ClientTls};

/// How connections to one address come about.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) target: Target,
    /// For errors.
    pub(super) peer: String,
    /// What TLS verifies, unless the settings name something else.
    pub(super) host: String,
    pub(super) tls: Option<Arc<ClientTls>>,
    pub(super) timeout: Duration,
}

/// What to connect to.
#[derive(Debug)]
pub(super) enum Target {
    Ip(SocketAddr),
    Name(Arc<Name>),
    Unix(PathBuf),
}

/// A connection on which nothing has been said yet.
pub(super) struct Connected {
    pub(super) stream: Stream,
    /// Where a name led to.
    pub(super) origin: Option<Origin>,
    /// ALPN agreed on HTTP/2.
    pub(super) http2: bool,
}

/// Which of a name's addresses a connection goes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    /// Of the answer that had the address.
    pub(super) version: u32,
}

impl Connector {
    /// Opens a connection. Under TLS it offers `alpn`.
    ///
    /// # Errors
    /// One for each way in which it can fail; see [`UpstreamError`].
    pub(super) async fn connect(&self, alpn: Alpn) -> Result<Connected, UpstreamError> {
        let deadline = Instant::now() + self.timeout;
        let (io, origin) = match &self.target {
            Target::Ip(address) => (
                self.within(deadline, dial::tcp(*address))
                    .await
                    .map(Io::Tcp)?,
                None,
            ),
            Target::Name(name) => self.by_name(name, deadline).await?,
            Target::Unix(path) => {
                let connecting = async { UnixStream::connect(path).await.map(Io::Unix) };
                (self.within(deadline, connecting).await?, None)
            }
        };
        let Some(tls) = &self.tls else {
            return Ok(Connected {
                stream: Stream::new(io),
                origin,
                http2: false,
            });
        };
        let handshake = tls.connect(Stream::new(io), &self.host, alpn);
        let done = timeout_at(deadline, handshake)
            .await
            .map_err(|_| self.too_late())?
            .map_err(|e| UpstreamError::from_tls(self.peer.clone(), &e))?;
        Ok(Connected {
            stream: Stream::new(Io::Tls(Box::new(done.stream))),
            origin,
            http2: done.http2,
        })
    }

    async fn by_name(
        &self,
        name: &Name,
        deadline: Instant,
    ) -> Result<(Io, Option<Origin>), UpstreamError> {
        let version = name.version();
        let addresses = timeout_at(deadline, name.addresses())
            .await
            .map_err(|_| UpstreamError::DnsTimeout {
                name: name.host().to_owned(),
                after: self.timeout,
            })?
            .map_err(|source| UpstreamError::from_lookup(name.host().to_owned(), source))?;
        let (io, address) = self.within(deadline, dial::first(&addresses)).await?;
        Ok((Io::Tcp(io), Some(Origin { address, version })))
    }

    async fn within<T>(
        &self,
        deadline: Instant,
        connecting: impl Future<Output = io::Result<T>>,
    ) -> Result<T, UpstreamError> {
        timeout_at(deadline, connecting)
            .await
            .map_err(|_| self.too_late())?
            .map_err(|e| UpstreamError::from_connect(self.peer.clone(), e))
    }

    fn too_late(&self) -> UpstreamError {
        UpstreamError::ConnectTimeout {
            peer: self.peer.clone(),
            after: self.timeout,
        }
    }
}

//! From an address to a socket: look the name up, connect, shake hands, all within one time.
//!
//! A name with several addresses is tried in the resolver's order, a further one each 250 ms or as soon as one fails,
//! and the first that stands wins (RFC 8305, section 5). To give each address a share of the time instead would make
//! one that swallows packets cost seconds of every connect.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::error::UpstreamError;
use super::resolve::Name;
use super::stream::{Io, Stream};
use crate::tls::{Alpn, ClientTls};

/// The "Connection Attempt Delay" that RFC 8305, section 8 recommends.
const STAGGER: Duration = Duration::from_millis(250);

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
            Target::Ip(address) => (self.within(deadline, tcp(*address)).await?, None),
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
        let (io, address) = self.within(deadline, first(&addresses)).await?;
        Ok((io, Some(Origin { address, version })))
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

async fn tcp(address: SocketAddr) -> io::Result<Io> {
    let stream = TcpStream::connect(address).await?;
    // A head and the first piece of a body must not wait for an acknowledgement.
    stream.set_nodelay(true)?;
    Ok(Io::Tcp(stream))
}

/// The first of these addresses that takes a connection; else the last one's error.
async fn first(addresses: &[SocketAddr]) -> io::Result<(Io, SocketAddr)> {
    if let [address] = addresses {
        return Ok((tcp(*address).await?, *address));
    }
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let more = waiting.next();
        if let Some(address) = more {
            attempts.spawn(async move { Ok((tcp(address).await?, address)) });
        }
        let ended = if more.is_some() {
            match tokio::time::timeout(STAGGER, attempts.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        } else {
            attempts.join_next().await
        };
        match ended {
            Some(Ok(Ok(connected))) => return Ok(connected),
            Some(Ok(Err(e))) => last = e,
            Some(Err(e)) => last = io::Error::other(e),
            None => return Err(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_address_is_tried_when_one_refuses() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let up = listener.local_addr().unwrap();
        let gone = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
        let down = gone.local_addr().unwrap();
        drop(gone);
        let (_, address) = first(&[down, down, up]).await.unwrap();
        assert_eq!(address, up);
        let refused = first(&[down, down]).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_swallows_packets_costs_a_quarter_of_a_second() {
        // A listener whose backlog is full doesn't answer: that of one connection which nobody accepts.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let silent = socket.unwrap();
        silent
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        silent.listen(0).unwrap();
        let silent_at = silent.local_addr().unwrap().as_socket().unwrap();
        let _fill = std::net::TcpStream::connect(silent_at).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let up = listener.local_addr().unwrap();
        let start = Instant::now();
        let (_, address) = first(&[silent_at, up]).await.unwrap();
        assert_eq!(address, up);
        assert!(start.elapsed() >= STAGGER && start.elapsed() < STAGGER * 2);
    }
}

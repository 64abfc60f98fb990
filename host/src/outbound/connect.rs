//! From a destination that is allowed to a connection: look the name up, check each address, connect to one that passed,
//! shake hands.
//!
//! The name is looked up once for a connection, and what was checked is what is connected to, so an answer of the DNS that
//! changes in between (rebinding) changes nothing. The pool of connections is one plugin's, and its key is scheme, host and
//! port; so whatever a connection is used for later, it leads to an address that this plugin may reach under that name.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

use super::allow::Allow;
use super::error::{CallError, Phase};
use super::grant;
use super::report::Peer;
use super::url::{Host, Scheme};
use crate::descriptors;
use crate::dial::{self, Resolve};
use crate::tls::{Alpn, ClientTls, TlsError};

/// Opens the connections of one plugin.
#[derive(Clone)]
pub(super) struct Connector(pub(super) Arc<Settings>);

pub(super) struct Settings {
    pub(super) plugin: String,
    pub(super) allow: Arc<Allow>,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: Arc<ClientTls>,
    pub(super) timeout: Duration,
    /// What is offered to a peer over TLS.
    pub(super) alpn: Alpn,
}

/// A connection, and what is known of it.
#[derive(Debug)]
pub(super) struct Wire {
    io: Io,
    peer: Arc<Peer>,
}

#[derive(Debug)]
enum Io {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, CallError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let settings = self.0.clone();
        Box::pin(async move { settings.connect(&uri).await.map(TokioIo::new) })
    }
}

impl Settings {
    async fn connect(&self, uri: &Uri) -> Result<Wire, CallError> {
        let deadline = Instant::now() + self.timeout;
        // The URI was made from a URL that has been read; nothing of this fails.
        let scheme = uri.scheme_str().and_then(Scheme::read);
        let scheme = scheme.ok_or_else(|| CallError::InvalidRequest("no scheme".into()))?;
        let host = uri.host().unwrap_or_default();
        let host = Host::read(host).map_err(CallError::InvalidRequest)?;
        let port = uri.port_u16().unwrap_or(scheme.default_port());

        let (addresses, resolved) = self.resolve(&host, port, deadline).await?;
        let addresses = self.checked(scheme, &host, port, addresses)?;
        let start = Instant::now();
        let (tcp, address) = timeout_at(deadline, dial::first(&addresses))
            .await
            .map_err(|_| self.late(Phase::Connect))?
            .map_err(|error| unreachable(&host, port, &error))?;
        let mut peer = Peer {
            address,
            tls: scheme == Scheme::Https,
            http2: false,
            resolved,
            connected: start.elapsed(),
            secured: Duration::ZERO,
            answered: AtomicU64::new(0),
        };
        let io = match scheme {
            Scheme::Http => Io::Tcp(tcp),
            Scheme::Https => {
                let start = Instant::now();
                let name = host.to_string();
                let handshake = self.tls.connect(tcp, &name, self.alpn);
                let done = timeout_at(deadline, handshake)
                    .await
                    .map_err(|_| self.late(Phase::Connect))?
                    .map_err(|error| of_tls(&name, &error))?;
                peer.secured = start.elapsed();
                peer.http2 = done.http2;
                Io::Tls(Box::new(done.stream))
            }
        };
        let peer = Arc::new(peer);
        Ok(Wire { io, peer })
    }

    async fn resolve(
        &self,
        host: &Host<'_>,
        port: u16,
        deadline: Instant,
    ) -> Result<(Vec<SocketAddr>, Duration), CallError> {
        let name = match host {
            Host::Ip(address) => {
                return Ok((vec![SocketAddr::new(*address, port)], Duration::ZERO));
            }
            Host::Name(name) => name,
        };
        let start = Instant::now();
        let unresolved = |why| CallError::Unresolved {
            host: name.to_string(),
            why,
        };
        let found = timeout_at(deadline, self.resolver.lookup(name, port))
            .await
            .map_err(|_| self.late(Phase::Resolve))?
            .map_err(|error| unresolved(error.to_string()))?;
        if found.is_empty() {
            return Err(unresolved("it has no address".into()));
        }
        Ok((found, start.elapsed()))
    }

    /// The addresses that may be connected to. Those that may not are passed over, so that one that a network adds to
    /// each answer (DNS64 adds NAT64's) doesn't make a public name unreachable.
    fn checked(
        &self,
        scheme: Scheme,
        host: &Host<'_>,
        port: u16,
        mut addresses: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, CallError> {
        let mut refused: Option<(IpAddr, &'static str)> = None;
        addresses.retain(|address| {
            let refusal = self.allow.refusal(scheme, host, port, address.ip());
            if let Some(what) = refusal {
                refused.get_or_insert((address.ip(), what));
            }
            refusal.is_none()
        });
        match refused {
            Some((address, what)) if addresses.is_empty() => Err(CallError::ForbiddenAddress {
                host: host.to_string(),
                address,
                what,
                permission: grant::private(&self.plugin, address),
            }),
            _ => Ok(addresses),
        }
    }

    fn late(&self, what: Phase) -> CallError {
        let after = self.timeout;
        CallError::TimedOut { what, after }
    }
}

fn unreachable(host: &Host<'_>, port: u16, error: &io::Error) -> CallError {
    CallError::Unreachable {
        peer: format!("{host}:{port}"),
        why: descriptors::own_shortage(error).unwrap_or_else(|| error.to_string()),
    }
}

pub(super) fn of_tls(peer: &str, error: &TlsError) -> CallError {
    match error {
        TlsError::Setup(error) => CallError::Configuration(error.to_string()),
        other => CallError::TlsFailed {
            peer: peer.to_owned(),
            why: other.to_string(),
        },
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.peer.clone());
        if self.peer.http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Tcp(io) => Pin::new(io).poll_read(cx, buffer),
            Io::Tls(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Tcp(io) => Pin::new(io).poll_write(cx, bytes),
            Io::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Tcp(io) => Pin::new(io).poll_write_vectored(cx, bytes),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Tcp(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Tcp(io) => Pin::new(io).poll_flush(cx),
            Io::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Tcp(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

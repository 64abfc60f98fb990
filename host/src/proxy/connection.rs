//! One accepted connection: which protocol it speaks is seen in its first bytes; each request becomes an exchange.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::bad_head::BadHead;
use super::exchange::Proxy;
use super::held::Held;
use super::http1;
use super::http2;
use super::inbound::{Client, Inbound};
use super::prefixed::Prefixed;
use super::stop::Stop;
use super::tunnel::Opening;
use super::{expect, respond};
use crate::config::server::ServerConfig;
use crate::counted::{Counted, Counter};
use crate::interceptor::ChainSource;
use crate::message::{
    BoxError, Known, RequestHead, ResponseHead, Scheme, Target, TargetError, hygiene,
};
use crate::tls::ServerIdentity;
use crate::tls::{Sniffed, sniff};

/// Bytes that the system takes of a response beyond what is on its way to the client. With more, a client that reads slowly but
/// all the time would take nothing from us for longer than `body-timeout`.
const UNSENT: u32 = 256 << 10;

/// What every connection of a listener needs.
#[derive(Debug)]
pub struct Listener<S> {
    pub proxy: Arc<Proxy<S>>,
    /// Its routes are called by it.
    pub name: Arc<str>,
    pub tls: Option<Arc<ServerIdentity>>,
    /// Whether cleartext is answered, too, where there is TLS.
    pub cleartext: bool,
    pub stop: Stop,
    /// How often a client has connected.
    pub accepted: Arc<AtomicU64>,
    /// Connections that are open.
    pub open: Counter,
}

impl<S: ChainSource> Listener<S> {
    /// A client has connected.
    pub fn count_connection(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.proxy.count_connection();
    }
}

impl<S> Listener<S> {
    /// Whether clients see the same.
    pub fn has_tls_of(&self, tls: &Option<Arc<ServerIdentity>>, cleartext: bool) -> bool {
        let is_same = match (&self.tls, tls) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (None, None) => true,
            _ => false,
        };
        is_same && self.cleartext == cleartext
    }
}

/// A connection that was accepted.
#[derive(Debug)]
struct Accepted<S> {
    listener: Arc<Listener<S>>,
    client: Client,
    limits: Arc<ServerConfig>,
    /// There are more connections than may be: each request is turned away.
    shed: bool,
}

/// A stage of a connection. Each is on the heap, with a state that ends with it: that of a handshake is large, and a
/// connection at rest is to carry nothing but what its protocol needs.
enum Stage {
    /// Finds out what is spoken; none if the peer leaves before it says.
    Finds(Pin<Box<dyn Future<Output = Result<Option<Stage>, BoxError>> + Send>>),
    /// Serves requests to the end of the connection.
    Serves(Pin<Box<dyn Future<Output = io::Result<()>> + Send>>),
}

/// Serves a connection until the peer closes it or, once it is time to stop, until its exchanges are done.
pub fn serve<S: ChainSource>(
    socket: TcpStream,
    client: SocketAddr,
    listener: Arc<Listener<S>>,
    slot: Counted,
) -> impl Future<Output = ()> + Send {
    // An answer is never held back to wait for a fuller packet.
    if let Err(e) = socket.set_nodelay(true) {
        tracing::debug!(%client, "can't set TCP_NODELAY: {e}");
    }
    if let Err(e) = SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%client, "can't set TCP_NOTSENT_LOWAT: {e}");
    }
    let limits = listener.proxy.routing().server.clone();
    let open = listener.open.take();
    let accepted = Accepted {
        shed: slot.is_above(limits.max_connections),
        client: Client {
            listener: listener.name.clone(),
            address: client,
            shown: hygiene::shown_address(client),
            scheme: Scheme::Http,
        },
        listener,
        limits,
    };
    let mut stage = Stage::Finds(Box::pin(accepted.begin(socket)));
    async move {
        let ended = loop {
            stage = match stage {
                Stage::Finds(finds) => match finds.await {
                    Ok(Some(next)) => next,
                    Ok(None) => break Ok(()),
                    Err(e) => break Err(e),
                },
                Stage::Serves(serves) => break serves.await.map_err(Into::into),
            };
        };
        if let Err(e) = ended {
            // Clients leave at any time; that is news for whoever debugs a client.
            tracing::debug!(%client, "connection ended: {e}");
        }
        drop((slot, open));
    }
}

impl<S: ChainSource> Accepted<S> {
    /// Waits for the first bytes.
    async fn begin(self, mut socket: TcpStream) -> Result<Option<Stage>, BoxError> {
        let stop = self.listener.stop.clone();
        // A connection that says nothing rests; one that begins to speak has begun a head.
        let rest = self.limits.header_timeout.min(self.limits.idle_timeout);
        let sniffed = {
            let mut sniffing = pin!(timely(rest, FIRST, first_bytes(&mut socket)));
            tokio::select! {
                sniffed = &mut sniffing => sniffed?,
                // Whoever has just connected has a request on the way.
                () = stop.stopped() => timely(LAST_REQUEST, FIRST, sniffing).await?,
            }
        };
        Ok(sniffed.map(|(speaks, prefix)| self.speak(socket, speaks, prefix)))
    }

    fn speak(self, socket: TcpStream, speaks: Sniffed, prefix: Bytes) -> Stage {
        match (speaks, self.listener.tls.clone()) {
            (Sniffed::Tls, Some(identity)) => {
                Stage::Finds(Box::pin(self.tls(Prefixed::new(prefix, socket), identity)))
            }
            (_, Some(_)) if !self.listener.cleartext => {
                let io = Prefixed::new(prefix, socket);
                Stage::Serves(Box::pin(respond::cleartext_refused(io)))
            }
            (Sniffed::Http2Preface, _) => self.http2(Prefixed::new(prefix, socket)),
            // What is no HTTP at all is refused as a bad head.
            _ => self.http1(socket, prefix, http1::Peer { has_left, abort }),
        }
    }

    async fn tls(
        mut self,
        io: Prefixed<TcpStream>,
        identity: Arc<ServerIdentity>,
    ) -> Result<Option<Stage>, BoxError> {
        let handshake = identity.acceptor().accept(io);
        let stream = timely(self.limits.header_timeout, "the TLS handshake", handshake).await?;
        self.client.scheme = Scheme::Https;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Some(if is_http2 {
            self.http2(stream)
        } else {
            let peer = http1::Peer {
                has_left: |io: &TlsStream<Prefixed<TcpStream>>| has_left(io.get_ref().0.get_ref()),
                abort: |io| abort(io.get_ref().0.get_ref()),
            };
            self.http1(stream, Bytes::new(), peer)
        }))
    }

    fn http1<IO>(self, io: IO, prefix: Bytes, peer: http1::Peer<IO>) -> Stage
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let limits = http1::Limits {
            head: http1::HeadLimits {
                max_head: self.limits.max_head,
                max_fields: self.limits.max_fields,
                max_target: self.limits.max_target,
            },
            header_timeout: self.limits.header_timeout,
            idle_timeout: self.limits.idle_timeout,
            body_timeout: self.limits.body_timeout,
            half_close: self.limits.half_close,
        };
        let stop = self.listener.stop.clone();
        Stage::Serves(Box::pin(http1::serve(io, prefix, limits, peer, stop, self)))
    }

    fn run(&self, inbound: Inbound) -> impl Future<Output = (ResponseHead, Held)> + Send {
        self.listener.proxy.run(inbound, &self.client, self.shed)
    }

    fn http2<IO>(self, io: IO) -> Stage
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let limits = http2::server::ServerLimits {
            max_streams: self.limits.max_streams,
            max_head: self.limits.max_head,
            max_fields: self.limits.max_fields,
            handshake_timeout: self.limits.header_timeout,
            idle_timeout: self.limits.idle_timeout,
            body_timeout: self.limits.body_timeout,
        };
        let stop = self.listener.stop.clone();
        let me = Arc::new(self);
        let exchanges = move |inbound| {
            let me = me.clone();
            async move { me.exchange_http2(inbound).await }
        };
        let stopped = async move { stop.stopped().await };
        let mut serving = Box::pin(http2::server::serve(io, limits, exchanges, stopped));
        Stage::Serves(Box::pin(poll_fn(move |cx| {
            serving.as_mut().poll(cx).map_err(io::Error::other)
        })))
    }

    fn exchange_http2(
        &self,
        inbound: http2::server::Inbound,
    ) -> impl Future<Output = Response<Held>> + Send {
        let informational = inbound.informational;
        let (parts, body) = inbound.request.into_parts();
        let (max_target, max_fields) = (self.limits.max_target, self.limits.max_fields);
        let (target, refused) = match inbound.target {
            Ok(target) if target.as_str().len() <= max_target => (target, None),
            Ok(_) => (Target::root(), Some(TargetError::TooLong(max_target))),
            Err(bad) => (Target::root(), Some(bad)),
        };
        let mut head = RequestHead::with_target(&parts, target);
        let refused = match refused {
            None if head.fields.len() > max_fields => Some(BadHead::TooManyFields(max_fields)),
            refused => refused.map(BadHead::from),
        };
        if let Some(protocol) = parts.extensions.get::<h2::ext::Protocol>()
            && let Ok(protocol) = HeaderValue::from_str(protocol.as_str())
        {
            head.fields.insert(Known::Upgrade, protocol);
        }
        let body = expect::asking_when_wanted(&head.fields, body, &informational);
        let tunnel = inbound.tunnel.map(|promise| -> Opening {
            Box::pin(async move { promise.await.map_err(Into::into) })
        });
        let answer = self.run(Inbound {
            head,
            body,
            refused,
            tunnel,
            on_informational: Some(Arc::new(move |head| {
                if head.status != StatusCode::CONTINUE {
                    let fields = HeaderMap::from(&hygiene::interim_fields(&head.fields));
                    informational.send(head.status, &fields);
                }
            })),
        });
        async move {
            let (head, body) = answer.await;
            let mut parts = http::response::Parts::from(&head);
            parts.version = Version::HTTP_2;
            Response::from_parts(parts, body)
        }
    }
}

impl<S: ChainSource> http1::Exchanges for Accepted<S> {
    type Body = Held;

    fn exchange(&self, inbound: Inbound) -> impl Future<Output = (ResponseHead, Held)> + Send {
        self.run(inbound)
    }
}

/// Whether the client has reset the connection: a read tells only that it sends no more, once it has said so.
fn has_left(socket: &TcpStream) -> bool {
    !matches!(socket.take_error(), Ok(None))
}

/// Makes the end of the connection a reset.
fn abort(socket: &TcpStream) {
    if let Err(e) = socket.set_zero_linger() {
        tracing::debug!("can't set SO_LINGER: {e}");
    }
}

/// Reads until the first bytes tell what is spoken; none when the peer leaves before.
async fn first_bytes(socket: &mut TcpStream) -> io::Result<Option<(Sniffed, Bytes)>> {
    // A connection that says nothing takes no buffer.
    socket.readable().await?;
    let mut bytes = BytesMut::with_capacity(FIRST_READ);
    loop {
        if socket.read_buf(&mut bytes).await? == 0 {
            return Ok((!bytes.is_empty()).then(|| (Sniffed::Http1, bytes.freeze())));
        }
        match sniff(&bytes) {
            Sniffed::NeedMore => {}
            speaks => return Ok(Some((speaks, bytes.freeze()))),
        }
    }
}

/// How long a connection on which nothing was asked yet is waited for when it is time to stop.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// What a connection waits for before anything else.
const FIRST: &str = "the first bytes";

/// What fits one packet of most networks.
const FIRST_READ: usize = 1460;

async fn timely<T, E: Into<BoxError>>(
    bound: Duration,
    what: &str,
    waiting: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    match tokio::time::timeout(bound, waiting).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(format!(
            "timed out after {} s waiting for {what}",
            bound.as_secs_f32()
        )
        .into()),
    }
}

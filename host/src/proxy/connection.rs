//! One accepted connection: which protocol it speaks is seen in its first bytes; each request becomes an exchange.

use std::convert::Infallible;
use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::server::conn::http1 as hyper1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use super::exchange::{Answer, Begun, Inbound, Proxy};
use super::held::Held;
use super::http1::{self, BadHead, Control, Guard, Next, Stalled};
use super::http2;
use super::prefixed::Prefixed;
use super::slots::Slot;
use super::stop::{Graceful, Stop, until_stopped};
use super::tunnel::Opening;
use super::{expect, forwarding, respond};
use crate::config::server::ServerConfig;
use crate::interceptor::{ChainOf, ChainSource};
use crate::message::{
    Body, BodyError, BoxError, Known, OnInformational, RequestHead, Scheme, Streaming, Tunnel,
    hygiene,
};
use crate::tls::ServerIdentity;
use crate::tls::{Sniffed, sniff};

/// What every connection of a listener needs.
#[derive(Debug)]
pub struct Listener<S> {
    pub proxy: Arc<Proxy<S>>,
    pub tls: Option<Arc<ServerIdentity>>,
    /// Whether cleartext is answered, too, where there is TLS.
    pub cleartext: bool,
    pub stop: Stop,
}

/// A connection that was accepted.
#[derive(Debug)]
struct Accepted<S> {
    listener: Arc<Listener<S>>,
    client: SocketAddr,
    client_shown: HeaderValue,
    scheme: Scheme,
    limits: ServerConfig,
    /// There are more connections than may be: each request is turned away.
    shed: bool,
}

/// Serves a connection until the peer closes it or, once it is time to stop, until its exchanges are done.
pub async fn serve<S: ChainSource>(
    socket: TcpStream,
    client: SocketAddr,
    listener: Arc<Listener<S>>,
    slot: Slot,
) {
    // An answer is never held back to wait for a fuller packet.
    if let Err(e) = socket.set_nodelay(true) {
        tracing::debug!(%client, "can't set TCP_NODELAY: {e}");
    }
    let limits = listener.proxy.routing().server.clone();
    let accepted = Accepted {
        shed: slot.is_above(limits.max_connections),
        listener,
        client,
        client_shown: forwarding::shown(client),
        scheme: Scheme::Http,
        limits,
    };
    if let Err(e) = accepted.speak(socket).await {
        // Clients leave at any time; that is news for whoever debugs a client.
        tracing::debug!(%client, "connection ended: {e}");
    }
    drop(slot);
}

impl<S: ChainSource> Accepted<S> {
    async fn speak(mut self, mut socket: TcpStream) -> Result<(), BoxError> {
        let stop = self.listener.stop.clone();
        let patience = self.limits.header_timeout;
        // A connection that says nothing rests; one that begins to speak has begun a head.
        let rest = patience.min(self.limits.idle_timeout);
        let sniffed = {
            let mut sniffing = pin!(timely(rest, FIRST, first_bytes(&mut socket)));
            tokio::select! {
                sniffed = &mut sniffing => sniffed?,
                // Whoever has just connected has a request on the way.
                () = stop.stopped() => timely(LAST_REQUEST, FIRST, sniffing).await?,
            }
        };
        let Some((speaks, prefix)) = sniffed else {
            return Ok(());
        };
        // Each protocol's state is large; a connection carries its own alone.
        let io = Prefixed::new(prefix, socket);
        match (speaks, self.listener.tls.clone()) {
            (Sniffed::Tls, Some(identity)) => {
                let handshake = identity.acceptor().accept(io);
                let stream = Box::pin(timely(patience, "the TLS handshake", handshake)).await?;
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                self.scheme = Scheme::Https;
                if http2 {
                    Box::pin(self.http2(stream)).await
                } else {
                    Box::pin(self.http1(stream, |io| has_left(io.get_ref().0.get_ref()))).await
                }
            }
            (_, Some(_)) if !self.listener.cleartext => Ok(respond::cleartext_refused(io).await?),
            (Sniffed::Http2Preface, _) => Box::pin(self.http2(io)).await,
            // What is no HTTP at all is refused as a bad head.
            _ => Box::pin(self.http1(io, |io| has_left(io.get_ref()))).await,
        }
    }

    async fn http1<IO>(self, io: IO, has_left: fn(&IO) -> bool) -> Result<(), BoxError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let limits = http1::Limits {
            max_head: self.limits.max_head,
            max_target: self.limits.max_target,
            header_timeout: self.limits.header_timeout,
            idle_timeout: self.limits.idle_timeout,
            body_timeout: self.limits.body_timeout,
            half_close: self.limits.half_close,
        };
        let (guard, control) = http1::guard(io, Bytes::new(), limits, has_left);
        let stop = self.listener.stop.clone();
        let max_head = self.limits.max_head;
        let interim = control.clone();
        let on_informational: OnInformational = Arc::new(move |status, fields| {
            // 100 goes out by itself as soon as somebody reads the body.
            if status != StatusCode::CONTINUE {
                let fields = HeaderMap::from(&hygiene::interim_fields(fields));
                interim.send_informational(status, &fields);
            }
        });
        let me = Arc::new(self);
        let exchanges = service_fn(move |request| {
            let (me, control, interim) = (me.clone(), control.clone(), on_informational.clone());
            async move { Ok::<_, Infallible>(me.exchange_http1(request, control, interim).await) }
        });
        let connection = hyper1::Builder::new()
            // Of trailers; heads are the guard's affair.
            .max_header_size(max_head)
            .max_buf_size(max_head.max(READ_BUFFER))
            .serve_connection(guard, exchanges)
            .with_upgrades();
        Ok(until_stopped(pin!(connection), &stop).await?)
    }

    fn begin(&self, inbound: Inbound) -> Begun {
        self.listener.proxy.begin(inbound, self.shed)
    }

    async fn exchange_http1(
        &self,
        mut request: Request<Incoming>,
        control: Control,
        interim: OnInformational,
    ) -> Response<Held<ChainOf<S>>> {
        let (busy, refused) = control.next_request();
        let upgrades = request.headers().contains_key(http::header::UPGRADE);
        let tunnel = upgrades.then(|| opening(hyper::upgrade::on(&mut request)));
        let (parts, body) = request.into_parts();
        let head = RequestHead::try_from(&parts).map_err(|_| BadHead::Target);
        let refused = refused.and(head.as_ref().map(drop).map_err(|bad| *bad));
        let begun = self.begin(Inbound {
            head: head.unwrap_or_default(),
            body: incoming(body),
            client: self.client,
            client_shown: self.client_shown.clone(),
            scheme: self.scheme,
            refused: refused.err(),
            tunnel,
            on_informational: Some(interim),
        });
        let answer = self.listener.proxy.run(begun).await;
        if upgrades {
            let switched = answer.head.status == StatusCode::SWITCHING_PROTOCOLS;
            control.resume(if switched { Next::Tunnel } else { Next::Http });
        }
        let reason = answer.head.reason.as_deref();
        let reason = reason.and_then(|reason| ReasonPhrase::try_from(reason).ok());
        let mut response = as_response(answer, Version::HTTP_11);
        if let Some(reason) = reason {
            response.extensions_mut().insert(reason);
        }
        response.map(|body| body.keeping(busy))
    }

    async fn http2<IO>(self, io: IO) -> Result<(), BoxError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let limits = http2::server::Limits {
            max_streams: self.limits.max_streams,
            max_head: self.limits.max_head,
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
        Ok(
            http2::server::serve(io, limits, exchanges, async move { stop.stopped().await })
                .await?,
        )
    }

    async fn exchange_http2(&self, inbound: http2::server::Inbound) -> Response<Held<ChainOf<S>>> {
        let informational = inbound.informational;
        let (parts, body) = inbound.request.into_parts();
        let mut head = RequestHead::try_from(&parts).map_err(|_| BadHead::Target);
        if let Ok(head) = &mut head
            && let Some(protocol) = parts.extensions.get::<h2::ext::Protocol>()
            && let Ok(protocol) = HeaderValue::from_str(protocol.as_str())
        {
            head.fields.insert(Known::Upgrade, protocol);
        }
        let refused = match &head {
            Ok(head) if head.target.as_str().len() > self.limits.max_target => {
                Some(BadHead::TargetTooLong(self.limits.max_target))
            }
            Ok(_) => None,
            Err(bad) => Some(*bad),
        };
        let head = head.unwrap_or_default();
        let body = expect::asking_when_wanted(&head.fields, body, &informational);
        let tunnel = inbound.tunnel.map(|promise| -> Opening {
            Box::pin(async move { promise.await.map_err(Into::into) })
        });
        let begun = self.begin(Inbound {
            head,
            body,
            client: self.client,
            client_shown: self.client_shown.clone(),
            scheme: self.scheme,
            refused,
            tunnel,
            on_informational: Some(Arc::new(move |status, fields| {
                if status != StatusCode::CONTINUE {
                    let fields = HeaderMap::from(&hygiene::interim_fields(fields));
                    informational.send(status, &fields);
                }
            })),
        });
        as_response(self.listener.proxy.run(begun).await, Version::HTTP_2)
    }
}

/// As hyper and `h2` take it.
fn as_response<C>(answer: Answer<C>, version: Version) -> Response<Held<C>> {
    let mut parts = http::response::Parts::from(&answer.head);
    parts.version = version;
    Response::from_parts(parts, answer.body)
}

impl<IO, S> Graceful for hyper1::UpgradeableConnection<Guard<IO>, S>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: hyper::service::HttpService<Incoming> + 'static,
    S::Error: Into<BoxError>,
    S::ResBody: http_body::Body + 'static,
    <S::ResBody as http_body::Body>::Error: Into<BoxError>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        hyper1::UpgradeableConnection::graceful_shutdown(self);
    }
}

fn incoming(body: Incoming) -> Body {
    use http_body::Body as _;
    if body.is_end_stream() {
        Body::Empty
    } else {
        Body::Stream(Streaming::new(body.map_err(|error| why_no_body(&error))))
    }
}

/// What the guard found wrong with a body stands at the end of hyper's causes, inside an I/O error.
fn why_no_body(error: &hyper::Error) -> BodyError {
    let io = error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>());
    match io.and_then(|io| io.get_ref()) {
        Some(cause) => match cause.downcast_ref::<Stalled>() {
            Some(Stalled::Body(after)) => BodyError::TimedOut { after: *after },
            _ => BodyError::Disconnected(cause.to_string()),
        },
        None => BodyError::Disconnected(error.to_string()),
    }
}

fn opening(upgrade: hyper::upgrade::OnUpgrade) -> Opening {
    Box::pin(async move { Ok(Box::new(TokioIo::new(upgrade.await?)) as Tunnel) })
}

/// Whether the client has reset the connection: a read tells only that it sends no more, once it has said so.
fn has_left(socket: &TcpStream) -> bool {
    !matches!(socket.take_error(), Ok(None))
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

/// The most that hyper reads ahead, and holds to be written, for one connection. Its own default of 408 KiB makes a fast
/// transfer no faster and a stalled one dearer.
const READ_BUFFER: usize = 128 << 10;

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

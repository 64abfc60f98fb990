//! The server's side of HTTP/1.1: one task for a connection, in which its exchanges run one after another.
//!
//! ```text
//! read a head ──► exchange ──► write the response ──► again, or close
//!    │               │ reads the body itself (shared.rs); the client is watched meanwhile
//!    └ refused: an answer in its turn, then the end
//! ```
//!
//! A connection at rest holds no buffer: a read goes to the stack first, and only what is kept is copied.

mod close;
mod connection;
mod limits;
mod shared;
#[cfg(test)]
mod tests;
mod write;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::encode::BodyFraming;
use super::request::Request;
use crate::message::{BoxError, ResponseHead, Tunnel, hygiene};
use crate::proxy::bad_head::BadHead;
use crate::proxy::delivery::Delivery;
use crate::proxy::inbound::Inbound;
use crate::proxy::prefixed::Prefixed;
use crate::proxy::stop::Stop;
use crate::proxy::tunnel::Opening;
use close::{Expect, HalfClosed};
use connection::{Connection, Next};
pub use limits::{Limits, Peer};
use shared::Shared;
use write::{Asked, Writing, Written};

/// Answers requests.
pub trait Exchanges: Send + Sync {
    type Body: HttpBody<Data = Bytes, Error = BoxError> + Delivery + Send + Unpin;

    /// Runs the exchange of one request. Dropping the future ends it.
    fn exchange(&self, inbound: Inbound)
    -> impl Future<Output = (ResponseHead, Self::Body)> + Send;
}

/// Serves a connection of which `prefix` was read already, until it ends or, once it is time to stop, until its exchange is
/// done.
///
/// # Errors
/// When the connection breaks.
pub fn serve<IO, E>(
    io: IO,
    prefix: Bytes,
    limits: Limits,
    peer: Peer<IO>,
    stop: Stop,
    exchanges: E,
) -> impl Future<Output = io::Result<()>> + Send
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    E: Exchanges,
{
    let shared = Shared::new(io);
    shared.lock().read.extend_from_slice(&prefix);
    // Else it would last as long as the connection.
    drop(prefix);
    let mut connection = Connection::new(shared, limits, peer);
    // No async function: that would have room for each argument twice.
    async move {
        let mut stopping = pin!(stop.stopped());
        let mut registered = false;
        loop {
            let next = poll_fn(|cx| {
                // First of all: what has come already is served.
                let polled = connection.poll_head(cx);
                // The task's waker stays the same, so it is left there once: all connections share that lock.
                if polled.is_pending() && (!registered || stop.is_stopped()) {
                    registered = true;
                    if stopping.as_mut().poll(cx).is_ready() && connection.is_at_rest() {
                        return Poll::Ready(Ok(Next::End));
                    }
                }
                polled
            });
            let head = match next.await? {
                Next::Request(request) => Some((request, None)),
                Next::Refused(request, error) => Some((request, Some(error))),
                Next::End => None,
            };
            // On the heap: a connection at rest has no room for it.
            let after = match head {
                Some((request, refused)) => {
                    Box::pin(answer(&mut connection, &stop, request, refused, &exchanges)).await?
                }
                None => After::Close(Expect::Nothing),
            };
            match after {
                After::Head => connection.rest(),
                After::Gone => return Ok(()),
                After::Close(expect) => {
                    let Connection { shared, limits, .. } = &connection;
                    return Box::pin(close::close(shared, limits, expect)).await;
                }
            }
        }
    }
}

/// What comes after an exchange.
enum After {
    Head,
    /// The socket is a tunnel's, or was given up.
    Gone,
    Close(Expect),
}

/// Runs one exchange and writes its response.
async fn answer<IO, E>(
    connection: &mut Connection<IO>,
    stop: &Stop,
    request: Box<Request>,
    refused: Option<BadHead>,
    exchanges: &E,
) -> io::Result<After>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    E: Exchanges,
{
    let asked = Asked {
        method: request.head.method.clone(),
        version: request.head.version,
        trailers: hygiene::asks_trailers(&request.head.fields),
    };
    let keep_alive = request.keep_alive && refused.is_none();
    let body = connection.body(&request);
    let (tunnel, opening) = request.switches.then(opening).unzip();
    let mut client = None;
    let (mut head, body) = {
        let mut running = pin!(exchanges.exchange(Inbound {
            head: request.head,
            body,
            refused,
            tunnel: opening,
            on_informational: Some(connection.on_informational.clone()),
        }));
        poll_fn(|cx| {
            if let Poll::Ready(answer) = running.as_mut().poll(cx) {
                return Poll::Ready(Ok(answer));
            }
            connection.poll_client(&mut client, cx).map(Err)
        })
        .await?
    };
    let may_stay = connection.shared.lock().begin_response() && keep_alive && !stop.is_stopped();
    let exact = body.size_hint().exact();
    let (framing, stays) = write::frame(&mut head, &asked, exact, may_stay);
    let status = head.status;
    let mut writing = Writing::new(&head, framing, asked.trailers, body);
    drop(head);
    let response = poll_fn(|cx| poll_response(connection, &mut writing, &mut client, cx));
    if let Written::Broken(error) = response.await? {
        return Ok(broken(connection, framing, &error));
    }
    let mut socket = connection.shared.lock();
    if status == StatusCode::SWITCHING_PROTOCOLS
        && let Some(tunnel) = tunnel
        && let Some(io) = socket.io.take()
    {
        let read = socket.read.split().freeze();
        // Nobody is there any more if the exchange has not agreed to a tunnel after all.
        let _ = tunnel.send(Box::new(Prefixed::new(read, io)));
        return Ok(After::Gone);
    }
    if refused.is_some() || (socket.is_in_body() && !(stays && socket.drain())) {
        return Ok(After::Close(Expect::More));
    }
    Ok(match stays && !socket.is_over() {
        true => After::Head,
        false => After::Close(Expect::Nothing),
    })
}

/// The client's side of a tunnel: where it will be put, and where it comes out.
fn opening() -> (oneshot::Sender<Tunnel>, Opening) {
    let (tunnel, opening) = oneshot::channel();
    (tunnel, Box::pin(async move { Ok(opening.await?) }))
}

/// Writes more of the response, and sees whether the client is still there.
fn poll_response<IO, B>(
    connection: &mut Connection<IO>,
    writing: &mut Writing<B>,
    client: &mut Option<HalfClosed>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Written>>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Delivery + Unpin,
{
    let patience = connection.limits.body_timeout;
    let polled = writing.poll(&connection.shared, &mut connection.timer, patience, cx);
    if polled.is_ready() {
        return polled;
    }
    if let Some(client) = client
        && (writing.has_progressed() || client.last_sent.is_none())
    {
        client.last_sent = Some(Instant::now());
    }
    connection.poll_client(client, cx).map(Err)
}

/// Ends a response that broke off so that it can't be taken for a complete one.
fn broken<IO>(connection: &Connection<IO>, framing: BodyFraming, error: &BoxError) -> After {
    tracing::debug!("a response broke off: {error}");
    if framing == BodyFraming::UntilClose {
        if let Some(io) = &connection.shared.lock().io {
            (connection.peer.abort)(io);
        }
        return After::Gone;
    }
    After::Close(Expect::Nothing)
}

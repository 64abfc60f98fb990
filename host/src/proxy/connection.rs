//! HTTP/1.1 on one accepted socket: each request becomes an exchange.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use super::exchange::Proxy;
use crate::interceptor::ChainSource;

/// Serves a connection until the peer closes it or, once the worker drains, until its exchange is done.
pub async fn serve<S: ChainSource>(
    socket: TcpStream,
    client: SocketAddr,
    proxy: Arc<Proxy<S>>,
    drain: Watcher,
) {
    // An answer is never held back to wait for a fuller packet.
    if let Err(e) = socket.set_nodelay(true) {
        tracing::debug!(%client, "can't set TCP_NODELAY: {e}");
    }
    let exchanges = service_fn(move |request| {
        let proxy = proxy.clone();
        async move { Ok::<_, Infallible>(proxy.run(request, client).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), exchanges);
    if let Err(e) = drain.watch(connection).await {
        // Clients leave at any time; that is news for whoever debugs a client.
        tracing::debug!(%client, "connection ended: {e}");
    }
}

//! HTTP/1.1 on one accepted socket: each request becomes an exchange.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use super::exchange::{Answer, Proxy};
use crate::interceptor::ChainSource;

/// Serves a connection until the peer closes it or, once the worker drains, until its exchange is done.
pub async fn serve<S: ChainSource>(socket: TcpStream, client: SocketAddr, proxy: Arc<Proxy<S>>, drain: Watcher) {
    // An answer is never held back to wait for a fuller packet.
    if let Err(e) = socket.set_nodelay(true) {
        tracing::debug!(%client, "can't set TCP_NODELAY: {e}");
    }
    let connection =
        http1::Builder::new().serve_connection(TokioIo::new(socket), Exchanges { proxy, client });
    if let Err(e) = drain.watch(connection).await {
        // Clients leave at any time; that is news for whoever debugs a client.
        tracing::debug!(%client, "connection ended: {e}");
    }
}

/// The exchanges of one connection.
struct Exchanges<S> {
    proxy: Arc<Proxy<S>>,
    client: SocketAddr,
}

impl<S: ChainSource> Service<Request<Incoming>> for Exchanges<S> {
    type Response = Answer<S>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let proxy = self.proxy.clone();
        let client = self.client;
        Box::pin(async move { Ok(proxy.run(request, client).await) })
    }
}

//! The smallest pool that can be built from hyper's client connections: a stack of idle senders. Each connection is
//! driven by a task of its own. Next to the legacy client it shows what that client's generality costs.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::forward::BoxError;

type Idle = Mutex<Vec<SendRequest<Incoming>>>;

/// Connections to one backend; the one used last is used next.
pub struct Pool {
    backend: SocketAddr,
    idle: Arc<Idle>,
}

impl Pool {
    pub fn new(backend: SocketAddr) -> Self {
        Self {
            backend,
            idle: Arc::default(),
        }
    }

    /// Sends a request on an idle connection, or on a new one if there is none.
    ///
    /// # Errors
    /// What connecting or hyper's client says. Nothing is tried twice.
    pub async fn send(&self, request: Request<Incoming>) -> Result<Response<PooledBody>, BoxError> {
        let mut sender = self.checkout().await?;
        let response = sender.send_request(request).await?;
        let idle = Arc::clone(&self.idle);
        Ok(response.map(|incoming| PooledBody {
            incoming,
            sender: Some(sender),
            idle,
        }))
    }

    async fn checkout(&self) -> Result<SendRequest<Incoming>, BoxError> {
        while let Some(mut sender) = pop(&self.idle) {
            if sender.is_ready() || sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let stream = TcpStream::connect(self.backend).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn pop(idle: &Idle) -> Option<SendRequest<Incoming>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// A response body that puts its connection back into the pool once it has been read to its end.
pub struct PooledBody {
    incoming: Incoming,
    sender: Option<SendRequest<Incoming>>,
    idle: Arc<Idle>,
}

impl Drop for PooledBody {
    fn drop(&mut self) {
        if self.incoming.is_end_stream() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.extend(self.sender.take());
        }
    }
}

impl Body for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.incoming).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

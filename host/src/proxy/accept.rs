//! Listening, and the loop that accepts.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

use super::connection;
use super::exchange::Proxy;
use crate::interceptor::ChainSource;

/// Connections that the kernel holds for us while we are busy.
const BACKLOG: i32 = 1024;

/// How long to leave off accepting when the process is out of file descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A listening socket, ready for tokio. Port 0 takes a free one.
///
/// # Errors
/// When the address can't be bound: above all when another process listens there.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of an earlier run that linger in TIME_WAIT don't hold the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts connections until told to stop, then waits until the exchanges that run are done.
///
/// The caller bounds that wait.
pub async fn accept<S: ChainSource>(
    listener: tokio::net::TcpListener,
    proxy: Arc<Proxy<S>>,
    stop: CancellationToken,
) {
    let drain = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, client)) => {
                tokio::spawn(connection::serve(
                    socket,
                    client,
                    proxy.clone(),
                    drain.watcher(),
                ));
            }
            Err(e) if belongs_to_connection(&e) => {}
            Err(e) => {
                tracing::error!(
                    "can't accept connections: {e}; trying again in {} ms",
                    EXHAUSTED_PAUSE.as_millis()
                );
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
    drop(listener);
    drain.shutdown().await;
}

/// Whether an accept failed because of that one connection, so that the next may well succeed.
fn belongs_to_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_had_once() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = bind(any).unwrap().local_addr().unwrap();
        let _held = bind(address).unwrap();
        assert_eq!(bind(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}

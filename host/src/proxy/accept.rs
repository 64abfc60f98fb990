//! Listening, and the loop that accepts.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use arc_swap::ArcSwap;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::connection::{self, Listener};
use super::stop::Stop;
use crate::descriptors::Trouble;
use crate::interceptor::ChainSource;

/// Connections that the kernel holds for us while we are busy.
const BACKLOG: i32 = 4096;

/// Connections above the bound that are told so; the rest are closed without a word.
const TURNED_AWAY_AT_ONCE: usize = 1000;

/// A listening socket, ready for tokio. Port 0 takes a free one.
///
/// With `reuse_port` several processes may listen there at once, so that a new one can start before the old one ends.
///
/// # Errors
/// When the address can't be bound: above all when another process listens there.
pub fn bind(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of an earlier run that linger in TIME_WAIT don't hold the port.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts connections until told to stop, each a task among `connections`. Each goes by what `listener` is when it is accepted.
pub async fn accept<S: ChainSource>(
    socket: tokio::net::TcpListener,
    listener: Arc<ArcSwap<Listener<S>>>,
    stop: Stop,
    connections: TaskTracker,
) {
    let mut trouble = Trouble::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.stopped() => break,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((connection, client)) => {
                trouble.over();
                serve(connection, client, listener.load_full(), &connections);
            }
            Err(e) if belongs_to_connection(&e) => {}
            Err(e) => {
                let (pause, told) = trouble.again(&e, Instant::now());
                if let Some(told) = told {
                    tracing::error!("can't accept connections: {told}");
                }
                tokio::select! {
                    () = stop.stopped() => break,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
    // Whoever the kernel has accepted for us already would be reset when the socket is closed. It is the kernel that is asked:
    // what the runtime knows of the socket is as old as its last look.
    let waiting = socket.into_std().map(|socket| take_waiting(&socket));
    match waiting {
        Ok(waiting) => {
            for (connection, client) in waiting {
                serve(connection, client, listener.load_full(), &connections);
            }
        }
        Err(e) => tracing::warn!("can't take the connections that wait: {e}"),
    }
}

/// The connections that wait already on a socket that doesn't block.
fn take_waiting(socket: &TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut waiting = Vec::new();
    loop {
        let accepted = socket.accept().and_then(|(connection, client)| {
            connection.set_nonblocking(true)?;
            Ok((TcpStream::from_std(connection)?, client))
        });
        match accepted {
            Ok(accepted) => waiting.push(accepted),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return waiting,
            Err(e) if belongs_to_connection(&e) => {}
            // Those that were taken are served all the same.
            Err(e) => {
                tracing::warn!("can't take all connections that wait: {e}");
                return waiting;
            }
        }
    }
}

fn serve<S: ChainSource>(
    connection: TcpStream,
    client: SocketAddr,
    listener: Arc<Listener<S>>,
    connections: &TaskTracker,
) {
    let slot = listener.proxy.connections().take();
    listener.count_connection();
    let most = listener.proxy.routing().server.max_connections;
    if slot.is_above(most.saturating_add(TURNED_AWAY_AT_ONCE)) {
        return;
    }
    connections.spawn(connection::serve(connection, client, listener, slot));
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

    #[tokio::test]
    async fn who_waits_when_it_is_time_to_stop_is_taken() {
        let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0)), false).unwrap();
        assert!(take_waiting(&socket).is_empty());
        let address = socket.local_addr().unwrap();
        // Connected is who the kernel has accepted; nobody has looked at the socket meanwhile.
        let clients = [(); 3].map(|()| std::net::TcpStream::connect(address).unwrap());
        let taken = take_waiting(&socket);
        let clients = clients.map(|client| client.local_addr().unwrap());
        assert_eq!(
            taken.iter().map(|(_, client)| *client).collect::<Vec<_>>(),
            clients
        );
    }

    #[test]
    fn an_address_is_had_once_unless_it_is_shared() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = bind(any, false).unwrap().local_addr().unwrap();
        let held = bind(address, false).unwrap();
        let error = bind(address, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(held);
        let _first = bind(address, true).unwrap();
        let _second = bind(address, true).unwrap();
    }
}

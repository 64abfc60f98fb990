//! Listening, and the loop that accepts.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::connection::{self, Listener};
use super::slots::Slots;
use crate::descriptors;
use crate::interceptor::ChainSource;

/// Connections that the kernel holds for us while we are busy.
const BACKLOG: i32 = 4096;

/// How long to leave off accepting when the process is out of file descriptors; doubled each time that it still is,
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often it is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

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

/// Accepts connections until told to stop, each a task among `connections`.
pub async fn accept<S: ChainSource>(
    socket: tokio::net::TcpListener,
    listener: Arc<Listener<S>>,
    connections: TaskTracker,
) {
    let slots = Slots::default();
    let mut trouble = Trouble::default();
    let stop = listener.stop.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.stopped() => break,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((connection, client)) => {
                trouble.over();
                serve(connection, client, &listener, &slots, &connections);
            }
            Err(e) if belongs_to_connection(&e) => {}
            Err(e) => {
                let (pause, failures) = trouble.again(Instant::now());
                if let Some(failures) = failures {
                    let why = descriptors::own_shortage(&e).unwrap_or_else(|| e.to_string());
                    tracing::error!(
                        "can't accept connections ({failures} failed attempts since this was last told): {why}"
                    );
                }
                tokio::select! {
                    () = stop.stopped() => break,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
    // Whoever the kernel has accepted for us already would be reset.
    while let Some(Ok((connection, client))) = ready_now(&socket).await {
        serve(connection, client, &listener, &slots, &connections);
    }
}

fn serve<S: ChainSource>(
    connection: tokio::net::TcpStream,
    client: SocketAddr,
    listener: &Arc<Listener<S>>,
    slots: &Slots,
    connections: &TaskTracker,
) {
    let slot = slots.take();
    let most = listener.proxy.routing().server.max_connections;
    if slot.is_above(most.saturating_add(TURNED_AWAY_AT_ONCE)) {
        return;
    }
    connections.spawn(connection::serve(
        connection,
        client,
        listener.clone(),
        slot,
    ));
}

/// Attempts to accept that failed for want of something that may be there again soon.
#[derive(Debug, Default)]
struct Trouble {
    in_a_row: u32,
    untold: u32,
    told: Option<Instant>,
}

impl Trouble {
    /// One more. How long to wait before the next attempt, and the count of those not told yet if it is time to tell.
    fn again(&mut self, now: Instant) -> (Duration, Option<u32>) {
        let pause = SHORTEST_PAUSE * 2_u32.saturating_pow(self.in_a_row.min(10));
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.untold = self.untold.saturating_add(1);
        let due = self.told.is_none_or(|told| now >= told + TELL_EVERY);
        let tell = due.then(|| {
            self.told = Some(now);
            std::mem::take(&mut self.untold)
        });
        (pause.min(LONGEST_PAUSE), tell)
    }

    fn over(&mut self) {
        self.in_a_row = 0;
    }
}

/// A connection that waits already.
async fn ready_now(
    socket: &tokio::net::TcpListener,
) -> Option<io::Result<(tokio::net::TcpStream, SocketAddr)>> {
    tokio::select! {
        biased;
        accepted = socket.accept() => Some(accepted),
        () = std::future::ready(()) => None,
    }
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
    fn a_shortage_is_told_once_in_a_while() {
        let start = Instant::now();
        let mut trouble = Trouble::default();
        let (mut now, mut told) = (start, Vec::new());
        let mut longest = Duration::ZERO;
        while now < start + TELL_EVERY * 3 {
            let (pause, failures) = trouble.again(now);
            told.extend(failures);
            longest = longest.max(pause);
            now += pause;
        }
        assert_eq!(longest, LONGEST_PAUSE);
        assert!(told.len() == 3 && told[0] == 1 && told[2] >= 9, "{told:?}");
        trouble.over();
        assert_eq!(trouble.again(now).0, SHORTEST_PAUSE);
        // One that is accepted now and then doesn't make it a new story.
        for _ in 0..100 {
            trouble.over();
            assert_eq!(trouble.again(now), (SHORTEST_PAUSE, None));
        }
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

//! From a name to a connection: the system's resolver behind a trait, and the first of several addresses that answers.
//!
//! The proxy reaches its backends through this, and plugins' outbound calls their peers.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The "Connection Attempt Delay" that RFC 8305, section 8 recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// Something that knows the addresses of names; the system's resolver outside tests.
pub trait Resolve: Send + Sync {
    /// The addresses of a host in the order in which to try them.
    ///
    /// # Errors
    /// When the name is not known or nobody can be asked.
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a>;
}

/// Addresses to come.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// The resolver of the operating system (`getaddrinfo`, on a thread of its own).
#[derive(Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Opens a connection that sends without delay.
///
/// # Errors
/// Those of the system.
pub async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // A head and the first piece of a body must not wait for an acknowledgement.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The first of these addresses that takes a connection.
///
/// They are tried in their order, a further one each 250 ms or as soon as one fails, and the first that stands wins
/// (RFC 8305, section 5). To give each address a share of the time instead would make one that swallows packets cost
/// seconds of every connect.
///
/// # Errors
/// The last one's error when all fail.
pub async fn first(addresses: &[SocketAddr]) -> io::Result<(TcpStream, SocketAddr)> {
    if let [address] = addresses {
        return Ok((tcp(*address).await?, *address));
    }
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let more = waiting.next();
        if let Some(address) = more {
            attempts.spawn(async move { Ok((tcp(address).await?, address)) });
        }
        let ended = if more.is_some() {
            match tokio::time::timeout(STAGGER, attempts.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        } else {
            attempts.join_next().await
        };
        match ended {
            Some(Ok(Ok(connected))) => return Ok(connected),
            Some(Ok(Err(e))) => last = e,
            Some(Err(e)) => last = io::Error::other(e),
            None => return Err(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn the_next_address_is_tried_when_one_refuses() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let up = listener.local_addr().unwrap();
        let gone = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
        let down = gone.local_addr().unwrap();
        drop(gone);
        let (_, address) = first(&[down, down, up]).await.unwrap();
        assert_eq!(address, up);
        let refused = first(&[down, down]).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_swallows_packets_costs_a_quarter_of_a_second() {
        // A listener whose backlog is full doesn't answer: that of one connection which nobody accepts.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let silent = socket.unwrap();
        silent
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        silent.listen(0).unwrap();
        let silent_at = silent.local_addr().unwrap().as_socket().unwrap();
        let _fill = std::net::TcpStream::connect(silent_at).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let up = listener.local_addr().unwrap();
        let start = Instant::now();
        let (_, address) = first(&[silent_at, up]).await.unwrap();
        assert_eq!(address, up);
        assert!(start.elapsed() >= STAGGER && start.elapsed() < STAGGER * 2);
    }
}

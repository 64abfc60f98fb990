//! How many bytes the proxy has not read yet: the fact that makes a cut between two writes a cut between two reads.
//!
//! The kernel tells it for any local socket through `NETLINK_SOCK_DIAG`; `/proc/net/tcp` has it too, but lists all sockets.

use std::io::Read as _;
use std::net::SocketAddrV4;
use std::sync::{LazyLock, Mutex};

use socket2::{Domain, Protocol, Socket, Type};

const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;

/// Where `idiag_rqueue` stands in an answer: behind `nlmsghdr`, four bytes, the socket's identity and `idiag_expires`.
const UNREAD: usize = 16 + 4 + 48 + 4;

static KERNEL: LazyLock<Mutex<Socket>> = LazyLock::new(|| {
    let domain = Domain::from(AF_NETLINK);
    let protocol = Protocol::from(NETLINK_SOCK_DIAG);
    Mutex::new(Socket::new(domain, Type::DGRAM, Some(protocol)).unwrap())
});

/// Bytes that have come to the socket `here`, connected to `there`, and were not read. None are unread by one that is gone.
pub fn unread(here: SocketAddrV4, there: SocketAddrV4) -> u32 {
    let mut kernel = KERNEL.lock().unwrap();
    kernel.send(&question(here, there)).unwrap();
    let mut answer = [0; 4096];
    let length = kernel.read(&mut answer).unwrap();
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    if kind != SOCK_DIAG_BY_FAMILY || length < UNREAD + 4 {
        return 0;
    }
    let [a, b, c, d] = answer[UNREAD..UNREAD + 4] else {
        unreachable!("four bytes")
    };
    u32::from_ne_bytes([a, b, c, d])
}

/// `nlmsghdr` and `inet_diag_req_v2`.
fn question(here: SocketAddrV4, there: SocketAddrV4) -> Vec<u8> {
    let mut body = vec![AF_INET, IPPROTO_TCP, 0, 0];
    body.extend(u32::MAX.to_ne_bytes()); // in any state
    body.extend(here.port().to_be_bytes());
    body.extend(there.port().to_be_bytes());
    for address in [here.ip(), there.ip()] {
        body.extend(address.octets());
        body.extend([0; 12]);
    }
    body.extend(0u32.to_ne_bytes()); // on any interface
    body.extend([0xff; 8]); // no cookie
    let length = u32::try_from(16 + body.len()).unwrap();
    let request: u16 = 1;
    let mut message = Vec::new();
    message.extend(length.to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(request.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

#[tokio::test]
async fn the_kernel_tells_what_was_not_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let v4 = |address| match address {
        std::net::SocketAddr::V4(address) => address,
        std::net::SocketAddr::V6(_) => panic!("IPv6"),
    };
    let (here, there) = (
        v4(server.local_addr().unwrap()),
        v4(server.peer_addr().unwrap()),
    );
    assert_eq!(unread(here, there), 0);
    client.write_all(b"hello").await.unwrap();
    assert_eq!(unread(here, there), 5);
    server.read_exact(&mut [0; 2]).await.unwrap();
    assert_eq!(unread(here, there), 3);
    drop(server);
    assert_eq!(unread(here, there), 0);
}

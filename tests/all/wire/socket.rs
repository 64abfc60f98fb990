//! The sockets of both peers: writes that are cut where the run says, reads that wait for what is expected.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tollgate_tests::patience;

use super::message::Heard;
use super::queue::unread;

/// How the bytes of one side are divided into writes. Each is read before the next one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Whole,
    /// In two, after so many bytes.
    At(Side, usize),
    /// Into pieces of so many bytes.
    Every(Side, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Backend,
}

/// Writes one piece after the other; each is read first. Who has closed the connection meanwhile is sent no more.
pub async fn send(socket: &mut TcpStream, pieces: &[&[u8]]) -> Result<(), String> {
    for (index, piece) in pieces.iter().enumerate() {
        if socket.write_all(piece).await.is_err() {
            return Ok(());
        }
        if index + 1 < pieces.len() {
            let read = timeout(patience(), until_read(socket)).await;
            read.map_err(|_| "the proxy does not read".to_owned())?;
        }
    }
    Ok(())
}

async fn until_read(socket: &TcpStream) {
    let (Ok(SocketAddr::V4(here)), Ok(SocketAddr::V4(there))) =
        (socket.local_addr(), socket.peer_addr())
    else {
        return;
    };
    let mut looks = 0;
    while unread(there, here) > 0 {
        looks += 1;
        if looks % 8 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

/// `bytes`, before which so many were `sent`, as this cut divides them.
pub fn pieces(bytes: &[u8], sent: usize, cut: Cut, of: Side) -> Vec<&[u8]> {
    match cut {
        Cut::At(side, at) if side == of && at > sent && at < sent + bytes.len() => {
            let (one, other) = bytes.split_at(at - sent);
            vec![one, other]
        }
        Cut::Every(side, size) if side == of => bytes.chunks(size).collect(),
        _ => vec![bytes],
    }
}

/// Reads until what was expected has come.
pub async fn hear(socket: &mut TcpStream, heard: &mut Heard) -> Result<(), String> {
    while !heard.is_all() {
        if heard.is_another() {
            return Err("another head came".to_owned());
        }
        match timeout(patience(), socket.read_buf(&mut heard.got)).await {
            Ok(Ok(count)) if count > 0 => {}
            Ok(Ok(_)) => return Err("it was closed before all had come".to_owned()),
            Ok(Err(error)) => return Err(format!("before all had come: {error}")),
            Err(_) => return Err("nothing more comes".to_owned()),
        }
    }
    Ok(())
}

/// Reads until the proxy has closed the connection, however it does.
pub async fn hear_end(socket: &mut TcpStream, heard: &mut Heard) -> Result<(), String> {
    loop {
        match timeout(patience(), socket.read_buf(&mut heard.got)).await {
            Ok(Ok(count)) if count > 0 => {}
            Ok(_) => return Ok(()),
            Err(_) => return Err("it is not closed".to_owned()),
        }
    }
}

pub async fn connect(proxy: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(SocketAddr::V4(SocketAddrV4::new(from, 0)))
        .unwrap();
    let stream = socket.connect(proxy).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// An address of this machine that no other run has.
pub fn next_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(u32::from_be_bytes([127, 1, 0, 1]));
    Ipv4Addr::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn a_cut_divides_what_its_side_sends() {
    let bytes = b"abcdef";
    let cut = |sent, cut| pieces(bytes, sent, cut, Side::Client);
    assert_eq!(cut(0, Cut::Whole), [b"abcdef"]);
    assert_eq!(cut(0, Cut::At(Side::Client, 2)), [&b"ab"[..], b"cdef"]);
    assert_eq!(cut(10, Cut::At(Side::Client, 12)), [&b"ab"[..], b"cdef"]);
    assert_eq!(cut(10, Cut::At(Side::Client, 10)), [b"abcdef"]);
    assert_eq!(cut(0, Cut::At(Side::Backend, 2)), [b"abcdef"]);
    assert_eq!(cut(0, Cut::Every(Side::Client, 4)), [&b"abcd"[..], b"ef"]);
}

#[test]
fn no_two_runs_have_one_address() {
    let (one, other) = (next_address(), next_address());
    assert!(one != other && one.is_loopback() && other.is_loopback());
}

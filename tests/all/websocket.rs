//! Messages of WebSockets through plugins, with a library as client and as backend.

mod fragments;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use tollgate_tests::*;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

type Socket = WebSocket<TcpStream>;

/// RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A backend that switches, with these lines in its answer, and hands its side out with the request's head.
fn backend(lines: &'static str) -> (SocketAddr, Receiver<(String, Socket)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = read_head(&mut stream);
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-accept: {ACCEPT}\r\n{lines}\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            if sender.send((head, socket(stream, Role::Server))).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

fn socket(stream: TcpStream, role: Role) -> Socket {
    stream.set_read_timeout(Some(patience())).unwrap();
    WebSocket::from_raw_socket(stream, role, Some(WebSocketConfig::default()))
}

fn read_head(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(patience())).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A client's side, with the head of the answer.
fn client(proxy: SocketAddr, lines: &str) -> (String, Socket) {
    let mut stream = TcpStream::connect(proxy).unwrap();
    let handshake = format!(
        "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: {KEY}\r\n{lines}\r\n"
    );
    stream.write_all(handshake.as_bytes()).unwrap();
    (read_head(&mut stream), socket(stream, Role::Client))
}

async fn proxied(plugins: &[(&str, Guest)], backend: SocketAddr, config: &str) -> Proxy {
    let mut builder = proxy()
        .backend_at(&format!("http://{backend}"))
        .config(config);
    for (name, guest) in plugins {
        builder = builder.plugin(name, guest.clone());
    }
    builder.start().await
}

fn text(text: &str) -> Message {
    Message::text(text)
}

/// The close frame that comes next.
fn closed(socket: &mut Socket) -> (u16, String) {
    match socket.read() {
        Ok(Message::Close(Some(CloseFrame { code, reason }))) => (code.into(), reason.to_string()),
        other => panic!("{other:?}"),
    }
}

/// In a thread of its own, as the library blocks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_kept_replaced_dropped_and_answered() {
    let (address, opened) = backend("");
    let plugins = [("messages", guest("messages").version("v001"))];
    let proxy = proxied(&plugins, address, "").await;
    let at = proxy.address;
    blocking(move || {
        let (head, mut client) = client(at, "");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let (_, mut backend) = opened.recv().unwrap();
        for (sent, expected) in [("keep", "keep"), ("", ""), ("xyz", "[v001]"), ("ü", "ü")] {
            client.send(text(sent)).unwrap();
            assert_eq!(backend.read().unwrap(), text(expected));
            backend.send(text(sent)).unwrap();
            assert_eq!(client.read().unwrap(), text(expected));
        }
        client.send(text("drop")).unwrap();
        client.send(Message::binary(b"echo".to_vec())).unwrap();
        assert_eq!(client.read().unwrap(), Message::binary(b"echo".to_vec()));
        client.send(Message::Ping(b"p"[..].into())).unwrap();
        assert_eq!(backend.read().unwrap(), Message::Ping(b"p"[..].into()));
        backend.flush().unwrap();
        assert_eq!(client.read().unwrap(), Message::Pong(b"p"[..].into()));
        let large = Message::binary(vec![b'k'; 3 << 20]);
        client.send(large.clone()).unwrap();
        assert_eq!(backend.read().unwrap(), large);
        client
            .close(Some(CloseFrame {
                code: CloseCode::Library(4001),
                reason: "enough".into(),
            }))
            .unwrap();
        assert_eq!(closed(&mut backend), (4001, "enough".to_owned()));
        assert!(matches!(backend.read(), Err(Error::ConnectionClosed)));
        assert_eq!(closed(&mut client), (4001, "enough".to_owned()));
        assert!(matches!(client.read(), Err(Error::ConnectionClosed)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_ends_it_and_so_does_its_trap_in_the_third_message() {
    let (address, opened) = backend("");
    let proxy = proxied(&[("messages", guest("messages"))], address, "").await;
    let at = proxy.address;
    blocking(move || {
        for (order, expected) in [
            ("stop", (1000, "")),
            ("close", (4000, "bye")),
            ("trap", (1011, "plugin messages failed")),
        ] {
            let (_, mut client) = client(at, "");
            let (_, mut backend) = opened.recv().unwrap();
            for sent in ["1", "2"] {
                client.send(text(sent)).unwrap();
                assert_eq!(backend.read().unwrap(), text(sent));
            }
            backend.send(text(order)).unwrap();
            let expected = (expected.0, expected.1.to_owned());
            assert_eq!(closed(&mut client), expected);
            assert_eq!(closed(&mut backend), expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_long_and_wrong_utf8_close_it_for_both() {
    let (address, opened) = backend("");
    let config = "[plugin.messages.limits]\npiece = \"64KiB\"\n";
    let proxy = proxied(&[("messages", guest("messages"))], address, config).await;
    let at = proxy.address;
    blocking(move || {
        let (_, mut one) = client(at, "");
        let (_, mut backend) = opened.recv().unwrap();
        one.send(Message::binary(vec![0; (64 << 10) + 1])).unwrap();
        let expected = (
            1009,
            "from the client: a message is longer than 65536 bytes".to_owned(),
        );
        assert_eq!(closed(&mut one), expected);
        assert_eq!(closed(&mut backend), expected);
        let (_, mut client) = client(at, "");
        let (_, mut backend) = opened.recv().unwrap();
        backend.get_mut().write_all(&[0x81, 0x01, 0xff]).unwrap();
        let expected = (1007, "from the backend: a text is not UTF-8".to_owned());
        assert_eq!(closed(&mut client), expected);
        assert_eq!(closed(&mut backend), expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_can_be_read_is_offered_and_accepted() {
    const OFFER: &str =
        "sec-websocket-extensions: x-own, permessage-deflate; client_max_window_bits\r\n";
    let (address, opened) = backend("");
    let (stubborn, unread) = backend("sec-websocket-extensions: x-own\r\n");
    let proxy = proxied(&[("messages", guest("messages"))], address, "").await;
    let at = proxy.address;
    let proxy = proxied(&[("messages", guest("messages"))], stubborn, "").await;
    let other = proxied(&[("mark", guest("mark"))], stubborn, "").await;
    let (refusing, copying) = (proxy.address, other.address);
    blocking(move || {
        client(at, OFFER);
        let (head, _) = opened.recv().unwrap();
        let left = "\r\nsec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n";
        assert!(head.contains(left), "{head}");
        assert!(!head.contains("x-own"), "{head}");
        let (head, _) = client(refusing, OFFER);
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        let (_, mut backend) = unread.recv().unwrap();
        assert!(backend.read().is_err(), "it is closed");
        // No plugin wants messages: all passes as it is.
        let (head, _) = client(copying, OFFER);
        assert!(
            head.contains("sec-websocket-extensions: x-own\r\n"),
            "{head}"
        );
        assert!(
            unread
                .recv()
                .unwrap()
                .0
                .contains("x-own, permessage-deflate")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_it_leaves_the_bytes_alone_and_who_fails_closes_the_door() {
    let opened_with = |said: &str| {
        let text = guest("messages").text().replace(
            "(i32.store (i32.const 128) (i32.const 0))\n    (i32.store (i32.const 132) (i32.const 1))\n    (i32.const 128))",
            said,
        );
        assert!(text.contains(said));
        text
    };
    let leaves = opened_with("(call $fine))");
    // Traps unless in its trial, which is the first call.
    let fails = opened_with(
        "(if (i32.load (i32.const 64)) (then unreachable)) (i32.store (i32.const 64) (i32.const 1)) (call $fine))",
    );
    let (address, opened) = backend("");
    let of = |text: String, config: &'static str| {
        let builder = proxy()
            .backend_at(&format!("http://{address}"))
            .config(config);
        builder.file("messages.wat", text).start()
    };
    let left = of(leaves, "").await;
    let closed = of(fails.clone(), "").await;
    let open = of(fails, "[plugin.messages]\non-failure = \"open\"\n").await;
    let (left, closed, open) = (left.address, closed.address, open.address);
    blocking(move || {
        for at in [left, open] {
            // The first WebSocket is left alone anyway.
            for _ in 0..2 {
                let (_, mut client) = client(at, "");
                let (_, mut backend) = opened.recv().unwrap();
                client.get_mut().write_all(b"no frame").unwrap();
                let mut bytes = [0; 8];
                backend.get_mut().read_exact(&mut bytes).unwrap();
                assert_eq!(&bytes, b"no frame");
            }
        }
        let answers: Vec<String> = (0..3).map(|_| client(closed, "").0).collect();
        let refused: Vec<&String> = answers
            .iter()
            .filter(|head| head.starts_with("HTTP/1.1 502 "))
            .collect();
        assert!(!refused.is_empty(), "{answers:?}");
        assert!(
            refused[0].contains("plugin messages: websocket-messages trapped"),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_keeps_the_plugins_that_it_was_opened_with() {
    let (address, opened) = backend("");
    let plugins = [("messages", guest("messages").version("v001"))];
    let proxy = proxied(&plugins, address, "").await;
    let at = proxy.address;
    let (mut client_side, mut backend, opened) = blocking(move || {
        let (_, client) = client(at, "");
        let (_, backend) = opened.recv().unwrap();
        (client, backend, opened)
    })
    .await;
    proxy
        .plugins
        .write("messages.wat", guest("messages").version("v002").text());
    let patience = Patience::begin();
    let at = proxy.address;
    loop {
        let seen = blocking(move || client(at, "")).await.1;
        let (_, mut fresh) = opened.recv().unwrap();
        let mut seen = seen;
        let read = blocking(move || {
            seen.send(text("x")).unwrap();
            fresh.read().unwrap()
        })
        .await;
        if read == text("[v002]") {
            break;
        }
        patience.wait("v002 serves").await;
    }
    blocking(move || {
        client_side.send(text("x")).unwrap();
        assert_eq!(backend.read().unwrap(), text("[v001]"));
        backend.send(text("x")).unwrap();
        assert_eq!(client_side.read().unwrap(), text("[v001]"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_was_shown_is_recorded_when_it_has_ended() {
    use tollgate::record::{Ending, PieceFate, Sender};
    let (address, opened) = backend("");
    let plugins = [("messages", guest("messages").version("v001"))];
    let proxy = proxied(&plugins, address, "[record]\nenabled = true").await;
    let (at, ring) = (proxy.address, proxy.recorder().unwrap().ring().clone());
    let while_it_lasts = ring.clone();
    blocking(move || {
        let (_, mut client) = client(at, "");
        let (_, mut backend) = opened.recv().unwrap();
        client.send(text(r#"{"token":"x"}"#)).unwrap();
        assert_eq!(backend.read().unwrap(), text(r#"{"token":"x"}"#));
        backend.send(text("xyz")).unwrap();
        assert_eq!(client.read().unwrap(), text("[v001]"));
        assert_eq!(while_it_lasts.size().exchanges, 0);
        client.close(None).unwrap();
        assert!(matches!(backend.read(), Ok(Message::Close(_))));
        let _ = backend.read();
        let _ = client.read();
    })
    .await;
    eventually!(ring.size().exchanges == 1);
    let exchange = ring.page(None, 1, |_| true).exchanges.remove(0);
    let transcripts = exchange.steps.iter();
    let transcripts = transcripts.filter_map(|step| step.transcript.as_ref());
    let [transcript] = &transcripts.collect::<Vec<_>>()[..] else {
        panic!("{exchange:?}")
    };
    let [first, second] = &transcript.pieces[..] else {
        panic!("{transcript:?}")
    };
    assert_eq!((first.sender, first.text), (Some(Sender::Client), true));
    assert_eq!(first.came.kept, br#"{"token":"[masked]"}"#);
    assert_eq!(first.fate, PieceFate::Keep);
    assert_eq!(second.sender, Some(Sender::Backend));
    assert_eq!(second.went[0].kept, b"[v001]");
    assert_eq!(exchange.ending, Ending::Complete);
    assert_eq!(
        exchange.response().unwrap().line,
        tollgate::record::StartLine::Response { status: 101 }
    );
}

//! Messages that come in fragments, with control frames between them.

use super::*;

/// A frame as a peer sends it, a client's with a mask that changes nothing.
fn frame(first: u8, payload: &[u8], of_client: bool) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![first, length | if of_client { 0x80 } else { 0 }];
    if of_client {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn control_frames_pass_between_the_fragments_of_a_message() {
    let (address, opened) = backend("");
    let plugins = [("messages", guest("messages").version("v001"))];
    let proxy = proxied(&plugins, address, "").await;
    let at = proxy.address;
    blocking(move || {
        let (_, mut client) = client(at, "");
        let (_, mut backend) = opened.recv().unwrap();
        // The text that is replaced, in three fragments, one without a byte; a character is cut in two.
        let fragments = |of_client| {
            [
                frame(0x01, b"x\xc3", of_client),
                frame(0x89, b"ping", of_client),
                frame(0x00, b"", of_client),
                frame(0x8a, b"pong", of_client),
                frame(0x80, b"\xbc", of_client),
            ]
            .concat()
        };
        for byte in fragments(true) {
            client.get_mut().write_all(&[byte]).unwrap();
        }
        // Control frames don't wait for the message around them.
        assert_eq!(backend.read().unwrap(), Message::Ping(b"ping"[..].into()));
        assert_eq!(backend.read().unwrap(), Message::Pong(b"pong"[..].into()));
        assert_eq!(backend.read().unwrap(), text("[v001]"));
        backend.get_mut().write_all(&fragments(false)).unwrap();
        // What the library answered the ping with, its own ping and pong, then the message.
        assert_eq!(client.read().unwrap(), Message::Pong(b"ping"[..].into()));
        assert_eq!(client.read().unwrap(), Message::Ping(b"ping"[..].into()));
        assert_eq!(client.read().unwrap(), Message::Pong(b"pong"[..].into()));
        assert_eq!(client.read().unwrap(), text("[v001]"));
        // A fragment that begins no message ends the connection for both.
        client
            .get_mut()
            .write_all(&frame(0x80, b"x", true))
            .unwrap();
        assert_eq!(backend.read().unwrap(), Message::Pong(b"ping"[..].into()));
        let (code, why) = closed(&mut backend);
        assert_eq!(code, 1002, "{why}");
    })
    .await;
}

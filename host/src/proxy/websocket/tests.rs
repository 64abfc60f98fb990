//! Whole WebSockets: two peers in memory, and interceptors that do what a message says.

mod fake;
mod peer;

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use self::fake::{Fake, Log};
use self::peer::{Setup, setup};
use super::extensions::{Deflate, Direction};
use super::reader::Event;
use crate::message::websocket::{CloseFrame, Content, Peer, ROOM};

fn text(text: &str) -> Event {
    Event::Message(Content::Text(text.to_owned()))
}

fn closed(code: u16, reason: &str) -> Event {
    Event::Close(Some(CloseFrame::new(code, reason)))
}

/// Two interceptors, `a` and `b`, between a client and a backend.
fn two(log: &Log) -> Setup {
    setup(vec![Fake::boxed("a", log), Fake::boxed("b", log)], None)
}

const DEFLATE: Deflate = Deflate {
    client: Direction {
        takeover: true,
        window_bits: 15,
    },
    server: Direction {
        takeover: false,
        window_bits: 10,
    },
};

#[tokio::test]
async fn messages_meet_the_chain_in_order_and_in_reverse() {
    let log = Log::default();
    let (mut client, mut backend, run) = two(&log);
    client.send("one").await;
    assert_eq!(backend.next().await, Some(text("one")));
    backend.send("two").await;
    assert_eq!(client.next().await, Some(text("two")));
    client.binary(b"\xff").await;
    let binary = Event::Message(Content::Binary(b"\xff".to_vec()));
    assert_eq!(backend.next().await, Some(binary));
    client.close(4001, "enough").await;
    assert_eq!(backend.next().await, Some(closed(4001, "enough")));
    backend.close(4001, "enough").await;
    assert_eq!(client.next().await, Some(closed(4001, "enough")));
    assert_eq!((client.next().await, backend.next().await), (None, None));
    run.await.unwrap().unwrap();
    let expected = [
        "a: client one",
        "b: client one",
        "b: backend two",
        "a: backend two",
        "a: client \u{fffd}",
        "b: client \u{fffd}",
        "a closed",
        "b closed",
    ];
    assert_eq!(log.lines(), expected);
}

#[tokio::test]
async fn what_is_sent_meets_those_between_sender_and_receiver() {
    let log = Log::default();
    let (mut client, mut backend, _run) = two(&log);
    client.send("a:replace x").await;
    assert_eq!(backend.next().await, Some(text("<a:replace x>")));
    client.send("b:echo y").await;
    assert_eq!(client.next().await, Some(text("echo b:echo y")));
    backend.send("b:drop").await;
    backend.send("b:echo z").await;
    assert_eq!(backend.next().await, Some(text("echo b:echo z")));
    let expected = [
        "a: client a:replace x",
        "b: client <a:replace x>",
        "a: client b:echo y",
        "b: client b:echo y",
        "a: backend echo b:echo y",
        "b: backend b:drop",
        "b: backend b:echo z",
    ];
    assert_eq!(log.lines(), expected);
}

#[tokio::test]
async fn one_of_them_closes_for_both_sides_behind_what_was_sent() {
    for (order, expected) in [("stop", closed(1000, "")), ("close", closed(4000, "bye"))] {
        let log = Log::default();
        let (mut client, mut backend, run) = two(&log);
        client.send("first").await;
        client.send(&format!("b:{order}")).await;
        client.send("never").await;
        assert_eq!(backend.next().await, Some(text("first")));
        assert_eq!(backend.next().await, Some(text("last words")));
        for peer in [&mut client, &mut backend] {
            assert_eq!(peer.next().await.as_ref(), Some(&expected), "{order}");
            peer.close(1000, "").await;
        }
        assert_eq!((client.next().await, backend.next().await), (None, None));
        run.await.unwrap().unwrap();
        let lines = log.lines();
        assert!(!lines.contains(&"b: client never".to_owned()), "{lines:?}");
        assert!(lines.ends_with(&["a closed".to_owned(), "b closed".to_owned()]));
    }
}

#[tokio::test]
async fn a_failure_is_told_to_both_sides_and_the_others_hear_of_the_end() {
    let log = Log::default();
    let (mut client, mut backend, run) = two(&log);
    client.send("a:fail").await;
    for peer in [&mut client, &mut backend] {
        assert_eq!(peer.next().await, Some(closed(1011, "plugin a failed")));
        assert_eq!(peer.next().await, None);
    }
    drop((client, backend));
    let error = run.await.unwrap().unwrap_err().to_string();
    assert_eq!(error, "plugin a: websocket-messages trapped: on purpose");
    assert_eq!(log.lines(), ["a: client a:fail", "b closed"]);
}

#[tokio::test]
async fn the_end_without_a_close_frame_is_passed_on_as_it_is() {
    for vanishes in Peer::BOTH {
        let log = Log::default();
        let (client, backend, run) = two(&log);
        let (gone, mut stays) = match vanishes {
            Peer::Client => (client, backend),
            Peer::Backend => (backend, client),
        };
        drop(gone);
        assert_eq!(stays.next().await, None, "{vanishes}");
        drop(stays);
        run.await.unwrap().unwrap();
        assert_eq!(log.lines(), ["a closed", "b closed"]);
    }
}

#[tokio::test]
async fn control_frames_pass_while_an_interceptor_works_and_between_fragments() {
    let log = Log::default();
    let (mut client, mut backend, _run) = two(&log);
    client.send("a:wait").await;
    client.raw(&[0x89, 0x81, 0, 0, 0, 0, b'p']).await;
    assert_eq!(backend.next().await, Some(Event::Ping(b"p".to_vec())));
    backend.raw(&[0x8a, 0x01, b'p']).await;
    assert_eq!(client.next().await, Some(Event::Pong(b"p".to_vec())));

    let (mut client, mut backend, _run) = two(&log);
    client
        .raw(&[0x01, 0x82, 1, 2, 3, 4, b'a' ^ 1, 0xc3 ^ 2])
        .await;
    client.raw(&[0x89, 0x80, 0, 0, 0, 0]).await;
    assert_eq!(backend.next().await, Some(Event::Ping(vec![])));
    client.raw(&[0x80, 0x81, 0, 0, 0, 0, 0xa4]).await;
    assert_eq!(backend.next().await, Some(text("aä")));
}

/// What a client may not send, with the code and the reason that it is told.
fn broken() -> Vec<(Vec<u8>, u16, &'static str)> {
    let masked = [0, 0, 0, 0];
    let frame = |head: &[u8], payload: &[u8]| [head, &masked, payload].concat();
    vec![
        (frame(&[0x81, 0x82], b"\xc3("), 1007, "a text is not UTF-8"),
        (
            frame(&[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1], b""),
            1009,
            "a message is longer than 65536 bytes",
        ),
        (
            frame(&[0x83, 0x80], b""),
            1002,
            "a frame has a reserved opcode",
        ),
        (
            frame(&[0xc1, 0x80], b""),
            1002,
            "a frame is out of place, or compressed though that was not agreed",
        ),
        (
            frame(&[0xa1, 0x80], b""),
            1002,
            "a frame has a reserved bit",
        ),
        (
            frame(&[0x80, 0x80], b""),
            1002,
            "a frame is out of place, or compressed though that was not agreed",
        ),
        (
            frame(&[0x09, 0x80], b""),
            1002,
            "a control frame is fragmented, compressed, or too long",
        ),
        (
            frame(&[0x89, 0xfe, 0, 126], &[0; 126]),
            1002,
            "a control frame is fragmented, compressed, or too long",
        ),
        (
            frame(&[0x88, 0x81], b"\x03"),
            1002,
            "a close frame has half a code",
        ),
        (
            frame(&[0x88, 0x82], b"\x03\xed"),
            1002,
            "a close frame has a code that is not sent",
        ),
        (
            frame(&[0x88, 0x83], b"\x03\xe8\xff"),
            1007,
            "the reason in a close frame is not UTF-8",
        ),
        (
            vec![0x81, 0x00],
            1002,
            "a frame of a client must be masked, and only that",
        ),
    ]
}

#[tokio::test]
async fn who_breaks_the_protocol_is_told_and_so_is_the_other() {
    for (bytes, code, why) in broken() {
        let log = Log::default();
        let (mut client, mut backend, run) = two(&log);
        client.raw(&bytes).await;
        let expected = closed(code, &format!("from the client: {why}"));
        assert_eq!(client.next().await.as_ref(), Some(&expected), "{bytes:x?}");
        assert_eq!(backend.next().await.as_ref(), Some(&expected), "{bytes:x?}");
        drop((client, backend));
        assert!(run.await.unwrap().is_err());
        assert_eq!(log.lines(), ["a closed", "b closed"], "{bytes:x?}");
    }
    let (mut client, mut backend, _run) = two(&Log::default());
    backend.raw(&[0x81, 0x80, 0, 0, 0, 0]).await;
    let why = "from the backend: a frame of a client must be masked, and only that";
    assert_eq!(client.next().await, Some(closed(1002, why)));
}

#[tokio::test]
async fn many_fragments_are_as_long_as_they_are_together() {
    let (mut client, mut backend, _run) = two(&Log::default());
    let mut first = vec![0x02, 0xfe, 0x80, 0x00, 0, 0, 0, 0];
    first.resize(8 + 0x8000, 0);
    client.raw(&first).await;
    first[0] = 0x00;
    client.raw(&first).await;
    client.raw(&[0x80, 0x81, 0, 0, 0, 0, 0]).await;
    let why = "from the client: a message is longer than 65536 bytes";
    assert_eq!(backend.next().await, Some(closed(1009, why)));
}

#[tokio::test]
async fn each_interceptor_has_its_own_limit() {
    let log = Log::default();
    let interceptors = vec![Fake::boxed("a", &log), Fake::taking("b", &log, 100)];
    let (mut client, mut backend, _run) = setup(interceptors, None);
    let fits = "x".repeat(100);
    client.send(&fits).await;
    assert_eq!(backend.next().await, Some(text(&fits)));
    // Also what another interceptor makes of a shorter one.
    client.send(&format!("a:replace {}", "x".repeat(90))).await;
    let why = "from the client: a message is longer than 100 bytes";
    assert_eq!(backend.next().await, Some(closed(1009, why)));
    assert_eq!(client.next().await, Some(closed(1009, why)));
}

/// Messages as a peer sends them that goes on with its compressor: the second can't be read without the first.
fn in_one_stream(messages: &[&str], key: Option<[u8; 4]>) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut state = Compress::new(Compression::best(), false);
    let mut frames = Vec::new();
    for message in messages {
        let mut out = Vec::with_capacity(200);
        state
            .compress_vec(message.as_bytes(), &mut out, FlushCompress::Sync)
            .unwrap();
        out.truncate(out.len() - 4);
        let length = u8::try_from(out.len()).unwrap();
        assert!(length < 126);
        frames.extend([0xc1, length | key.map_or(0, |_| 0x80)]);
        frames.extend(key.into_iter().flatten());
        frames.extend(out);
    }
    frames
}

/// Of each side another direction of the agreement is read.
#[tokio::test]
async fn each_side_is_read_by_its_own_direction_of_the_agreement() {
    let kept = Direction {
        takeover: true,
        window_bits: 15,
    };
    let forgotten = Direction {
        takeover: false,
        window_bits: 15,
    };
    let message = "not once but twice in the same words";
    for of_client in [true, false] {
        let (client, server) = if of_client {
            (kept, forgotten)
        } else {
            (forgotten, kept)
        };
        let log = Log::default();
        let agreed = Some(Deflate { client, server });
        let (mut client, mut backend, _run) = setup(vec![Fake::boxed("a", &log)], agreed);
        let (sender, receiver, key) = if of_client {
            (&mut client, &mut backend, Some([0; 4]))
        } else {
            (&mut backend, &mut client, None)
        };
        sender.raw(&in_one_stream(&[message, message], key)).await;
        for _ in 0..2 {
            assert_eq!(receiver.next().await, Some(text(message)));
        }
    }
}

#[tokio::test]
async fn compression_is_undone_and_done_again_as_agreed() {
    let log = Log::default();
    let (mut client, mut backend, _run) = setup(vec![Fake::boxed("a", &log)], Some(DEFLATE));
    let long = "to be or not to be ".repeat(100);
    for _ in 0..3 {
        client.send(&long).await;
        assert_eq!(backend.next().await, Some(text(&long)));
        backend.send(&long).await;
        assert_eq!(client.next().await, Some(text(&long)));
    }
    assert!(client.received() < 3 * 200 && backend.received() < 3 * 200);
    assert_eq!(log.lines()[0], format!("a: client {long}"));
    client.send(&"x".repeat(ROOM + 1)).await;
    let why = "from the client: a message is longer than 65536 bytes";
    assert_eq!(client.next().await, Some(closed(1009, why)));
}

#[tokio::test]
async fn directions_do_not_wait_for_each_other_and_a_slow_receiver_stops_its_sender() {
    let log = Log::default();
    let (mut client, mut backend, _run) = two(&log);
    let piece = "x".repeat(30_000);
    let mut sent = 0;
    while sent < 100 && client.try_send(&piece).await {
        sent += 1;
    }
    // One in each place that takes more while there is room, and what both sides hold.
    assert!((5..30).contains(&sent), "{sent} messages are held");
    backend.send("still").await;
    assert_eq!(client.next().await, Some(text("still")));
    for _ in 0..sent {
        assert_eq!(backend.next().await, Some(text(&piece)));
    }
}

#[tokio::test]
async fn those_that_send_to_each_other_go_on_within_bounds() {
    let log = Log::default();
    let (mut client, mut backend, _run) = two(&log);
    client.send("a:flood 10").await;
    backend.send("b:flood 10").await;
    let flood = "f".repeat(40_000);
    for peer in [&mut client, &mut backend] {
        for _ in 0..10 {
            assert_eq!(peer.next().await, Some(text(&flood)));
        }
    }
    let (mut client, mut backend, run) = two(&log);
    client.send("a:flood 100000").await;
    backend.send("b:flood 100000").await;
    tokio::join!(client.rest(), backend.rest());
    let error = run.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("neither reads"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_it_and_so_does_a_peer_that_never_answers_a_close() {
    let log = Log::default();
    let (mut client, mut backend, run) = two(&log);
    for peer in [&mut client, &mut backend] {
        let said = peer.next().await;
        assert_eq!(said, Some(closed(1001, "nothing was sent for 60 s")));
    }
    assert!(run.await.unwrap().is_err());
    let (mut client, _backend, run) = two(&log);
    client.close(1000, "").await;
    let ended = tokio::time::timeout(Duration::from_secs(11), run).await;
    ended.unwrap().unwrap().unwrap();
    client.io.shutdown().await.unwrap();
}

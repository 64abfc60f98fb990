//! Bytes in, bytes out.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::heads::{Heads, Section};
use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const END: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [
        &[0, length[0], length[1], kind, flags, 0, 0, 0, stream],
        payload,
    ]
    .concat()
}

/// A literal with its name as a string: indexed (0x40) or not (0x00, 0x10).
fn literal(kind: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| u8::try_from(text.len()).unwrap();
    [&[kind, length(name)], name, &[length(value)], value].concat()
}

const MARK: &[u8] = b"\x00\x0aconnection\x00";

/// What comes through when the bytes are written in pieces of this size.
async fn through(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let (mut inspected, _flood) = Inspected::new(server, 64 << 10);
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        inspected.read_to_end(&mut all).await.unwrap();
        all
    });
    for piece in bytes.chunks(piece) {
        client.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    drop(client);
    reading.await.unwrap()
}

#[tokio::test]
async fn what_is_right_passes_as_it_came_however_it_is_cut() {
    let section = [&b"\x82\x86\x84"[..], &literal(0x40, b"x-a", b"1"), b"\xbe"].concat();
    let (first, rest) = section.split_at(5);
    let padded = [b"\x03", &section[..], b"\0\0\0"].concat();
    let prioritised = [b"\0\0\0\0\x10", &section[..]].concat();
    let bytes = [
        PREFACE.to_vec(),
        frame(4, 0, 0, b""),
        frame(1, END, 1, &section),
        frame(1, 0, 3, first),
        frame(9, 0, 3, b""),
        frame(9, END, 3, rest),
        frame(1, END | 8, 5, &padded),
        frame(1, END | 0x20, 7, &prioritised),
        frame(0, 1, 7, &[b'.'; 1000]),
        frame(0x77, 0, 0, b"unknown"),
    ]
    .concat();
    for piece in [1, 2, 3, 7, 8, 9, 10, 50, bytes.len()] {
        assert_eq!(through(&bytes, piece).await, bytes, "{piece}");
    }
}

#[tokio::test]
async fn what_no_message_may_hold_goes_on_in_another_form_and_the_rest_as_it_came() {
    let bad = [b"\x82", &literal(0x40, b"X-Up", b"1")[..], b"\x84"].concat();
    let instead = [b"\x82", &literal(0x40, b"xxxx", b"x")[..], b"\x84", MARK].concat();
    let (first, rest) = bad.split_at(4);
    let start = [PREFACE.to_vec(), frame(1, END, 1, b"\x82")].concat();
    let end = [frame(1, END, 5, b"\x82\x84"), frame(0, 1, 5, b"abc")].concat();
    let sent = [
        &start[..],
        &frame(1, 1, 3, first),
        &frame(9, END, 3, rest),
        &end,
    ]
    .concat();
    let expected = [&start[..], &frame(1, END | 1, 3, &instead), &end].concat();
    for piece in [1, 2, 9, 11, 30, sent.len()] {
        assert_eq!(through(&sent, piece).await, expected, "{piece}");
    }
}

/// A name, a value, and what goes on in their place.
type Literal<'a> = (&'a [u8], &'a [u8], &'a [u8], Vec<u8>);

#[test]
fn each_kind_of_literal_is_replaced_by_one_of_its_length() {
    let x = |count: usize| vec![b'x'; count];
    let cases: [Literal<'_>; 9] = [
        (b"x-a", b"a\nb", b"x-a", x(3)),
        (b"x-a", b"\x01", b"x-a", x(1)),
        (b"x\na", b"v", b"xxx", x(1)),
        (b":path", b"/\xff", b":path", x(2)),
        (b":method", b"G(T", b":method", x(3)),
        (b":method", b"", b"xxxxxxx", x(0)),
        (b":status", b"9", b"xxxxxxx", x(1)),
        (b":what", b"v", b"xxxxx", x(1)),
        (b"", b"ab", b"x", x(1)),
    ];
    for (name, value, name_instead, value_instead) in cases {
        for kind in [0x40, 0x00, 0x10] {
            let sent = literal(kind, name, value);
            let expected = [&literal(kind, name_instead, &value_instead)[..], MARK].concat();
            let got = Heads::default().read(&sent);
            assert_eq!(
                got,
                Section::Malformed(expected),
                "{kind} {name:?} {value:?}"
            );
        }
    }
}

#[test]
fn an_entry_of_the_table_stays_what_it_is() {
    let mut heads = Heads::default();
    let reads = |heads: &mut Heads, section: &[u8]| heads.read(section);
    assert_eq!(
        reads(&mut heads, &literal(0x40, b"x-a", b"1")),
        Section::Fine
    );
    let bad = literal(0x40, b"x-b", b"\x00");
    assert!(matches!(reads(&mut heads, &bad), Section::Malformed(_)));
    // The newest entry is 62. Its name is good, its value isn't; the one before is as it was.
    let referred = [b"\xbe", MARK].concat();
    assert_eq!(reads(&mut heads, b"\xbe"), Section::Malformed(referred));
    assert_eq!(reads(&mut heads, b"\xbf"), Section::Fine);
    assert_eq!(
        reads(&mut heads, b"\x0f\x2f\x01v"),
        Section::Fine,
        "its name"
    );
    // An empty table, by a change of its size.
    assert_eq!(reads(&mut heads, b"\x20"), Section::Fine);
    assert_eq!(reads(&mut heads, b"\xbe"), Section::Undecodable);
}

#[test]
fn the_table_forgets_as_hpack_says() {
    let mut heads = Heads::default();
    // Room for two entries of 32 + 4 bytes.
    assert_eq!(heads.read(b"\x3f\x29"), Section::Fine);
    for name in [b"x-a", b"x-b", b"x-c"] {
        assert_eq!(heads.read(&literal(0x40, name, b"1")), Section::Fine);
    }
    assert_eq!(heads.read(b"\xbf"), Section::Fine);
    assert_eq!(heads.read(b"\xc0"), Section::Undecodable);
    // One that is larger than the table empties it.
    assert_eq!(
        heads.read(&literal(0x40, b"x-d", &[b'v'; 80])),
        Section::Fine
    );
    assert_eq!(heads.read(b"\xbe"), Section::Undecodable);
}

#[test]
fn long_strings_have_long_lengths() {
    let value = vec![0x01; 300];
    let sent = [&b"\x40\x03x-a\x7f\xad\x01"[..], &value].concat();
    let expected = [&b"\x40\x03x-a\x7f\xad\x01"[..], &[b'x'; 300], MARK].concat();
    assert_eq!(Heads::default().read(&sent), Section::Malformed(expected));
}

#[test]
fn damaged_sections_never_panic_and_never_grow_without_bound() {
    let good = [
        &literal(0x40, b"x-a", b"value")[..],
        b"\x82\xbe\x3f\x29\x0f\x2f\x81\x1f",
    ]
    .concat();
    for position in 0..good.len() {
        for byte in 0..=255 {
            let mut damaged = good.clone();
            damaged[position] = byte;
            for end in [good.len(), position + 1] {
                if let Section::Malformed(other) = Heads::default().read(&damaged[..end]) {
                    assert!(other.ends_with(MARK));
                    assert!(other.len() < 2 * good.len() + MARK.len());
                }
            }
        }
    }
}

#[test]
fn frames_without_content_are_earned() {
    let start = Instant::now();
    let mut pace = Pace::new();
    assert!(pace.spend(10_000, 0, || start));
    assert!(pace.spend(2_000, 0, || start), "the first second's");
    assert!(!pace.spend(1, 0, || start));
    assert!(pace.spend(1_000, 0, || start + Duration::from_millis(500)));
    assert!(!pace.spend(1_000, 0, || start + Duration::from_millis(500)));
    // What answers them earns nothing.
    pace.answers(17_000);
    pace.wrote(17_000);
    assert!(!pace.spend(1, 0, || start + Duration::from_millis(500)));
    // A client that is sent small messages may answer each with two WINDOW_UPDATE and a PING.
    for _ in 0..1_000_000 {
        pace.wrote(9 + 10);
        assert!(pace.spend(3, 0, || start + Duration::from_millis(500)));
    }
    // One that sends small messages may ask how long they take.
    for _ in 0..100_000 {
        assert!(pace.spend(2, 2, || start + Duration::from_millis(500)));
    }
}

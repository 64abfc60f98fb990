//! Bytes in, bytes out.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::heads::{Heads, Place, Section};
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
    let (mut inspected, _flood) = Inspected::new(server, 16 << 10);
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
            let got = Heads::default().read(Place::Head, &sent);
            assert_eq!(got, Section::Instead(expected), "{kind} {name:?} {value:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_depends_on_itself_and_a_large_head_blind_nobody() {
    let bad = frame(1, END | 1, 5, &literal(0x00, b"x\"", b"v"));
    let instead = [&literal(0x00, b"xx", b"x")[..], MARK].concat();
    let instead = frame(1, END | 1, 5, &instead);
    // `h2` takes as many frames of a section as fit the head that is allowed, but at least these.
    let piece = literal(0x00, b"x-a", &[b'v'; 100]).repeat(150);
    let mut large = frame(1, 0, 3, &piece);
    for number in 1..=5 {
        large.extend(frame(9, if number == 5 { END } else { 0 }, 3, &piece));
    }
    let before = [
        frame(1, END | 0x20 | 1, 3, b"\0\0\0\x03\x10\x40\x01a\x01b"),
        frame(1, END | 0x28 | 1, 3, b"\x01\0\0\0\x03\x10\x40\x01a\x01b\0"),
        large,
    ];
    for before in before {
        let sent = [PREFACE, &before, &bad].concat();
        let expected = [PREFACE, &before, &instead].concat();
        for piece in [7, 1000, sent.len()] {
            assert!(through(&sent, piece).await == expected, "{piece}");
        }
    }
}

/// What goes on beside a section whose path is another one.
fn beside(path: &[u8]) -> Vec<u8> {
    literal(0x00, b"\"path\"", path)
}

#[test]
fn a_path_that_would_not_arrive_goes_on_beside_its_section() {
    for (path, is_beside) in [
        (&b"/a?b=c"[..], false),
        (b"/\"{}|^\\[]'?'{}|^\\[]`", false),
        ("/\u{e9}?\u{e9}".as_bytes(), false),
        (b"*", false),
        // What `h2` refuses by itself, with the same consequence for the stream.
        (b"", false),
        (b"?a", false),
        (b"http://a/", false),
        (b"/a#b", true),
        (b"/a?b#c", true),
        (b"/`", true),
        (b"/<a>", true),
        (b"/?<a>", true),
        (b"/?\"a\"", true),
        (b"/a b", true),
        ("/\u{e9}`".as_bytes(), true),
    ] {
        for kind in [0x40, 0x00, 0x10] {
            let mut heads = Heads::default();
            let before: &[u8] = b"\x82\x86";
            let sent = [before, &literal(kind, b":path", path)].concat();
            let filler = [b"/", &vec![b'x'; path.len().saturating_sub(1)][..]].concat();
            let other = [before, &literal(kind, b":path", &filler), &beside(path)].concat();
            let expected = if is_beside {
                Section::Instead(other)
            } else {
                Section::Fine
            };
            let shown = path.escape_ascii();
            assert_eq!(heads.read(Place::Head, &sent), expected, "{shown}");
            if kind == 0x40 {
                // The newest entry is 62.
                let again = match is_beside {
                    true => Section::Instead([&b"\xbe"[..], &beside(path)].concat()),
                    false => Section::Fine,
                };
                assert_eq!(heads.read(Place::Head, b"\xbe"), again, "{shown}");
            }
        }
    }
}

#[test]
fn a_path_that_is_too_long_for_its_type_goes_on_beside_a_shorter_one() {
    fn long(kind: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
        let mut out = vec![kind, u8::try_from(name.len()).unwrap()];
        out.extend_from_slice(name);
        out.push(0x7f);
        let mut rest = value.len() - 0x7f;
        while rest >= 0x80 {
            out.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        out.push(u8::try_from(rest).unwrap());
        out.extend_from_slice(value);
        out
    }
    let path = [b"/", &vec![b'p'; 70_000][..]].concat();
    let filler = [b"/", &vec![b'x'; 8191][..]].concat();
    for kind in [0x40, 0x00] {
        let mut heads = Heads::default();
        heads.read(Place::Head, &literal(0x40, b"x-a", b"1"));
        let read = heads.read(Place::Head, &long(kind, b":path", &path));
        let beside = long(0x00, b"\"path\"", &path);
        let expected = [long(kind, b":path", &filler), beside].concat();
        assert!(read == Section::Instead(expected));
        // Both empty the table, if they are to be indexed.
        let newest = heads.read(Place::Head, b"\xbe");
        assert_eq!(newest == Section::Undecodable, kind == 0x40);
    }
}

#[test]
fn a_path_that_a_field_could_not_hold_is_malformed() {
    for path in [&b"/\xff"[..], b"/a\nb", b"/\0", b"/\x7f", b"a`", b"`"] {
        let sent = literal(0x00, b":path", path);
        let filler = literal(0x00, b":path", &vec![b'x'; path.len()]);
        let expected = Section::Instead([&filler, MARK].concat());
        assert_eq!(Heads::default().read(Place::Head, &sent), expected);
    }
    // One of two paths is not enough.
    let two = [literal(0x00, b":path", b"/`"), literal(0x00, b"x\"", b"v")].concat();
    let Section::Instead(other) = Heads::default().read(Place::Head, &two) else {
        panic!("it passed");
    };
    assert!(other.ends_with(MARK));
}

#[test]
fn no_field_is_taken_for_a_path_that_was_sent() {
    let sent = [&b"\x84"[..], &beside(b"/other")].concat();
    let instead = [&b"\x84"[..], &literal(0x00, b"xxxxxx", b"xxxxxx"), MARK].concat();
    for place in [Place::Head, Place::Trailers] {
        let read = Heads::default().read(place, &sent);
        assert_eq!(read, Section::Instead(instead.clone()));
    }
}

#[tokio::test]
async fn trailers_have_no_pseudo_header_fields() {
    let head = frame(1, 4, 1, b"\x82\x86\x84");
    let sound = literal(0x00, b"x-sum", b"1");
    for (trailers, is_sound) in [
        (sound.clone(), true),
        ([&b"\x84"[..], &sound].concat(), false),
        (
            [&literal(0x00, b":path", b"/#")[..], &sound].concat(),
            false,
        ),
    ] {
        let sent = [PREFACE, &head, &frame(1, 5, 1, &trailers)].concat();
        let came = through(&sent, sent.len()).await;
        assert_eq!(came == sent, is_sound);
        assert_eq!(came.ends_with(MARK), !is_sound);
    }
}

#[test]
fn an_entry_of_the_table_stays_what_it_is() {
    let mut heads = Heads::default();
    let reads = |heads: &mut Heads, section: &[u8]| heads.read(Place::Head, section);
    assert_eq!(
        reads(&mut heads, &literal(0x40, b"x-a", b"1")),
        Section::Fine
    );
    let bad = literal(0x40, b"x-b", b"\x00");
    assert!(matches!(reads(&mut heads, &bad), Section::Instead(_)));
    // The newest entry is 62. Its name is good, its value isn't; the one before is as it was.
    let referred = [b"\xbe", MARK].concat();
    assert_eq!(reads(&mut heads, b"\xbe"), Section::Instead(referred));
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
    assert_eq!(heads.read(Place::Head, b"\x3f\x29"), Section::Fine);
    for name in [b"x-a", b"x-b", b"x-c"] {
        assert_eq!(
            heads.read(Place::Head, &literal(0x40, name, b"1")),
            Section::Fine
        );
    }
    assert_eq!(heads.read(Place::Head, b"\xbf"), Section::Fine);
    assert_eq!(heads.read(Place::Head, b"\xc0"), Section::Undecodable);
    // One that is larger than the table empties it.
    assert_eq!(
        heads.read(Place::Head, &literal(0x40, b"x-d", &[b'v'; 80])),
        Section::Fine
    );
    assert_eq!(heads.read(Place::Head, b"\xbe"), Section::Undecodable);
}

#[test]
fn long_strings_have_long_lengths() {
    let value = vec![0x01; 300];
    let sent = [&b"\x40\x03x-a\x7f\xad\x01"[..], &value].concat();
    let expected = [&b"\x40\x03x-a\x7f\xad\x01"[..], &[b'x'; 300], MARK].concat();
    assert_eq!(
        Heads::default().read(Place::Head, &sent),
        Section::Instead(expected)
    );
}

#[test]
fn damaged_sections_never_panic_and_never_grow_without_bound() {
    let good = [
        &literal(0x40, b"x-a", b"value")[..],
        b"\x82\xbe\x3f\x29\x0f\x2f\x81\x1f",
    ]
    .concat();
    let odd = [&literal(0x40, b":path", b"/`a`")[..], b"\xbe\x04\x02/#"].concat();
    for good in [good, odd] {
        for position in 0..good.len() {
            for byte in 0..=255 {
                let mut damaged = good.clone();
                damaged[position] = byte;
                for end in [good.len(), position + 1] {
                    let read = Heads::default().read(Place::Head, &damaged[..end]);
                    if let Section::Instead(other) = read {
                        let is_beside = other.windows(8).any(|part| part == b"\0\x06\"path\"");
                        assert!(other.ends_with(MARK) != is_beside);
                        assert!(other.len() < 2 * good.len() + MARK.len());
                    }
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

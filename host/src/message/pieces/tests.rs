//! Cases of each unit.

use bytes::Bytes;

use super::{Cutter, Piece, PieceError, Unit};

fn all(unit: Unit, limit: usize, chunks: &[&'static [u8]]) -> Vec<Piece> {
    let mut cutter = Cutter::new(unit, limit);
    let mut pieces = Vec::new();
    for chunk in chunks {
        cutter.push(Bytes::from_static(chunk));
        while let Some(piece) = cutter.next_piece().unwrap() {
            pieces.push(piece);
        }
    }
    while let Some(piece) = cutter.finish().unwrap() {
        pieces.push(piece);
    }
    pieces
}

fn data(pieces: &[Piece]) -> Vec<Bytes> {
    pieces.iter().map(Piece::data).collect()
}

#[test]
fn bytes_pass_as_they_arrive_up_to_the_limit() {
    let pieces = all(Unit::Bytes, 4, &[b"ab", b"", b"cdefg"]);
    assert_eq!(data(&pieces), ["ab", "cdef", "g"]);
}

#[test]
fn text_waits_for_the_rest_of_a_character_and_for_nothing_else() {
    let pieces = all(Unit::Text, 100, &[b"a\xf0\x9f", b"\x98", b"\x80b"]);
    assert_eq!(data(&pieces), ["a", "\u{1f600}b"]);
    // E0 80 begins no character, F5 is none, 80 follows on nothing.
    let pieces = all(Unit::Text, 100, &[b"a\xe0\x80", b"\xf5", b"\x80"]);
    assert_eq!(data(&pieces), [&b"a\xe0\x80"[..], b"\xf5", b"\x80"]);
    let pieces = all(Unit::Text, 100, &[b"a\xe4", b"\xb8"]);
    assert_eq!(data(&pieces), [&b"a"[..], b"\xe4\xb8"]);
    assert!(pieces[0].is_whole() && !pieces[1].is_whole());
    let pieces = all(Unit::Text, 5, &["aa中中".as_bytes()]);
    assert_eq!(data(&pieces), ["aa中", "中"]);
}

#[test]
fn lines_end_with_lf_or_crlf() {
    let pieces = all(Unit::Lines, 100, &[b"a\nb\r", b"\n\nc\rd"]);
    assert_eq!(data(&pieces), ["a\n", "b\r\n", "\n", "c\rd"]);
    assert!(pieces.iter().all(Piece::is_whole));
}

#[test]
fn events_end_with_every_kind_of_blank_line() {
    let pieces = all(
        Unit::Events,
        100,
        &[b"\xef\xbb\xbfdata:1\n\n:c\r\n\r\na\r\rb\r\n\nd\n\r\n\r\ne"],
    );
    let expected = [
        "data:1\n\n",
        ":c\r\n\r\n",
        "a\r\r",
        "b\r\n\n",
        "d\n\r\n",
        "\r\n",
        "e",
    ];
    assert_eq!(data(&pieces), expected);
    let whole: Vec<bool> = pieces.iter().map(Piece::is_whole).collect();
    assert_eq!(whole, [true, true, true, true, true, true, false]);
    assert_eq!(pieces[0].bytes(), &b"\xef\xbb\xbfdata:1\n\n"[..]);
    assert_eq!(pieces[0].lead_for(b"x").unwrap(), &b"\xef\xbb\xbf"[..]);
}

#[test]
fn an_event_does_not_wait_for_the_lf_behind_its_cr() {
    let mut cutter = Cutter::new(Unit::Events, 100);
    let mut next = |chunk: &'static [u8]| {
        cutter.push(Bytes::from_static(chunk));
        cutter.next_piece().unwrap()
    };
    assert_eq!(next(b"data:1\r\r").unwrap().data(), "data:1\r\r");
    assert_eq!(next(b"data:2\r\n\r").unwrap().data(), "data:2\r\n\r");
    assert_eq!(next(b"\n"), None, "it is no event");
    let third = next(b"data:3\r\n\r\n").unwrap();
    assert_eq!(third.data(), "data:3\r\n\r\n");
    assert_eq!(third.bytes(), "\ndata:3\r\n\r\n");
    assert_eq!(third.lead_for(b"x").unwrap(), "");
}

#[test]
fn what_is_no_event_is_not_for_a_guest() {
    let rest = |chunks: &[&'static [u8]]| all(Unit::Events, 100, chunks).pop().unwrap();
    let late = rest(&[b"a\r\r", b"\n"]);
    assert!(!late.is_for_a_guest() && late.is_whole() && late.bytes() == "\n");
    let bom = rest(&[b"\xef\xbb\xbf"]);
    assert!(!bom.is_for_a_guest() && bom.is_whole());
    let cut_bom = rest(&[b"\xef\xbb"]);
    assert!(cut_bom.is_for_a_guest() && !cut_bom.is_whole());
    // It is a line of its own only at the beginning.
    let pieces = all(Unit::Events, 100, &[b"\xef\xbb\xbf\n\xef\xbb\xbf\n\n"]);
    assert_eq!(data(&pieces), [&b"\n"[..], b"\xef\xbb\xbf\n\n"]);
}

#[test]
fn messages_come_without_their_prefix_and_keep_it() {
    let pieces = all(
        Unit::Messages,
        3,
        &[b"\0\0\0\0\x03abc\x01\0\0", b"\0\x02d", b"e\0\0\0\0\0"],
    );
    assert_eq!(data(&pieces), ["abc", "de", ""]);
    let flags: Vec<_> = pieces.iter().map(|it| it.flags().unwrap()).collect();
    assert_eq!(flags, [0, 1, 0]);
    assert!(pieces[2].is_for_a_guest());
    assert_eq!(
        pieces[1].lead_for(b"longer").unwrap(),
        &b"\x01\0\0\0\x06"[..]
    );
}

#[test]
fn a_message_that_the_body_cuts_is_an_error() {
    for (body, of) in [(&b"\0\0\0"[..], None), (b"\0\0\0\0\x03ab", Some(8))] {
        let mut cutter = Cutter::new(Unit::Messages, 100);
        cutter.push(Bytes::from_static(body));
        assert_eq!(cutter.next_piece(), Ok(None));
        let came = body.len();
        assert_eq!(cutter.finish(), Err(PieceError::Truncated { came, of }));
    }
}

#[test]
fn a_piece_that_is_too_long_is_an_error_as_soon_as_it_is_known() {
    for (unit, fits, exceeds) in [
        (Unit::Lines, &b"1234567\n"[..], &b"123456789"[..]),
        (Unit::Events, b"123456\n\n", b"1\n2\n3\n4\n5"),
        (Unit::Messages, b"\0\0\0\0\x0812345678", b"\0\0\0\0\x09"),
    ] {
        let limit = 8;
        for size in [1, 100] {
            let mut cutter = Cutter::new(unit, limit);
            for chunk in fits.chunks(size) {
                cutter.push(Bytes::from_static(chunk));
            }
            assert_eq!(cutter.next_piece().unwrap().unwrap().bytes(), fits);
            let mut last = Ok(None);
            for chunk in exceeds.chunks(size) {
                assert_eq!(last, Ok(None));
                cutter.push(Bytes::from_static(chunk));
                last = cutter.next_piece();
            }
            let error = Err(PieceError::TooLong { unit, limit });
            assert_eq!(last, error, "{unit:?}");
            assert_eq!(cutter.finish(), error);
        }
    }
}

#[test]
fn a_piece_within_one_chunk_is_a_slice_of_it() {
    for (unit, body) in [
        (Unit::Bytes, &b"ab"[..]),
        (Unit::Text, b"ab"),
        (Unit::Lines, b"a\nb\n"),
        (Unit::Events, b"a\n\nb\n\n"),
        (Unit::Messages, b"\0\0\0\0\x01a\0\0\0\0\x01b"),
    ] {
        let chunk = Bytes::from_static(body);
        let mut cutter = Cutter::new(unit, 100);
        cutter.push(chunk.clone());
        let mut count = 0;
        while let Some(piece) = cutter.next_piece().unwrap() {
            assert!(chunk.as_ptr_range().contains(&piece.bytes().as_ptr()));
            count += 1;
        }
        assert!(count > 0, "{unit:?}");
    }
}

#[test]
fn memory_is_bounded_by_the_limit_and_one_chunk() {
    const LIMIT: usize = 100_000;
    for unit in [Unit::Lines, Unit::Events, Unit::Messages] {
        for size in [1, 1000, 16_384] {
            let mut cutter = Cutter::new(unit, LIMIT);
            let (mut most, mut held) = (0, 0);
            if unit == Unit::Messages {
                cutter.push(Bytes::copy_from_slice(&super::prefix(0, LIMIT).unwrap()));
            }
            while let Ok(None) = cutter.next_piece() {
                held = cutter.in_use();
                cutter.push(Bytes::from(vec![b'a'; size]));
                most = most.max(cutter.in_use());
            }
            assert!(held > LIMIT / 2, "{unit:?}: a piece is kept at all");
            assert!(most <= LIMIT + super::PREFIX + size, "{unit:?}: {most}");
        }
    }
}

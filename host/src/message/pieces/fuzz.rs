//! Random bodies cut at random places: no byte is lost, and the pieces are those of the uncut body. For events a plain reading of
//! the standard, on the whole text, tells where they end and what they say.

use bytes::Bytes;

use super::{Cutter, PREFIX, Piece, PieceError, Unit, prefix};
use crate::message::dice::Dice;

const ROUNDS: u64 = 20_000;

/// What bodies are put together from.
const PARTS: [&[u8]; 36] = [
    b"\r",
    b"\r",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"\r\r",
    b"\xef\xbb\xbf",
    b"\xef\xbb",
    b"\xef",
    b"data: a",
    b"data:b",
    b"data",
    b"event: x",
    b"id: 1",
    b"id",
    b": comment",
    b":",
    b"retry: 5",
    b"other: \xff",
    "é中😀".as_bytes(),
    "😀".as_bytes(),
    b"\xf0\x9f\x98",
    b"\xe4\xb8",
    b"\xc3",
    b"\x80",
    b"\xe0\x80",
    b"\xf5",
    b"{\"a\":1}\n",
    b"\0\0\0\0\0",
    b"\0\0\0\0\x03abc",
    b"\x01\0\0\0\x01z",
    b"\0\0\0\0",
    b"0123456789",
];

/// How many of them event streams are made of.
const OF_EVENTS: usize = 22;

fn body(dice: &mut Dice, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..dice.roll(20) {
        body.extend_from_slice(dice.pick(parts));
    }
    body
}

/// The chunks of a body, the empty one among them.
fn chunks(dice: &mut Dice, body: &[u8]) -> Vec<Bytes> {
    let most = [1, 2, 5, 40][dice.roll(4)];
    let (body, mut at, mut chunks) = (Bytes::copy_from_slice(body), 0, Vec::new());
    while at < body.len() {
        let to = body.len().min(at + dice.roll(most + 1));
        chunks.push(body.slice(at..to));
        at = to;
    }
    chunks
}

/// The pieces of a body in these chunks, and how it went. Memory is counted on the way.
fn cut(unit: Unit, limit: usize, chunks: &[Bytes]) -> (Vec<Piece>, Result<(), PieceError>) {
    let mut cutter = Cutter::new(unit, limit);
    let mut pieces = Vec::new();
    let mut all = || {
        for chunk in chunks {
            cutter.push(chunk.clone());
            loop {
                assert!(cutter.in_use() <= limit.max(4) + PREFIX + chunk.len());
                let Some(piece) = cutter.next_piece()? else {
                    break;
                };
                pieces.push(piece);
            }
        }
        while let Some(piece) = cutter.finish()? {
            pieces.push(piece);
        }
        Ok(())
    };
    let end = all();
    assert_eq!(cutter.finish().err(), end.err(), "an error stays");
    (pieces, end)
}

/// Of a piece of events: without the LF that may or may not have come in time.
fn settled(piece: &Piece) -> (Vec<u8>, bool) {
    let mut data = piece.data().to_vec();
    if piece.is_whole() && data.ends_with(b"\r\n") && piece.unit == Unit::Events {
        data.pop();
    }
    (data, piece.is_whole())
}

#[test]
fn however_a_body_is_cut_its_pieces_are_the_same_and_no_byte_is_lost() {
    let mut too_long = 0;
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let body = body(&mut dice, &PARTS);
        let chunks = chunks(&mut dice, &body);
        let limit = [8, 30, 1000][dice.roll(3)];
        for unit in [
            Unit::Bytes,
            Unit::Text,
            Unit::Lines,
            Unit::Events,
            Unit::Messages,
        ] {
            let told = format!("seed {seed}, {unit:?}: {}", body.escape_ascii());
            let (pieces, end) = cut(unit, limit, &chunks);
            let joined: Vec<u8> = pieces.iter().flat_map(|it| it.bytes().to_vec()).collect();
            assert!(body.starts_with(&joined), "{told}");
            assert!(end.is_err() || joined == body, "{told}");
            let longest = pieces.iter().map(|it| it.data().len()).max();
            assert!(longest.unwrap_or(0) <= limit, "{told}");
            if matches!(unit, Unit::Bytes | Unit::Text) {
                assert_eq!(end, Ok(()), "{told}");
                continue;
            }
            let (whole, whole_end) = cut(unit, limit, &[Bytes::from(body.clone())]);
            // The LF may decide whether it is one byte too many.
            if unit == Unit::Events && (end.is_err() || whole_end.is_err()) {
                too_long += 1;
                continue;
            }
            assert_eq!(end, whole_end, "{told}");
            let settle = |pieces: &[Piece]| {
                let real = pieces.iter().filter(|it| it.is_for_a_guest());
                real.map(settled).collect::<Vec<_>>()
            };
            assert_eq!(settle(&pieces), settle(&whole), "{told}");
        }
    }
    assert!(too_long < ROUNDS / 2, "{too_long} were too long");
}

#[test]
fn no_character_is_cut() {
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let body = body(&mut dice, &PARTS);
        let limit = 4 + dice.roll(20);
        let (pieces, _) = cut(Unit::Text, limit, &chunks(&mut dice, &body));
        // Where a piece may begin: not within one of the valid characters.
        let mut inside = vec![false; body.len() + 1];
        let mut at = 0;
        for chunk in body.utf8_chunks() {
            for character in chunk.valid().chars() {
                (at + 1..at + character.len_utf8()).for_each(|within| inside[within] = true);
                at += character.len_utf8();
            }
            at += chunk.invalid().len();
        }
        let mut at = 0;
        for piece in pieces {
            assert!(!inside[at], "seed {seed}, at {at}: {}", body.escape_ascii());
            at += piece.bytes().len();
        }
    }
}

/// A reader of event streams, as the standard tells it.
#[derive(Default)]
struct Reader {
    data: Vec<u8>,
    event: Vec<u8>,
    id: Vec<u8>,
    told: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>,
}

impl Reader {
    /// Reads whole lines, and tells after which bytes a blank line ends.
    fn read(&mut self, text: &[u8]) -> Vec<usize> {
        let (mut blanks, mut at) = (Vec::new(), 0);
        while let Some(length) = text[at..].iter().position(|b| matches!(b, b'\r' | b'\n')) {
            let line = &text[at..at + length];
            at += length;
            at += if text[at..].starts_with(b"\r\n") {
                2
            } else {
                1
            };
            if line.is_empty() {
                blanks.push(at);
                let (data, event) = (
                    std::mem::take(&mut self.data),
                    std::mem::take(&mut self.event),
                );
                if !data.is_empty() {
                    self.told.push((data, event, self.id.clone()));
                }
                continue;
            }
            let colon = line.iter().position(|b| *b == b':');
            let (name, value) = line.split_at(colon.unwrap_or(line.len()));
            let value = value.strip_prefix(b":").unwrap_or(value);
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match name {
                b"data" => self.data.extend_from_slice(&[value, b"\n"].concat()),
                b"event" => self.event = value.to_vec(),
                b"id" => self.id = value.to_vec(),
                _ => {}
            }
        }
        blanks
    }

    fn without_bom(text: &[u8]) -> &[u8] {
        text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
    }
}

#[test]
fn events_end_where_the_standard_says() {
    let mut events = 0;
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let body = body(&mut dice, &PARTS[..OF_EVENTS]);
        let told = format!("seed {seed}: {}", body.escape_ascii());
        let (pieces, end) = cut(Unit::Events, 1000, &chunks(&mut dice, &body));
        assert_eq!(end, Ok(()), "{told}");
        let mut reader = Reader::default();
        let text = Reader::without_bom(&body);
        let bom = body.len() - text.len();
        let blanks = reader.read(text);
        // Where pieces end, an LF that came late counted to the piece before.
        let (mut ends, mut at) = (Vec::new(), 0);
        for piece in &pieces {
            if at > 0 && piece.bytes().starts_with(b"\n") && piece.lead == 1 {
                *ends.last_mut().unwrap() += 1;
            }
            at += piece.bytes().len();
            if piece.is_for_a_guest() && piece.is_whole() {
                ends.push(at - bom);
            }
        }
        assert_eq!(ends, blanks, "{told}");
        // Each piece alone says what it says in the whole stream; what isn't whole says nothing.
        let mut alone = Reader::default();
        for piece in pieces.iter().filter(|piece| piece.is_whole()) {
            alone.read(&piece.data());
            assert!(alone.data.is_empty() && alone.event.is_empty(), "{told}");
        }
        assert_eq!(alone.told, reader.told, "{told}");
        events += reader.told.len();
    }
    assert!(events > 5000, "{events}");
}

#[test]
fn messages_are_framed_again_as_they_were() {
    for seed in 0..ROUNDS / 10 {
        let mut dice = Dice::new(seed);
        let (mut body, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..dice.roll(6) {
            let data = vec![b'x'; dice.roll(300)];
            let flags = u8::try_from(dice.roll(2)).unwrap();
            body.extend_from_slice(&prefix(flags, data.len()).unwrap());
            body.extend_from_slice(&data);
            sent.push((flags, data));
        }
        let (pieces, end) = cut(Unit::Messages, 300, &chunks(&mut dice, &body));
        assert_eq!(end, Ok(()));
        let got: Vec<_> = pieces
            .iter()
            .map(|it| (it.flags().unwrap(), it.data().to_vec()))
            .collect();
        assert_eq!(got, sent, "seed {seed}");
        for piece in &pieces {
            let lead = piece.lead_for(&piece.data()).unwrap();
            assert_eq!([&lead[..], &piece.data()].concat(), *piece.bytes());
        }
        // The same without its end.
        let at = dice.roll(body.len().max(1));
        let (pieces, end) = cut(Unit::Messages, 300, &chunks(&mut dice, &body[..at]));
        let came: usize = pieces.iter().map(|piece| piece.bytes().len()).sum();
        match end {
            Ok(()) => assert_eq!(came, at),
            Err(PieceError::Truncated { came: rest, .. }) => assert_eq!(came + rest, at),
            Err(error) => panic!("{error}"),
        }
    }
}

//! The codec against random bytes: it never panics, never reads past the end of a message, gives the same however the bytes
//! are cut, and reads what it takes as another parser (`httparse`) does.

use bytes::BytesMut;
use http::Method;

use super::body::{Decoder, Piece};
use super::request::{self, Framing, HeadLimits};
use super::response::{self, ResponseFraming};
use crate::message::Fields;
use crate::message::dice::Dice;

const LIMITS: HeadLimits = HeadLimits {
    max_head: 2048,
    max_fields: 20,
    max_target: 256,
};

/// How many messages of each kind.
const ROUNDS: u64 = 20_000;

/// What heads are put together from: what is right, and what is nearly right.
const PARTS: [&str; 58] = [
    "GET",
    "POST",
    "HEAD",
    "OPTIONS",
    "CONNECT",
    "G(T",
    " ",
    " ",
    " ",
    "  ",
    "\t",
    "/",
    "/a?b=c",
    "*",
    "http://a/b",
    "a:1",
    "\u{e9}",
    "#",
    "\"",
    "`",
    "<",
    " HTTP/1.1\r\n",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    " HTTP/1.2\r\n",
    " HTTP/2.0\r\n",
    "\r\n",
    "\r\n",
    "\r\n",
    "\n",
    "\r",
    "host: a\r\n",
    "Host:a\r\n",
    "content-length: 5\r\n",
    "Content-Length: 05\r\n",
    "content-length: +5\r\n",
    "content_length: 5\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: gzip, chunked\r\n",
    "connection: upgrade, close\r\n",
    "upgrade: x\r\n",
    "expect: 100-continue\r\n",
    "te: trailers\r\n",
    "a: b\r\n",
    "X-Y: \t z \r\n",
    "a : b\r\n",
    "a:\r\n",
    ": b\r\n",
    " folded\r\n",
    "a: \0\r\n",
    "a: \u{fc}\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204\r\n",
    "HTTP/1.0 404 Not \u{fc}\r\n",
    "HTTP/1.1 100 Continue\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "1;x\r\n!\r\n",
];

/// Random bytes that are often nearly a head.
fn bytes(dice: &mut Dice, first: &str) -> Vec<u8> {
    let mut bytes = first.as_bytes().to_vec();
    for _ in 0..dice.roll(14) {
        bytes.extend_from_slice(dice.pick(&PARTS).as_bytes());
    }
    if dice.roll(3) > 0 {
        bytes.extend_from_slice(b"\r\n");
    }
    if dice.roll(4) == 0 && !bytes.is_empty() {
        let at = dice.roll(bytes.len());
        bytes[at] = u8::try_from(dice.roll(256)).unwrap();
    }
    bytes
}

fn lines(fields: &Fields) -> Vec<(String, Vec<u8>)> {
    let line =
        |(name, value): (crate::message::Name<'_>, &[u8])| (name.to_string(), value.to_vec());
    fields.iter().map(line).collect()
}

fn lines_of(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    let line = |header: &httparse::Header<'_>| (header.name.to_owned(), header.value.to_vec());
    headers.iter().map(line).collect()
}

#[test]
fn requests() {
    let mut taken = 0;
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let first = dice.pick(&[
            "",
            "GET / HTTP/1.1\r\n",
            "POST /a?b HTTP/1.1\r\nhost: a\r\n",
        ]);
        let bytes = bytes(&mut dice, first);
        let whole = request::read(&bytes, &LIMITS);
        let cut = dice.roll(bytes.len() + 1);
        match (request::read(&bytes[..cut], &LIMITS), &whole) {
            (Ok(None), _) => {}
            (Ok(Some(early)), Ok(Some(whole))) => assert_eq!(early.len, whole.len, "seed {seed}"),
            (Err(early), Err(whole)) => assert_eq!(early, *whole, "seed {seed}"),
            (early, _) => panic!("seed {seed}: {early:?} {whole:?}"),
        }
        let Ok(Some(request)) = whole else { continue };
        taken += 1;
        let head = &bytes[..request.len];
        assert!(head.ends_with(b"\r\n\r\n"), "seed {seed}");
        // The one thing that is read here and not there.
        let mut known = head.to_vec();
        if let Some(at) = memchr::memmem::find(head, b" HTTP/1.2\r\n")
            && !head[2..at].contains(&b'\n')
        {
            known[at + 8] = b'1';
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut other = httparse::Request::new(&mut headers);
        let status = other.parse(&known);
        assert_eq!(
            status,
            Ok(httparse::Status::Complete(known.len())),
            "seed {seed}: {}",
            head.escape_ascii()
        );
        assert_eq!(other.method, Some(request.head.method.as_str()));
        assert_eq!(
            lines_of(other.headers),
            lines(&request.head.fields),
            "seed {seed}"
        );
        let target = other.path.unwrap();
        assert!(
            request.head.authority.is_some() || target == request.head.target.as_str(),
            "seed {seed}: {target}"
        );
    }
    assert!(taken > ROUNDS / 20, "too few were good: {taken}");
}

#[test]
fn responses() {
    let mut taken = 0;
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let first = dice.pick(&[
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 404 Not Found\r\na: b\r\n",
        ]);
        let bytes = bytes(&mut dice, first);
        let whole = response::read(&bytes, &LIMITS);
        let cut = dice.roll(bytes.len() + 1);
        match (response::read(&bytes[..cut], &LIMITS), &whole) {
            (Ok(None), _) => {}
            (Ok(Some(early)), Ok(Some(whole))) => assert_eq!(early.len, whole.len, "seed {seed}"),
            (Err(early), Err(whole)) => assert_eq!(early, *whole, "seed {seed}"),
            (early, _) => panic!("seed {seed}: {early:?} {whole:?}"),
        }
        let Ok(Some(response)) = whole else { continue };
        taken += 1;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut other = httparse::Response::new(&mut headers);
        // Where the other one takes it as it is: it mends less.
        if let Ok(httparse::Status::Complete(len)) = other.parse(&bytes) {
            assert_eq!(len, response.len, "seed {seed}");
            assert_eq!(other.code, Some(response.head.status.as_u16()));
            assert_eq!(
                lines_of(other.headers),
                lines(&response.head.fields),
                "seed {seed}"
            );
        }
        let mut head = response.head;
        let _ = response::framing(&mut head, &Method::GET);
    }
    assert!(taken > ROUNDS / 20, "too few were good: {taken}");
}

#[test]
fn bodies() {
    const PARTS: [&str; 14] = [
        "5\r\nhello\r\n",
        "1;x=\"y\"\r\n!\r\n",
        "0\r\n\r\n",
        "0\r\na: b\r\n\r\n",
        "a",
        "f",
        "\r\n",
        "\n",
        ";",
        " ",
        "hello",
        "ffffffffffffffff\r\n",
        "0\r\nhost: a\r\n\r\n",
        "0\r\n",
    ];
    /// Data, whether the end came, and how much of the input is left; or that it is no body.
    fn decoded(framing: Framing, bytes: &[u8], piece: usize) -> Result<(Vec<u8>, bool, usize), ()> {
        let mut decoder = Decoder::of_request(framing, LIMITS);
        let (mut read, mut data) = (BytesMut::new(), Vec::new());
        for bytes in bytes.chunks(piece) {
            read.extend_from_slice(bytes);
            while let Some(piece) = decoder.decode(&mut read).map_err(|_| ())? {
                if let Piece::Data(piece) = piece {
                    data.extend_from_slice(&piece);
                }
            }
        }
        Ok((data, decoder.is_end(), read.len()))
    }
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let mut bytes = Vec::new();
        for _ in 0..1 + dice.roll(6) {
            bytes.extend_from_slice(dice.pick(&PARTS).as_bytes());
        }
        let framing = match dice.roll(3) {
            0 => Framing::Length(dice.roll(30) as u64),
            _ => Framing::Chunked,
        };
        let whole = decoded(framing, &bytes, bytes.len());
        for piece in [1, 1 + dice.roll(9)] {
            let cut = decoded(framing, &bytes, piece);
            assert_eq!(cut, whole, "seed {seed}: {}", bytes.escape_ascii());
        }
        if let (Ok((data, true, left)), Framing::Length(length)) = (&whole, framing) {
            assert_eq!(data.len() as u64, length);
            assert_eq!(
                data.len() + left,
                bytes.len(),
                "nothing past the end is read"
            );
        }
        let mut response = Decoder::of_response(ResponseFraming::Chunked, LIMITS);
        let mut read = BytesMut::from(&bytes[..]);
        while let Ok(Some(_)) = response.decode(&mut read) {}
    }
}

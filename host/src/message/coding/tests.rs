//! Cases of each coding. What senders other than ours make is made by the libraries themselves.

use std::io::Write;

use bytes::Bytes;

use super::{Coding, CodingError, Codings, DecodeLimits, Decoder, Encoder};

pub(super) const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Br, Coding::Zstd];

/// All that a decoder gives for these chunks.
pub(super) fn decoded<'a>(
    codings: &Codings,
    limits: DecodeLimits,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, CodingError> {
    let mut decoder = Decoder::new(codings, limits);
    let mut body = Vec::new();
    let mut read = |decoder: &mut Decoder| {
        while let Some(bytes) = decoder.step()? {
            assert!(!bytes.is_empty() && bytes.len() <= super::step::MOST);
            body.extend_from_slice(&bytes);
        }
        Ok(())
    };
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        read(&mut decoder)?;
    }
    decoder.end();
    read(&mut decoder)?;
    Ok(body)
}

/// All that an encoder gives now.
pub(super) fn taken(encoder: &mut Encoder) -> Vec<u8> {
    let mut coded = Vec::new();
    while let Some(bytes) = encoder.step().unwrap() {
        assert!(!bytes.is_empty() && bytes.len() <= super::step::MOST);
        coded.extend_from_slice(&bytes);
    }
    coded
}

pub(super) fn encoded(codings: &Codings, body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(codings);
    encoder.push(Bytes::copy_from_slice(body));
    encoder.finish();
    taken(&mut encoder)
}

fn one(coding: Coding) -> Codings {
    Codings::from_iter([coding])
}

fn decode(coding: Coding, bytes: &[u8]) -> Result<Vec<u8>, CodingError> {
    let whole = decoded(&one(coding), DecodeLimits::default(), [bytes]);
    let cut = decoded(&one(coding), DecodeLimits::default(), bytes.chunks(1));
    assert_eq!(whole, cut, "{coding}: {}", bytes.escape_ascii());
    whole
}

#[test]
fn a_list_of_codings_is_read() {
    use Coding::{Br, Deflate, Gzip, Zstd};
    let unsupported = |name: &str| Err(CodingError::Unsupported(name.to_owned()));
    for (values, expected) in [
        (&[][..], Ok(&[][..])),
        (&["identity"], Ok(&[])),
        (&["gzip"], Ok(&[Gzip])),
        (&["X-GZip, ,"], Ok(&[Gzip])),
        (&["deflate , br", "zstd"], Ok(&[Deflate, Br, Zstd])),
        (&["gzip,identity,gzip,gzip"], Ok(&[Gzip, Gzip, Gzip])),
        (
            &["gzip,gzip,gzip,gzip"],
            Err(CodingError::TooMany { most: 3 }),
        ),
        (&["compress"], unsupported("compress")),
        (&["gzip", "gz\u{e9}p\""], unsupported("gz\\xc3\\xa9p\\\"")),
    ] {
        let read = Codings::read(values.iter().map(|value| value.as_bytes()));
        let read = read.map(|codings| codings.iter().collect::<Vec<_>>());
        assert_eq!(read, expected.map(<[_]>::to_vec), "{values:?}");
    }
}

#[test]
fn a_body_without_a_byte_is_complete_and_identity_passes_as_it_came() {
    for coding in ALL {
        assert_eq!(decode(coding, b""), Ok(Vec::new()));
        assert_eq!(decode(coding, &encoded(&one(coding), b"")), Ok(Vec::new()));
    }
    let list = Codings::from_iter(ALL.into_iter().take(3));
    assert_eq!(decoded(&list, DecodeLimits::default(), []), Ok(Vec::new()));
    let chunk = Bytes::from(vec![b'a'; 100_000]);
    let mut decoder = Decoder::new(&Codings::default(), DecodeLimits::default());
    decoder.push(chunk.clone());
    assert_eq!(decoder.step().unwrap().unwrap().as_ptr(), chunk.as_ptr());
    let mut encoder = Encoder::new(&Codings::default());
    encoder.push(chunk.clone());
    encoder.flush();
    assert_eq!(encoder.step().unwrap().unwrap().as_ptr(), chunk.as_ptr());
    assert_eq!(encoder.step(), Ok(None));
}

#[test]
fn bodies_that_are_cut_changed_or_followed_by_more_are_errors() {
    let body = b"what a plugin can read, what a plugin can change ".repeat(40);
    for coding in ALL {
        let coded = encoded(&one(coding), &body);
        assert_eq!(decode(coding, &coded), Ok(body.clone()));
        for end in 1..coded.len() {
            let cut = decode(coding, &coded[..end]);
            assert_eq!(cut, Err(CodingError::Truncated(coding)), "{end}");
        }
        for more in [&b"garbage"[..], b"\0\0\0\0\0"] {
            let followed = decode(coding, &[&coded[..], more].concat());
            assert_eq!(followed, Err(CodingError::Trailing(coding)));
        }
        let other = decode(
            coding,
            b"<html>no coding at all, but it was said to be one</html>",
        );
        assert_eq!(other, Err(CodingError::Corrupt(coding)));
    }
}

#[test]
fn wrong_checksums_are_errors() {
    let body = b"abcabcabc".repeat(9);
    let gzip = encoded(&one(Coding::Gzip), &body);
    let zlib = encoded(&one(Coding::Deflate), &body);
    let mut zstd = Vec::new();
    let mut context = zstd_safe::CCtx::create();
    context
        .set_parameter(zstd_safe::CParameter::ChecksumFlag(true))
        .unwrap();
    zstd.reserve(1000);
    context.compress2(&mut zstd, &body).unwrap();
    // The last byte of gzip is of its length, the one before these four of its CRC.
    for (coding, coded, places) in [
        (Coding::Gzip, gzip, &[1, 5][..]),
        (Coding::Deflate, zlib, &[1]),
        (Coding::Zstd, zstd, &[1]),
    ] {
        assert_eq!(decode(coding, &coded), Ok(body.clone()));
        for place in places {
            let mut wrong = coded.clone();
            let at = wrong.len() - place;
            wrong[at] ^= 1;
            let error = Err(CodingError::Checksum(coding));
            assert_eq!(decode(coding, &wrong), error, "{place}");
        }
    }
}

/// A member of gzip with these flags and what they announce.
fn member(flags: u8, parts: &[u8], body: &[u8]) -> Vec<u8> {
    let mut head = vec![0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255];
    head.extend_from_slice(parts);
    if flags & 2 != 0 {
        let mut crc = flate2::Crc::new();
        crc.update(&head);
        head.extend_from_slice(&crc.sum().to_le_bytes()[..2]);
    }
    let mut raw = flate2::write::DeflateEncoder::new(head, flate2::Compression::fast());
    raw.write_all(body).unwrap();
    let mut member = raw.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(body);
    member.extend_from_slice(&crc.sum().to_le_bytes());
    member.extend_from_slice(&crc.amount().to_le_bytes());
    member
}

#[test]
fn gzip_may_have_any_head_and_any_number_of_members() {
    let members = [
        member(0, b"", b"one "),
        member(0b1000, b"name\0", b"two "),
        member(0b1_0000, b"comment\0", b""),
        member(0b0100, b"\x03\0abc", b"three "),
        member(0b0100, b"\0\0", b""),
        member(
            0b1_1111,
            b"\x01\x01"
                .iter()
                .chain(&[7; 257])
                .chain(b"n\0c\0")
                .copied()
                .collect::<Vec<_>>()
                .as_slice(),
            b"four",
        ),
    ];
    let told = decode(Coding::Gzip, &members.concat());
    assert_eq!(
        told.unwrap().escape_ascii().to_string(),
        "one two three four"
    );
    // As many as there may be: each costs 20 bytes and no memory.
    let many = member(0, b"", b"").repeat(5000);
    assert_eq!(decode(Coding::Gzip, &many), Ok(Vec::new()));

    let mut wrong_crc = member(0b0010, b"", b"x");
    wrong_crc[10] ^= 1;
    let checksum = Err(CodingError::Checksum(Coding::Gzip));
    assert_eq!(decode(Coding::Gzip, &wrong_crc), checksum);
    let reserved = member(0b0010_0000, b"", b"x");
    let corrupt = Err(CodingError::Corrupt(Coding::Gzip));
    assert_eq!(decode(Coding::Gzip, &reserved), corrupt);
    let half = [&members[0][..], &members[1][..5]].concat();
    let truncated = Err(CodingError::Truncated(Coding::Gzip));
    assert_eq!(decode(Coding::Gzip, &half), truncated);
}

#[test]
fn raw_deflate_is_read_as_browsers_do() {
    for level in [0, 1, 6, 9] {
        for body in [&b""[..], b"a", &b"raw deflate ".repeat(30)] {
            let level = flate2::Compression::new(level);
            let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), level);
            raw.write_all(body).unwrap();
            let raw = raw.finish().unwrap();
            assert_eq!(decode(Coding::Deflate, &raw).unwrap(), body);
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
            zlib.write_all(body).unwrap();
            assert_eq!(
                decode(Coding::Deflate, &zlib.finish().unwrap()).unwrap(),
                body
            );
        }
    }
    // With a dictionary that nobody here has (RFC 1950, FDICT).
    let corrupt = Err(CodingError::Corrupt(Coding::Deflate));
    assert_eq!(decode(Coding::Deflate, b"\x78\xbb\0\0\0\x01abc"), corrupt);
}

#[test]
fn zstd_may_have_any_number_of_frames_and_skippable_ones() {
    let frame = |body: &[u8]| encoded(&one(Coding::Zstd), body);
    let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
    let body = [&frame(b"one ")[..], skippable, &frame(b"two")].concat();
    assert_eq!(decode(Coding::Zstd, &body).unwrap(), b"one two");
    let half = decode(Coding::Zstd, &body[..body.len() - 1]);
    assert_eq!(half, Err(CodingError::Truncated(Coding::Zstd)));
}

#[test]
fn windows_are_bounded() {
    use brotli::enc::BrotliEncoderParams;
    for (lgwin, large_window) in [(24, false), (25, true)] {
        let params = BrotliEncoderParams {
            quality: 1,
            lgwin,
            large_window,
            ..BrotliEncoderParams::default()
        };
        let mut coded = Vec::new();
        brotli::BrotliCompress(&mut &b"body"[..], &mut coded, &params).unwrap();
        let expected = match large_window {
            false => Ok(b"body".to_vec()),
            true => Err(CodingError::Corrupt(Coding::Br)),
        };
        assert_eq!(decode(Coding::Br, &coded), expected, "{lgwin}");
    }
    let body = vec![b'a'; 100];
    let zstd = |log: u32| {
        let mut context = zstd_safe::CCtx::create();
        context
            .set_parameter(zstd_safe::CParameter::WindowLog(log))
            .unwrap();
        let mut out = vec![0; 1000];
        let mut to = zstd_safe::OutBuffer::around(&mut out[..]);
        let mut from = zstd_safe::InBuffer::around(&body);
        // In two steps, or the window would be made to fit.
        context.compress_stream(&mut to, &mut from).unwrap();
        context.end_stream(&mut to).unwrap();
        let len = to.pos();
        out.truncate(len);
        out
    };
    assert_eq!(decode(Coding::Zstd, &zstd(23)), Ok(body.clone()));
    let error = CodingError::Window {
        coding: Coding::Zstd,
        limit: 8 << 20,
    };
    assert_eq!(decode(Coding::Zstd, &zstd(24)), Err(error));
}

#[test]
fn bombs_are_stopped_by_their_ratio_and_by_their_length() {
    const SIZE: usize = 16 << 20;
    let body = vec![0; SIZE];
    let limits = DecodeLimits::default();
    let ratio = Err(CodingError::Ratio { ratio: 200 });
    let bomb_in_bomb = Codings::from_iter([Coding::Gzip, Coding::Gzip]);
    let lists = ALL.map(one).into_iter().chain([bomb_in_bomb]);
    for codings in lists {
        let coded = encoded(&codings, &body);
        assert!(coded.len() < SIZE / 500, "{codings:?}: {}", coded.len());
        assert_eq!(
            decoded(&codings, limits, [&coded[..]]),
            ratio,
            "{codings:?}"
        );
        // How much came out before.
        let mut decoder = Decoder::new(&codings, limits);
        decoder.push(Bytes::from(coded.clone()));
        let mut came = 0;
        let error = loop {
            match decoder.step() {
                Ok(bytes) => came += bytes.unwrap().len(),
                Err(error) => break error,
            }
        };
        assert_eq!(decoder.step(), Err(error), "an error stays");
        let most = (1 << 20).max(coded.len() * 200) + super::step::MOST;
        assert!(came <= most, "{codings:?}: {came}");
        // Whoever wants them can have them, up to a length.
        let free = DecodeLimits {
            output: SIZE as u64,
            ratio: u64::MAX,
        };
        assert_eq!(decoded(&codings, free, [&coded[..]]).unwrap().len(), SIZE);
        let limit = SIZE as u64 - 1;
        let shorter = DecodeLimits {
            output: limit,
            ..free
        };
        let error = Err(CodingError::TooLong { limit });
        assert_eq!(decoded(&codings, shorter, [&coded[..]]), error);
    }
    // Each layer alone is within this ratio. Both together are not.
    let twice = Codings::from_iter([Coding::Gzip, Coding::Gzip]);
    let limits = DecodeLimits {
        ratio: 2000,
        ..DecodeLimits::default()
    };
    for (codings, expected) in [
        (one(Coding::Gzip), Ok(())),
        (twice, Err(CodingError::Ratio { ratio: 2000 })),
    ] {
        let coded = encoded(&codings, &body);
        let came = decoded(&codings, limits, coded.chunks(10));
        assert_eq!(came.map(|_| ()), expected, "{codings:?}");
    }
    // A short body may be as regular as it likes.
    for coding in ALL {
        let coded = encoded(&one(coding), &body[..1 << 20]);
        assert!(decode(coding, &coded).is_ok(), "{coding}");
    }
}

#[test]
fn what_is_flushed_can_be_decoded_at_once() {
    let lists = ALL.map(one).into_iter();
    let three = Codings::from_iter([Coding::Br, Coding::Gzip, Coding::Zstd]);
    for codings in lists.chain([three]) {
        let mut encoder = Encoder::new(&codings);
        encoder.flush();
        assert_eq!(encoder.step(), Ok(None), "{codings:?}: nothing came yet");
        let mut decoder = Decoder::new(&codings, DecodeLimits::default());
        for number in 0..200 {
            let event = format!("data: {{\"number\":{number}}}\n\n");
            encoder.push(Bytes::from(event.clone()));
            encoder.flush();
            decoder.push(Bytes::from(taken(&mut encoder)));
            let mut came = Vec::new();
            while let Some(bytes) = decoder.step().unwrap() {
                came.extend_from_slice(&bytes);
            }
            assert_eq!(came, event.as_bytes(), "{codings:?}");
            encoder.flush();
            assert_eq!(encoder.step(), Ok(None), "{codings:?}: a flush of nothing");
        }
        encoder.finish();
        decoder.push(Bytes::from(taken(&mut encoder)));
        decoder.end();
        assert_eq!(decoder.step(), Ok(None), "{codings:?}");
        encoder.push(Bytes::from_static(b"late"));
        assert_eq!(encoder.step(), Ok(None), "{codings:?}");
    }
}

#[test]
fn coders_may_go_from_one_worker_to_another() {
    fn needs<T: Send + Sync + 'static>() {}
    needs::<Decoder>();
    needs::<Encoder>();
}

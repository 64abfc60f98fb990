//! Random bodies in random chunks through encoders and decoders, and what is left of them when they are cut or damaged.

use bytes::Bytes;

use super::tests::{ALL, decoded, encoded, taken};
use super::{Codings, DecodeLimits, Encoder};
use crate::message::dice::Dice;

const ROUNDS: u64 = 600;

const FREE: DecodeLimits = DecodeLimits {
    output: u64::MAX,
    ratio: u64::MAX,
};

fn codings(dice: &mut Dice) -> Codings {
    (0..1 + dice.roll(3))
        .map(|_| ALL[dice.roll(ALL.len())])
        .collect()
}

/// Something of everything: noise, runs, and words that come again.
fn body(dice: &mut Dice) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..dice.roll(12) {
        let length = [1, 20, 3000, 40_000][dice.roll(4)];
        let length = dice.roll(length) + 1;
        match dice.roll(3) {
            0 => body.extend((0..length).map(|_| u8::try_from(dice.roll(256)).unwrap())),
            1 => body.extend(std::iter::repeat_n(b'z', length)),
            _ => {
                let words = ["data: ", "{\"delta\":", "token", "\n\n", "}"];
                let end = body.len() + length;
                while body.len() < end {
                    body.extend_from_slice(dice.pick(&words).as_bytes());
                }
            }
        }
    }
    body
}

fn chunks<'a>(dice: &mut Dice, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let most = [3, 500, 100_000][dice.roll(3)].max(bytes.len() / 500);
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let (chunk, rest) = bytes.split_at(bytes.len().min(dice.roll(most + 1)));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks
}

#[test]
fn what_is_coded_comes_back_however_it_is_cut() {
    for seed in 0..ROUNDS / 2 {
        let mut dice = Dice::new(seed);
        let (codings, body) = (codings(&mut dice), body(&mut dice));
        let mut encoder = Encoder::new(&codings);
        let mut coded = Vec::new();
        for chunk in chunks(&mut dice, &body) {
            encoder.push(Bytes::copy_from_slice(chunk));
            if dice.roll(5) == 0 {
                encoder.flush();
            }
            // Sometimes more is pushed before all steps are taken.
            if dice.roll(5) > 0 {
                coded.extend(taken(&mut encoder));
            }
        }
        encoder.finish();
        coded.extend(taken(&mut encoder));
        let came = decoded(&codings, FREE, chunks(&mut dice, &coded)).unwrap();
        assert!(came == body, "seed {seed}: {codings:?}");
    }
}

#[test]
fn what_is_cut_is_never_complete() {
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let (codings, body) = (codings(&mut dice), body(&mut dice));
        let coded = encoded(&codings, &body);
        if coded.len() == 1 {
            continue; // Brotli of nothing.
        }
        let end = 1 + dice.roll(coded.len() - 1);
        let came = decoded(&codings, FREE, chunks(&mut dice, &coded[..end]));
        assert!(came.is_err(), "seed {seed}: {codings:?} cut at {end}");
    }
}

#[test]
fn damage_is_an_error_or_another_body_and_no_more() {
    let mut found = 0;
    for seed in 0..ROUNDS {
        let mut dice = Dice::new(seed);
        let (codings, body) = (codings(&mut dice), body(&mut dice));
        let mut coded = encoded(&codings, &body);
        for _ in 0..1 + dice.roll(4) {
            let at = dice.roll(coded.len());
            coded[at] = u8::try_from(dice.roll(256)).unwrap();
        }
        let cut = chunks(&mut dice, &coded);
        let limits = DecodeLimits {
            output: 4 << 20,
            ..DecodeLimits::default()
        };
        let came = decoded(&codings, limits, cut);
        let whole = decoded(&codings, limits, [&coded[..]]);
        assert_eq!(came.is_err(), whole.is_err(), "seed {seed}");
        assert!(came.is_err() || came == whole, "seed {seed}");
        found += usize::from(came.is_err());
    }
    assert!(found > 300, "{found}");
}

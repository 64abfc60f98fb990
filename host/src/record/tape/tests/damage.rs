//! Whatever became of a tape's bytes, what is read from it is what was written.

use super::*;

/// Every exchange that was read is one that was written, in its place.
fn assert_true(came: &[Recorded], what: &str) {
    for (id, exchange) in (1..).zip(came) {
        assert_eq!(exchange, &numbered(id), "{what}");
    }
}

#[test]
fn a_tape_that_ends_anywhere_gives_its_whole_records() {
    let whole = tape(1..=3);
    let ends: Vec<usize> = (0..=3).map(|count| tape(1..=count).len()).collect();
    for length in 0..whole.len() {
        let (came, torn, error) = read(&whole[..length]);
        let what = format!("cut to {length}");
        if length < Header::LENGTH {
            assert!(matches!(error, Some(TapeError::NotATape)), "{what}");
            continue;
        }
        let records = ends.iter().filter(|end| **end <= length).count() - 1;
        assert_true(&came, &what);
        assert_eq!(came.len(), records, "{what}");
        let left = (length - ends[records]) as u64;
        assert_eq!(torn, (left > 0).then_some(left), "{what}");
        assert!(error.is_none(), "{what}");
    }
}

#[test]
fn no_changed_byte_makes_another_record() {
    let whole = tape(1..=3);
    let last = tape(1..=2).len();
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            let (came, torn, error) = read(&bytes[..]);
            let what = format!("byte {at} ^ {flip:#x}: {error:?}");
            assert_true(&came, &what);
            assert!(came.len() < 3, "{what}");
            // Damage is told; only in the last record it may be that it was never written.
            assert!(error.is_some() || (torn.is_some() && at >= last), "{what}");
        }
    }
}

#[test]
fn damage_is_told_with_its_place() {
    let mut bytes = tape(1..=3);
    let second = tape(1..=1).len();
    bytes[second + 40] ^= 1;
    let (came, _, error) = read(&bytes[..]);
    assert_eq!(came.len(), 1);
    let error = error.unwrap().to_string();
    let place = format!("damaged at byte {second}, behind 1 records");
    assert!(error.contains(&place), "{error}");
}

#[test]
fn room_that_nobody_wrote_to_is_a_torn_end() {
    for zeros in [1, 19, 20, 21, 4096, 10_000] {
        let mut bytes = tape(1..=2);
        bytes.resize(bytes.len() + zeros, 0);
        let (came, torn, error) = read(&bytes[..]);
        assert_eq!((came.len(), torn), (2, Some(zeros as u64)));
        assert!(error.is_none());
        bytes.push(1);
        let (came, torn, error) = read(&bytes[..]);
        assert_eq!(came.len(), 2);
        assert!(torn.is_some() != error.is_some());
    }
}

#[test]
fn noise_is_no_tape_and_no_panic() {
    // xorshift: the same noise each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    for length in 0..400 {
        let bytes: Vec<u8> = std::iter::repeat_with(&mut noise).take(length).collect();
        assert!(read(&bytes[..]).0.is_empty());
        let behind = [tape([1]), bytes].concat();
        assert_eq!(read(&behind[..]).0.len(), 1);
    }
}

#[test]
fn a_body_that_claims_much_allocates_little() {
    for body in [
        &b"\xfd\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        &[0xff; 64],
        b"",
    ] {
        assert!(decode(body).is_none());
    }
    let whole = record(1);
    let body = &whole[frame::PREFIX..];
    for at in 0..body.len() {
        for byte in [0xfc, 0xfd, 0xff] {
            let mut changed = body.to_vec();
            changed[at] = byte;
            // Whatever it is, it is bounded.
            let _ = decode(&changed);
        }
    }
}

#[test]
fn what_is_newer_says_so() {
    let mut bytes = tape([1]);
    let mut newer = record(2);
    frame::seal(&mut newer, 2).unwrap();
    bytes.extend(newer);
    let (came, _, error) = read(&bytes[..]);
    assert_eq!(came.len(), 1);
    assert!(
        matches!(error, Some(TapeError::Newer { found: 2, known: 1 })),
        "{error:?}"
    );
    assert!(error.unwrap().to_string().contains("newer tollgate"));
}

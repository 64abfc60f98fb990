//! Tapes that are opened again, and exchanged for new ones.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;

struct Place {
    directory: tempfile::TempDir,
    config: TapeConfig,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let config = TapeConfig::new(directory.path().join("t.tape"));
    Place { directory, config }
}

impl Place {
    fn open(&self) -> TapeFile {
        TapeFile::open(self.config.clone(), NOW).unwrap()
    }

    fn older(&self, number: usize) -> std::path::PathBuf {
        self.directory.path().join(format!("t.tape.{number}"))
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.config.path).unwrap()
    }
}

#[test]
fn a_tape_is_gone_on_with() {
    let place = place();
    let mut tape = place.open();
    tape.append(&record(1), NOW).unwrap();
    drop(tape);
    let mut tape = place.open();
    tape.append(&record(2), NOW).unwrap();
    assert_eq!(ids(&place.config.path), [1, 2]);
    assert_eq!(tape.length(), place.bytes().len() as u64);
    let mode = fs::metadata(&place.config.path)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_torn_end_is_cut_off_before_anything_is_appended() {
    let whole = tape(1..=2);
    for length in 0..whole.len() {
        let place = place();
        fs::write(&place.config.path, &whole[..length]).unwrap();
        let mut tape = place.open();
        tape.append(&record(9), NOW).unwrap();
        let ids = ids(&place.config.path);
        assert_eq!(ids.last(), Some(&9), "cut to {length}");
        let before = &ids[..ids.len() - 1];
        assert!(
            [&[][..], &[1], &[1, 2]].contains(&before),
            "cut to {length}: {ids:?}"
        );
    }
}

#[test]
fn a_damaged_tape_is_kept_beside_the_new_one() {
    let place = place();
    let mut damaged = tape(1..=3);
    let second = tape([1]).len();
    damaged[second + 30] ^= 1;
    fs::write(&place.config.path, &damaged).unwrap();
    let mut tape = place.open();
    tape.append(&record(9), NOW).unwrap();
    assert_eq!(ids(&place.config.path), [9]);
    assert_eq!(fs::read(place.older(1)).unwrap(), damaged);
}

#[test]
fn what_is_no_tape_is_left_alone() {
    let newer = {
        let mut newer = record(1);
        frame::seal(&mut newer, 2).unwrap();
        [tape([]), newer].concat()
    };
    for (bytes, words) in [
        (
            &b"dear diary, today nothing happened"[..],
            "not a tape of tollgate",
        ),
        (b"x", "not a tape of tollgate"),
        (&newer, "a newer tollgate wrote this tape"),
    ] {
        let place = place();
        fs::write(&place.config.path, bytes).unwrap();
        let error = TapeFile::open(place.config.clone(), NOW)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(place.bytes(), bytes);
        assert!(!place.older(1).exists());
    }
    let place = place();
    fs::create_dir(&place.config.path).unwrap();
    assert!(TapeFile::open(place.config.clone(), NOW).is_err());
}

#[test]
fn a_second_writer_is_refused_also_after_an_exchange() {
    let mut place = place();
    place.config.max_bytes = 1;
    let mut tape = place.open();
    for id in 1..=3 {
        let error = TapeFile::open(place.config.clone(), NOW).unwrap_err();
        assert!(matches!(error, TapeError::Locked), "{error}");
        tape.append(&record(id), NOW).unwrap();
    }
    drop(tape);
    place.open();
}

#[test]
fn a_full_tape_becomes_an_older_one() {
    let mut place = place();
    place.config.max_bytes = tape(1..=2).len() as u64;
    place.config.files = 2;
    let mut file = place.open();
    for id in 1..=9 {
        file.append(&record(id), NOW).unwrap();
    }
    assert_eq!(ids(&place.config.path), [9]);
    assert_eq!(ids(&place.older(1)), [7, 8]);
    assert_eq!(ids(&place.older(2)), [5, 6]);
    let count = fs::read_dir(place.directory.path()).unwrap().count();
    assert_eq!(count, 3, "nothing else is left behind");
}

#[test]
fn without_older_files_there_is_only_the_new_one() {
    let mut place = place();
    place.config.max_bytes = 1;
    place.config.files = 0;
    let mut file = place.open();
    file.append(&record(1), NOW).unwrap();
    file.append(&record(2), NOW).unwrap();
    assert_eq!(ids(&place.config.path), [2]);
    assert_eq!(fs::read_dir(place.directory.path()).unwrap().count(), 1);
}

#[test]
fn an_old_tape_becomes_an_older_one_also_after_a_restart() {
    let mut place = place();
    place.config.max_age = Duration::from_secs(24 * 3600);
    let mut file = place.open();
    file.append(&record(1), NOW).unwrap();
    file.append(&record(2), NOW + DAY - 1).unwrap();
    drop(file);
    let mut file = TapeFile::open(place.config.clone(), NOW + DAY - 1).unwrap();
    file.append(&record(3), NOW + DAY).unwrap();
    assert_eq!(ids(&place.older(1)), [1, 2]);
    assert_eq!(ids(&place.config.path), [3]);
    // A clock that is set back changes nothing.
    file.append(&record(4), 0).unwrap();
    assert_eq!(ids(&place.config.path), [3, 4]);
}

#[test]
fn a_full_disk_leaves_a_tape_that_is_whole() {
    let mut place = place();
    place.config.max_bytes = tape(1..=3).len() as u64;
    let mut file = place.open();
    let full = file.full.clone();
    file.append(&record(1), NOW).unwrap();
    full.store(true, Ordering::SeqCst);
    for id in 2..4 {
        assert!(file.append(&record(id), NOW).is_err());
    }
    let (came, torn, _) = read(&place.bytes()[..]);
    assert!(came.len() == 1 && torn.is_some(), "it is torn meanwhile");
    full.store(false, Ordering::SeqCst);
    file.append(&record(4), NOW).unwrap();
    file.append(&record(5), NOW).unwrap();
    assert_eq!(ids(&place.config.path), [1, 4, 5]);
    // Full when the next file is to begin: nothing is exchanged, and the next one goes where it belongs.
    full.store(true, Ordering::SeqCst);
    assert!(file.append(&record(6), NOW).is_err());
    assert_eq!(ids(&place.config.path), [1, 4, 5]);
    full.store(false, Ordering::SeqCst);
    file.append(&record(7), NOW).unwrap();
    assert_eq!(ids(&place.config.path), [7]);
    assert_eq!(ids(&place.older(1)), [1, 4, 5]);
}

#[test]
fn a_link_stays_and_the_file_behind_it_is_exchanged() {
    let mut place = place();
    let link = place.directory.path().join("link");
    std::os::unix::fs::symlink(&place.config.path, &link).unwrap();
    place.config.path = link.clone();
    place.config.max_bytes = 1;
    fs::write(place.directory.path().join("t.tape"), tape([1])).unwrap();
    let mut file = place.open();
    file.append(&record(2), NOW).unwrap();
    assert!(link.is_symlink());
    assert_eq!(ids(&link), [2]);
    assert_eq!(ids(&place.older(1)), [1]);
}

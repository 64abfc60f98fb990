//! A machine that stops: whatever part of what was not synced is on the disk, the store opens, and holds what it held at one
//! moment; with `Immediate`, all that was acknowledged.
//!
//! Nobody can stop a machine in a test, so all that is done to the files is recorded, and disks are made up of it: what was
//! written before a file's last sync is there, and of what came later any part, in pieces of a page.

use std::collections::BTreeMap;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

use super::*;
use crate::store::StoreError;
use crate::store::journal::file::Event;
use crate::store::journal::log::{self, HEADER, Read};
use crate::store::journal::{Journal, Opened};
use crate::store::table::{Change, Entry};

const PAGE: usize = 4096;

/// How many keys are written, one after the other.
const KEYS: u64 = 1200;

/// Writes the keys 1, 2, 3 …, each once, and takes note of each that is acknowledged. All that was done to the files.
async fn recorded(durability: Durability) -> (PathBuf, Vec<Event>) {
    let which = match durability {
        Durability::Eventual => Which::Eventual,
        Durability::Immediate => Which::Immediate,
    };
    let mut lab = Lab::with(which);
    // Once more, on a disk that keeps a record from the very first file.
    lab.store = None;
    let path = lab.folder.path().join("again.redb");
    lab.config.kind = embedded(&path, durability);
    *lab.disk.faults.recorded.lock().unwrap() = Some(Vec::new());
    lab.reopen();
    for n in 1..=KEYS {
        let value = Bytes::from(n.to_string().repeat(200));
        lab.store()
            .set("b", &n.to_string(), value, None)
            .await
            .unwrap();
        lab.disk.faults.record(|| Event::Note(n));
        if n == KEYS / 2 {
            lab.reopen();
        }
    }
    lab.store = None;
    let events = lab.disk.faults.recorded.lock().unwrap().take().unwrap();
    (path, events)
}

/// A disk after a crash behind these events, with so many quarters of what was not synced.
fn left(events: &[Event], share: u64, random: &mut ChaCha8Rng) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut synced: BTreeMap<&PathBuf, usize> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        if let Event::Sync(path) = event {
            synced.insert(path, at);
        }
    }
    let mut disk: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        let mut stays =
            |path| synced.get(path).is_some_and(|sync| at < *sync) || random.next_u64() % 4 < share;
        match event {
            Event::Cut(path, length) if stays(path) => {
                let length = usize::try_from(*length).unwrap();
                disk.entry(path.clone()).or_default().resize(length, 0);
            }
            Event::Write(path, offset, data) => {
                let file = disk.entry(path.clone()).or_default();
                let mut at = usize::try_from(*offset).unwrap();
                let mut rest = &data[..];
                while !rest.is_empty() {
                    let (piece, behind) = rest.split_at((PAGE - at % PAGE).min(rest.len()));
                    if stays(path) {
                        file.resize(file.len().max(at + piece.len()), 0);
                        file[at..at + piece.len()].copy_from_slice(piece);
                    }
                    at += piece.len();
                    rest = behind;
                }
            }
            Event::Cut(..) | Event::Sync(_) | Event::Note(_) => {}
        }
    }
    disk
}

fn write(disk: &BTreeMap<PathBuf, Vec<u8>>, folder: &Path) {
    for (path, bytes) in disk {
        std::fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
    }
}

/// How many of the keys are there, from the first; behind them is none.
async fn held(store: &Store) -> u64 {
    let mut held = 0;
    while let Some(value) = store.get("b", &(held + 1).to_string()).await.unwrap() {
        held += 1;
        assert_eq!(value, held.to_string().repeat(200).as_bytes());
    }
    assert_eq!(
        store.usage("b").await.unwrap().entries,
        held,
        "one without those before it"
    );
    held
}

#[tokio::test]
async fn what_is_left_opens_and_was_so_at_one_moment() {
    for durability in [Durability::Eventual, Durability::Immediate] {
        let (path, events) = recorded(durability).await;
        let seed = crate::store::SystemClock.now();
        println!("{durability:?}, seed {seed}, {} events", events.len());
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut lost = 0;
        for round in 0..150 {
            let end = usize::try_from(random.next_u64()).unwrap() % (events.len() + 1);
            // All, nothing, or any part.
            let share = random.next_u64() % 5;
            let disk = left(&events[..end], share, &mut random);
            let folder = tempfile::tempdir().unwrap();
            write(&disk, folder.path());
            let noted = events[..end].iter().rev().find_map(|event| match event {
                Event::Note(number) => Some(*number),
                _ => None,
            });
            let noted = noted.unwrap_or(0);
            let opened = Store::open(&StoreConfig {
                kind: embedded(&folder.path().join(path.file_name().unwrap()), durability),
                quotas: Quotas::default(),
            });
            let store: Result<Store, StoreError> = opened;
            let store = store.unwrap_or_else(|error| panic!("round {round}, event {end}: {error}"));
            let held = held(&store).await;
            if durability == Durability::Immediate {
                assert!(
                    held >= noted,
                    "round {round}, event {end}: {held} of {noted}"
                );
            }
            lost += noted.saturating_sub(held);
        }
        // The disks are bad enough to make a difference where it is allowed.
        assert_eq!(lost > 0, durability == Durability::Eventual, "{lost}");
    }
}

fn change(number: u64) -> Change {
    Change {
        bucket: "b".into(),
        key: number.to_string().into(),
        entry: Some(Entry {
            value: "1".into(),
            expires: u64::MAX,
        }),
    }
}

/// What is synced in a new log counts, so all that is in the one before it has to be there.
#[test]
fn a_log_stands_on_the_one_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let disk = Disk::default();
    *disk.faults.recorded.lock().unwrap() = Some(Vec::new());
    let Opened { mut journal, .. } = Journal::open(&path, &disk, 0).unwrap();
    for n in 1..=3 {
        journal.append(&change(n)).unwrap();
    }
    journal.turn().unwrap();
    journal.append(&change(4)).unwrap();
    journal.active().sync().unwrap();
    journal.append(&change(5)).unwrap();
    let events = disk.faults.recorded.lock().unwrap().take().unwrap();
    let other = tempfile::tempdir().unwrap();
    write(
        &left(&events, 0, &mut ChaCha8Rng::seed_from_u64(1)),
        other.path(),
    );
    let opened = Journal::open(&other.path().join("state.redb"), &Disk::default(), 0).unwrap();
    let mut keys: Vec<_> = opened.entries.iter().map(|entry| &*entry.key).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["1", "2", "3", "4"]);
}

/// Behind what was written last may be what the file held before.
#[test]
fn changes_of_an_earlier_use_of_a_log_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = Disk::default().open(&folder.path().join("log")).unwrap();
    file.write_at(0, &log::header(5)).unwrap();
    let (mut buffer, mut at) = (Vec::new(), HEADER);
    for (number, are_there) in [(5, 1), (6, 2), (3, 2), (7, 2)] {
        log::encode(number, &change(number), &mut buffer);
        file.write_at(at, &buffer).unwrap();
        at += buffer.len() as u64;
        let Read::Changes { first, changes, .. } = log::read(&file).unwrap() else {
            panic!("no changes");
        };
        assert_eq!((first, changes.len()), (5, are_there), "{number}");
    }
}

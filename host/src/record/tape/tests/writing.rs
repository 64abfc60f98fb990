//! The thread that writes, its queue, and its counts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;

const BOUND: Duration = Duration::from_secs(20);

fn started() -> (tempfile::TempDir, std::path::PathBuf, TapeFile) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.tape");
    let file = TapeFile::open(TapeConfig::new(&path), NOW).unwrap();
    (directory, path, file)
}

#[test]
fn all_that_was_taken_is_written_at_the_end() {
    let (_directory, path, file) = started();
    let writer = TapeWriter::start(file, || NOW).unwrap();
    for id in 1..=1000 {
        writer.append(Arc::new(numbered(id)));
    }
    assert!(writer.finish(BOUND));
    assert_eq!(ids(&path), (1..=1000).collect::<Vec<_>>());
    let counts = writer.counts();
    assert_eq!(
        (counts.written, counts.dropped, counts.failed),
        (1000, 0, 0)
    );
    let length = fs::metadata(&path).unwrap().len();
    assert_eq!(counts.bytes + Header::LENGTH as u64, length);
    // Nobody waits for what comes too late.
    writer.append(Arc::new(numbered(1)));
    assert_eq!(writer.counts().dropped, 1);
    assert!(writer.finish(BOUND));
}

#[test]
fn what_comes_is_on_the_tape_without_anybody_asking() {
    let (_directory, path, file) = started();
    let writer = TapeWriter::start(file, || NOW).unwrap();
    writer.append(Arc::new(numbered(1)));
    while writer.counts().written == 0 {
        std::thread::yield_now();
    }
    assert_eq!(ids(&path), [1]);
}

#[test]
fn what_finds_no_room_is_dropped_and_counted() {
    let (_directory, path, file) = started();
    let (let_go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    // A clock that stands still holds the thread.
    let clock = move || {
        let _ = wait.lock().unwrap().recv();
        NOW
    };
    let writer = TapeWriter::start(file, clock).unwrap();
    let mut large = numbered(1);
    large.request.content.kept = vec![b'x'; 8 << 20];
    let large = Arc::new(large);
    for _ in 0..10 {
        writer.append(large.clone());
    }
    assert_eq!(
        writer.counts().dropped,
        7,
        "32 MiB of 8 MiB each and what is around them"
    );
    assert!(!writer.finish(Duration::from_millis(1)));
    drop(let_go);
    assert!(writer.finish(BOUND));
    assert_eq!(ids(&path), [1, 1, 1]);
}

#[test]
fn a_full_disk_stops_nothing() {
    let (_directory, path, file) = started();
    let full = file.full.clone();
    let writer = TapeWriter::start(file, || NOW).unwrap();
    full.store(true, Ordering::SeqCst);
    writer.append(Arc::new(numbered(1)));
    while writer.counts().failed == 0 {
        std::thread::yield_now();
    }
    // It is told as long as it is so.
    assert!(writer.error().is_some() && writer.path() == path);
    full.store(false, Ordering::SeqCst);
    writer.append(Arc::new(numbered(2)));
    assert!(writer.finish(BOUND));
    assert_eq!(ids(&path), [2]);
    let counts = writer.counts();
    assert_eq!((counts.written, counts.failed), (1, 1));
    assert_eq!(writer.error(), None);
}

#[test]
fn a_panic_costs_the_exchanges_in_hand() {
    let (_directory, path, file) = started();
    let panics = std::sync::atomic::AtomicBool::new(true);
    let clock = move || {
        assert!(!panics.swap(false, Ordering::SeqCst), "only once");
        NOW
    };
    let writer = TapeWriter::start(file, clock).unwrap();
    writer.append(Arc::new(numbered(1)));
    while writer.counts().failed == 0 {
        std::thread::yield_now();
    }
    writer.append(Arc::new(numbered(2)));
    assert!(writer.finish(BOUND));
    assert_eq!(ids(&path), [2]);
}

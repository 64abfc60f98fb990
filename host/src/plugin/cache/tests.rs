//! Entries go in and come out, or are found to be broken; several caches work in one directory.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;
use crate::plugin::hash::ContentHash;
use crate::plugin::wasm::Tier;

fn cache(max_bytes: u64) -> (tempfile::TempDir, Cache) {
    let root = tempfile::tempdir().unwrap();
    let cache = Cache::open(&root.path().join("code"), max_bytes).unwrap();
    (root, cache)
}

fn key(content: &str) -> CacheKey {
    CacheKey {
        hash: ContentHash::of(content.as_bytes()),
        tier: Tier::Baseline,
        fingerprint: 7,
    }
}

const KIND: &str = "tollgate:proxy@0.1";

fn names(cache: &Cache) -> Vec<String> {
    let files = fs::read_dir(&cache.dir).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn what_was_put_is_found() {
    let (root, cache) = cache(1000);
    assert_eq!(cache.get(&key("a")), None);
    cache.put(&key("a"), (KIND, None), b"code of a");
    let path = cache.get(&key("a")).unwrap().code;
    assert_eq!(fs::read(path).unwrap(), b"code of a");
    // In another process, which is to say from disk.
    let later = Cache::open(&root.path().join("code"), 1000).unwrap();
    assert!(later.get(&key("a")).is_some());
}

#[test]
fn each_part_of_the_key_counts() {
    let (_root, cache) = cache(1000);
    cache.put(&key("a"), (KIND, None), b"code");
    assert_eq!(cache.get(&key("b")), None);
    assert_eq!(
        cache.get(&CacheKey {
            tier: Tier::Optimized,
            ..key("a")
        }),
        None
    );
    assert_eq!(
        cache.get(&CacheKey {
            fingerprint: 8,
            ..key("a")
        }),
        None
    );
    assert!(cache.get(&key("a")).is_some());
}

#[test]
fn it_is_told_what_the_plugin_was() {
    let (_root, cache) = cache(1000);
    cache.put(&key("a"), (KIND, None), b"code");
    assert_eq!(cache.get(&key("a")).unwrap().kind, KIND);
    cache.put(&key("a"), ("tollgate:proxy@0.2", None), b"code");
    assert_eq!(cache.get(&key("a")).unwrap().kind, "tollgate:proxy@0.2");
}

#[test]
fn a_newer_entry_takes_the_place_of_the_old_one() {
    let (_root, cache) = cache(1000);
    cache.put(&key("a"), (KIND, None), b"first");
    cache.put(&key("a"), (KIND, None), b"second");
    assert_eq!(
        fs::read(cache.get(&key("a")).unwrap().code).unwrap(),
        b"second"
    );
}

/// Two processes write one entry: both their codes, then both their headers. The last header counts.
#[test]
fn each_header_has_its_own_code() {
    let (_root, cache) = cache(1000);
    let header = cache.header_path(&key("a"));
    cache.put(&key("a"), (KIND, None), b"first");
    let first = fs::read(&header).unwrap();
    cache.put(&key("a"), (KIND, None), b"second");
    fs::write(&header, first).unwrap();
    assert_eq!(
        fs::read(cache.get(&key("a")).unwrap().code).unwrap(),
        b"first"
    );
}

#[test]
fn broken_entries_are_discarded() {
    type Damage = fn(&Path);
    let cut: Damage = |path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    };
    let flip: Damage = |path| {
        let mut bytes = fs::read(path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        OpenOptions::new()
            .write(true)
            .open(path)
            .unwrap()
            .write_all(&bytes)
            .unwrap();
    };
    let grow: Damage = |path| {
        OpenOptions::new()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(b"x")
            .unwrap();
    };
    let open_up: Damage =
        |path| fs::set_permissions(path, PermissionsExt::from_mode(0o666)).unwrap();
    for damage in [cut, flip, grow, open_up] {
        for extension in [evict::HEADER, evict::CODE] {
            let (_root, cache) = cache(1000);
            cache.put(&key("a"), (KIND, None), b"code");
            let name = names(&cache)
                .into_iter()
                .find(|name| name.ends_with(extension))
                .unwrap();
            damage(&cache.dir.join(name));
            assert_eq!(cache.get(&key("a")), None, "{extension}");
            assert_eq!(names(&cache), [] as [String; 0], "{extension}");
            cache.put(&key("a"), (KIND, None), b"code");
            assert!(cache.get(&key("a")).is_some());
        }
    }
}

#[test]
fn an_entry_under_the_name_of_another_is_broken() {
    let (_root, cache) = cache(1000);
    cache.put(&key("a"), (KIND, None), b"code");
    for name in names(&cache) {
        let other = name.replace(&key("a").stem(), &key("b").stem());
        fs::rename(cache.dir.join(name), cache.dir.join(other)).unwrap();
    }
    assert_eq!(cache.get(&key("b")), None);
}

#[test]
fn code_without_a_header_is_no_entry() {
    let (_root, cache) = cache(1000);
    cache.put(&key("a"), (KIND, None), b"code");
    fs::remove_file(cache.header_path(&key("a"))).unwrap();
    assert_eq!(cache.get(&key("a")), None);
}

/// Sets when an entry was used last, in seconds before now.
fn used(cache: &Cache, content: &str, ago: u64) {
    let header = File::open(cache.header_path(&key(content))).unwrap();
    header
        .set_modified(SystemTime::now() - Duration::from_secs(ago))
        .unwrap();
}

#[test]
fn what_was_used_last_is_evicted_last() {
    let code = [0; 1000];
    let (_root, cache) = cache(4000);
    for (content, ago) in [("a", 30), ("b", 40), ("c", 20)] {
        cache.put(&key(content), (KIND, None), &code);
        used(&cache, content, ago);
    }
    assert!(
        cache.get(&key("b")).is_some(),
        "which makes it the last one used"
    );
    cache.put(&key("d"), (KIND, None), &code);
    let left: Vec<_> = ["a", "b", "c", "d"]
        .into_iter()
        .filter(|name| cache.get(&key(name)).is_some())
        .collect();
    assert_eq!(left, ["b", "c", "d"]);
    assert_eq!(names(&cache).len(), 6);
}

#[test]
fn mapped_code_outlives_its_eviction() {
    let (_root, cache) = cache(1500);
    cache.put(&key("a"), (KIND, None), &[1; 1000]);
    let path = cache.get(&key("a")).unwrap().code;
    used(&cache, "a", 60);
    let held = File::open(path).unwrap();
    cache.put(&key("b"), (KIND, None), &[2; 1000]);
    assert_eq!(cache.get(&key("a")), None);
    assert_eq!(
        files::checksum(&held).unwrap(),
        files::checksum_of(&[1; 1000])
    );
}

#[test]
fn what_does_not_fit_is_not_kept() {
    let (_root, cache) = cache(10);
    cache.put(&key("a"), (KIND, None), &[0; 11]);
    assert_eq!(names(&cache), [] as [String; 0]);
}

#[test]
fn leftovers_of_a_crash_are_removed_in_time() {
    let (_root, cache) = cache(1000);
    let old = SystemTime::now() - Duration::from_secs(2 * 3600);
    for (name, is_old) in [
        (".tmp-1-0", true),
        (".tmp-2-0", false),
        ("x.1.code", true),
        ("y.1.code", false),
    ] {
        let file = File::create(cache.dir.join(name)).unwrap();
        if is_old {
            file.set_modified(old).unwrap();
        }
    }
    fs::write(cache.dir.join("README"), "not ours").unwrap();
    cache.put(&key("a"), (KIND, None), b"code");
    let mut left = names(&cache);
    left.retain(|name| !name.starts_with(&key("a").stem()));
    left.sort();
    assert_eq!(left, [".tmp-2-0", "README", "y.1.code"]);
}

#[test]
fn a_failure_is_no_disaster() {
    let (root, cache) = cache(1000);
    let directory = root.path().join("code");
    fs::remove_dir_all(&directory).unwrap();
    fs::write(&directory, "no directory").unwrap();
    cache.put(&key("a"), (KIND, None), b"code");
    assert!(cache.has_warned.load(Ordering::Relaxed));
    assert_eq!(cache.get(&key("a")), None);
}

#[test]
fn a_directory_that_vanishes_is_made_again() {
    let (root, cache) = cache(1000);
    let directory = root.path().join("code");
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!(cache.get(&key("a")), None);
    cache.put(&key("a"), (KIND, None), b"code");
    assert!(cache.get(&key("a")).is_some());
    assert!(!cache.has_warned.load(Ordering::Relaxed));
    assert_eq!(
        directory.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
}

/// What another process is writing, however much it is, is not evicted to make room.
#[test]
fn unfinished_files_of_others_are_left_alone() {
    let (_root, cache) = cache(1500);
    cache.put(&key("old"), (KIND, None), &[1; 1000]);
    used(&cache, "old", 60);
    let unfinished = [
        ".tmp-of-another".to_owned(),
        format!("{}.1.code", key("b").stem()),
    ];
    // The code of an entry that another process writes anew, of which the header is still to come.
    let anew = format!("{}.0000000000000001.code", key("old").stem());
    for name in unfinished.iter().chain([&anew]) {
        fs::write(cache.dir.join(name), [0; 2000]).unwrap();
    }
    cache.put(&key("a"), (KIND, None), &[2; 1000]);
    assert_eq!(cache.get(&key("old")), None);
    for name in unfinished.iter().chain([&anew]) {
        assert!(names(&cache).contains(name), "{name}");
    }
}

/// An error that says nothing of what an entry holds discards nothing: no file descriptor left, an error of the disk. Here it
/// is ENXIO, which a socket gives.
#[test]
fn an_entry_that_can_not_be_read_now_is_kept() {
    let (root, cache) = cache(1000);
    cache.put(&key("a"), (KIND, None), b"code");
    let (header, aside) = (cache.header_path(&key("a")), root.path().join("aside"));
    fs::rename(&header, &aside).unwrap();
    let socket = root.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::rename(&socket, &header).unwrap();
    assert_eq!(cache.get(&key("a")), None);
    fs::rename(&aside, &header).unwrap();
    assert!(cache.get(&key("a")).is_some());
}

/// Whatever is found at any moment is whole, while others write and evict the same entries.
#[test]
fn several_writers_do_not_mix_their_files() {
    let (root, _) = cache(1000);
    let writer = |number: u8| {
        let cache = Cache::open(&root.path().join("code"), 3000).unwrap();
        let mut found = 0;
        for round in 0..300_u32 {
            let content = ["a", "b", "c"][(round % 3) as usize];
            let code = [number; 900];
            cache.put(&key(content), (KIND, None), &code);
            let Some(kept) = cache.get(&key(content)) else {
                continue;
            };
            // Gone again, if another one evicts it just now.
            let Ok(code) = fs::read(kept.code) else {
                continue;
            };
            assert!(code.len() == 900 && code.iter().all(|byte| *byte == code[0]));
            found += 1;
        }
        found
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=3)
            .map(|number| scope.spawn(move || writer(number)))
            .collect();
        for thread in threads {
            assert!(thread.join().unwrap() > 0);
        }
    });
}

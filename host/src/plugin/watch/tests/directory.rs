//! The directory itself comes, goes, is exchanged or is not what it should be.

use super::*;

#[test]
fn the_directory_goes_and_comes_back() {
    in_both_modes(one_plugin, |watched| {
        for content in ["second", "third"] {
            fs::remove_dir_all(&watched.dir).unwrap();
            watched.wait_for(|change| *change == Change::Directory { present: false });
            watched.wait_for_removed("a");
            fs::create_dir(&watched.dir).unwrap();
            watched.wait_for(|change| *change == Change::Directory { present: true });
            fs::write(watched.dir.join("a.wasm"), content).unwrap();
            watched.wait_for_content("a", content);
        }
    });
}

#[test]
fn the_directory_is_waited_for() {
    let nothing = |_: &Path| {};
    in_both_modes(nothing, |watched| {
        assert_eq!(
            watched.seen,
            [Change::Directory { present: false }, Change::Ready]
        );
        fs::create_dir(&watched.dir).unwrap();
        watched.wait_for(|change| *change == Change::Directory { present: true });
        fs::write(watched.dir.join("a.wasm"), "first").unwrap();
        watched.wait_for_content("a", "first");
    });
}

#[test]
fn the_directory_is_exchanged_without_a_gap() {
    let prepare = |root: &Path| {
        one_plugin(root);
        fs::create_dir(root.join("next")).unwrap();
        fs::write(root.join("next/a.wasm"), "next").unwrap();
    };
    in_both_modes(prepare, |watched| {
        fs::rename(&watched.dir, watched.path("last")).unwrap();
        fs::rename(watched.path("next"), &watched.dir).unwrap();
        watched.wait_for_content("a", "next");
        // And back, so that the watch on the first one must be there again.
        fs::rename(&watched.dir, watched.path("next")).unwrap();
        fs::rename(watched.path("last"), &watched.dir).unwrap();
        watched.wait_for_content("a", "old");
        fs::write(watched.dir.join("a.wasm"), "written").unwrap();
        watched.wait_for_content("a", "written");
        assert!(!watched.has_seen_removal(), "{:?}", watched.seen);
    });
}

/// In one step, so that no look can see it missing; the watches must move by the events alone.
#[test]
fn the_directory_is_exchanged_at_once() {
    let prepare = |root: &Path| {
        one_plugin(root);
        fs::create_dir(root.join("next")).unwrap();
        fs::write(root.join("next/a.wasm"), "next").unwrap();
    };
    in_both_modes(prepare, |watched| {
        for round in 0..3 {
            let flags = rustix::fs::RenameFlags::EXCHANGE;
            let (here, there) = (watched.dir.clone(), watched.path("next"));
            rustix::fs::renameat_with(rustix::fs::CWD, &here, rustix::fs::CWD, &there, flags)
                .unwrap();
            let content = fs::read_to_string(here.join("a.wasm")).unwrap();
            watched.wait_for_quiet("a", &content);
            let written = format!("written in round {round}");
            fs::write(here.join("a.wasm"), &written).unwrap();
            watched.wait_for_quiet("a", &written);
        }
        assert!(!watched.has_seen_removal());
    });
}

/// So quickly that it is hardly ever seen to be missing; the watch on it is lost nevertheless.
#[test]
fn the_directory_goes_away_and_is_back_at_once() {
    let prepare = |root: &Path| {
        one_plugin(root);
        for round in 0..3 {
            fs::write(
                root.join(format!("plugins/.{round}")),
                format!("moved {round}"),
            )
            .unwrap();
        }
    };
    in_both_modes(prepare, |watched| {
        let elsewhere = watched.path("elsewhere");
        for round in 0..3 {
            let next = elsewhere.join(format!(".{round}"));
            let place = elsewhere.join("a.wasm");
            fs::rename(&watched.dir, &elsewhere).unwrap();
            fs::rename(&next, &place).unwrap();
            fs::rename(&elsewhere, &watched.dir).unwrap();
            watched.wait_for_quiet("a", &format!("moved {round}"));
            let written = format!("written {round}");
            fs::write(watched.dir.join("a.wasm"), &written).unwrap();
            watched.wait_for_quiet("a", &written);
        }
    });
}

#[test]
fn the_directory_goes_away_and_is_the_same_again() {
    in_both_modes(one_plugin, |watched| {
        fs::rename(&watched.dir, watched.path("elsewhere")).unwrap();
        watched.wait_for(|change| *change == Change::Directory { present: false });
        fs::rename(watched.path("elsewhere"), &watched.dir).unwrap();
        watched.wait_for_content("a", "old");
        fs::write(watched.dir.join("a.wasm"), "new").unwrap();
        watched.wait_for_content("a", "new");
    });
}

#[test]
fn the_directory_is_a_link_that_is_switched() {
    let prepare = |root: &Path| {
        for (dir, content) in [("v1", "one"), ("v2", "two")] {
            fs::create_dir(root.join(dir)).unwrap();
            fs::write(root.join(dir).join("a.wasm"), content).unwrap();
        }
        symlink("v1", root.join("plugins")).unwrap();
    };
    in_both_modes(prepare, |watched| {
        symlink("v2", watched.path("next")).unwrap();
        fs::rename(watched.path("next"), &watched.dir).unwrap();
        watched.wait_for_content("a", "two");
        fs::write(watched.path("v2/a.wasm"), "two, written").unwrap();
        watched.wait_for_content("a", "two, written");
        assert!(!watched.has_seen_removal());
    });
}

#[test]
fn a_relative_path_will_do() {
    let here = std::env::current_dir().unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut relative: PathBuf = here.components().skip(1).map(|_| "..").collect();
    relative.push(root.path().strip_prefix("/").unwrap());
    let (_watcher, mut changes) = watch(relative.clone(), None, WatchMode::Events, HOUR).unwrap();
    assert_eq!(
        changes.blocking_recv(),
        Some(Change::Directory { present: true })
    );
    assert_eq!(changes.blocking_recv(), Some(Change::Ready));
    fs::write(root.path().join("a.wasm"), "x").unwrap();
    let path = relative.join("a.wasm");
    assert_eq!(
        changes.blocking_recv(),
        Some(Change::Upsert {
            name: "a".into(),
            files: code(path),
            settled: false
        })
    );
}

#[test]
fn without_watching_there_is_one_look() {
    let root = tempfile::tempdir().unwrap();
    one_plugin(root.path());
    let dir = root.path().join("plugins");
    let path = dir.join("a.wasm");
    let (_watcher, mut changes) = watch(dir, None, WatchMode::Off, MOMENT).unwrap();
    let all: Vec<Change> = std::iter::from_fn(|| changes.blocking_recv()).collect();
    let upsert = Change::Upsert {
        name: "a".into(),
        files: code(path),
        settled: true,
    };
    assert_eq!(
        all,
        [Change::Directory { present: true }, upsert, Change::Ready]
    );
}

#[test]
fn a_file_is_no_directory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = watch(file.path().to_owned(), None, WatchMode::Events, HOUR).unwrap_err();
    assert!(matches!(error, WatchError::NotADirectory { .. }), "{error}");
}

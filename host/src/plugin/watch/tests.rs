//! Real files in a real directory, once with events alone (the interval is an hour) and once by polling alone.

mod directory;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(20);
/// Far beyond what anything takes; only a failure waits that long.
const BOUND: Duration = Duration::from_secs(30);

/// A watched directory and what has been reported of it.
struct Watched {
    mode: WatchMode,
    root: tempfile::TempDir,
    dir: PathBuf,
    changes: mpsc::Receiver<Change>,
    seen: Vec<Change>,
    runtime: Runtime,
    _watcher: Watcher,
}

impl Watched {
    /// Watches `plugins` in a new directory that `prepare` fills before.
    fn new(mode: WatchMode, prepare: impl Fn(&Path)) -> Watched {
        let root = tempfile::tempdir().unwrap();
        prepare(root.path());
        let dir = root.path().join("plugins");
        let interval = if mode == WatchMode::Events {
            HOUR
        } else {
            MOMENT
        };
        let (watcher, changes) = watch(dir.clone(), None, mode, interval).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let mut watched = Watched {
            mode,
            root,
            dir,
            changes,
            seen: vec![],
            runtime,
            _watcher: watcher,
        };
        watched.wait_for(|change| *change == Change::Ready);
        watched
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn next(&mut self) -> Change {
        let received = self
            .runtime
            .block_on(async { tokio::time::timeout(BOUND, self.changes.recv()).await });
        let change =
            received.unwrap_or_else(|_| panic!("nothing more comes after {:?}", self.seen));
        let change = change.expect("the watcher goes on");
        self.seen.push(change.clone());
        change
    }

    fn wait_for(&mut self, wanted: impl Fn(&Change) -> bool) -> Change {
        let until = Instant::now() + BOUND;
        while Instant::now() < until {
            let change = self.next();
            if wanted(&change) {
                return change;
            }
        }
        panic!("it doesn't come among {:?}", self.seen);
    }

    /// Waits until the plugin is reported while its file has this content, as a reader would see it.
    fn wait_for_content(&mut self, plugin: &str, content: &str) -> Change {
        self.wait_for(|change| match change {
            Change::Upsert { name, files, .. } if name == plugin => {
                fs::read_to_string(files.first()).is_ok_and(|found| found == content)
            }
            _ => false,
        })
    }

    /// Waits until a look that nothing called for is an hour away, so that only events can show what happens next.
    fn wait_for_quiet(&mut self, plugin: &str, content: &str) {
        let mut change = self.wait_for_content(plugin, content);
        while self.mode == WatchMode::Events
            && !matches!(change, Change::Upsert { settled: true, .. })
        {
            change = self.wait_for_content(plugin, content);
        }
    }

    fn wait_for_settled(&mut self, plugin: &str) {
        self.wait_for(
            |change| matches!(change, Change::Upsert { name, settled: true, .. } if name == plugin),
        );
    }

    fn wait_for_removed(&mut self, plugin: &str) {
        self.wait_for(|change| {
            *change
                == Change::Removed {
                    name: plugin.into(),
                }
        });
    }

    /// What is reported up to a new file, which shows that everything before has been noticed.
    fn until_marker(&mut self) -> Vec<Change> {
        let before = self.seen.len();
        fs::write(self.dir.join("marker.wasm"), "marker").unwrap();
        self.wait_for_content("marker", "marker");
        let mut seen = self.seen.split_off(before);
        seen.retain(|change| !matches!(change, Change::Upsert { name, .. } if name == "marker"));
        seen
    }

    fn has_seen_removal(&self) -> bool {
        self.seen
            .iter()
            .any(|change| matches!(change, Change::Removed { .. }))
    }
}

fn in_both_modes(prepare: impl Fn(&Path), test: impl Fn(&mut Watched)) {
    for mode in [WatchMode::Events, WatchMode::Poll] {
        test(&mut Watched::new(mode, &prepare));
    }
}

fn one_plugin(root: &Path) {
    fs::create_dir(root.join("plugins")).unwrap();
    fs::write(root.join("plugins/a.wasm"), "old").unwrap();
}

fn code(path: PathBuf) -> PluginFiles {
    PluginFiles {
        code: Some(path),
        ..PluginFiles::default()
    }
}

#[test]
fn what_is_there_comes_before_ready() {
    in_both_modes(one_plugin, |watched| {
        assert_eq!(watched.seen.len(), 3);
        assert_eq!(watched.seen[0], Change::Directory { present: true });
        assert!(
            matches!(&watched.seen[1], Change::Upsert { name, files, .. }
            if name == "a" && *files == code(watched.dir.join("a.wasm")))
        );
        watched.wait_for_settled("a");
    });
}

#[test]
fn written_in_place() {
    in_both_modes(one_plugin, |watched| {
        fs::write(watched.dir.join("a.wasm"), "new").unwrap();
        watched.wait_for_content("a", "new");
        watched.wait_for_settled("a");
    });
}

#[test]
fn a_file_that_is_held_open_is_waited_for() {
    in_both_modes(one_plugin, |watched| {
        let mut file = fs::File::create(watched.dir.join("b.wasm")).unwrap();
        file.write_all(b"half").unwrap();
        let early = watched.until_marker();
        let is_b = |change: &Change| matches!(change, Change::Upsert { name, .. } if name == "b");
        if watched.mode == WatchMode::Events {
            assert!(!early.iter().any(is_b), "{early:?}");
        }
        file.write_all(b" and half").unwrap();
        drop(file);
        watched.wait_for_content("b", "half and half");
    });
}

#[test]
fn appended_and_closed_in_pieces() {
    in_both_modes(one_plugin, |watched| {
        let path = watched.dir.join("b.wasm");
        let mut whole = String::new();
        for piece in ["one ", "two ", "three"] {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path)
                .unwrap();
            file.write_all(piece.as_bytes()).unwrap();
            drop(file);
            whole.push_str(piece);
            watched.wait_for_content("b", &whole);
        }
        let settled = |change: &&Change| matches!(change, Change::Upsert { name, settled: true, .. } if name == "b");
        assert_eq!(watched.seen.iter().find(settled), None);
        watched.wait_for_settled("b");
    });
}

#[test]
fn renamed_into_place() {
    in_both_modes(one_plugin, |watched| {
        fs::write(watched.path("new"), "new").unwrap();
        fs::rename(watched.path("new"), watched.dir.join("a.wasm")).unwrap();
        let change = watched.wait_for_content("a", "new");
        if watched.mode == WatchMode::Events {
            assert!(
                matches!(change, Change::Upsert { settled: true, .. }),
                "{change:?}"
            );
        }
        assert!(!watched.has_seen_removal());
    });
}

#[test]
fn saved_by_an_editor() {
    in_both_modes(one_plugin, |watched| {
        let file = watched.dir.join("a.wasm");
        // Write beside it and rename over it.
        fs::write(watched.dir.join(".a.wasm.swp"), "second").unwrap();
        fs::rename(watched.dir.join(".a.wasm.swp"), &file).unwrap();
        watched.wait_for_content("a", "second");
        // Rename away, write anew, delete the old one.
        fs::rename(&file, watched.dir.join("a.wasm~")).unwrap();
        fs::write(&file, "third").unwrap();
        fs::remove_file(watched.dir.join("a.wasm~")).unwrap();
        watched.wait_for_content("a", "third");
        // Delete and create.
        fs::remove_file(&file).unwrap();
        fs::write(&file, "fourth").unwrap();
        watched.wait_for_content("a", "fourth");
        assert!(!watched.has_seen_removal(), "{:?}", watched.seen);
    });
}

#[test]
fn deleted_and_created_again() {
    in_both_modes(one_plugin, |watched| {
        fs::remove_file(watched.dir.join("a.wasm")).unwrap();
        watched.wait_for_removed("a");
        fs::write(watched.dir.join("a.wasm"), "again").unwrap();
        watched.wait_for_content("a", "again");
    });
}

#[test]
fn other_files_are_left_alone() {
    in_both_modes(one_plugin, |watched| {
        watched.wait_for_settled("a");
        for name in [
            ".b.wasm",
            ".#b.wasm",
            "b.wasm~",
            "b.wasm.tmp",
            "b.wasm.swp",
            "b.wasm.part",
            "b.md",
            "B.WASM",
            "-b.wasm",
        ] {
            fs::write(watched.dir.join(name), name).unwrap();
        }
        fs::create_dir(watched.dir.join("b")).unwrap();
        fs::write(watched.dir.join("b/c.wasm"), "deeper").unwrap();
        assert_eq!(watched.until_marker(), []);
    });
}

#[test]
fn a_config_map_is_switched() {
    let prepare = |root: &Path| {
        fs::create_dir_all(root.join("plugins/..v1")).unwrap();
        fs::write(root.join("plugins/..v1/a.wasm"), "one").unwrap();
        symlink("..v1", root.join("plugins/..data")).unwrap();
        symlink("..data/a.wasm", root.join("plugins/a.wasm")).unwrap();
    };
    in_both_modes(prepare, |watched| {
        for (version, content) in [("..v2", "two"), ("..v3", "three")] {
            fs::create_dir(watched.dir.join(version)).unwrap();
            fs::write(watched.dir.join(version).join("a.wasm"), content).unwrap();
            symlink(version, watched.dir.join("..data_tmp")).unwrap();
            fs::rename(watched.dir.join("..data_tmp"), watched.dir.join("..data")).unwrap();
            watched.wait_for_content("a", content);
        }
        assert!(!watched.has_seen_removal());
    });
}

#[test]
fn what_a_link_leads_to_changes_elsewhere() {
    let prepare = |root: &Path| {
        for dir in ["plugins", "store", "store/v1", "store/v2"] {
            fs::create_dir(root.join(dir)).unwrap();
        }
        fs::write(root.join("store/v1/a.wasm"), "one").unwrap();
        fs::write(root.join("store/v2/a.wasm"), "two").unwrap();
        symlink("v1", root.join("store/current")).unwrap();
        symlink(
            root.join("store/current/a.wasm"),
            root.join("plugins/a.wasm"),
        )
        .unwrap();
    };
    in_both_modes(prepare, |watched| {
        fs::write(watched.path("store/v1/a.wasm"), "one, written").unwrap();
        watched.wait_for_content("a", "one, written");
        fs::write(watched.path("new"), "one, renamed").unwrap();
        fs::rename(watched.path("new"), watched.path("store/v1/a.wasm")).unwrap();
        watched.wait_for_content("a", "one, renamed");
        symlink("v2", watched.path("store/next")).unwrap();
        fs::rename(watched.path("store/next"), watched.path("store/current")).unwrap();
        watched.wait_for_content("a", "two");
        fs::write(watched.path("store/v2/a.wasm"), "two, written").unwrap();
        watched.wait_for_content("a", "two, written");
        // The link leads nowhere now, and then somewhere again.
        fs::remove_file(watched.path("store/v2/a.wasm")).unwrap();
        watched.wait_for(|change| match change {
            Change::Upsert { name, files, .. } if name == "a" => !files.first().exists(),
            _ => false,
        });
        fs::write(watched.path("store/v2/a.wasm"), "back").unwrap();
        watched.wait_for_content("a", "back");
        assert!(!watched.has_seen_removal());
        fs::remove_file(watched.dir.join("a.wasm")).unwrap();
        watched.wait_for_removed("a");
    });
}

#[test]
fn configuration_belongs_to_the_plugin_beside_it() {
    in_both_modes(one_plugin, |watched| {
        watched.wait_for_settled("a");
        let config = watched.dir.join("a.toml");
        fs::write(watched.path("next.toml"), "").unwrap();
        fs::rename(watched.path("next.toml"), &config).unwrap();
        let is_of = |change: &Change, has: bool| match change {
            Change::Upsert {
                files,
                settled: true,
                ..
            } => files.code.is_some() && files.config.is_some() == has,
            _ => false,
        };
        watched.wait_for(|change| is_of(change, true));
        fs::write(&config, "order = 1").unwrap();
        watched.wait_for(|change| is_of(change, true));
        fs::remove_file(&config).unwrap();
        std::os::unix::fs::symlink(watched.path("elsewhere.toml"), &config).unwrap();
        watched.wait_for(|change| is_of(change, true));
        fs::write(watched.path("elsewhere.toml"), "order = 2").unwrap();
        watched.wait_for(|change| is_of(change, true));
        fs::remove_file(&config).unwrap();
        watched.wait_for(|change| is_of(change, false));
        assert!(!watched.has_seen_removal());
    });
}

#[test]
fn an_older_file_of_the_same_size_is_a_change() {
    in_both_modes(one_plugin, |watched| {
        let file = watched.dir.join("a.wasm");
        let before = fs::metadata(&file).unwrap().modified().unwrap();
        watched.wait_for_settled("a");
        let mut writer = OpenOptions::new().write(true).open(&file).unwrap();
        writer.write_all(b"new").unwrap();
        writer.set_modified(before).unwrap();
        drop(writer);
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
        watched.wait_for_content("a", "new");
    });
}

#[test]
fn of_two_files_for_one_plugin_the_binary_is_taken() {
    in_both_modes(one_plugin, |watched| {
        watched.wait_for_settled("a");
        fs::write(watched.dir.join("a.wat"), "text").unwrap();
        assert_eq!(watched.until_marker(), []);
        fs::remove_file(watched.dir.join("a.wasm")).unwrap();
        let change = watched.wait_for_content("a", "text");
        let files = code(watched.dir.join("a.wat"));
        assert!(matches!(change, Change::Upsert { files: found, .. } if found == files));
        assert!(!watched.has_seen_removal());
    });
}

/// Nobody has taken the plugin away, so it must not go out of service.
#[test]
fn what_takes_the_place_of_a_file_is_no_removal() {
    in_both_modes(one_plugin, |watched| {
        let file = watched.dir.join("a.wasm");
        watched.wait_for_settled("a");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        watched.wait_for(
            |change| matches!(change, Change::Upsert { files, .. } if files.first().is_dir()),
        );
        fs::remove_dir(&file).unwrap();
        fs::write(&file, "again").unwrap();
        watched.wait_for_content("a", "again");
        assert!(!watched.has_seen_removal(), "{:?}", watched.seen);
    });
}

#[test]
fn it_ends_when_it_is_dropped() {
    for mode in [WatchMode::Events, WatchMode::Poll] {
        let root = tempfile::tempdir().unwrap();
        let (watcher, mut changes) = watch(root.path().to_owned(), None, mode, HOUR).unwrap();
        drop(watcher);
        while changes.blocking_recv().is_some() {}
    }
}

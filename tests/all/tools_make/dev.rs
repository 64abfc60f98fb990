//! `tollgate dev`: what is saved is seen.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};
use tollgate::record::tape::Header;
use tollgate_tests::*;

use super::desk::{Desk, mark, shell};

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_seen_by_the_proxy_and_what_is_broken_is_not() {
    let proxy = proxy().start().await;
    let desk = Desk::new();
    desk.run("new wat mark");
    desk.write("mark/plugin.wat", &mark("v001"));
    let plugins = proxy.plugins.path();
    let mut dev = desk.dev(&format!("dev mark --plugins {}", plugins.display()));
    eventually!(proxy.mark().await.as_deref() == Some("v001"));
    // As editors do it: in place, and by another file that takes the name.
    desk.write("mark/plugin.wat", &mark("v002"));
    eventually!(proxy.mark().await.as_deref() == Some("v002"));
    desk.write("mark/.plugin.wat.swp", &mark("v003"));
    fs::rename(
        desk.path("mark/.plugin.wat.swp"),
        desk.path("mark/plugin.wat"),
    )
    .unwrap();
    eventually!(proxy.mark().await.as_deref() == Some("v003"));

    desk.write("mark/plugin.wat", "(module (nonsense))");
    eventually!(
        desk.read("err")
            .unwrap()
            .contains("WebAssembly text, line 1, column 10")
    );
    assert!(
        desk.read("err")
            .unwrap()
            .contains("; the last good one stays in place")
    );
    let put = fs::read(plugins.join("mark.wasm")).unwrap();
    assert!(put.windows(4).any(|bytes| bytes == b"v003"));
    desk.write("mark/plugin.toml", "name = ");
    eventually!(desk.read("err").unwrap().contains("mark/plugin.toml:1: "));
    assert_eq!(proxy.mark().await.as_deref(), Some("v003"));

    desk.write("mark/plugin.toml", "name = \"mark\"\nlanguage = \"wat\"\n");
    desk.write("mark/plugin.wat", &mark("v004"));
    eventually!(proxy.mark().await.as_deref() == Some("v004"));
    let line = format!("{}  ", plugins.join("mark.wasm").display());
    assert!(
        desk.read("out")
            .unwrap()
            .lines()
            .all(|said| said.starts_with(&line))
    );
    let names: Vec<_> = fs::read_dir(&plugins)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["mark.wasm"]);
    dev.interrupt();
    assert_eq!(dev.code().await, Some(130));
}

/// A tape of five exchanges with two plugins that mark them.
async fn record(desk: &Desk) -> PathBuf {
    let tape = desk.path("t.tape");
    let recording = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .plugin("other", guest("mark").version("o001"))
        .config(&format!("[record]\ntape = '{}'", tape.display()));
    let recording = recording.start_binary().await;
    for _ in 0..5 {
        assert_eq!(recording.get("/").await.status(), 200);
    }
    recording.terminate();
    assert_eq!(recording.ended().await.code, Some(0));
    tape
}

/// Whether what was told last of a tape has all of these words.
fn last_told(desk: &Desk, words: &[&str]) -> bool {
    let told = desk.read("out").unwrap();
    let last = told.rsplit("\ntape: ").next().unwrap();
    words.iter().all(|word| last.contains(word))
}

/// After each save the last part of what is told is about that save.
#[tokio::test(flavor = "multi_thread")]
async fn a_tape_shows_what_a_save_changes() {
    let desk = Desk::new();
    let tape = record(&desk).await;
    desk.run("new wat mark");
    desk.write("mark/plugin.wat", &mark("v001"));
    desk.write("plugins/other.wat", &mark("o001"));
    let _dev = desk.dev("dev mark --tape t.tape --filter ~all");
    let ends = |words: &[&str]| last_told(&desk, words);
    eventually!(ends(&["5 exchanges: 0 differ, 0 failed ("]));
    desk.write("mark/plugin.wat", &mark("v002"));
    eventually!(ends(&[
        "5 differ",
        "by plugin: mark 5",
        "since the last save: 5 differ in another way"
    ]));
    eventually!(ends(&["- x-mark: v001", "+ x-mark: v002"]));
    // The first three are shown whole, and all are named.
    let told = |words: &str| desk.read("out").unwrap().matches(words).count();
    eventually!(told("  200\n") == 5);
    assert_eq!(told("plugin mark forward-request"), 3);
    desk.write("mark/plugin.wat", &format!("{}\n", mark("v002")));
    eventually!(ends(&[
        "5 differ",
        "since the last save: nothing has changed"
    ]));
    desk.write("plugins/other.wat", &mark("o002"));
    desk.write("mark/plugin.wat", &mark("v001"));
    eventually!(ends(&[
        "5 differ",
        "by plugin: other 5",
        "5 differ in another way"
    ]));
    desk.write("plugins/other.wat", &mark("o001"));
    desk.write("mark/plugin.wat", &format!("{}\n", mark("v001")));
    eventually!(ends(&["0 differ", "5 are the same again"]));
    desk.write("mark/plugin.wat", &format!("{}\n\n", mark("v001")));
    eventually!(ends(&[
        "0 differ",
        "since the last save: nothing has changed"
    ]));
    // A proxy goes on recording.
    let grown = [
        &fs::read(&tape).unwrap()[..],
        &fs::read(&tape).unwrap()[Header::LENGTH..],
    ]
    .concat();
    fs::write(&tape, grown).unwrap();
    desk.write("mark/plugin.wat", &mark("v001"));
    eventually!(ends(&["10 exchanges: 0 differ"]));
    desk.write("plugins/other.wat", "(module");
    desk.write("mark/plugin.wat", &mark("v003"));
    eventually!(
        desk.read("err")
            .unwrap()
            .contains("the tape can't be run: plugin other: ")
    );
    let none = desk.run("dev mark --tape nowhere.tape");
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("nowhere.tape: "), "{}", none.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_while_a_build_runs_is_built_next() {
    let desk = Desk::with_project(&shell(
        "cp plugin.wat build/core.wat; echo >>build/begun; while ! [ -e build/go ]; do sleep 0.02; done",
    ));
    desk.write("p/plugin.wat", &mark("v001"));
    let _dev = desk.dev("dev p");
    eventually!(desk.path("p/build/begun").exists());
    desk.write("p/plugin.wat", &mark("v002"));
    desk.write("p/build/go", "");
    let has = |letters: &str| {
        let put = fs::read(desk.path("plugins/p.wasm")).unwrap_or_default();
        put.windows(4).any(|bytes| bytes == letters.as_bytes())
    };
    eventually!(has("v002"));
    // One build for each, and none after that until something is saved in a folder that is new.
    assert_eq!(desk.read("p/build/begun").as_deref(), Some("\n\n"));
    desk.write("p/wit/deps/new/x.wit", "");
    eventually!(desk.read("p/build/begun").as_deref() == Some("\n\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_ends_it_in_the_middle_of_a_build_and_leaves_no_process_behind() {
    let desk = Desk::with_project(&shell(
        "sleep 1000 & echo $! >build/pid.new; mv build/pid.new build/pid; wait",
    ));
    for line in ["dev p", "build p"] {
        let mut dev = desk.dev(line);
        eventually!(desk.path("p/build/pid").exists());
        let pid: i32 = desk.read("p/build/pid").unwrap().trim().parse().unwrap();
        assert!(is_alive(pid));
        dev.interrupt();
        assert_eq!(dev.code().await, Some(130), "{line}");
        eventually!(!is_alive(pid));
        fs::remove_file(desk.path("p/build/pid")).unwrap();
    }
}

/// Whether a process runs. One that has ended and of which nobody took notice doesn't.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let is_there = Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
    is_there && !stat.is_ok_and(|stat| stat.contains(") Z "))
}

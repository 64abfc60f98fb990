//! What stands in the plugins directory beside good files, and what takes their place: nothing of it is passed over in silence,
//! and what serves goes on.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use tollgate_tests::*;

fn make_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Exchanges two paths in one step.
fn exchange(one: &Path, other: &Path) {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

/// As root without the right to pass over permissions.
const ORDINARY: [&str; 3] = [
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-all",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_loaded_is_told_once_with_what_to_do() {
    let plugins = Plugins::new();
    plugins.write("UPPER.WAT", guest("mark").text());
    plugins.write("-dash.wat", guest("mark").text());
    plugins.write("two.wasm", guest("note").binary());
    plugins.write("two.wat", guest("note").text());
    let not_text = plugins.path().join(OsStr::from_bytes(b"bad-\xff.wasm"));
    fs::write(not_text, guest("mark").text()).unwrap();
    fs::create_dir(plugins.file("directory.wasm")).unwrap();
    make_pipe(&plugins.file("pipe.wasm"));
    symlink("/dev/null", plugins.file("device.wasm")).unwrap();
    symlink("nowhere", plugins.file("broken.wasm")).unwrap();
    symlink("loop.wasm", plugins.file("loop.wasm")).unwrap();
    let proxy = proxy().plugins(plugins).start_binary().await;
    let expected = [
        "UPPER.WAT: not loaded: its extension must be in lower case; rename it to UPPER.wat",
        "-dash.wat: not loaded: a plugin's name has 1 to 64 letters",
        "two.wat: not loaded: ",
        "bad-\u{fffd}.wasm: not loaded: its name is not UTF-8; rename the file",
        "directory.wasm is a directory; put a regular file there",
        "pipe.wasm is a named pipe; put",
        "device.wasm is a device; put",
        "broken.wasm: it is a link to nowhere: No such file",
        "loop.wasm: it is a link to loop.wasm: Too many levels",
    ];
    for words in expected {
        eventually!(proxy.stderr().contains(words));
    }
    // What was there before is looked at again with it.
    proxy.plugins.write("mark.wat", guest("mark").text());
    eventually!(proxy.mark().await.is_some());
    for words in expected {
        let log = proxy.stderr();
        assert_eq!(log.matches(words).count(), 1, "{words}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_place_of_a_file_leaves_the_last_good_version() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start()
        .await;
    let file = proxy.plugins.file("mark.wat");
    let other = proxy.plugins.beside().join("other");
    let mut good = "v000".to_owned();
    for (number, kind) in ["pipe", "directory", "link"].into_iter().enumerate() {
        match kind {
            "pipe" => make_pipe(&other),
            "directory" => fs::create_dir(&other).unwrap(),
            _ => symlink("nowhere", &other).unwrap(),
        }
        exchange(&file, &other);
        eventually!(proxy.refusal("mark").is_some());
        let refusal = proxy.refusal("mark").unwrap();
        assert!(refusal.contains(kind), "{refusal}");
        assert_eq!(proxy.mark().await.as_deref(), Some(&good[..]), "{kind}");
        good = format!("v10{number}");
        fs::write(&other, guest("mark").version(&good).text()).unwrap();
        exchange(&file, &other);
        eventually!(proxy.mark().await.as_deref() == Some(&good[..]));
        assert_eq!(proxy.refusal("mark"), None, "{kind}");
        match kind {
            "directory" => fs::remove_dir(&other).unwrap(),
            _ => fs::remove_file(&other).unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_plugin_whose_place_is_taken_is_not_passed_by() {
    let plugins = Plugins::new();
    fs::create_dir(plugins.file("guard.wasm")).unwrap();
    symlink("nowhere", plugins.file("gate.wasm")).unwrap();
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugins(plugins)
        .config("[plugin.guard]\nmatch = { path = '/guard' }\n[plugin.gate]\nmatch = { path = '/gate' }")
        .backend(&origin)
        .start()
        .await;
    for path in ["/guard", "/gate"] {
        assert_eq!(proxy.get(path).await.status(), 503, "{path}");
    }
}

/// Each request meets both plugins, whichever file they are in.
#[tokio::test(flavor = "multi_thread")]
async fn two_files_may_be_exchanged() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("a", guest("mark").version("v001"))
        .plugin("b", guest("mark").version("v002"))
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    let before = client.ask(&get("/")).await.values("x-mark");
    exchange(&proxy.plugins.file("a.wat"), &proxy.plugins.file("b.wat"));
    let after: Vec<String> = before.iter().rev().cloned().collect();
    eventually!({
        let marks = client.ask(&get("/")).await.values("x-mark");
        assert_eq!(marks.len(), 2, "{marks:?}");
        marks == after
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_directory_may_be_exchanged() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .backend(&origin)
        .start()
        .await;
    let next = proxy.plugins.beside().join("next");
    fs::create_dir(&next).unwrap();
    fs::write(next.join("mark.wat"), guest("mark").version("v002").text()).unwrap();
    exchange(&proxy.plugins.path(), &next);
    let mut client = proxy.client().await;
    eventually!({
        let mark = client.ask(&get("/")).await.field("x-mark");
        assert!(mark.is_some(), "a request met no version");
        mark.as_deref() == Some("v002")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_read_any_more_stays_and_is_told() {
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .under(&ORDINARY)
        .start_binary()
        .await;
    let file = proxy.plugins.file("mark.wat");
    fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    eventually!(
        proxy
            .stderr()
            .contains("; give the proxy the permission to read it")
    );
    assert!(proxy.stderr().contains("goes on"), "{}", proxy.stderr());
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    eventually!(
        proxy
            .stderr()
            .contains("holds the version that serves again")
    );

    let directory = proxy.plugins.path();
    for mode in [0o400, 0o100] {
        let told = proxy.stderr().matches("cannot look into it").count();
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        eventually!(proxy.stderr().matches("cannot look into it").count() > told);
        assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
        fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
        eventually!(proxy.stderr().matches("can be looked into again").count() > told);
    }
    assert!(proxy.stderr().contains("may be listed but not entered"));
}

/// Else it would start without the plugins that may be in it.
#[test]
fn a_start_needs_a_directory_that_it_can_look_into() {
    let plugins = Plugins::new();
    let directory = plugins.path();
    fs::set_permissions(&directory, Permissions::from_mode(0o400)).unwrap();
    // Should it start all the same, it ends by itself.
    let mut command = std::process::Command::new("timeout");
    let command = command.arg("60").args(ORDINARY).arg(executable());
    let command = command.args(["run", "--listen", "127.0.0.1:0", "--no-cache", "--plugins"]);
    let ended = command.arg(&directory).output().unwrap();
    let log = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success(), "{log}");
    assert!(log.contains("may be listed but not entered"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_watches_of_the_system_a_change_is_found_by_looking() {
    for what in ["instances", "watches"] {
        let none = format!("echo 0 >/proc/sys/user/max_inotify_{what}; exec \"$@\"");
        let proxy = proxy()
            .plugin("mark", guest("mark"))
            .under(&["unshare", "-U", "-r", "sh", "-c", &none, "sh"])
            .start_binary()
            .await;
        eventually!(
            proxy
                .stderr()
                .contains(&format!("raise fs.inotify.max_user_{what}"))
        );
        proxy
            .plugins
            .replace("mark.wat", guest("mark").version("v002").text());
        eventually!(proxy.mark().await.as_deref() == Some("v002"));
        proxy.plugins.remove("mark.wat");
        eventually!(proxy.mark().await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_goes_is_told_in_our_words_alone() {
    let proxy = proxy().plugin("mark", guest("mark")).start_binary().await;
    proxy.plugins.remove_directory();
    eventually!(proxy.stderr().contains("is gone; waiting for it"));
    assert!(
        !proxy.stderr().contains("watch descriptor"),
        "{}",
        proxy.stderr()
    );
}

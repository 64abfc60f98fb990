//! The configuration file while the proxy runs: when a change of it is put into force, and what no file can be.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tollgate_tests::*;

/// The first half of a file, good by itself, in which nothing has plugins.
const HALF: &str = "[[routes]]\npath = '/'\nbackend = 'default'\nplugins = []\n";

/// The other half, with which one path has its plugin.
const REST: &str = "[[routes]]\npath = '/guarded'\nbackend = 'default'\nplugins = ['mark']\n";

/// A proxy all of whose answers have `x-mark`, and its configuration file.
async fn guarded(origin: &Origin) -> (Proxy, std::path::PathBuf) {
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(origin)
        .start()
        .await;
    let file = proxy.plugins.beside().join("tollgate.toml");
    (proxy, file)
}

/// Asks for the guarded path until the whole file is in force. It must never be without its plugin.
async fn never_unguarded(proxy: &Proxy) {
    let patience = Patience::begin();
    while proxy.get("/").await.field("x-mark").is_some() {
        assert_eq!(
            proxy.get("/guarded").await.field("x-mark").as_deref(),
            Some("v000")
        );
        patience.wait("the new configuration").await;
    }
    assert_eq!(
        proxy.get("/guarded").await.field("x-mark").as_deref(),
        Some("v000")
    );
}

async fn with_two_paths() -> Origin {
    let origin = origin()
        .route("/", text("ok"))
        .route("/guarded", text("ok"));
    origin.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_in_two_pieces_is_taken_when_it_is_whole() {
    // Held open between the pieces, or closed after each of them. The pause is what is tested.
    for (pause, closes) in [(1500, false), (1500, true), (50, false), (50, true)] {
        let origin = with_two_paths().await;
        let (proxy, path) = guarded(&origin).await;
        let writing = tokio::spawn(async move {
            let mut file = File::create(&path).unwrap();
            file.write_all(HALF.as_bytes()).unwrap();
            if closes {
                drop(file);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                file = OpenOptions::new().append(true).open(&path).unwrap();
            } else {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            file.write_all(REST.as_bytes()).unwrap();
        });
        never_unguarded(&proxy).await;
        writing.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_renamed_into_place_is_taken_at_once() {
    let origin = with_two_paths().await;
    let (proxy, path) = guarded(&origin).await;
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, format!("{HALF}{REST}")).unwrap();
    std::fs::rename(&fresh, &path).unwrap();
    never_unguarded(&proxy).await;
}

/// As a Kubernetes volume does it, with a link that is switched.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_behind_a_link_is_followed() {
    let origin = with_two_paths().await;
    let (proxy, path) = guarded(&origin).await;
    let directory = proxy.plugins.beside();
    std::fs::create_dir(directory.join("v2")).unwrap();
    std::fs::write(directory.join("v2/tollgate.toml"), format!("{HALF}{REST}")).unwrap();
    std::os::unix::fs::symlink("v2/tollgate.toml", directory.join("link")).unwrap();
    std::fs::rename(directory.join("link"), &path).unwrap();
    never_unguarded(&proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reads_the_file_as_it_is() {
    let origin = with_two_paths().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start_binary()
        .await;
    let path = proxy.plugins.beside().join("tollgate.toml");
    // Open until the end, so that it doesn't settle before long.
    let mut file = File::create(&path).unwrap();
    file.write_all(format!("{HALF}{REST}").as_bytes()).unwrap();
    let start = Instant::now();
    proxy.hang_up();
    eventually!(proxy.get("/").await.field("x-mark").is_none());
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "it settles after ten"
    );
    drop(file);
}

/// Plugins that are not watched are no reason not to follow the configuration.
#[tokio::test(flavor = "multi_thread")]
async fn without_watching_plugins_the_configuration_is_followed() {
    let origin = with_two_paths().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .watch("off")
        .backend(&origin)
        .start()
        .await;
    proxy
        .plugins
        .replace("../tollgate.toml", format!("{HALF}{REST}"));
    never_unguarded(&proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_refused_at_once() {
    let plugins = Plugins::new();
    let pipe = plugins.beside().join("pipe.toml");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let large = plugins.beside().join("large.toml");
    File::create(&large).unwrap().set_len(17 << 20).unwrap();
    let cases = [
        (
            pipe.to_str().unwrap(),
            "this is a device, a pipe or a socket",
        ),
        ("/dev/zero", "this is a device, a pipe or a socket"),
        (plugins.beside().to_str().unwrap(), "this is a directory"),
        (large.to_str().unwrap(), "larger than 16 MiB"),
    ];
    for (path, problem) in cases {
        for command in ["run", "check-config"] {
            let ended = run_binary(&[command, "--config", path]).await;
            assert_eq!(ended.code, Some(64), "{ended:?}");
            assert!(
                ended.stderr.contains(problem) && ended.stderr.contains(path),
                "{ended:?}"
            );
        }
    }
}

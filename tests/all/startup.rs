//! What a user sees at the start: the table, the ready line, every mistake at once, and exit codes.

use tollgate_tests::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_table_lists_plugins_in_chain_order_before_the_ready_line() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("late", guest("mark"))
        .plugin("early", guest("note"))
        .plugin("bad", guest("missing-export"))
        .plugin("off", guest("mark"))
        .config("[plugin.early]\norder = 1\n[plugin.off]\nenabled = false\norder = 101")
        .backend(&origin)
        .start_binary()
        .await;
    let stdout = proxy.stdout();
    let words: Vec<Vec<&str>> = stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(words[0], ["plugin", "version", "order", "state"]);
    let rows: Vec<_> = words[1..5]
        .iter()
        .map(|row| (row[0], row[2], row[3]))
        .collect();
    assert_eq!(
        rows,
        [
            ("early", "1", "active"),
            ("bad", "100", "failed:"),
            ("late", "100", "active"),
            ("off", "101", "disabled")
        ]
    );
    assert!(
        words[1][1].len() == 12 && words[1][1].chars().all(|c| c.is_ascii_hexdigit()),
        "{stdout}"
    );
    let ready = format!(
        "tollgate is ready: http://{} -> {}",
        proxy.address,
        origin.address()
    );
    assert_eq!(stdout.lines().nth(5), Some(&ready[..]));
    assert_eq!(stdout.lines().count(), 6, "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_plugins_and_backend_it_echoes() {
    let proxy = proxy().start_binary().await;
    assert!(
        proxy.stdout().contains("drop a .wasm file there"),
        "{}",
        proxy.stdout()
    );
    assert!(
        proxy
            .stdout()
            .trim_end()
            .ends_with("(embedded echo backend)"),
        "{}",
        proxy.stdout()
    );
    let answer = proxy
        .ask(&request("POST", "/p?q").field("x-a", "1").body("content"))
        .await;
    assert_eq!(answer.status(), 200);
    for part in ["/p?q", "x-a", "content", "POST"] {
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
    }
}

/// The port is LocalStack's, so it often is taken.
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_backend_takes_another_port_unless_one_was_asked_for() {
    // Whoever has it, it is taken.
    let _taken = std::net::TcpListener::bind("127.0.0.1:4566");
    let proxy = proxy().backend_at("echo").start_binary().await;
    let answer = proxy.get("/through").await;
    assert!(answer.text().contains("/through"), "{}", answer.text());
    eventually!(
        proxy
            .stderr()
            .contains("another process listens on 127.0.0.1:4566")
    );
    let ready = proxy.stdout();
    assert!(!ready.contains(":4566 (embedded"), "{ready}");

    let ended = run_binary(&["run", "--listen", "0", "--backend", "echo://4566"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("backend = \"echo://127.0.0.1:4566\""),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_does_not_exist_may_come() {
    let builder = proxy().watch("events");
    let proxy = builder.without_directory().start_binary().await;
    proxy.plugins.make_directory();
    proxy.plugins.write("mark.wat", guest("mark").text());
    eventually!(proxy.mark().await.as_deref() == Some("v000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_told_at_once() {
    let plugins = Plugins::new();
    let file = plugins.beside().join("bad.toml");
    std::fs::write(
        &file,
        "lisen = '1'\n[plugin.a]\non-failure = 'maybe'\n[limits]\nmemory = 'lots'\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    for command in ["run", "check-config"] {
        let args = [
            command,
            "--config",
            file,
            "--listen",
            "nowhere",
            "--backend",
            "ftp://x",
            "--workers",
            "0",
        ];
        let ended = run_binary(&args).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(64), ""),
            "{ended:?}"
        );
        for mistake in [
            "--listen \"nowhere\"",
            "--backend \"ftp://x\"",
            "--workers \"0\"",
            ":1: lisen: unknown key; did you mean listen?",
            ":3: plugin.a.on-failure = 'maybe': expected closed or open",
            ":5: limits.memory = 'lots'",
        ] {
            assert!(
                ended.stderr.contains(mistake),
                "{mistake}\n{}",
                ended.stderr
            );
        }
        assert_eq!(ended.stderr.lines().count(), 7, "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_is_called_good() {
    let ended = run_binary(&[
        "check-config",
        "--listen",
        "0",
        "--backend",
        "http://127.0.0.1:1",
    ])
    .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_what_to_do() {
    let proxy = proxy().start_binary().await;
    let taken = proxy.address.to_string();
    let ended = run_binary(&[
        "run",
        "--listen",
        &taken,
        "--backend",
        "http://127.0.0.1:1",
        "--no-cache",
    ])
    .await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains(&format!("can't listen on {taken}")),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("another process listens there") && ended.stderr.contains("--listen"),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_that_are_a_file_are_refused() {
    let plugins = Plugins::new();
    let file = plugins.beside().join("file");
    std::fs::write(&file, "").unwrap();
    let args = [
        "run",
        "--listen",
        "0",
        "--backend",
        "http://127.0.0.1:1",
        "--no-cache",
        "--plugins",
    ];
    let ended = run_binary(&[&args[..], &[file.to_str().unwrap()]].concat()).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("is not a directory"), "{ended:?}");
}

/// Nobody knows which plugins are in it, so nothing is served without them.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_directory_that_cannot_be_listed_stops_the_start() {
    let plugins = Plugins::new();
    let directory = plugins.beside().join("loop");
    std::os::unix::fs::symlink("loop", &directory).unwrap();
    let directory = directory.to_str().unwrap();
    for (command, words) in [("run", "cannot look into"), ("check-config", "cannot list")] {
        let args = [
            command,
            "--listen",
            "0",
            "--no-cache",
            "--plugins",
            directory,
        ];
        let ended = run_binary(&args).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(1), ""),
            "{ended:?}"
        );
        let words = format!("{words} {directory}: ");
        assert!(ended.stderr.contains(&words), "{ended:?}");
    }
}

/// A second start restores what the first compiled; what is damaged meanwhile is compiled again.
#[tokio::test(flavor = "multi_thread")]
async fn compiled_plugins_are_kept_and_damage_does_no_harm() {
    let cache = tempfile::tempdir().unwrap();
    let start = || {
        let builder = proxy()
            .plugin("mark", guest("mark"))
            .cache(cache.path().to_owned());
        builder.log("info,tollgate=debug").start_binary()
    };
    let first = start().await;
    eventually!(first.stderr().contains("(optimized)"));
    drop(first);
    let second = start().await;
    eventually!(second.stderr().contains("(optimized)"));
    assert!(
        !second.stderr().contains("(baseline)"),
        "{}",
        second.stderr()
    );
    assert_eq!(second.mark().await.as_deref(), Some("v000"));
    drop(second);
    let mut damaged = 0;
    for path in files_below(cache.path()) {
        let mut content = std::fs::read(&path).unwrap();
        if let Some(last) = content.last_mut() {
            *last ^= 0xff;
            damaged += 1;
        }
        std::fs::write(&path, content).unwrap();
    }
    assert!(damaged > 0, "nothing was kept");
    let third = start().await;
    assert_eq!(third.mark().await.as_deref(), Some("v000"));
    eventually!(third.stderr().contains("(baseline)"));
}

fn files_below(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

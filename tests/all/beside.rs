//! `NAME.toml` beside `NAME.wasm`: what it says is in force with the code, changes with it, and names the plugin.

mod presence;

use std::os::unix::fs::symlink;

use tollgate_tests::*;

/// What an answer shows of `greet`: its version and its setting.
fn shown(answer: &Answer) -> (u16, Option<String>, Option<String>) {
    (
        answer.status(),
        answer.field("x-mark"),
        answer.field("x-greeting"),
    )
}

fn served(version: &str, greeting: &str) -> (u16, Option<String>, Option<String>) {
    (200, Some(version.to_owned()), Some(greeting.to_owned()))
}

fn greeting(text: &str) -> String {
    format!("[settings]\ngreeting = '{text}'\n")
}

async fn ok() -> Origin {
    origin().route("/", text("ok")).start().await
}

/// A proxy whose plugin says `first`.
async fn greeting_first(origin: &Origin) -> Proxy {
    let proxy = proxy()
        .plugin("greet", guest("greet"))
        .file("greet.toml", greeting("first"))
        .backend(origin)
        .start()
        .await;
    assert_eq!(shown(&proxy.get("/").await), served("v000", "first"));
    proxy
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_order_match_and_permissions_count_from_the_start() {
    let origin = origin().route("/", text("ok")).route("/a", text("ok"));
    let origin = origin.start().await;
    let proxy = proxy()
        .plugin("greet", guest("greet"))
        .file(
            "greet.toml",
            "order = 7\nmatch = { path = '/' }\n[settings]\ngreeting = 'hi'\n",
        )
        .plugin("count", guest("count-state"))
        .file(
            "count.toml",
            "match = { path = '/n' }\nallow = { state = true }",
        )
        .config("state.store = 'memory'\n[plugin.greet.settings]\nother = 1")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(shown(&proxy.get("/").await), served("v000", "hi"));
    assert_eq!(shown(&proxy.get("/a").await), (200, None, None));
    assert_eq!(proxy.status("greet").unwrap().order, 7);
    assert_eq!(proxy.get("/n").await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_file_wins_key_by_key() {
    let origin = ok().await;
    let proxy = proxy()
        .plugin("greet", guest("greet"))
        .file("greet.toml", format!("order = 7\n{}", greeting("beside")))
        .plugin("count", guest("count-state"))
        .file("count.toml", "match = { path = '/n' }\nallow = { state = true }")
        .config("state.store = 'memory'\nplugin.greet.settings.greeting = 'main'\nplugin.count.allow.state = false")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(shown(&proxy.get("/").await), served("v000", "main"));
    assert_eq!(proxy.status("greet").unwrap().order, 7);
    // What the one grants the other takes away.
    assert_eq!(proxy.get("/n").await.status(), 503);
    let refusal = proxy.refusal("count").unwrap();
    assert!(
        refusal.contains("[plugin.count.allow]\nstate = true")
            && refusal.contains("count.toml beside the plugin's file"),
        "{refusal}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_takes_effect_without_another_compilation() {
    let origin = ok().await;
    let proxy = greeting_first(&origin).await;
    let hash = proxy.status("greet").unwrap().serving.unwrap().hash;
    proxy.plugins.replace("greet.toml", greeting("second"));
    eventually!(shown(&proxy.get("/").await) == served("v000", "second"));
    proxy.plugins.write("greet.toml", greeting("third"));
    eventually!(shown(&proxy.get("/").await) == served("v000", "third"));
    assert_eq!(proxy.status("greet").unwrap().serving.unwrap().hash, hash);
    // A link is followed, and what it leads to.
    let elsewhere = proxy.plugins.beside().join("elsewhere");
    std::fs::write(&elsewhere, greeting("linked")).unwrap();
    symlink(&elsewhere, proxy.plugins.beside().join("link")).unwrap();
    std::fs::rename(
        proxy.plugins.beside().join("link"),
        proxy.plugins.file("greet.toml"),
    )
    .unwrap();
    eventually!(shown(&proxy.get("/").await) == served("v000", "linked"));
    std::fs::write(&elsewhere, greeting("changed")).unwrap();
    eventually!(shown(&proxy.get("/").await) == served("v000", "changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_keeps_version_and_configuration() {
    let origin = ok().await;
    let proxy = greeting_first(&origin).await;
    let mistakes = [
        ("order = ", "greet.toml:1: "),
        (
            "\nsetings = {}",
            "greet.toml:2: setings: unknown key; did you mean settings?",
        ),
        (
            "order = 'x'",
            "greet.toml:1: order = 'x': expected a whole number",
        ),
        (
            "allow.backends = ['defautl']",
            "greet.toml:1: allow.backends = 'defautl': unknown backend; did you mean \"default\"?",
        ),
        ("", "its lifecycle.start returned an error: no greeting"),
        (&"#".repeat(5 << 20), "greet.toml: larger than 4 MiB"),
    ];
    for (text, expected) in mistakes {
        proxy.plugins.replace("greet.toml", text);
        eventually!(
            proxy
                .refusal("greet")
                .is_some_and(|refusal| refusal.contains(expected))
        );
        assert_eq!(
            shown(&proxy.get("/").await),
            served("v000", "first"),
            "{expected}"
        );
    }
    // New code does not serve under old settings while the new ones are wrong.
    proxy
        .plugins
        .replace("greet.wat", guest("greet").version("v001").text());
    proxy.plugins.replace("greet.toml", "order = ");
    eventually!(
        proxy
            .refusal("greet")
            .is_some_and(|refusal| refusal.contains("greet.toml:1: "))
    );
    assert_eq!(shown(&proxy.get("/").await), served("v000", "first"));
    // The configuration file can be changed meanwhile; the plugin keeps what it has of its own.
    proxy
        .plugins
        .replace("../tollgate.toml", "plugin.greet.order = 3");
    eventually!(proxy.status("greet").unwrap().order == 3);
    assert_eq!(
        proxy.get("/").await.field("x-greeting").as_deref(),
        Some("first")
    );
    proxy.plugins.replace("greet.toml", greeting("good"));
    eventually!(shown(&proxy.get("/").await) == served("v001", "good"));
    assert_eq!(proxy.refusal("greet"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_and_configuration_that_change_together_serve_together() {
    let origin = ok().await;
    let proxy = greeting_first(&origin).await;
    let mut before = served("v000", "first");
    let deploys: [(&str, bool, bool); 4] = [
        ("v001", true, true),
        ("v002", false, true),
        ("v003", true, false),
        ("v004", false, false),
    ];
    for (version, by_rename, code_first) in deploys {
        let next = served(version, version);
        let code = guest("greet").version(version);
        let put = |name: &str, text: &str| match by_rename {
            true => proxy.plugins.replace(name, text),
            false => proxy.plugins.write(name, text),
        };
        if code_first {
            put("greet.wat", code.text());
            put("greet.toml", &greeting(version));
        } else {
            put("greet.toml", &greeting(version));
            put("greet.wat", code.text());
        }
        let patience = Patience::begin();
        loop {
            let now = shown(&proxy.get("/").await);
            if now == next {
                break;
            }
            assert_eq!(now, before, "never the one with the other's predecessor");
            patience.wait("the new version").await;
        }
        before = next;
    }
}

/// A version waits for a configuration that changes while it is made ready, and not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_never_rests_holds_no_version_up() {
    let origin = ok().await;
    let proxy = proxy()
        .plugin("greet", guest("greet"))
        .file("greet.toml", greeting("first"))
        .backend(&origin)
        .start_binary()
        .await;
    let proxy = std::sync::Arc::new(proxy);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (writer_proxy, writer_stop) = (proxy.clone(), stop.clone());
    let writer = std::thread::spawn(move || {
        let mut number = 0;
        while !writer_stop.load(std::sync::atomic::Ordering::Relaxed) {
            let text = greeting(&number.to_string());
            writer_proxy.plugins.replace("greet.toml", text);
            number += 1;
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        number
    });
    // It takes longer to compile than the configuration rests.
    let slow = guest("greet").version("v001").with_ballast(300);
    proxy.plugins.replace("greet.wat", slow.text());
    eventually!(proxy.mark().await.as_deref() == Some("v001"));
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let last = writer.join().unwrap() - 1;
    eventually!(shown(&proxy.get("/").await) == served("v001", &last.to_string()));
}

/// Half of a file may well be one without mistakes.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_in_two_pieces_is_taken_when_it_is_whole() {
    let origin = ok().await;
    let proxy = greeting_first(&origin).await;
    let half = format!("match = {{ path = '/elsewhere/**' }}\n{}", greeting("half"));
    proxy.plugins.write("greet.toml", &half);
    for _ in 0..20 {
        assert_eq!(shown(&proxy.get("/").await), served("v000", "first"));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let whole = greeting("whole");
    proxy.plugins.write("greet.toml", &whole);
    let patience = Patience::begin();
    loop {
        let now = shown(&proxy.get("/").await);
        if now == served("v000", "whole") {
            break;
        }
        assert_eq!(now, served("v000", "first"));
        patience.wait("the whole file").await;
    }
}

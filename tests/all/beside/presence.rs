//! A file beside a plugin that is broken, is no file, stands alone, or goes.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_at_the_start_lets_nobody_by() {
    let origin = ok().await;
    for broken in ["order = ", "ordr = 1", "[plugin.greet]\norder = 1", "\u{1}"] {
        let proxy = proxy()
            .plugin("greet", guest("greet"))
            .file("greet.toml", broken)
            .backend(&origin)
            .start()
            .await;
        assert_eq!(proxy.get("/").await.status(), 503, "{broken}");
        let refusal = proxy.refusal("greet").unwrap();
        assert!(refusal.contains("greet.toml:1"), "{refusal}");
        assert_eq!(proxy.status("greet").unwrap().state(), "failed (required)");
        // Another configuration does not bring it into service without what its file says.
        proxy.plugins.replace(
            "../tollgate.toml",
            "plugin.greet.settings.greeting = 'x'\nserver.max-fields = 900",
        );
        for _ in 0..10 {
            assert_eq!(proxy.get("/").await.status(), 503, "{broken}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        proxy.plugins.replace("greet.toml", greeting("good"));
        eventually!(proxy.get("/").await.status() == 200);
    }
    assert!(origin.requests().len() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_place_of_the_file_lets_nobody_by() {
    type Put = fn(&std::path::Path);
    let places: [(&str, Put); 3] = [
        ("this is a directory", |path| {
            std::fs::create_dir(path).unwrap()
        }),
        ("no such file", |path| symlink("nowhere", path).unwrap()),
        ("this is a device", |path| {
            symlink("/dev/null", path).unwrap()
        }),
    ];
    let origin = ok().await;
    for (expected, put) in places {
        let plugins = Plugins::new();
        put(&plugins.file("mark.toml"));
        let proxy = proxy()
            .plugins(plugins)
            .plugin("mark", guest("mark"))
            .backend(&origin)
            .start()
            .await;
        assert_eq!(proxy.get("/").await.status(), 503, "{expected}");
        let refusal = proxy.refusal("mark").unwrap();
        assert!(refusal.contains(expected), "{refusal}");
    }
    if rustix::process::geteuid().is_root() {
        return;
    }
    let plugins = Plugins::new();
    plugins.write("mark.toml", "");
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(plugins.file("mark.toml"), closed).unwrap();
    let proxy = proxy().plugins(plugins).plugin("mark", guest("mark"));
    let proxy = proxy.backend(&origin).start().await;
    assert_eq!(proxy.get("/").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_without_code_names_the_plugin() {
    let origin = origin().route("/", text("ok")).route("/a", text("ok"));
    let origin = origin.start().await;
    let file = format!("match = {{ path = '/a' }}\n{}", greeting("hi"));
    let proxy = proxy()
        .file("greet.toml", &file)
        .file("optional.toml", "required = false")
        .file("off.toml", "enabled = false")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.get("/").await.status(), 200);
    assert_eq!(proxy.get("/a").await.status(), 503);
    let status = proxy.status("greet").unwrap();
    assert_eq!(status.state(), "missing (required)");
    assert_eq!(proxy.plugin_names(), ["greet"]);
    proxy.plugins.replace("greet.wat", guest("greet").text());
    eventually!(proxy.get("/a").await.status() == 200);
    assert_eq!(shown(&proxy.get("/a").await), served("v000", "hi"));
    // Its code goes: what it would take part in is refused, from the moment that it does not take part any more.
    proxy.plugins.remove("greet.wat");
    let patience = Patience::begin();
    loop {
        let now = shown(&proxy.get("/a").await);
        if now.0 == 503 {
            break;
        }
        assert_eq!(now, served("v000", "hi"));
        patience.wait("the removal").await;
    }
    assert_eq!(proxy.get("/").await.status(), 200);
    proxy.plugins.remove("greet.toml");
    eventually!(proxy.get("/a").await.status() == 200);
    assert_eq!(proxy.status("greet"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_switched_off_and_on_by_its_file() {
    let origin = ok().await;
    let proxy = greeting_first(&origin).await;
    proxy.plugins.replace("greet.toml", "enabled = false");
    eventually!(shown(&proxy.get("/").await) == (200, None, None));
    assert_eq!(proxy.status("greet").unwrap().state(), "disabled");
    let all = format!("enabled = true\n{}", greeting("on"));
    proxy.plugins.replace("greet.toml", all);
    eventually!(shown(&proxy.get("/").await) == served("v000", "on"));
    // The configuration file has the last word.
    proxy.plugins.replace("greet.toml", "enabled = false");
    eventually!(shown(&proxy.get("/").await) == (200, None, None));
    proxy.plugins.replace(
        "../tollgate.toml",
        "plugin.greet = { enabled = true, settings = { greeting = 'main' } }",
    );
    eventually!(shown(&proxy.get("/").await) == served("v000", "main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_leaves_what_can_serve_without_it() {
    let origin = ok().await;
    let proxy = proxy()
        .plugin("greet", guest("greet"))
        .file("greet.toml", greeting("hi"))
        .plugin("mark", guest("setting"))
        .file("mark.toml", greeting("there"))
        .config("plugin.mark.order = 200")
        .backend(&origin)
        .start()
        .await;
    // The one can't be started without, so it goes on with what it had.
    proxy.plugins.remove("greet.toml");
    eventually!(proxy.refusal("greet").is_some());
    assert_eq!(shown(&proxy.get("/").await), served("v000", "hi"));
    assert_eq!(
        proxy.status("greet").unwrap().state(),
        "active, new version refused"
    );
    proxy.plugins.remove("greet.wat");
    eventually!(proxy.get("/").await.field("x-mark").is_none());
    assert_eq!(
        proxy.get("/").await.field("x-greeting").as_deref(),
        Some("there")
    );
    proxy.plugins.remove("mark.toml");
    eventually!(proxy.get("/").await.field("x-greeting").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_others_are_left_alone() {
    let origin = ok().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .file("plugin.toml", "name = 'mark'\nlanguage = 'wat'")
        .file("Cargo.toml", "[package]")
        .file("mark.toml~", "order = ")
        .file(".mark.toml.swp", "order = ")
        .file("a b.toml", "x")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(
        proxy.get("/").await.field("x-mark").as_deref(),
        Some("v000")
    );
    assert_eq!(proxy.plugin_names(), ["mark"]);
    // The proxy's own file may stand among the plugins.
    let own = proxy.plugins.file("own.toml");
    let directory = proxy.plugins.path();
    std::fs::write(&own, format!("plugins = '{}'", directory.display())).unwrap();
    let checked = run_binary(&["check-config", "--config", own.to_str().unwrap()]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_reads_the_files_beside_plugins() {
    let plugins = Plugins::new();
    plugins.write("mark.wat", guest("mark").text());
    plugins.write("mark.toml", "ordr = 1");
    plugins.write("gone.toml", "order = 1");
    let directory = plugins.path();
    let arguments = ["check-config", "--plugins", directory.to_str().unwrap()];
    let checked = run_binary(&arguments).await;
    assert_eq!(checked.code, Some(64), "{checked:?}");
    for expected in [
        "mark.toml:1: ordr: unknown key; did you mean order?",
        "plugin gone: gone.toml requires it, and there is no file gone.wasm or gone.wat",
        "add the file, or remove gone.toml, or set required = false in it",
    ] {
        assert!(checked.stderr.contains(expected), "{checked:?}");
    }
    plugins.write("mark.toml", "order = 1");
    plugins.remove("gone.toml");
    let checked = run_binary(&arguments).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

//! The schema of a plugin's settings: held against them at the start, when the plugin, its schema or the configuration changes,
//! and by the tools.

use tollgate_tests::*;

/// Takes greetings of at least two letters.
const SCHEMA: &str = r#"{"properties": {"greeting": {"type": "string", "minLength": 2}, "count": {"type": "integer"}},
    "additionalProperties": false, "required": ["greeting"]}"#;

/// A guest that carries a schema.
fn carrying(guest: &Guest, schema: &str) -> String {
    let end = guest.text().rfind(')').unwrap();
    let section = schema.replace('\n', " ").replace('"', "\\\"");
    format!(
        "{}(@custom \"tollgate:settings-schema\" \"{section}\"))",
        &guest.text()[..end]
    )
}

fn greet() -> String {
    carrying(&guest("greet"), SCHEMA)
}

async fn ok() -> Origin {
    origin().route("/", text("ok")).start().await
}

async fn greeting(proxy: &Proxy) -> Option<String> {
    proxy.get("/").await.field("x-greeting")
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_do_not_fit_refuse_the_plugin_at_the_start() {
    let origin = ok().await;
    let cases = [
        (
            "greeting = 'h'",
            "settings.greeting: \"h\": expected at least 2 characters",
        ),
        (
            "greeting = 7",
            "settings.greeting: 7: expected a text (string)",
        ),
        ("", "settings.greeting: missing; it is required"),
        (
            "greeting = 'hi'\ncount = '1h'",
            "settings.count: \"1h\": expected a number (integer)",
        ),
        (
            "greeting = 'hi'\ncuont = 1",
            "settings.cuont: unknown key; did you mean count?",
        ),
    ];
    for (settings, expected) in cases {
        for core in [true, false] {
            let file = match core {
                true => greet().into_bytes(),
                false => component(&greet()),
            };
            let proxy = proxy()
                .file(if core { "greet.wat" } else { "greet.wasm" }, file)
                .config(&format!("[plugin.greet.settings]\n{settings}"))
                .backend(&origin)
                .start()
                .await;
            assert_eq!(proxy.get("/").await.status(), 503, "{settings}");
            let refusal = proxy.refusal("greet").unwrap();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
    let proxy = proxy()
        .file("greet.wat", greet())
        .config("[plugin.greet.settings]\ngreeting = 'hi'\ncount = 1")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(greeting(&proxy).await.as_deref(), Some("hi"));
}

/// The component that is made of a core module, as `tollgate build` does it.
fn component(module: &str) -> Vec<u8> {
    let loaded = tollgate::plugin::load::load(module.as_bytes().to_vec()).unwrap();
    loaded.component
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_held_against_it_before_it_serves() {
    let origin = ok().await;
    let proxy = proxy()
        .file("greet.wat", greet())
        .config("plugin.greet.settings.greeting = 'main'")
        .backend(&origin)
        .start_binary()
        .await;
    let greeting = async || proxy.get("/").await.field("x-greeting");
    assert_eq!(greeting().await.as_deref(), Some("main"));
    // Another configuration, which is refused as a whole.
    proxy.configure("plugin.greet.settings.greeting = 'x'\nserver.max-fields = 500");
    eventually!(
        proxy
            .stderr()
            .contains("settings.greeting: \"x\": expected at least 2")
    );
    assert!(
        proxy
            .stderr()
            .contains("plugin greet: its settings are not what it expects")
    );
    assert!(proxy.stderr().contains("configuration not reloaded"));
    assert_eq!(greeting().await.as_deref(), Some("main"));
    // The file beside the plugin.
    let beside = "order = 5\nsettings.greeting = 'beside'";
    proxy.plugins.replace("greet.toml", beside);
    eventually!(proxy.stderr().contains("with another configuration"));
    proxy.configure("");
    eventually!(greeting().await.as_deref() == Some("beside"));
    proxy
        .plugins
        .replace("greet.toml", "settings.greeting = 'y'");
    eventually!(
        proxy
            .stderr()
            .contains("settings.greeting: \"y\": expected at least 2")
    );
    proxy
        .plugins
        .replace("greet.toml", "settings.greeting = 'again'");
    eventually!(greeting().await.as_deref() == Some("again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_schema_is_held_against_settings_that_stay() {
    let origin = ok().await;
    let proxy = proxy()
        .file("greet.wat", greet())
        .file("greet.toml", "settings.greeting = 'again'")
        .backend(&origin)
        .start_binary()
        .await;
    let greeting = async || proxy.get("/").await.field("x-greeting");
    assert_eq!(greeting().await.as_deref(), Some("again"));
    // Another version of the plugin carries it.
    let stricter = SCHEMA.replace("\"minLength\": 2", "\"minLength\": 6");
    let next = carrying(&guest("greet").version("v001"), &stricter);
    proxy.plugins.replace("greet.wat", next);
    eventually!(
        proxy
            .stderr()
            .contains("settings.greeting: \"again\": expected at least 6")
    );
    assert_eq!(
        proxy.get("/").await.field("x-mark").as_deref(),
        Some("v000")
    );
    // A schema beside it goes before the one that it carries.
    proxy.plugins.replace("greet.schema.json", SCHEMA);
    eventually!(proxy.get("/").await.field("x-mark").as_deref() == Some("v001"));
    proxy
        .plugins
        .replace("greet.schema.json", r#"{"required": ["name"]}"#);
    eventually!(
        proxy
            .stderr()
            .contains("settings.name: missing; it is required")
    );
    proxy.plugins.replace("greet.schema.json", "{");
    eventually!(
        proxy
            .stderr()
            .contains("greet.schema.json) can't be used: it is not JSON")
    );
    assert_eq!(greeting().await.as_deref(), Some("again"));
    proxy.plugins.remove("greet.schema.json");
    eventually!(proxy.stderr().matches("expected at least 6").count() > 1);
    proxy
        .plugins
        .replace("greet.toml", "settings.greeting = 'long enough'");
    eventually!(greeting().await.as_deref() == Some("long enough"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_none_refuses_the_plugin() {
    let origin = ok().await;
    let cases = [
        ("{", "it is not JSON"),
        (
            r#"{"type": "strnig"}"#,
            "it is not a JSON Schema: at #/type",
        ),
        (
            r#"{"$ref": "http://127.0.0.1:1/x.json"}"#,
            "a reference must lead to a place in the same schema",
        ),
        (r#"{"pattern": "(a+)+\\1"}"#, "it is not a JSON Schema"),
    ];
    for (schema, expected) in cases {
        let schema = schema.replace('\\', "\\\\");
        let proxy = proxy()
            .file("mark.wat", carrying(&guest("mark"), &schema))
            .config("[plugin.mark]")
            .backend(&origin)
            .start()
            .await;
        assert_eq!(proxy.get("/").await.status(), 503, "{schema}");
        let refusal = proxy.refusal("mark").unwrap();
        let place = "the schema of its settings (section tollgate:settings-schema) can't be used: ";
        assert!(
            refusal.contains(place) && refusal.contains(expected),
            "{refusal}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_hold_settings_against_it() {
    let plugins = Plugins::new();
    plugins.write("greet.wat", greet());
    plugins.write("greet.toml", "settings.greeting = 'x'");
    let file = plugins.file("greet.wat");
    let file = file.to_str().unwrap();
    let mistake = "settings.greeting: \"x\": expected at least 2 characters";
    let ended = run_binary(&["check", file]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains(mistake), "{ended:?}");
    std::fs::create_dir(plugins.file("tests")).unwrap();
    let case = "### request\nGET / HTTP/1.1\nhost: a\n\n### expect response\nHTTP/1.1 200 OK\n";
    plugins.write("tests/first.http", case);
    let ended = run_binary(&["test", "--no-cache", file]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("MISTAKE") && ended.stdout.contains(mistake),
        "{ended:?}"
    );
    plugins.write("greet.toml", "settings.greeting = 'hi'");
    let ended = run_binary(&["check", file]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = "settings     have a schema: ";
    assert!(ended.stdout.contains(said), "{ended:?}");
    let ended = run_binary(&["check", "--json", file]).await;
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let schema = &document["files"][0]["settings_schema"];
    assert_eq!(schema["required"][0], "greeting", "{document}");
    let ended = run_binary(&["test", "--no-cache", file]).await;
    assert!(!ended.stdout.contains("MISTAKE"), "{ended:?}");
}

async fn check_config(plugins: &Plugins, more: &[&str]) -> Ended {
    let directory = plugins.path();
    let config = plugins.beside().join("tollgate.toml");
    let mut arguments = vec!["check-config", "--plugins", directory.to_str().unwrap()];
    if config.exists() {
        arguments.extend(["--config", config.to_str().unwrap()]);
    }
    arguments.extend(more);
    run_binary(&arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_starts_the_plugins() {
    let plugins = Plugins::new();
    plugins.write("fits.wat", guest("greet").text());
    plugins.write("fits.toml", "settings.greeting = 'hi'");
    plugins.write("unstarted.wat", guest("greet").text());
    plugins.write("schema.wat", greet());
    plugins.write("schema.toml", "settings.greeting = 'x'");
    plugins.write("denied.wat", guest("count-state").text());
    plugins.write("broken.wasm", b"\0asm\x01\0\0\0\xff");
    plugins.write("traps.wat", guest("trap-always").text());
    plugins.write("off.wat", guest("trap-always").text());
    plugins.write("off.toml", "enabled = false");
    plugins.write("UPPER.WAT", guest("mark").text());
    plugins.write("warned.wat", guest("fail-return").text());
    let ended = check_config(&plugins, &[]).await;
    assert_eq!(ended.code, Some(64), "{ended:?}");
    for expected in [
        "unstarted.wat: its lifecycle.start returned an error: no greeting",
        "schema.wat: its settings are not what it expects:\nsettings.greeting: \"x\": expected at least 2 characters",
        "denied.wat: it imports what the configuration does not allow it",
        "[plugin.denied.allow]\nstate = true",
        "plugin broken: ",
        "traps.wat: its first call of forward-request failed: it trapped",
        "UPPER.WAT: not loaded: its extension must be in lower case",
        "plugin warned: in its trial return-response returned an error: a secret reason",
    ] {
        assert!(
            ended.stderr.contains(expected),
            "{expected}: {}",
            ended.stderr
        );
    }
    for unexpected in ["plugin fits", "plugin off"] {
        assert!(!ended.stderr.contains(unexpected), "{}", ended.stderr);
    }
    let ended = check_config(&plugins, &["--no-plugins"]).await;
    assert_eq!((ended.code, &ended.stderr[..]), (Some(0), ""), "{ended:?}");
    for bad in [
        "unstarted.wat",
        "schema.wat",
        "denied.wat",
        "broken.wasm",
        "traps.wat",
        "UPPER.WAT",
    ] {
        plugins.remove(bad);
    }
    plugins.remove("schema.toml");
    let ended = check_config(&plugins, &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("the configuration is good"));
}

/// Neither what is kept nor what is sent by a plugin that is only looked at.
#[tokio::test(flavor = "multi_thread")]
async fn check_config_leaves_no_trace() {
    let origin = ok().await;
    let port = origin.address().port().to_string();
    let caller = guest("call-at-start").text().replace("00000", &port);
    let plugins = Plugins::new();
    plugins.write("count.wat", guest("count-state").text());
    plugins.write("caller.wat", caller);
    let state = plugins.beside().join("state.redb");
    let config = format!(
        "state.path = '{}'\nplugin.count = {{ allow = {{ state = true }}, match = {{ path = '/n' }} }}\n\
         plugin.caller.allow.http = ['http://127.0.0.1:*']\n",
        state.display()
    );
    let file = plugins.beside().join("tollgate.toml");
    std::fs::write(&file, &config).unwrap();
    let ended = check_config(&plugins, &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!state.exists());
    assert_eq!(origin.connections(), 0);
    // It is what the proxy does that is left out.
    let proxy = proxy().plugins(plugins).config(&config).backend(&origin);
    let _proxy = proxy.start().await;
    assert!(origin.connections() > 0);
    assert!(state.exists());
}

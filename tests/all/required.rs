//! What the configuration names is required: nothing passes the place of a plugin that does not serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate_tests::*;

/// What `Proxy-Status` says of a required plugin that is missing.
fn missing(name: &str) -> String {
    format!(
        "tollgate; error=proxy_configuration_error; \
         details=\"plugin {name} is required and no version of it serves\""
    )
}

fn assert_missing(answer: &Answer, name: &str) {
    let status = answer.field("proxy-status");
    assert_eq!(
        (answer.status(), status.as_deref()),
        (503, Some(&missing(name)[..])),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_plugin_without_a_file_is_503_in_every_form() {
    let origin = origin().start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .config("[plugin.cros]\norder = 1")
        .backend(&origin)
        .start()
        .await;
    assert_missing(&proxy.get("/").await, "cros");
    let answer = proxy.ask(&get("/").field("accept", "text/plain")).await;
    assert_missing(&answer, "cros");
    assert_eq!(answer.field("retry-after").as_deref(), Some("1"));
    assert!(answer.text().starts_with("503 "), "{}", answer.text());
    let json = proxy
        .ask(&get("/").field("accept", "application/json"))
        .await;
    assert_missing(&json, "cros");
    assert!(
        json.text().contains("\"proxy_configuration_error\""),
        "{}",
        json.text()
    );
    let grpc = request("POST", "/s/m").field("content-type", "application/grpc");
    let grpc = proxy.ask(&grpc.body("")).await;
    assert_eq!(
        (grpc.status(), grpc.field("grpc-status")),
        (200, Some("14".to_owned()))
    );
    assert!(grpc.field("proxy-status").is_some());
    let handshake = get("/")
        .field("connection", "upgrade")
        .field("upgrade", "websocket")
        .field("sec-websocket-version", "13")
        .field("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_missing(&proxy.ask(&handshake).await, "cros");
    assert_missing(&proxy.ask(&request("OPTIONS", "*")).await, "cros");
    assert_missing(
        &proxy.ask(&request("POST", "/").chunked(&[b"a"])).await,
        "cros",
    );
    assert_eq!(origin.connections(), 0);
    let status = proxy.status("cros").unwrap();
    assert_eq!((status.state(), status.order), ("missing (required)", 1));
}

/// The place in the order is kept: who comes before may answer, who comes after is not asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_plugin_of_a_route_keeps_its_place() {
    let origin = origin().route("/free", text("free")).start().await;
    let url = format!("http://{}", origin.address());
    let route = |path: &str, plugins: &str| {
        format!("[[routes]]\npath = '{path}'\nbackend = '{url}'\nplugins = [{plugins}]\n")
    };
    let proxy = proxy()
        .plugin("gate", guest("respond"))
        .plugin("mark", guest("mark"))
        .config(&route("/before", "'gate', 'auth'"))
        .config(&route("/behind", "'mark', 'auth', 'gate'"))
        .config(&route("/free", "'mark'"))
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.get("/before").await.status(), 403);
    assert_missing(&proxy.get("/behind").await, "auth");
    assert_eq!(proxy.get("/free").await.text(), "free");
    // No list: all plugins, and with them what another route's list requires.
    assert_eq!(proxy.get("/").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_it_would_take_part_in_is_refused() {
    let origin = origin()
        .route("/", text("ok"))
        .route("/apis", text("ok"))
        .start()
        .await;
    let proxy = proxy()
        .config("[plugin.auth]\nmatch = { path = '/api/**' }\non-failure = 'open'")
        .config("[plugin.off]\nenabled = false\n[plugin.optional]\nrequired = false")
        .backend(&origin)
        .start()
        .await;
    for target in ["/", "/apis", "/?/api/x"] {
        assert_eq!(proxy.get(target).await.text(), "ok", "{target}");
    }
    for target in [
        "/api",
        "/api/x?y",
        "/%61pi",
        "/x/../api",
        "/x/..%2fapi",
        "//api/",
        "/a/..;/api",
    ] {
        assert_missing(&proxy.get(target).await, "auth");
    }
    assert_eq!(proxy.plugin_names(), ["auth"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_each_meet_it() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .config("[plugin.auth]\nmatch = { path = '/api' }")
        .backend(&origin)
        .start()
        .await;
    let mut client = proxy.client().await;
    let targets = ["/", "/api", "/", "/api"];
    let bytes: Vec<u8> = targets
        .iter()
        .flat_map(|target| get(target).bytes())
        .collect();
    client.send(bytes).await;
    for target in targets {
        let status = client.answer("GET").await.status();
        assert_eq!(status, if target == "/" { 200 } else { 503 });
    }
}

/// A guest that is refused stands for every reason to refuse a file.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_serves_nobody_if_it_is_named() {
    let origin = origin().route("/", text("ok")).start().await;
    let named = "[plugin.bad]\nsettings = { a = 1 }";
    for (config, required) in [("", false), (named, true)] {
        let proxy = proxy()
            .plugin("bad", guest("trap-always"))
            .config(config)
            .backend(&origin)
            .start()
            .await;
        assert!(proxy.refusal("bad").is_some());
        let answer = proxy.get("/").await;
        if required {
            assert_missing(&answer, "bad");
            assert_eq!(proxy.status("bad").unwrap().state(), "failed (required)");
            proxy.plugins.replace("bad.wat", guest("mark").text());
            eventually!(proxy.get("/").await.status() == 200);
            assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
        } else {
            assert_eq!(
                answer.text(),
                "ok",
                "what was only dropped there is optional"
            );
        }
    }
}

/// Clients ask without a pause while the file goes and comes: each answer is 503 or went through the plugin.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_slips_by_while_the_file_comes_and_goes() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .config("[plugin.mark]\norder = 1")
        .backend(&origin)
        .start()
        .await;
    let done = Arc::new(AtomicBool::new(false));
    let (address, over) = (proxy.address, done.clone());
    let asking = tokio::spawn(async move {
        let mut client = Client::connect(address).await;
        let (mut served, mut refused) = (0, 0);
        while !over.load(Ordering::SeqCst) {
            let answer = client.ask(&get("/")).await;
            match answer.status() {
                503 => refused += 1,
                _ => {
                    assert_eq!(answer.values("x-mark").len(), 1, "{answer:?}");
                    served += 1;
                }
            }
        }
        (served, refused)
    });
    let plugins = &proxy.plugins;
    for version in ["v001", "v002"] {
        plugins.write("mark.wat", guest("mark").version(version).text());
        eventually!(proxy.mark().await.as_deref() == Some(version));
        plugins.remove("mark.wat");
        eventually!(proxy.get("/").await.status() == 503);
    }
    assert_eq!(proxy.status("mark").unwrap().state(), "missing (required)");
    plugins.write("mark.wat", guest("mark").version("v003").text());
    eventually!(proxy.mark().await.as_deref() == Some("v003"));
    plugins.remove_directory();
    eventually!(proxy.get("/").await.status() == 503);
    plugins.make_directory();
    plugins.write("mark.wat", guest("mark").version("v004").text());
    eventually!(proxy.mark().await.as_deref() == Some("v004"));
    done.store(true, Ordering::SeqCst);
    let (served, refused) = asking.await.unwrap();
    assert!(served > 0 && refused > 0, "{served} {refused}");
    assert!(
        origin
            .requests()
            .iter()
            .all(|request| request.texts("x-mark").len() == 1),
        "no request reached the origin without it"
    );
}

const ROUTE_TO: &str = "[[routes]]\nbackend = 'default'\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_requires_what_does_not_serve_waits_for_it() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .plugin("bad", guest("trap-always"))
        .config("[plugin.lost]\nmatch = { path = '/lost' }")
        .backend(&origin)
        .log("info")
        .start_binary()
        .await;
    let lost = "[plugin.lost]\nmatch = { path = '/lost' }\n";
    for (plugins, reason) in [
        (
            "'late', 'mark'",
            "plugin late: the new configuration requires it and no version of it serves: it has no file",
        ),
        (
            "'bad'",
            "plugin bad: the new configuration requires it and no version of it serves: its file was refused",
        ),
    ] {
        proxy.configure(&format!("{lost}{ROUTE_TO}plugins = [{plugins}]"));
        eventually!(proxy.stderr().contains(reason));
        assert_eq!(
            proxy.mark().await.as_deref(),
            Some("v001"),
            "the old one goes on"
        );
    }
    // What the old one lacks as well is no reason.
    proxy.configure(&format!("{lost}{ROUTE_TO}plugins = ['lost']"));
    eventually!(proxy.mark().await.is_none());
    assert_missing(&proxy.get("/lost").await, "lost");

    proxy.configure(&format!("{lost}{ROUTE_TO}plugins = ['late', 'mark']"));
    eventually!(
        proxy
            .stderr()
            .matches("plugin late: the new configuration")
            .count()
            >= 2
    );
    assert_eq!(proxy.mark().await, None);
    proxy
        .plugins
        .write("late.wat", guest("mark").version("late").text());
    eventually!(proxy.get("/").await.values("x-mark") == ["v001", "late"]);
}

/// Without a watch no file comes later, and the configuration can still be read again.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_watch_the_configuration_still_counts() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .watch("off")
        .config("[plugin.auth]\norder = 1")
        .backend(&origin)
        .start_binary()
        .await;
    assert_missing(&proxy.get("/").await, "auth");
    proxy.configure("[plugin.auth]\nrequired = false\n[plugin.mark]\norder = 2");
    eventually!(proxy.mark().await.as_deref() == Some("v000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn table_and_log_name_it_with_the_nearest_name() {
    let proxy = proxy()
        .plugin("cors", guest("mark"))
        .plugin("off", guest("mark"))
        .config("[plugin.cros]\norder = 7\n[plugin.maybe]\nrequired = false")
        .config("[plugin.off]\nenabled = false\n[[routes]]\nbackend = 'default'\nplugins = ['off']")
        .start_binary()
        .await;
    let stdout = proxy.stdout();
    let row = stdout
        .lines()
        .find(|line| line.starts_with("cros"))
        .unwrap();
    let words = "missing (required): there is no file cros.wasm or cros.wat (did you mean cors?)";
    assert!(row.ends_with(words), "{stdout}");
    eventually!(proxy.stderr().contains("plugin off: a route lists it"));
    let stderr = proxy.stderr();
    let line = |start: &str| stderr.lines().find(|line| line.contains(start)).unwrap();
    let cros = line("plugin cros: the configuration requires it, and there is no file");
    assert!(
        cros.contains(" WARN ") && cros.contains("(did you mean cors?)") && cros.contains("503"),
        "{cros}"
    );
    let maybe = line("plugin maybe: the configuration names it, and there is no file");
    assert!(maybe.contains(" INFO "), "{maybe}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_looks_for_the_files() {
    let plugins = Plugins::new();
    plugins.write("cors.wat", guest("mark").text());
    let file = plugins.beside().join("t.toml");
    let path = file.to_str().unwrap();
    let cases = [
        ("[plugin.cors]\norder = 1", 0, ""),
        (
            "[plugin.cros]\norder = 1",
            64,
            "plugin cros: the configuration requires it, and there is no file cros.wasm or cros.wat (did you mean cors?)",
        ),
        (
            "[[routes]]\nbackend = 'default'\nplugins = ['cors', 'auth']",
            64,
            "plugin auth: the configuration requires it, and there is no file auth.wasm or auth.wat",
        ),
        (
            "[plugin.cros]\nrequired = false",
            0,
            "plugin cros: the configuration names it, and there is no file",
        ),
        (
            "[plugin.cors]\nenabled = false\n[[routes]]\nbackend = 'default'\nplugins = ['cors']",
            0,
            "plugin cors: a route lists it, and [plugin.cors] says enabled = false",
        ),
    ];
    for (config, code, words) in cases {
        std::fs::write(
            &file,
            format!("backend = 'echo'\nplugins = 'plugins'\n{config}\n"),
        )
        .unwrap();
        let ended = run_binary(&["check-config", "--config", path]).await;
        assert_eq!(ended.code, Some(code), "{config}: {ended:?}");
        assert!(ended.stderr.contains(words), "{config}: {ended:?}");
        assert_eq!(ended.stderr.is_empty(), words.is_empty(), "{ended:?}");
        assert_eq!(
            ended.stdout.contains("the configuration is good"),
            code == 0,
            "{ended:?}"
        );
    }
}

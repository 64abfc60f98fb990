//! Files that are no plugins, put over one that serves: the old version goes on and the reason is told.

use tollgate::plugin::Tier;
use tollgate_tests::*;

/// Every kind of bad file: its name here, what is in it, and what the refusal says.
fn bad_files() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let text = |name: &str| guest(name).text().as_bytes().to_vec();
    let binary = guest("mark").binary();
    let half = binary[..binary.len() / 2].to_vec();
    vec![
        ("empty", "wasm", vec![], "the file is empty"),
        ("half", "wasm", half, "truncated"),
        (
            "page",
            "wasm",
            b"<!doctype html><p>404".to_vec(),
            "not WebAssembly",
        ),
        (
            "elf",
            "wasm",
            b"\x7fELF\x02\x01\x01".to_vec(),
            "not WebAssembly",
        ),
        (
            "typo",
            "wat",
            b"(module (func (export \"run\") (i32.cnst 1)))".to_vec(),
            "line 1, column",
        ),
        (
            "unclosed",
            "wat",
            b"(module (memory 1)".to_vec(),
            "WebAssembly text",
        ),
        ("wrong-type", "wat", text("wrong-type"), "forward-request"),
        (
            "missing-export",
            "wat",
            text("missing-export"),
            "`return-response`",
        ),
        (
            "unknown-import",
            "wat",
            text("unknown-import"),
            "acme:db/kv@1.0.0",
        ),
        (
            "other-contract",
            "wat",
            text("other-contract"),
            "interceptor@0.2.0",
        ),
        (
            "trap-always",
            "wat",
            text("trap-always"),
            "first call of forward-request failed: it trapped",
        ),
        (
            "trap-with-words",
            "wat",
            text("trap-with-words"),
            "it trapped: no hook is there\nplugin x: forged (wasm",
        ),
        (
            "loop-always",
            "wat",
            text("loop-always"),
            "first call of return-response failed: it took more than 100 ms",
        ),
        ("precompiled", "cwasm", b"\x7fELF".to_vec(), "precompiled"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_over_a_good_one_changes_nothing_but_the_table() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .config("[limits]\ndeadline = '100ms'")
        .backend(&origin)
        .start()
        .await;
    for (name, extension, content, reason) in bad_files() {
        if extension == "cwasm" {
            continue; // Beside a `.wat` it is another file of the same plugin, not a new version.
        }
        let file = format!("{name}.{extension}");
        proxy.plugins.replace(&file, guest("mark").text());
        eventually!(proxy.mark().await.is_some());
        let good = version(&proxy, name);
        proxy.plugins.replace(&file, &content);
        eventually!(proxy.refusal(name).is_some());
        let status = proxy.status(name).unwrap();
        let refusal = status.error.clone().unwrap();
        assert!(refusal.contains(reason), "{name}: {refusal}");
        assert_eq!(
            (status.state(), version(&proxy, name)),
            ("active, new version refused", good),
            "{name}"
        );
        assert_eq!(
            proxy.mark().await.as_deref(),
            Some("v000"),
            "{name}: the old version goes on"
        );
        proxy
            .plugins
            .replace(&file, guest("mark").version("v002").text());
        eventually!(proxy.mark().await.as_deref() == Some("v002"));
        assert_eq!(
            proxy.refusal(name),
            None,
            "{name}: and is replaced by the next good one"
        );
        proxy.plugins.remove(&file);
        eventually!(proxy.mark().await.is_none());
    }
}

/// The version of a plugin that serves.
fn version(proxy: &Proxy, name: &str) -> String {
    proxy.status(name).unwrap().serving.unwrap().hash.short()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_at_the_start_is_shown_and_the_others_serve() {
    let mut builder = proxy()
        .plugin("zz-mark", guest("mark"))
        .config("[limits]\ndeadline = '100ms'");
    for (name, extension, content, _) in bad_files() {
        builder = builder.file(&format!("{name}.{extension}"), content);
    }
    let proxy = builder.start_binary().await;
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
    let stdout = proxy.stdout();
    let line = |name: &str| {
        stdout
            .lines()
            .find(|line| line.split(' ').next() == Some(name))
            .unwrap_or_default()
    };
    for (name, _, _, reason) in bad_files() {
        let line = line(name);
        assert!(
            line.contains(" -  ")
                && line.contains("failed: ")
                && line.contains(&reason.replace('\n', "\\n")),
            "{name}: {line}"
        );
    }
    assert!(line("zz-mark").ends_with("active"), "{stdout}");
}

/// Going back to the version that serves takes the complaint away, without a new load.
#[tokio::test(flavor = "multi_thread")]
async fn the_old_content_again_ends_the_complaint() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start()
        .await;
    proxy.plugins.replace("mark.wat", "oops");
    eventually!(proxy.refusal("mark").is_some());
    proxy.plugins.replace("mark.wat", guest("mark").text());
    eventually!(proxy.refusal("mark").is_none());
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
}

/// A copy under way passes through states that are no plugin; nobody wants to hear of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_copy_raises_no_complaint() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark").version("v001"))
        .backend(&origin)
        .start_binary()
        .await;
    let next = |version: &str| guest("mark").version(version);
    let plugins = &proxy.plugins;
    plugins
        .write_slowly("mark.wat", next("v002").text().as_bytes(), 15)
        .await;
    eventually!(proxy.mark().await.as_deref() == Some("v002"));
    plugins
        .append_slowly("mark.wat", next("v003").text().as_bytes(), 15)
        .await;
    eventually!(proxy.mark().await.as_deref() == Some("v003"));
    plugins
        .append_slowly("other.wasm", &guest("note").binary(), 15)
        .await;
    eventually!(proxy.get("/").await.field("x-note").is_some());
    assert!(!proxy.stderr().contains("refused"), "{}", proxy.stderr());
}

/// In place, a bad file is complained about once, when it is certain that nobody writes any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_is_made_once() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .backend(&origin)
        .start_binary()
        .await;
    proxy.plugins.write("mark.wat", "(module (memory 1)");
    eventually!(proxy.stderr().contains("refused, version"));
    proxy
        .plugins
        .write("mark.wat", guest("mark").version("v002").text());
    eventually!(proxy.mark().await.as_deref() == Some("v002"));
    assert_eq!(
        proxy.stderr().matches("refused").count(),
        1,
        "{}",
        proxy.stderr()
    );
}

/// While its first call runs for ever, the version that serves goes on serving.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_call_that_never_ends_delays_nobody() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark"))
        .plugin("other", guest("mark").version("v001"))
        .config("[limits]\ndeadline = '2s'\n[plugin.other]\nmatch = { path = '/other' }")
        .backend(&origin)
        .start()
        .await;
    proxy
        .plugins
        .replace("mark.wat", guest("loop-always").text());
    let mut client = proxy.client().await;
    proxy
        .plugins
        .replace("other.wat", guest("mark").version("v002").text());
    eventually!(client.ask(&get("/other")).await.values("x-mark") == ["v002", "v000"]);
    assert_eq!(proxy.refusal("mark"), None, "it is still being tried");
    eventually!(proxy.refusal("mark").is_some());
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
}

/// Better code for the version that serves may be ready after the file was spoilt.
#[tokio::test(flavor = "multi_thread")]
async fn better_code_for_the_old_version_does_not_hide_a_refusal() {
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .plugin("mark", guest("mark").with_ballast(500))
        .backend(&origin)
        .start()
        .await;
    let tier = || proxy.status("mark").unwrap().serving.unwrap().tier;
    assert_eq!(tier(), Tier::Baseline, "the better code takes its time");
    proxy.plugins.replace("mark.wat", "oops");
    eventually!(proxy.refusal("mark").is_some() || tier() == Tier::Optimized);
    eventually!(tier() == Tier::Optimized);
    assert!(
        proxy.refusal("mark").is_some(),
        "the file is still no plugin"
    );
}

/// In words for an author, before any compiler speaks.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_does_not_run_is_named() {
    let memory = "(memory (export \"memory\") 1)";
    let mark = guest("mark").text().to_owned();
    assert!(mark.contains(memory), "the guest has this memory");
    let with = |other: &str| mark.replace(memory, other);
    let also = |more: &str| with(&format!("{memory} {more}"));
    let cases = [
        (
            "memory64",
            also("(memory $big i64 1)"),
            "a memory with 64-bit addresses (memory64), which this host does not run; build it for wasm32",
        ),
        (
            "threads",
            with("(memory (export \"memory\") 1 1 shared)"),
            "a shared memory (threads), which this host does not run; build it without threads",
        ),
        (
            "memories",
            also("(memory $second 1)"),
            "more than one memory",
        ),
        (
            "tables",
            also("(table 1 funcref) (table 1 funcref)"),
            "more than one table",
        ),
        (
            "table64",
            also("(table i64 1 funcref)"),
            "a table with 64-bit indices (memory64)",
        ),
        (
            "large",
            with("(memory (export \"memory\") 512)"),
            "needs 33554432 bytes of memory at the start, more than the 16777216 of `limits.memory`",
        ),
        (
            "symbol",
            mark.replacen("(module", "(module (import \"env\" \"foo\" (func))", 1),
            "`env.foo`",
        ),
    ];
    let mut builder = proxy().config("[limits]\nmemory = '16MiB'");
    for (name, text, _) in &cases {
        builder = builder.file(&format!("{name}.wat"), text);
    }
    let proxy = builder.start().await;
    for (name, _, words) in cases {
        let refusal = proxy.refusal(name).unwrap_or_default();
        assert!(refusal.contains(words), "{name}: {refusal}");
    }
}

/// A compiler may leave anything in them, and no module is invalid for it.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_custom_sections_refuse_nothing() {
    let names = [
        "name",
        "producers",
        "dylink.0",
        "linking",
        "reloc.CODE",
        "target_features",
        "authors",
        "version",
        "description",
        ".debug_info",
        "sourceMappingURL",
        "component-name",
        "webidl-bindings",
        "anything",
    ];
    let mut binary = guest("mark").binary();
    for name in names {
        let content = [
            &[u8::try_from(name.len()).unwrap()],
            name.as_bytes(),
            b"\x01\xff\xff\xff",
        ];
        let content = content.concat();
        binary.extend([0, u8::try_from(content.len()).unwrap()]);
        binary.extend(content);
    }
    let origin = origin().route("/", text("ok")).start().await;
    let proxy = proxy()
        .file("mark.wasm", &binary)
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.refusal("mark"), None);
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
    // What describes the plugin counts.
    let fault = b"\x00\x13\x0ecomponent-type\xff\xff\xff\xff";
    proxy
        .plugins
        .replace("mark.wasm", [&binary[..], fault].concat());
    eventually!(proxy.refusal("mark").is_some());
    assert_eq!(proxy.mark().await.as_deref(), Some("v000"));
}

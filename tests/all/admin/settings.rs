//! Secrets among a plugin's settings: nobody is shown them, and who changes others keeps them.

use serde_json::{Value, json};
use tollgate_tests::*;

use super::{ask, ok, plugin, post, with_admin};

/// A greeting that is a secret, and others.
const SCHEMA: &str = r#"{"properties": {
    "greeting": {"type": "string", "minLength": 2, "writeOnly": true},
    "peers": {"type": "array", "items": {"properties": {"name": {"type": "string"}, "pin": {"type": "string", "format": "password"}}}}
}, "required": ["greeting"]}"#;

const TOML: &str = "[settings]\ngreeting = 'open sesame'\nnote = 'plain'\napi_key = 'k-4711'\n\
    peers = [{ name = 'a', pin = 'p-1' }, { name = 'b', pin = 'p-2' }]\n";

async fn greeter(origin: &Origin) -> Proxy {
    with_admin()
        .plugin("greet", guest("greet"))
        .file("greet.schema.json", SCHEMA)
        .file("greet.toml", TOML)
        .backend(origin)
        .start()
        .await
}

async fn put(proxy: &Proxy, settings: &Value, keep: &str) -> (u16, Value) {
    let body = json!({"settings": settings, "keep": keep});
    ask(proxy, "PUT", "/api/v1/plugins/greet/settings", Some(&body)).await
}

async fn greeting(proxy: &Proxy) -> Option<String> {
    proxy.get("/").await.field("x-greeting")
}

fn has_no_secret(answer: &Value) {
    let text = answer.to_string();
    for secret in ["open sesame", "k-4711", "p-1", "p-2"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_not_shown_and_stay_while_others_change() {
    let origin = ok().await;
    let proxy = greeter(&origin).await;
    let shown = plugin(&proxy, "greet").await;
    has_no_secret(&shown);
    let masked = json!(["/api_key", "/greeting", "/peers/0/pin", "/peers/1/pin"]);
    assert_eq!(
        (&shown["masked"], &shown["settings"]["note"]),
        (&masked, &"plain".into())
    );
    let mut settings = shown["settings"].clone();
    settings["note"] = "another".into();
    settings["peers"] = json!([{"name": "b", "pin": "[masked]"}]);
    for keep in ["memory", "file"] {
        let (status, set) = put(&proxy, &settings, keep).await;
        assert_eq!(
            (status, &set["settings"]["note"]),
            (200, &"another".into()),
            "{set}"
        );
        has_no_secret(&set);
        assert_eq!(greeting(&proxy).await.as_deref(), Some("open sesame"));
    }
    // What they are stands in the file, and each with its item.
    let file = std::fs::read_to_string(proxy.plugins.file("greet.toml")).unwrap();
    for kept in ["open sesame", "k-4711", "p-2"] {
        assert!(file.contains(kept), "{file}");
    }
    assert!(
        !file.contains("p-1") && !file.contains("[masked]"),
        "{file}"
    );
    settings["greeting"] = "sesame, shut".into();
    assert_eq!(put(&proxy, &settings, "memory").await.0, 200);
    assert_eq!(greeting(&proxy).await.as_deref(), Some("sesame, shut"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_that_stands_for_nothing_is_refused_and_what_is_refused_is_not_told() {
    let origin = ok().await;
    let proxy = greeter(&origin).await;
    let before = plugin(&proxy, "greet").await;
    let mask = json!({"greeting": "[masked]", "password": "[masked]"});
    let (status, problem) = put(&proxy, &mask, "memory").await;
    assert_eq!(status, 422);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("settings.password is \"[masked]\""),
        "{detail}"
    );
    // The plugin's own words about a secret don't have it.
    let (status, problem) = put(&proxy, &json!({"greeting": "\u{16b}"}), "memory").await;
    assert_eq!(status, 422);
    assert!(
        !problem["detail"].as_str().unwrap().contains('\u{16b}'),
        "{problem}"
    );
    assert_eq!(plugin(&proxy, "greet").await, before);
    assert_eq!(greeting(&proxy).await.as_deref(), Some("open sesame"));
}

/// Without a version that serves nobody knows which settings are secrets.
#[tokio::test(flavor = "multi_thread")]
async fn while_it_does_not_serve_every_text_is_masked() {
    let origin = ok().await;
    let proxy = greeter(&origin).await;
    assert_eq!(post(&proxy, "/api/v1/plugins/greet/disable").await.0, 200);
    let shown = plugin(&proxy, "greet").await;
    has_no_secret(&shown);
    assert_eq!(shown["settings"]["note"], "[masked]", "{shown}");
    let (status, set) = put(&proxy, &shown["settings"], "memory").await;
    assert_eq!(status, 200, "{set}");
    assert_eq!(post(&proxy, "/api/v1/plugins/greet/enable").await.0, 200);
    assert_eq!(greeting(&proxy).await.as_deref(), Some("open sesame"));
    assert_eq!(plugin(&proxy, "greet").await["settings"]["note"], "plain");
}

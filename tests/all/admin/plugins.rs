//! What can be set of a plugin: on or off, its order, its settings; in memory or in its file. What is refused changes nothing.

use serde_json::{Value, json};
use tollgate_tests::*;

use super::{ask, events, ok, plugin, post, with_admin};

/// Takes greetings of at least two letters.
const SCHEMA: &str =
    r#"{"properties": {"greeting": {"type": "string", "minLength": 2}}, "required": ["greeting"]}"#;

async fn greeting(proxy: &Proxy) -> Option<String> {
    proxy.get("/").await.field("x-greeting")
}

/// A proxy with a plugin that greets.
async fn greeter(origin: &Origin, toml: &str) -> Proxy {
    with_admin()
        .plugin("greet", guest("greet"))
        .file("greet.schema.json", SCHEMA)
        .file("greet.toml", toml)
        .backend(origin)
        .start()
        .await
}

async fn put_settings(proxy: &Proxy, settings: Value, keep: &str) -> (u16, Value) {
    let body = json!({"settings": settings, "keep": keep});
    ask(proxy, "PUT", "/api/v1/plugins/greet/settings", Some(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_in_force_if_they_are_right_and_nothing_changes_if_not() {
    let origin = ok().await;
    let proxy = greeter(&origin, "settings.greeting = 'from the file'").await;
    assert_eq!(greeting(&proxy).await.as_deref(), Some("from the file"));
    let before = plugin(&proxy, "greet").await;
    assert_eq!(
        (&before["settings_source"], &before["schema"]["required"][0]),
        (&"beside".into(), &"greeting".into())
    );
    let wrong = [
        (
            json!({"greeting": "h"}),
            "settings.greeting: \"h\": expected at least 2 characters",
        ),
        (json!({}), "settings.greeting: missing; it is required"),
        (
            json!({"greeting": null}),
            "settings.greeting has a null in it",
        ),
    ];
    for keep in ["memory", "file"] {
        for (settings, words) in &wrong {
            let (status, problem) = put_settings(&proxy, settings.clone(), keep).await;
            assert_eq!(status, 422, "{problem}");
            assert!(
                problem["detail"].as_str().unwrap().contains(words),
                "{problem}"
            );
        }
    }
    assert_eq!(plugin(&proxy, "greet").await, before);
    assert_eq!(greeting(&proxy).await.as_deref(), Some("from the file"));
    let (status, set) = put_settings(&proxy, json!({"greeting": "from the API"}), "memory").await;
    assert_eq!(
        (status, &set["settings_source"]),
        (200, &"admin".into()),
        "{set}"
    );
    assert_eq!(greeting(&proxy).await.as_deref(), Some("from the API"));
    assert_eq!(events(&set), ["serves", "serves", "settings"]);
    // Files that change do not undo it.
    proxy.plugins.replace(
        "greet.toml",
        "order = 7\nsettings.greeting = 'from the file again'",
    );
    eventually!(plugin(&proxy, "greet").await["order"] == 7);
    assert_eq!(greeting(&proxy).await.as_deref(), Some("from the API"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_in_the_file_stands_there_and_the_rest_of_it_stays() {
    let origin = ok().await;
    let text = "# Mine.\norder = 3 # early\n[settings]\ngreeting = 'one' # polite\n";
    let proxy = greeter(&origin, text).await;
    let (status, set) = put_settings(&proxy, json!({"greeting": "two"}), "file").await;
    assert_eq!(
        (status, &set["settings_source"]),
        (200, &"beside".into()),
        "{set}"
    );
    assert_eq!(greeting(&proxy).await.as_deref(), Some("two"));
    let file = || std::fs::read_to_string(proxy.plugins.file("greet.toml")).unwrap();
    assert_eq!(file(), text.replace("'one'", "\"two\""));
    let order = json!({"order": -5, "keep": "file"});
    let (status, set) = ask(&proxy, "PUT", "/api/v1/plugins/greet/order", Some(&order)).await;
    assert_eq!((status, &set["order"]), (200, &json!(-5)), "{set}");
    assert!(file().contains("order = -5 # early\n"), "{}", file());
    // In memory it goes before the file; what is written to the file then counts.
    let order = json!({"order": 9});
    ask(&proxy, "PUT", "/api/v1/plugins/greet/order", Some(&order)).await;
    assert_eq!(plugin(&proxy, "greet").await["order"], 9);
    let order = json!({"order": 8, "keep": "file"});
    ask(&proxy, "PUT", "/api/v1/plugins/greet/order", Some(&order)).await;
    proxy
        .plugins
        .replace("greet.toml", file().replace("order = 8", "order = 4"));
    eventually!(plugin(&proxy, "greet").await["order"] == 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_word_would_not_count_is_not_written() {
    let origin = ok().await;
    let proxy = with_admin()
        .plugin("greet", guest("greet"))
        .config("[plugin.greet]\norder = 1\nsettings.greeting = 'fixed'")
        .backend(&origin)
        .start()
        .await;
    let order = json!({"order": 2, "keep": "file"});
    let (status, problem) = ask(&proxy, "PUT", "/api/v1/plugins/greet/order", Some(&order)).await;
    assert_eq!(status, 409);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("goes before greet.toml"),
        "{problem}"
    );
    assert_eq!(
        put_settings(&proxy, json!({"greeting": "other"}), "file")
            .await
            .0,
        409
    );
    assert!(!proxy.plugins.file("greet.toml").exists());
    assert_eq!(greeting(&proxy).await.as_deref(), Some("fixed"));
    assert_eq!(
        put_settings(&proxy, json!({"greeting": "other"}), "memory")
            .await
            .0,
        200
    );
    assert_eq!(greeting(&proxy).await.as_deref(), Some("other"));
}

/// Off is what an operator asks for, and what `enabled = false` does: nobody waits for it, required or not.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_switched_off_comes_back_as_its_file_is_then() {
    let origin = ok().await;
    let proxy = with_admin()
        .plugin("mark", guest("mark").version("v001"))
        .config("[plugin.mark]\norder = 1")
        .backend(&origin)
        .start()
        .await;
    assert!(plugin(&proxy, "mark").await["required"] == true);
    let (status, off) = post(&proxy, "/api/v1/plugins/mark/disable").await;
    assert_eq!(
        (status, &off["state"], &off["required"]),
        (200, &"disabled".into(), &false.into())
    );
    let answer = proxy.get("/").await;
    assert_eq!((answer.status(), answer.field("x-mark")), (200, None));
    proxy
        .plugins
        .replace("mark.wat", guest("mark").version("v002").text());
    let (_, read) = post(&proxy, "/api/v1/plugins/mark/reload").await;
    assert_eq!(read["state"], "disabled");
    let (status, on) = post(&proxy, "/api/v1/plugins/mark/enable").await;
    assert_eq!((status, &on["state"]), (200, &"active".into()), "{on}");
    assert_eq!(proxy.mark().await.as_deref(), Some("v002"));
}

/// One that can't serve is not switched on: it would answer every request with 503.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_would_not_serve_is_not_switched_on() {
    let origin = ok().await;
    let proxy = with_admin()
        .plugin("bad", guest("trap-always"))
        .file("bad.toml", "enabled = false")
        .backend(&origin)
        .start()
        .await;
    for keep in ["memory", "file"] {
        let body = json!({"keep": keep});
        let (status, problem) =
            ask(&proxy, "POST", "/api/v1/plugins/bad/enable", Some(&body)).await;
        assert_eq!(status, 422, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("trapped"),
            "{problem}"
        );
        assert_eq!(proxy.get("/").await.status(), 200);
    }
    let text = std::fs::read_to_string(proxy.plugins.file("bad.toml")).unwrap();
    assert_eq!(text, "enabled = false");
    // Settings of one that is off are tried, and it stays off.
    let settings = json!({"settings": {"a": "b"}});
    let path = "/api/v1/plugins/bad/settings";
    assert_eq!(ask(&proxy, "PUT", path, Some(&settings)).await.0, 422);
    proxy.plugins.replace("bad.wat", guest("mark").text());
    let (status, set) = ask(&proxy, "PUT", path, Some(&settings)).await;
    assert_eq!((status, &set["state"]), (200, &"disabled".into()), "{set}");
    assert_eq!(proxy.mark().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_there_is_nothing_to_try() {
    let origin = ok().await;
    let proxy = with_admin()
        .config("[plugin.gone]\norder = 1")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(proxy.get("/").await.status(), 503);
    for path in ["enable", "rollback", "promote"] {
        let (status, problem) = post(&proxy, &format!("/api/v1/plugins/gone/{path}")).await;
        assert_eq!(status, 409, "{path}: {problem}");
    }
    let (status, _) = post(&proxy, "/api/v1/plugins/gone/reload").await;
    assert_eq!(status, 200);
    assert_eq!(
        proxy.get("/").await.status(),
        503,
        "none of it lets anybody by"
    );
    assert_eq!(post(&proxy, "/api/v1/plugins/gone/disable").await.0, 200);
    assert_eq!(
        proxy.get("/").await.status(),
        200,
        "but this, which says so"
    );
    // It is not required again before there is something that can serve.
    assert_eq!(post(&proxy, "/api/v1/plugins/gone/enable").await.0, 409);
    assert_eq!(proxy.get("/").await.status(), 200);
    proxy.plugins.write("gone.wat", guest("mark").text());
    eventually!(post(&proxy, "/api/v1/plugins/gone/enable").await.0 == 200);
    assert!(proxy.mark().await.is_some());
    assert_eq!(plugin(&proxy, "gone").await["required"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_again_on_demand_and_the_answer_is_the_verdict() {
    let origin = ok().await;
    let proxy = with_admin()
        .plugin("mark", guest("mark").version("v001"))
        .watch("off")
        .backend(&origin)
        .start()
        .await;
    proxy
        .plugins
        .replace("mark.wat", guest("mark").version("v002").text());
    proxy.plugins.write("other.wat", guest("note").text());
    assert_eq!(proxy.mark().await.as_deref(), Some("v001"));
    let (status, read) = post(&proxy, "/api/v1/plugins/mark/reload").await;
    assert_eq!((status, &read["error"]), (200, &Value::Null));
    assert_eq!(proxy.mark().await.as_deref(), Some("v002"));
    proxy.plugins.replace("mark.wat", "(module)");
    let (_, read) = post(&proxy, "/api/v1/plugins/mark/reload").await;
    assert_eq!(read["state"], "active, new version refused");
    assert_eq!(proxy.mark().await.as_deref(), Some("v002"));
    let (status, all) = post(&proxy, "/api/v1/reload").await;
    assert_eq!(
        (status, all["plugins"].as_array().unwrap().len()),
        (200, 2),
        "{all}"
    );
    proxy.plugins.remove("mark.wat");
    let (_, all) = post(&proxy, "/api/v1/reload").await;
    assert_eq!(all["plugins"].as_array().unwrap().len(), 1, "{all}");
}

//! Messages and settings, natively.

use tollgate_plugin::testing::{self, Conversation};
use tollgate_plugin::websocket::{Message, Peer};

use crate::settings::WsLog;

fn seen(settings: &[(&str, &str)], messages: &[(Peer, &str)]) -> Conversation {
    let mut exchange = testing::exchange().target("/chat?token=x");
    for &(name, value) in settings {
        exchange = exchange.setting(name, value);
    }
    exchange.websocket::<WsLog>(messages.iter().copied())
}

fn lines(seen: &Conversation) -> Vec<&str> {
    seen.outcome
        .log
        .iter()
        .map(|(_, line)| line.as_str())
        .collect()
}

#[test]
fn sizes_are_logged_by_default_and_nothing_is_changed() {
    let seen = seen(&[], &[(Peer::Client, "hello"), (Peer::Backend, "{}")]);
    assert_eq!(seen.to(Peer::Backend), ["hello"]);
    assert_eq!(seen.to(Peer::Client), ["{}"]);
    let expected = [
        "opened /chat",
        "client text, 5 bytes",
        "backend text, 2 bytes",
        "closed: 1 messages (5 bytes) from the client, 1 (2 bytes) from the backend",
    ];
    assert_eq!(lines(&seen), expected);
    let binary = testing::exchange().websocket::<WsLog>([(Peer::Client, vec![1, 2])]);
    assert_eq!(lines(&binary)[1], "client binary, 2 bytes");
    assert_eq!(binary.to(Peer::Backend), [Message::from(vec![1, 2])]);
}

#[test]
fn a_text_is_logged_in_one_line() {
    let long = format!("a\nb{}", "x".repeat(3000));
    let seen = seen(&[("log", "text")], &[(Peer::Client, &long)]);
    let line = lines(&seen)[1];
    assert!(line.starts_with(r"client text: a\nbxx"), "{line}");
    assert!(
        line.ends_with("x… (cut)") && line.len() < 2100,
        "{}",
        line.len()
    );
}

#[test]
fn messages_are_dropped_by_a_value() {
    let rules = r#"[{"path": "$.type", "equals": "ping"}, {"path": "$.n[*]", "equals": 2}]"#;
    let messages = [
        (Peer::Client, r#"{"type": "ping"}"#),
        (Peer::Backend, r#"{"type":"\u0070ing"}"#),
        (Peer::Client, r#"{"n": [1, 2]}"#),
        (Peer::Client, r#"{"type": "pong"}"#),
        (Peer::Client, "ping"),
    ];
    let seen = seen(&[("drop", rules)], &messages);
    assert_eq!(seen.to(Peer::Backend), [r#"{"type": "pong"}"#, "ping"]);
    assert!(seen.to(Peer::Client).is_empty());
    assert_eq!(lines(&seen)[1], "client dropped 16 bytes");
}

#[test]
fn what_is_redacted_goes_neither_on_nor_into_the_log() {
    let settings = [("log", "text"), ("redact", r#"["$.token", "$.user.mail"]"#)];
    let messages = [
        (Peer::Client, r#"{"token": "secret", "n": 1.0}"#),
        (Peer::Backend, r#"{"user": {"mail": ["a@b"]}}"#),
        (Peer::Client, r#"token=secret"#),
        (Peer::Client, r#"{"n": 2}"#),
    ];
    let seen = seen(&settings, &messages);
    let clean = r#"{"token": "[redacted]", "n": 1.0}"#;
    assert_eq!(
        seen.to(Peer::Backend),
        [clean, "token=secret", r#"{"n": 2}"#]
    );
    assert_eq!(
        seen.to(Peer::Client),
        [r#"{"user": {"mail": "[redacted]"}}"#]
    );
    let log = lines(&seen).join("\n");
    assert!(!log.contains("secret") && !log.contains("a@b"), "{log}");
    assert!(log.contains(&format!("client text: {clean}")), "{log}");
    assert!(log.contains("client text, 12 bytes"), "{log}");
}

#[test]
fn with_nothing_to_do_a_connection_is_left_alone() {
    let seen = seen(&[("log", "off")], &[(Peer::Client, "a")]);
    assert!(!seen.opened && lines(&seen).is_empty());
}

#[test]
fn wrong_settings_are_refused() {
    for (name, value) in [
        ("log", "all"),
        ("redact", r#"["token"]"#),
        ("drop", r#"[{"path": "$.a"}]"#),
        ("drop", r#"[{"path": "$..a", "equals": 1}]"#),
        ("dorp", "[]"),
    ] {
        let error = seen(&[(name, value)], &[]).error;
        assert!(error.is_some(), "{name} {value}");
    }
}

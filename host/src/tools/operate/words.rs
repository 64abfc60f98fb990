//! Answers of the admin API as text for people.

use std::fmt::Write as _;

use serde_json::Value;

use crate::config::listener::DEFAULT_LISTENER;
use crate::text as plain;

/// What runs there.
pub fn status(status: &Value) -> String {
    let mut text = format!("tollgate {}", word(&status["version"]));
    text += match status["ready"].as_bool() {
        Some(true) => ", ready\n",
        _ => ", not ready\n",
    };
    let scheme = |tls: &Value| {
        if tls.as_bool() == Some(true) {
            "https"
        } else {
            "http"
        }
    };
    for listen in all(&status["listen"]) {
        let url = format!("{}://{}", scheme(&listen["tls"]), word(&listen["address"]));
        let name = match listen["name"].as_str() {
            None | Some(DEFAULT_LISTENER) => String::new(),
            Some(_) => format!(" {}", word(&listen["name"])),
        };
        line(&mut text, "clients", &(url + &name));
    }
    line(&mut text, "admin", &word(&status["admin"]));
    for backend in all(&status["backends"]) {
        let addresses: Vec<_> = all(&backend["addresses"]).map(word).collect();
        line(
            &mut text,
            "backend",
            &format!("{} {}", word(&backend["name"]), addresses.join(" ")),
        );
    }
    if !status["config_file"].is_null() {
        line(&mut text, "configuration", &word(&status["config_file"]));
    }
    line(&mut text, "plugins", &word(&status["plugins_dir"]));
    let exchanges = &status["exchanges"];
    let counts = format!(
        "{} since the start, {} in progress, {} a second",
        word(&exchanges["total"]),
        word(&exchanges["in_progress"]),
        word(&exchanges["per_second"])
    );
    line(&mut text, "exchanges", &counts);
    let recording = &status["recording"];
    if !recording.is_null() {
        line(&mut text, "recording", &kept(recording));
    }
    let tape = &recording["tape"];
    if !tape.is_null() {
        line(&mut text, "tape", &written(tape));
    }
    text
}

/// What is recorded.
fn kept(recording: &Value) -> String {
    if recording["on"].as_bool() != Some(true) {
        return "off".to_owned();
    }
    let kept = format!(
        "{} of {} exchanges, {} of {} bytes",
        word(&recording["exchanges"]),
        word(&recording["max_exchanges"]),
        word(&recording["bytes"]),
        word(&recording["max_bytes"])
    );
    kept + &missing(&recording["dropped"])
}

/// What is on the tape.
fn written(tape: &Value) -> String {
    let mut text = format!(
        "{}: {} exchanges, {} bytes since the start",
        word(&tape["file"]),
        word(&tape["exchanges"]),
        word(&tape["bytes"])
    );
    text += &missing(&tape["dropped"]);
    if !tape["error"].is_null() {
        text += "; it can't be written: ";
        text += &word(&tape["error"]);
    }
    text
}

fn missing(dropped: &Value) -> String {
    match dropped.as_u64() {
        None | Some(0) => String::new(),
        Some(dropped) => format!(", {dropped} are missing"),
    }
}

/// A line for every plugin, in columns.
pub fn plugins(answer: &Value) -> String {
    let plugins: Vec<&Value> = all(&answer["plugins"]).collect();
    if plugins.is_empty() {
        return "no plugins yet: drop a .wasm file into the plugins directory\n".to_owned();
    }
    let widths = plugins
        .iter()
        .map(|plugin| word(&plugin["name"]).chars().count());
    let width = widths.max().unwrap_or_default().max(6);
    let mut text = format!(
        "{:<width$}  {:<12}  {:>5}  state\n",
        "plugin", "version", "order"
    );
    for plugin in plugins {
        let (name, order) = (word(&plugin["name"]), word(&plugin["order"]));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{name:<width$}  {:<12}  {order:>5}  {}",
            version(plugin),
            state(plugin)
        );
    }
    text
}

/// One plugin in one line.
pub fn plugin_line(plugin: &Value) -> String {
    format!(
        "{}  {}  {}\n",
        word(&plugin["name"]),
        version(plugin),
        state(plugin)
    )
}

/// What came of reading everything again.
pub fn reloaded(answer: &Value) -> String {
    let configuration = match answer["configuration_changed"].as_bool() {
        Some(true) => "the configuration has changed and is in force\n",
        _ => "the configuration is as it was\n",
    };
    format!("{configuration}{}", plugins(answer))
}

/// All that is known of a plugin.
pub fn plugin(plugin: &Value) -> String {
    let mut text = plugin_line(plugin);
    let mut show = |name: &str, value: &Value| {
        let is_empty = value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(|map| map.is_empty());
        if !value.is_null() && !is_empty {
            line(&mut text, name, &word(value));
        }
    };
    show("file", &plugin["file"]);
    show("kind", &plugin["kind"]);
    show("order", &plugin["order"]);
    show("required", &plugin["required"]);
    show("settings", &plugin["settings"]);
    show("settings from", &plugin["settings_source"]);
    show("match", &plugin["match"]);
    show("permissions", &plugin["permissions"]);
    show("warnings", &plugin["warnings"]);
    show("can roll back", &plugin["can_roll_back"]);
    text += "\nhistory\n";
    for event in all(&plugin["history"]).rev().take(10) {
        let at = event["at_us"].as_u64().unwrap_or_default();
        let (what, version, more) = (
            word(&event["event"]),
            word(&event["version"]),
            word(&event["text"]),
        );
        let _ = writeln!(text, "  {}  {what:<11}  {version:<12}  {more}", time(at));
    }
    text
}

fn version(plugin: &Value) -> String {
    let serving = &plugin["serving"];
    match serving["version"].as_str() {
        Some(version) => version.to_owned(),
        None => "-".to_owned(),
    }
}

fn state(plugin: &Value) -> String {
    let mut state = word(&plugin["state"]);
    if plugin["serving"]["pinned"].as_bool() == Some(true) {
        state += ", rolled back (`promote` serves the file again)";
    }
    if !plugin["error"].is_null() {
        state += ": ";
        state += &word(&plugin["error"]);
    }
    state
}

fn all(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map_or_else(|| [].iter(), |all| all.iter())
}

/// A value in one line, safe for a terminal.
fn word(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    plain::line(&text).into_owned()
}

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<14} {value}");
}

/// A time of day (UTC) of microseconds since 1970.
fn time(at: u64) -> String {
    let seconds = i64::try_from(at / 1_000_000).unwrap_or_default();
    let time = time::OffsetDateTime::from_unix_timestamp(seconds).ok();
    let form = &time::format_description::well_known::Rfc3339;
    time.and_then(|time| time.format(form).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_recorded_and_written_is_said() {
        let recording = json!({"on": true, "exchanges": 3, "max_exchanges": 1000, "bytes": 99, "max_bytes": 1024, "dropped": 0,
            "tape": {"file": "a\ntape", "exchanges": 4, "bytes": 88, "dropped": 2, "error": "no space"}});
        let text = status(&json!({"version": "1", "ready": true, "recording": recording}));
        let expected = "  recording      3 of 1000 exchanges, 99 of 1024 bytes\n  \
            tape           a\\ntape: 4 exchanges, 88 bytes since the start, 2 are missing; it can't be written: no space\n";
        assert!(text.ends_with(expected), "{text}");
        let off = status(&json!({"recording": {"on": false, "tape": null}}));
        assert!(off.ends_with("  recording      off\n"), "{off}");
    }

    #[test]
    fn plugins_stand_in_columns() {
        let answer = json!({"plugins": [
            {"name": "auth", "order": 1, "state": "active", "serving": {"version": "0123456789ab", "pinned": true}, "error": null},
            {"name": "a-long-name", "order": 100, "state": "failed", "serving": null, "error": "it\nbroke\u{1b}[2J"},
        ]});
        let expected = "plugin       version       order  state\n\
            auth         0123456789ab      1  active, rolled back (`promote` serves the file again)\n\
            a-long-name  -               100  failed: it\\nbroke\\u{1b}[2J\n";
        assert_eq!(plugins(&answer), expected);
        assert!(plugins(&json!({"plugins": []})).contains("drop a .wasm file"));
    }

    #[test]
    fn events_have_the_time_of_day() {
        let answer = json!({"name": "a", "state": "active", "history": [
            {"at_us": 1_790_000_000_123_456_u64, "event": "serves", "version": "0123456789ab", "text": ""},
        ]});
        assert!(
            plugin(&answer).contains("  2026-09-21T14:13:20Z  serves       0123456789ab"),
            "{}",
            plugin(&answer)
        );
    }
}

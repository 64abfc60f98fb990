//! One entry of the log, taken apart: who wrote it, how urgent it is, and what it says.

use super::LogEntry;
use crate::record::Masks;
use crate::telemetry::LogLine;

const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/// What `telemetry` puts around a text: `TIME LEVEL TARGET: text`, and of a plugin's own ` plugin="NAME" exchange=ID` behind it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts<'a> {
    level: Option<&'static str>,
    plugin: Option<&'a str>,
    exchange: Option<&'a str>,
    before: &'a str,
    message: &'a str,
    behind: &'a str,
}

impl LogEntry {
    pub fn of(line: &LogLine, masks: &Masks) -> Self {
        let parts = parts(&line.text);
        let message = masks.log(parts.message);
        Self {
            number: line.number,
            at_us: line.at,
            level: parts.level.map(str::to_ascii_lowercase),
            plugin: parts.plugin.map(str::to_owned),
            exchange: parts.exchange.map(str::to_owned),
            text: [parts.before, &message, parts.behind].concat(),
            message: message.into_owned(),
        }
    }
}

fn parts(text: &str) -> Parts<'_> {
    let all = Parts {
        message: text,
        ..Parts::default()
    };
    // Levels stand in five columns.
    let Some((_, rest)) = text.split_once(' ') else {
        return all;
    };
    let rest = rest.trim_start();
    let level = LEVELS.into_iter().find(|level| rest.starts_with(level));
    let Some(level) = level else { return all };
    let rest = rest[level.len()..].trim_start();
    let Some((target, message)) = rest.split_once(": ") else {
        return all;
    };
    let before = text.len() - message.len();
    let level = Some(level);
    if target != "plugin" {
        return about(text, before, level);
    }
    // A plugin's text may say the same; what the host puts behind it comes last.
    let behind = message.rfind(" plugin=\"").unwrap_or(message.len());
    let named = message[behind..].strip_prefix(" plugin=\"");
    let (plugin, exchange) = named
        .and_then(|named| named.rsplit_once("\" exchange="))
        .unzip();
    let is_id = |id: &&str| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Parts {
        level,
        plugin,
        exchange: exchange.filter(is_id),
        before: &text[..before],
        message: &message[..behind],
        behind: &message[behind..],
    }
}

/// An entry of the host's own, which may be about a plugin: `plugin NAME: …`.
fn about<'a>(text: &'a str, before: usize, level: Option<&'static str>) -> Parts<'a> {
    let message = &text[before..];
    let named = message.strip_prefix("plugin ");
    let named = named.and_then(|named| named.split_once(": "));
    let (plugin, said) = named
        .filter(|(name, _)| !name.contains(char::is_whitespace))
        .unzip();
    // The name is no name of a secret, whatever it is.
    let message = said.unwrap_or(message);
    Parts {
        level,
        plugin,
        exchange: None,
        before: &text[..text.len() - message.len()],
        message,
        behind: "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordConfig;

    fn entry(text: &str) -> LogEntry {
        let line = LogLine {
            number: 1,
            at: 2,
            text: text.to_owned(),
        };
        LogEntry::of(&line, &Masks::new(&RecordConfig::default()))
    }

    #[test]
    fn an_entry_of_a_plugin_is_known_by_what_the_host_adds() {
        let text = "2026-11-30T16:00:00.000000Z  WARN plugin: forged plugin=\"a\" exchange=1\n    b plugin=\"redact\" exchange=00000000000000a1";
        let entry = entry(text);
        assert_eq!(entry.level.as_deref(), Some("warn"));
        assert_eq!(entry.plugin.as_deref(), Some("redact"));
        assert_eq!(entry.exchange.as_deref(), Some("00000000000000a1"));
        assert_eq!(entry.message, "forged plugin=\"a\" exchange=1\n    b");
        assert_eq!(entry.text, text);
    }

    #[test]
    fn an_entry_about_a_plugin_names_it_and_one_that_is_none_stays_whole() {
        let started =
            entry("2026-11-30T16:00:00Z  INFO tollgate::plugin::swap: plugin secret: serves 0123");
        assert_eq!(
            (started.plugin.as_deref(), &*started.message),
            (Some("secret"), "serves 0123")
        );
        let other = entry("2026-11-30T16:00:00Z ERROR tollgate: plugin is a word: and more");
        assert_eq!(
            (other.plugin, &*other.message),
            (None, "plugin is a word: and more")
        );
        let plain = entry("no entry at all");
        assert_eq!((plain.level, &*plain.message), (None, "no entry at all"));
        let start = entry("2026-11-30T16:00:00Z  INFO plugin: hello plugin=\"a\" exchange=start");
        assert_eq!((start.plugin.as_deref(), start.exchange), (Some("a"), None));
    }

    #[test]
    fn secrets_are_masked_in_text_and_message_and_nothing_else() {
        let entry = entry(
            "2026-11-30T16:00:00Z  INFO plugin: authorization: Bearer x plugin=\"a\" exchange=trial",
        );
        assert_eq!(entry.message, "authorization: [masked]");
        assert_eq!(
            entry.text,
            "2026-11-30T16:00:00Z  INFO plugin: authorization: [masked] plugin=\"a\" exchange=trial"
        );
    }
}

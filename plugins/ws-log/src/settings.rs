//! The settings.

use serde::Deserialize;
use serde_json::Value;

use crate::json::Found;
use crate::path::Path;

#[derive(Debug, Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
pub struct WsLog {
    #[serde(default)]
    pub log: Log,
    /// Messages that do not go on.
    #[serde(default)]
    pub drop: Vec<Drop>,
    /// Values that do not go on, nor into the log.
    #[serde(default)]
    pub redact: Vec<Path>,
}

/// What the log has of a message.
#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    Text,
    #[default]
    Meta,
    Off,
}

/// A message in which any value at the path is equal to this one.
#[derive(Debug, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    pub path: Path,
    pub equals: Value,
}

impl WsLog {
    /// Whether there is nothing to do with messages.
    pub fn is_idle(&self) -> bool {
        self.log == Log::Off && self.drop.is_empty() && self.redact.is_empty()
    }

    /// Those of `drop`, then those of `redact`.
    pub fn paths(&self) -> Vec<&Path> {
        let dropping = self.drop.iter().map(|drop| &drop.path);
        dropping.chain(&self.redact).collect()
    }

    /// Whether one of the rules drops a message with these values.
    pub fn drops(&self, text: &str, found: &[Found]) -> bool {
        found.iter().any(|found| {
            self.drop.get(found.path).is_some_and(|drop| {
                let value = text.get(found.at.clone()).unwrap_or_default();
                serde_json::from_str(value).is_ok_and(|value: Value| value == drop.equals)
            })
        })
    }
}

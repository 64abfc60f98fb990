//! `wasi:logging`: a plugin's lines in the host's log, each named by plugin and exchange.

use super::State;
use crate::plugin::contract::logging::{self, Level};

/// Bytes of one line; the rest of a longer one is cut off.
const MOST: usize = 8 << 10;

impl logging::Host for State {
    fn log(&mut self, level: Level, context: String, message: String) {
        let text = if context.is_empty() {
            clean(&message)
        } else {
            clean(&format!("{context}: {message}"))
        };
        if matches!(level, Level::Critical) {
            self.last_words = Some(text.clone());
        }
        if self.probing {
            return;
        }
        let plugin = self.facts.name.as_str();
        let exchange = self.exchange.id;
        match level {
            Level::Trace => tracing::trace!(target: "plugin", plugin, %exchange, "{text}"),
            Level::Debug => tracing::debug!(target: "plugin", plugin, %exchange, "{text}"),
            Level::Info => tracing::info!(target: "plugin", plugin, %exchange, "{text}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, %exchange, "{text}"),
            Level::Error | Level::Critical => {
                tracing::error!(target: "plugin", plugin, %exchange, "{text}")
            }
        }
    }
}

/// One line that can't forge another, nor steer a terminal.
pub fn clean(message: &str) -> String {
    let mut line = String::with_capacity(message.len().min(MOST));
    for c in message.chars() {
        if line.len() >= MOST {
            line.push('…');
            break;
        }
        if c.is_control() && c != '\t' {
            line.extend(c.escape_default())
        } else {
            line.push(c)
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(clean("a\nb\x1b[31m\tü"), "a\\nb\\u{1b}[31m\tü");
        assert!(clean(&"x".repeat(MOST * 2)).len() <= MOST + '…'.len_utf8());
    }
}

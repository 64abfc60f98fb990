//! `wasi:logging`: a plugin's lines in the host's log, each named by plugin and exchange.

use tracing::Level as Logged;

use super::standard::logging::{self, Level};
use super::state::HooksState;
use crate::text;

impl logging::Host for HooksState {
    fn log(&mut self, level: Level, context: String, message: String) {
        let text = if context.is_empty() {
            message
        } else {
            format!("{context}: {message}")
        };
        if matches!(level, Level::Critical) {
            self.last_words = Some(text::lines(&text).into_owned());
        }
        let level = match level {
            Level::Trace => Logged::TRACE,
            Level::Debug => Logged::DEBUG,
            Level::Info => Logged::INFO,
            Level::Warn => Logged::WARN,
            Level::Error | Level::Critical => Logged::ERROR,
        };
        self.guest.voice.log(level, &text);
    }
}

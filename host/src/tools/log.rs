//! The lines that a plugin writes to the host's log, kept in place of printed.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// What the plugins' lines are told by, among those of the host.
const TARGET: &str = "plugin";

/// A layer of the log that keeps the plugins' lines. Clones keep the same.
#[derive(Debug, Clone, Default)]
pub struct PluginLines(Arc<Mutex<Vec<String>>>);

impl PluginLines {
    /// All lines since the last time, `LEVEL text` each.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts a log that keeps the plugins' lines and prints the host's warnings.
pub fn start() -> PluginLines {
    use tracing_subscriber::filter::{LevelFilter, filter_fn};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let lines = PluginLines::default();
    let warnings = tracing_subscriber::fmt::layer()
        .compact()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .with_filter(LevelFilter::WARN)
        .with_filter(filter_fn(|metadata| metadata.target() != TARGET));
    // It fails only when this process has a log already; then there are just no lines.
    let _ = tracing_subscriber::registry()
        .with(lines.clone())
        .with(warnings)
        .try_init();
    lines
}

impl<S: Subscriber> Layer<S> for PluginLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let mut line = PluginLine(format!("{level} "));
        event.record(&mut line);
        let line = line.0.trim_end().to_owned();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }
}

/// An event's text; its other fields name the plugin and the exchange.
struct PluginLine(String);

impl Visit for PluginLine {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string never fails.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

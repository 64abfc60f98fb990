//! The exposition: all families in their order, in the text format of OpenMetrics.

use std::fmt::{self, Error};
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::exchanges::ExchangeMetrics;
use super::families::Families;
use super::plugins;
use super::state::{ConfigReloads, HostState};
use crate::metrics::Metrics;

/// What the text is (OpenMetrics, section "Text Format").
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes the exposition. Clones are the same.
#[derive(Debug, Clone)]
pub struct Exporter(Arc<Registry>);

/// Asked when somebody reads.
type AskState = Box<dyn Fn() -> HostState + Send + Sync>;

struct Everything {
    exchanges: Arc<ExchangeMetrics>,
    plugins: Metrics,
    reloads: Arc<ConfigReloads>,
    state: AskState,
}

impl Exporter {
    /// Of these. `state` is asked each time.
    pub fn new(
        exchanges: Arc<ExchangeMetrics>,
        plugins: Metrics,
        reloads: Arc<ConfigReloads>,
        state: impl Fn() -> HostState + Send + Sync + 'static,
    ) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Everything {
            exchanges,
            plugins,
            reloads,
            state: Box::new(state),
        }));
        Self(Arc::new(registry))
    }

    /// The text, of type [`CONTENT_TYPE`].
    pub fn exposition(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.0);
        text
    }
}

impl fmt::Debug for Everything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Everything")
            .field("exchanges", &self.exchanges)
            .finish_non_exhaustive()
    }
}

impl Collector for Everything {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut families = Families(encoder);
        let state = (self.state)();
        self.exchanges.keep(&state.routes, &state.backend_names);
        self.exchanges.write(&mut families)?;
        plugins::write_counters(&mut families, &self.plugins)?;
        write_versions(&mut families, &state)?;
        let reloads = self.reloads.counts();
        families.counters(
            "tollgate_config_reloads",
            "Looks at the configuration's file after the start",
            reloads
                .iter()
                .map(|(result, count)| (vec![("result", *result)], *count)),
        )?;
        write_traffic(&mut families, &state)?;
        write_losses(&mut families, &state)?;
        plugins::write_own(&mut families, &self.plugins)
    }
}

fn write_versions(families: &mut Families<'_>, state: &HostState) -> Result<(), Error> {
    let versions = state.versions.iter().filter_map(|version| {
        let (hash, tier) = version.serving.as_ref()?;
        Some(vec![
            ("plugin", &*version.plugin),
            ("version", &**hash),
            ("tier", &**tier),
        ])
    });
    families.infos(
        "tollgate_version",
        "The version of each plugin that serves: the beginning of its hash, as in logs",
        versions,
    )?;
    families.gauges(
        "tollgate_serving",
        "Whether a version of the plugin serves",
        state.versions.iter().map(|version| {
            let serves = f64::from(u8::from(version.serving.is_some()));
            (vec![("plugin", &*version.plugin)], serves)
        }),
    )?;
    families.infos(
        "tollgate_build",
        "The version of tollgate",
        [vec![("version", env!("CARGO_PKG_VERSION"))]],
    )?;
    families.gauges(
        "tollgate_start_time_seconds",
        "When the process started, in seconds since 1970",
        [(Vec::new(), state.started)],
    )?;
    let ready = f64::from(u8::from(state.ready));
    families.gauges(
        "tollgate_ready",
        "Whether new traffic is welcome, as /ready says",
        [(Vec::new(), ready)],
    )
}

fn write_traffic(families: &mut Families<'_>, state: &HostState) -> Result<(), Error> {
    families.gauges(
        "tollgate_exchanges_in_progress",
        "Exchanges that are under way",
        [(Vec::new(), state.exchanges_in_progress as f64)],
    )?;
    families.gauges(
        "tollgate_connections",
        "Connections of clients that are open",
        [(Vec::new(), state.connections as f64)],
    )?;
    families.counters(
        "tollgate_connections_accepted",
        "Connections of clients that were accepted",
        [(Vec::new(), state.connections_accepted)],
    )?;
    let listeners = || state.listeners.iter();
    families.gauges(
        "tollgate_listener_connections",
        "Connections of clients that are open, by listener",
        listeners().map(|of| (vec![("listener", &*of.listener)], of.open as f64)),
    )?;
    families.counters(
        "tollgate_listener_connections_accepted",
        "Connections of clients that were accepted, by listener",
        listeners().map(|of| (vec![("listener", &*of.listener)], of.accepted)),
    )?;
    let pools = state.backends.iter().flat_map(|to| {
        let in_use = to.open.saturating_sub(to.idle);
        [("idle", to.idle), ("in-use", in_use)].map(|(state, count)| {
            (
                vec![
                    ("backend", &*to.backend),
                    ("address", &*to.address),
                    ("state", state),
                ],
                count as f64,
            )
        })
    });
    families.gauges(
        "tollgate_backend_connections",
        "Connections to backends; those that are being opened are in use",
        pools,
    )
}

fn write_losses(families: &mut Families<'_>, state: &HostState) -> Result<(), Error> {
    families.counters(
        "tollgate_log_lines_dropped",
        "Lines of the log that were lost",
        [(Vec::new(), state.log_lines_dropped)],
    )?;
    if let Some((written, dropped)) = state.access_log_lines {
        families.counters(
            "tollgate_access_log_lines",
            "Lines of the access log that were written",
            [(Vec::new(), written)],
        )?;
        families.counters(
            "tollgate_access_log_lines_dropped",
            "Lines of the access log that were lost",
            [(Vec::new(), dropped)],
        )?;
    }
    if let Some((exported, dropped)) = state.spans {
        families.counters(
            "tollgate_spans_exported",
            "Spans that the collector took",
            [(Vec::new(), exported)],
        )?;
        families.counters(
            "tollgate_spans_dropped",
            "Spans that were lost",
            [(Vec::new(), dropped)],
        )?;
    }
    if let Some((exchanges, bytes, dropped)) = state.recording {
        families.gauges(
            "tollgate_recorded_exchanges",
            "Exchanges in the ring of the recorder",
            [(Vec::new(), exchanges as f64)],
        )?;
        families.gauges(
            "tollgate_recorded_bytes",
            "Bytes of the exchanges in the ring of the recorder",
            [(Vec::new(), bytes as f64)],
        )?;
        families.counters(
            "tollgate_recording_dropped",
            "Exchanges that could not be recorded",
            [(Vec::new(), dropped)],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Who observes exchanges, and what `/metrics` is made of.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::StartError;
use super::spawn::spawn;
use crate::access_log::{AccessLog, AccessObserver, Mask};
use crate::admin::Readiness;
use crate::config::Config;
use crate::export::{
    ConfigReloads, ConnectionsOf, ConnectionsTo, ExchangeMetrics, Exporter, HostState,
    ServingVersion,
};
use crate::message::trace::{Observer, Observers};
use crate::metrics::Metrics;
use crate::otlp::{self, SpanObserver, SpanSender};
use crate::plugin::{PluginTable, RouteChain};
use crate::proxy::{Listeners, Proxy};
use crate::record::{Masks, Recorder};
use crate::telemetry;

/// How long the end waits for the last lines of the access log to be written, and for the last spans to be taken.
const LAST_LINES: Duration = Duration::from_secs(1);
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The observers, and what they share with others.
#[derive(Debug)]
pub struct Observing {
    all: Vec<Arc<dyn Observer>>,
    access_log: Option<AccessLog>,
    spans: Option<SpanSender>,
    recorder: Option<Arc<Recorder>>,
    /// What plugins record.
    pub metrics: Metrics,
    pub reloads: Arc<ConfigReloads>,
    exchanges: Arc<ExchangeMetrics>,
}

/// What else is counted.
pub struct Counting {
    pub ready: Readiness,
    pub proxy: Arc<Proxy<RouteChain>>,
    pub listeners: Arc<Listeners<RouteChain>>,
    pub table: Arc<PluginTable>,
}

impl Observing {
    /// Starts those that the configuration wants: nobody is there to read metrics without an admin listener, so nothing is
    /// observed for them.
    ///
    /// # Errors
    /// When the access log can't be written, or there can be no exporter.
    pub fn start(
        config: &Config,
        recorder: Option<Arc<Recorder>>,
        stop: &CancellationToken,
    ) -> Result<Self, StartError> {
        let exchanges = Arc::<ExchangeMetrics>::default();
        let mut all: Vec<Arc<dyn Observer>> = Vec::new();
        if config.admin.is_some() {
            all.push(exchanges.clone());
        }
        if let Some(recorder) = &recorder {
            all.push(recorder.clone());
        }
        let mut access_log = None;
        if let Some(wanted) = &config.access_log {
            let target = &wanted.target;
            let failed = |error| {
                StartError::Observer(format!("can't open the access log {target}: {error}"))
            };
            let log = AccessLog::start(wanted.target.clone()).map_err(failed)?;
            let (format, mask) = (
                wanted.format.clone(),
                Arc::new(Masking(Masks::new(&config.record))),
            );
            all.push(Arc::new(AccessObserver::new(log.clone(), format, mask)));
            access_log = Some(log);
        }
        let mut spans = None;
        if let Some(wanted) = &config.tracing {
            let endpoint = &wanted.endpoint;
            let failed =
                |error| StartError::Observer(format!("can't send traces to {endpoint}: {error}"));
            let (sender, work) = otlp::start(wanted, stop.clone()).map_err(failed)?;
            spawn("traces", stop, work);
            all.push(Arc::new(SpanObserver {
                sender: sender.clone(),
                sample: wanted.sample,
            }));
            spans = Some(sender);
        }
        Ok(Self {
            recorder,
            spans,
            all,
            access_log,
            metrics: Metrics::default(),
            reloads: Arc::default(),
            exchanges,
        })
    }

    /// All of them.
    pub fn observers(&self) -> Observers {
        Observers::new(self.all.clone())
    }

    /// Opens the access log anew.
    pub fn reopen(&self) {
        if let Some(log) = &self.access_log {
            log.reopen();
        }
    }

    /// Nothing more comes. Waits a moment for the last lines and spans to be written.
    pub async fn end(&self) {
        if let Some(log) = &self.access_log {
            log.flush(LAST_LINES);
        }
        if let Some(spans) = &self.spans {
            spans.flush(LAST_SPANS).await;
        }
    }

    /// What `/metrics` answers by.
    pub fn exporter(&self, counting: Counting) -> Exporter {
        let (access_log, spans) = (self.access_log.clone(), self.spans.clone());
        let (recorder, started) = (self.recorder.clone(), now());
        let (exchanges, metrics) = (self.exchanges.clone(), self.metrics.clone());
        Exporter::new(exchanges, metrics, self.reloads.clone(), move || {
            HostState {
                started,
                ready: counting.ready.get(),
                exchanges_in_progress: counting.proxy.under_way(),
                connections: counting.proxy.connections().count(),
                connections_accepted: counting.proxy.accepted(),
                routes: routes(&counting.proxy),
                backend_names: backend_names(&counting.proxy),
                listeners: listeners(&counting.listeners),
                backends: backends(&counting.proxy),
                versions: versions(&counting.table),
                log_lines_dropped: telemetry::dropped(),
                access_log_lines: access_log
                    .as_ref()
                    .map(|log| (log.written(), log.dropped())),
                spans: spans.as_ref().map(SpanSender::counts),
                recording: recorder.as_deref().map(recording),
            }
        })
    }
}

/// Exchanges in the ring, their bytes, and those that could not be recorded.
fn recording(recorder: &Recorder) -> (u64, u64, u64) {
    let size = recorder.ring().size();
    (size.exchanges as u64, size.bytes, recorder.dropped())
}

/// The masks of `[record]`, for the access log.
#[derive(Debug)]
struct Masking(Masks);

impl Mask for Masking {
    fn target<'a>(&self, target: &'a str) -> Cow<'a, str> {
        self.0.url(target)
    }

    fn value<'a>(&self, name: &str, value: &'a [u8]) -> Cow<'a, [u8]> {
        self.0.value(name.as_bytes(), value)
    }
}

/// The labels of the routes.
fn routes(proxy: &Proxy<RouteChain>) -> HashSet<Arc<str>> {
    let routing = proxy.routing();
    let routes = routing.routes.iter();
    routes.map(|route| route.label.clone()).collect()
}

/// The names of the backends that requests go to.
fn backend_names(proxy: &Proxy<RouteChain>) -> HashSet<String> {
    let routing = proxy.routing();
    let names = routing.routes.iter().flat_map(|route| {
        let all = route.backends.all().iter().map(|backend| backend.name());
        all.chain([route.backend.name()])
    });
    names.map(str::to_owned).collect()
}

/// One row for each listener, whose sockets share their counts.
fn listeners(listeners: &Listeners<RouteChain>) -> Vec<ConnectionsOf> {
    let mut rows: Vec<ConnectionsOf> = Vec::new();
    for socket in listeners.sockets() {
        if rows.iter().all(|row| *row.listener != *socket.listener) {
            rows.push(ConnectionsOf {
                listener: socket.listener.to_string(),
                open: socket.connections,
                accepted: socket.accepted,
            });
        }
    }
    rows
}

fn backends(proxy: &Proxy<RouteChain>) -> Vec<ConnectionsTo> {
    let routing = proxy.routing();
    let backends = routing.backends.all().iter();
    let connections = backends.flat_map(|backend| {
        let to = |(address, open, idle)| ConnectionsTo {
            backend: backend.name().to_owned(),
            address,
            open,
            idle,
        };
        backend.connections().into_iter().map(to)
    });
    connections.collect()
}

fn versions(table: &PluginTable) -> Vec<ServingVersion> {
    let plugins = table.snapshot().into_iter();
    let version = plugins.map(|plugin| ServingVersion {
        plugin: plugin.name,
        serving: plugin
            .serving
            .map(|serving| (serving.hash.short(), serving.tier.to_string())),
    });
    version.collect()
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

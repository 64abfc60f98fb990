//! The composition root: builds the parts from the configuration, runs them, and takes them down in order.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::uri::Authority;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{self, Backend, Config};
use crate::echo;
use crate::plugin::watch::{self, Change, WatchError};
use crate::plugin::{
    Cache, Chains, Compiler, Engines, PluginStatus, Seats, Supervisor, Table, Workbench,
};
use crate::proxy::{self, Proxy, Upstream};

/// Why the proxy could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("can't listen on {address}: {source}{}", listen_advice(.source))]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("can't start the embedded echo backend on {address}: {source}{}", echo_advice(.source))]
    Echo {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("can't watch {}: {source}", .directory.display())]
    Watch {
        directory: std::path::PathBuf,
        source: WatchError,
    },
    #[error("can't start the WebAssembly engine: {0:#}")]
    Engine(wasmtime::Error),
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

fn listen_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process listens there: stop it, or choose with --listen"
        }
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 are reserved: choose another with --listen"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
        _ => "",
    }
}

fn echo_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process listens there: to forward to it, give its URL with --backend"
        }
        _ => "",
    }
}

/// A proxy that listens, with its plugins in service.
#[derive(Debug)]
pub struct App {
    config: Arc<Config>,
    address: SocketAddr,
    backend: Authority,
    table: Arc<Table>,
    stop: CancellationToken,
    stop_backend: CancellationToken,
    workers: TaskTracker,
    /// Changes are followed for as long as it is there.
    _watcher: watch::Watcher,
}

impl App {
    /// Binds, loads the plugins that are there, and serves.
    ///
    /// # Errors
    /// When an address can't be bound, the directory can't be watched, or the engine doesn't run here. A plugin that
    /// can't be loaded is no reason: it is shown as failed.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let listener = listen(config.listen)?;
        let stop_backend = CancellationToken::new();
        let backend = start_backend(&config.backend, stop_backend.clone()).await?;
        let chains = Arc::new(Chains::default());
        let table = Arc::new(Table::default());
        let watcher = start_plugins(&config, &chains, &table).await?;
        let (address, listener) = listener;
        let (workers, stop) = (TaskTracker::new(), CancellationToken::new());
        let proxy = Arc::new(Proxy::new(
            chains,
            Upstream::new(backend.clone()),
            first_id(),
        ));
        workers.spawn(proxy::accept(listener, proxy, stop.clone()));
        workers.close();
        Ok(Self {
            config,
            address,
            backend,
            table,
            stop,
            stop_backend,
            workers,
            _watcher: watcher,
        })
    }

    /// The address that clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every plugin as it stands.
    pub fn plugins(&self) -> Vec<PluginStatus> {
        self.table.snapshot()
    }

    /// What a user sees at the start: the plugins, and one line with `http://ADDRESS` that says the proxy is ready.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn announce(&self, mut out: impl io::Write) -> io::Result<()> {
        let echo = if matches!(self.config.backend, Backend::Echo(_)) {
            " (embedded echo backend)"
        } else {
            ""
        };
        write!(out, "{}", plugin_lines(&self.config, &self.plugins()))?;
        writeln!(
            out,
            "tollgate is ready: http://{} -> {}{echo}",
            self.address, self.backend
        )?;
        out.flush()
    }

    /// Stops accepting, lets exchanges end for as long as the configuration allows, and says whether all did.
    pub async fn drain(self) -> bool {
        self.stop.cancel();
        let done = tokio::time::timeout(self.config.drain, self.workers.wait())
            .await
            .is_ok();
        self.stop_backend.cancel();
        done
    }
}

fn listen(address: SocketAddr) -> Result<(SocketAddr, tokio::net::TcpListener), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = proxy::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((
        bound,
        tokio::net::TcpListener::from_std(listener).map_err(failed)?,
    ))
}

/// The authority to forward to; starts the embedded backend if that is it.
async fn start_backend(
    backend: &Backend,
    stop: CancellationToken,
) -> Result<Authority, StartError> {
    let address = match backend {
        Backend::Url(url) => return Ok(url.authority.clone()),
        Backend::Echo(address) => *address,
    };
    let failed = |source| StartError::Echo { address, source };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tokio::spawn(echo::serve(listener, stop.cancelled_owned()));
    Authority::try_from(bound.to_string()).map_err(|e| failed(io::Error::other(e)))
}

/// Starts the plugins' line and waits until every file that is there has been tried.
async fn start_plugins(
    config: &Arc<Config>,
    chains: &Arc<Chains>,
    table: &Arc<Table>,
) -> Result<watch::Watcher, StartError> {
    let most_memory = config
        .plugin
        .values()
        .map(|plugin| plugin.limits.memory)
        .max();
    let most_memory = most_memory.unwrap_or(0).max(config.defaults.memory);
    let engines = Engines::new(most_memory).map_err(StartError::Engine)?;
    let bench = Workbench {
        compiler: Compiler::new(engines).map_err(StartError::Engine)?,
        cache: open_cache(config),
        threads: config.workers.get(),
        seats: Arc::new(Seats::new(config.workers.get())),
        runtime: tokio::runtime::Handle::current(),
    };
    let failed = |source| StartError::Watch {
        directory: config.plugins.clone(),
        source,
    };
    let (watcher, changes) = watch_plugins(config).map_err(failed)?;
    let (supervisor, ready) = Supervisor::new(
        config.clone(),
        Arc::new(bench),
        chains.clone(),
        table.clone(),
    );
    tokio::spawn(supervisor.run(changes));
    // It only ends without a word if the watcher does; then there is nothing to wait for.
    let _ = ready.await;
    Ok(watcher)
}

fn watch_plugins(config: &Config) -> Result<(watch::Watcher, mpsc::Receiver<Change>), WatchError> {
    let mode = match config.watch {
        config::WatchMode::Events => watch::WatchMode::Events,
        config::WatchMode::Poll => watch::WatchMode::Poll,
        config::WatchMode::Off => watch::WatchMode::Off,
    };
    watch::watch(config.plugins.clone(), mode, watch::DEFAULT_INTERVAL)
}

fn open_cache(config: &Config) -> Option<Cache> {
    let directory = config.cache.dir.as_ref()?;
    Cache::open(directory, config.cache.max_bytes)
        .inspect_err(|error| {
            tracing::warn!("no cache for compiled plugins: {error}; every start compiles again")
        })
        .ok()
}

/// Exchanges of two runs have different ids.
fn first_id() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(now.as_micros()).unwrap_or(0) << 12
}

/// The start-up table: name, version hash, order, state.
fn plugin_lines(config: &Config, plugins: &[PluginStatus]) -> String {
    let mut lines = String::new();
    if plugins.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(
            lines,
            "no plugins in {} yet: drop a .wasm file there",
            config.plugins.display()
        );
        return lines;
    }
    let width = plugins
        .iter()
        .map(|plugin| plugin.name.len())
        .max()
        .unwrap_or(0)
        .max(6);
    let _ = writeln!(
        lines,
        "{:<width$}  {:<12}  {:>5}  state",
        "plugin", "version", "order"
    );
    for plugin in plugins {
        let version = plugin
            .serving
            .map_or_else(|| "-".to_owned(), |serving| serving.hash.short());
        let reason = plugin
            .error
            .as_ref()
            .map(|error| format!(": {error}"))
            .unwrap_or_default();
        let (name, order, state) = (&plugin.name, plugin.order, plugin.state());
        let _ = writeln!(
            lines,
            "{name:<width$}  {version:<12}  {order:>5}  {state}{reason}"
        );
    }
    lines
}

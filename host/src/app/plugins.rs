//! The plugins' line, put together and started.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::spawn::spawn;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::plugin::beside;
use crate::plugin::watch::{self, Change, WatchError};
use crate::plugin::{
    Cache, Chains, Engines, HooksCompiler, Order, PluginTable, Resources, Services,
    StandardCompilers, Supervisor, Workbench,
};

/// What the line shares with others.
#[derive(Clone, Copy)]
pub struct PluginLine<'a> {
    pub metrics: &'a Metrics,
    pub chains: &'a Arc<Chains>,
    pub table: &'a Arc<PluginTable>,
}

/// Starts the plugins' line and waits until every file that is there has its verdict.
pub async fn start(
    config: &Arc<Config>,
    line: PluginLine<'_>,
    ordered: mpsc::Receiver<Order>,
    stop: &CancellationToken,
) -> Result<watch::Watcher, StartError> {
    let most_memory = most_memory(config);
    let engines = Engines::new(most_memory).map_err(StartError::Engine)?;
    let workers = config.workers.get();
    let services = Services::new(config.state.clone(), config.outbound.clone());
    let services = services.map_err(StartError::Outbound)?;
    let services = services.with_metrics(line.metrics.clone());
    let resources = Resources::new(workers, workers, services);
    resources.permits.watch(tokio::runtime::Handle::current())?;
    spawn("idle instances", stop, resources.idle.clone().tend());
    let bench = Workbench {
        compiler: HooksCompiler::new(engines).map_err(StartError::Engine)?,
        cache: open_cache(config),
        most_memory,
        resources,
        runtime: tokio::runtime::Handle::current(),
        standard: StandardCompilers::new(most_memory),
    };
    let failed = |source| StartError::Watch {
        directory: config.plugins.clone(),
        source,
    };
    let (watcher, changes) = watch_plugins(config).map_err(failed)?;
    let (supervisor, ready) = Supervisor::new(
        config.clone(),
        Arc::new(bench),
        line.chains.clone(),
        line.table.clone(),
    );
    spawn("plugins", stop, supervisor.run(changes, ordered));
    // No request is answered by a chain of which nobody knows what it lacks.
    ready.await.map_err(|_| StartError::Supervisor)?;
    Ok(watcher)
}

fn watch_plugins(config: &Config) -> Result<(watch::Watcher, mpsc::Receiver<Change>), WatchError> {
    let (directory, own) = (config.plugins.clone(), config.file.as_deref());
    watch::watch(directory, own, config.watch, watch::DEFAULT_INTERVAL)
}

/// The most linear memory that a plugin may have, as the configuration and the files beside plugins say now.
fn most_memory(config: &Config) -> u64 {
    // What is wrong with any of them is told when it is looked at next.
    let found = watch::plugins(&config.plugins, config.file.as_deref()).unwrap_or_default();
    let (beside, _) = beside::read_all(&found, config);
    let config = Config {
        beside,
        ..config.clone()
    };
    config.most_memory()
}

fn open_cache(config: &Config) -> Option<Cache> {
    if config.cache.homeless {
        tracing::warn!(
            "no cache for compiled plugins, as neither HOME nor XDG_CACHE_HOME is set: every start compiles again; set \
             cache.dir (--cache-dir) to a directory, or to false to be without one"
        );
    }
    let directory = config.cache.dir.as_ref()?;
    Cache::open(directory, config.cache.max_bytes)
        .inspect_err(|error| {
            tracing::warn!("no cache for compiled plugins: {error}; every start compiles again")
        })
        .ok()
}

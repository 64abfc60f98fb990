//! The composition root: builds the parts from the configuration, runs them, and takes them down in order.

mod admin;
mod announce;
mod echo;
mod error;
mod listeners;
mod observe;
mod observed;
mod plugins;
mod reload;
mod routing;
mod spawn;
mod tape;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::admin::{Readiness, ReloadOrder};
use crate::config::Config;
use crate::config::admin::AdminAddress;
use crate::config::backend::BackendUrl;
use crate::plugin::watch;
use crate::plugin::{Chains, Member, Order, PluginStatus, PluginTable, RouteChain};
use crate::proxy::{Bound, ListenAt, Listeners, OpenSocket, Proxy};
use crate::record::Recorder;

pub use error::StartError;
pub use reload::Reread;

use announce::{certificate_lines, listening_lines, plugin_lines};
use listeners::Identities;
use observe::Observing;
use observed::Recording;
use reload::{Tending, WatchedFiles};
use routing::RunningBackends;
use spawn::spawn;

/// A proxy that listens, with its plugins in service.
#[derive(Debug)]
pub struct App {
    config: Arc<Config>,
    listeners: Arc<Listeners<RouteChain>>,
    admin: Option<AdminAddress>,
    table: Arc<PluginTable>,
    recording: Recording,
    ready: Readiness,
    connections: TaskTracker,
    reload: Arc<Notify>,
    observing: Observing,
    /// Tells what clients don't see to end: the echo backend, the admin listener, the looking after files and plugins.
    /// Dropped first, so that all of these know that they may.
    _stop_rest: DropGuard,
    /// Changes are followed for as long as it is there.
    _watcher: watch::Watcher,
}

/// What needs no plugins yet: addresses, backends, and who observes exchanges.
struct Ground {
    config: Arc<Config>,
    /// Sockets that are to be served.
    sockets: Vec<Bound>,
    identities: Identities,
    /// The origin of the embedded echo backend, if it runs.
    echo: Option<BackendUrl>,
    backends: RunningBackends,
    chains: Arc<Chains>,
    connections: TaskTracker,
    recording: Recording,
    observing: Observing,
    proxy: Arc<Proxy<RouteChain>>,
    listeners: Arc<Listeners<RouteChain>>,
}

impl Ground {
    async fn lay(mut config: Config, stop_rest: &CancellationToken) -> Result<Self, StartError> {
        reload::warn_of_shortage(&config);
        let (wanted, identities) = Identities::default().prepare(&config)?;
        let bind = |at: ListenAt| {
            at.clone()
                .bind(config.reuse_port)
                .map_err(|error| (at, error))
        };
        let sockets: Result<Vec<_>, _> = wanted.into_iter().map(bind).collect();
        let sockets = sockets.map_err(listeners::refused)?;
        let echo = match config.echo {
            Some(echo) => Some(echo::start(echo, config.echo_fixed, stop_rest.clone()).await?),
            None => None,
        };
        routing::complete(&mut config, echo.as_ref());
        let config = Arc::new(config);
        let backends = routing::backends(&config, &BTreeMap::new()).map_err(StartError::Backend)?;
        let chains = Arc::new(Chains::default());
        let routes = chains.replace(&config.routes, &Member::all_missing(&config));
        let connections = TaskTracker::new();
        let routing = routing::routing(&config, &backends, routes);
        let recording = Recording::start(&config)?;
        let observing = Observing::start(&config, recording.recorder().cloned(), stop_rest)?;
        let proxy = observed::proxy(routing, &connections, observing.observers());
        let listeners = Arc::new(Listeners::new(proxy.clone(), connections.clone()));
        Ok(Self {
            config,
            sockets,
            identities,
            echo,
            backends,
            chains,
            connections,
            recording,
            observing,
            proxy,
            listeners,
        })
    }

    /// What the admin listener shows and asks.
    fn parts(
        &self,
        ready: &Readiness,
        shown: &Arc<ArcSwap<Config>>,
        table: &Arc<PluginTable>,
        reload: mpsc::Sender<ReloadOrder>,
        orders: &mpsc::Sender<Order>,
    ) -> admin::Parts {
        admin::Parts {
            ready: ready.clone(),
            listeners: self.listeners.clone(),
            shown: shown.clone(),
            proxy: self.proxy.clone(),
            table: table.clone(),
            recorder: self.recording.recorder().cloned(),
            tape: self.recording.tape().cloned(),
            reload,
            orders: orders.clone(),
        }
    }
}

impl App {
    /// Binds, loads the plugins that are there, and serves. `again` reads the configuration anew; it is asked when its
    /// file has changed.
    ///
    /// # Errors
    /// When an address can't be bound, a certificate can't be used, the directory can't be watched, or the engine doesn't
    /// run here. A plugin that can't be loaded is no reason: it is shown as failed.
    pub async fn start(config: Config, again: Reread) -> Result<Self, StartError> {
        let stop_rest = CancellationToken::new();
        let ready = Readiness::default();
        let ground = Ground::lay(config, &stop_rest).await?;
        let table = Arc::new(PluginTable::default());
        let shown = Arc::new(ArcSwap::new(ground.config.clone()));
        let (reloads, asked) = mpsc::channel(1);
        let (orders, ordered) = mpsc::channel(1);
        let parts = ground.parts(&ready, &shown, &table, reloads, &orders);
        let Ground {
            config,
            observing,
            proxy,
            listeners,
            identities,
            ..
        } = ground;
        let admin = admin::start(&config, parts, &observing, &stop_rest).await?;
        let line = plugins::PluginLine {
            metrics: &observing.metrics,
            chains: &ground.chains,
            table: &table,
        };
        let watcher = plugins::start(&config, line, ordered, &stop_rest).await?;

        // After the watcher, so that it goes first if something fails below.
        let stopping = stop_rest.clone().drop_guard();

        let notify = Arc::new(Notify::new());
        let tending = Tending {
            started: config.clone(),
            config: config.clone(),
            shown,
            again,
            echo: ground.echo,
            backends: ground.backends,
            proxy,
            orders,
            listeners: listeners.clone(),
            identities,
            reload: notify.clone(),
            asked,
            files: WatchedFiles::watch(&config)?,
            reloads: observing.reloads.clone(),
        };
        spawn(
            "configuration, certificates, backends",
            &stop_rest,
            tending.run(stop_rest.clone()),
        );
        listeners.serve(ground.sockets);
        ready.set(true);
        Ok(Self {
            config,
            listeners,
            admin,
            table,
            recording: ground.recording,
            ready,
            _stop_rest: stopping,
            connections: ground.connections,
            reload: notify,
            observing,
            _watcher: watcher,
        })
    }

    /// Where clients connect, as it is now: at least one in the order of the configuration.
    pub fn sockets(&self) -> Vec<OpenSocket> {
        self.listeners.sockets()
    }

    /// The first address that clients connect to; none when the proxy stops.
    pub fn address(&self) -> Option<SocketAddr> {
        self.sockets().first().map(|socket| socket.address)
    }

    /// Where the admin listener is, if there is one.
    pub fn admin(&self) -> Option<&AdminAddress> {
        self.admin.as_ref()
    }

    /// Every plugin as it stands.
    pub fn plugins(&self) -> Vec<PluginStatus> {
        self.table.snapshot()
    }

    /// What has recorded exchanges; none if nothing is recorded.
    pub fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recording.recorder()
    }

    /// Reads the configuration anew, without waiting for its file to change, and opens the access log anew.
    pub fn reload(&self) {
        self.observing.reopen();
        self.reload.notify_one();
    }

    /// What a user sees at the start: the plugins, and one line with the URL that says the proxy is ready.
    pub fn announcement(&self) -> String {
        let mut text = plugin_lines(&self.config, &self.plugins());
        let sockets = self.sockets();
        text += &certificate_lines(&sockets);
        if let Some(admin) = &self.admin {
            text += &announce::inspector_line(admin, crate::admin::has_page());
        }
        text + &listening_lines(&self.config, &sockets)
    }

    /// Turns readiness off, stops accepting, lets exchanges end for as long as the configuration allows, and says whether
    /// all did.
    pub async fn drain(self) -> bool {
        self.ready.set(false);
        tokio::time::sleep(self.config.server.drain_delay).await;
        self.listeners.stop();
        self.connections.close();
        let drained = tokio::time::timeout(self.config.drain, self.connections.wait()).await;
        self.observing.end().await;
        self.recording.finish();
        drained.is_ok()
    }
}

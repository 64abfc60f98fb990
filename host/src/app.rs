//! The composition root: builds the parts from the configuration, runs them, and takes them down in order.

mod admin;
mod announce;
mod echo;
mod error;
mod observe;
mod observed;
mod plugins;
mod reload;
mod spawn;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::admin::{Readiness, ReloadOrder};
use crate::config::Config;
use crate::config::admin::AdminAddress;
use crate::config::backend::BackendUrl;
use crate::config::server::{Certificate, ServerTls};
use crate::essential;
use crate::plugin::watch;
use crate::plugin::{Chains, Member, Order, PluginStatus, PluginTable, RouteChain};
use crate::proxy::{self, Listener, Proxy, Stop};
use crate::record::Recorder;
use crate::tls::ServerIdentity;

pub use error::StartError;
pub use reload::Reread;

use announce::{backend_words, plugin_lines};
use observe::Observing;
use observed::Recording;
use reload::{RunningBackends, Tending, WatchedFiles};
use spawn::spawn;

/// A proxy that listens, with its plugins in service.
#[derive(Debug)]
pub struct App {
    config: Arc<Config>,
    address: SocketAddr,
    admin: Option<AdminAddress>,
    identity: Option<Arc<ServerIdentity>>,
    table: Arc<PluginTable>,
    recording: Recording,
    ready: Readiness,
    stop: Stop,
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
    address: SocketAddr,
    socket: tokio::net::TcpListener,
    identity: Option<Arc<ServerIdentity>>,
    /// The origin of the embedded echo backend, if it runs.
    echo: Option<BackendUrl>,
    backends: RunningBackends,
    chains: Arc<Chains>,
    connections: TaskTracker,
    recording: Recording,
    observing: Observing,
    proxy: Arc<Proxy<RouteChain>>,
}

impl Ground {
    async fn lay(mut config: Config, stop_rest: &CancellationToken) -> Result<Self, StartError> {
        reload::warn_of_shortage(&config);
        let (address, socket) = listen(config.listen, config.reuse_port)?;
        let identity = identity(config.tls.as_ref(), address)?;
        let echo = match config.echo {
            Some(echo) => Some(echo::start(echo, config.echo_fixed, stop_rest.clone()).await?),
            None => None,
        };
        reload::complete(&mut config, echo.as_ref());
        let config = Arc::new(config);
        let backends = reload::backends(&config, &BTreeMap::new()).map_err(StartError::Backend)?;
        let chains = Arc::new(Chains::default());
        let routes = chains.replace(&config.routes, &Member::all_missing(&config));
        let connections = TaskTracker::new();
        let routing = reload::routing(&config, &backends, routes);
        let recording = Recording::start(&config)?;
        let observing = Observing::start(&config, recording.recorder().cloned(), stop_rest)?;
        let proxy = observed::proxy(routing, &connections, observing.observers());
        Ok(Self {
            config,
            address,
            socket,
            identity,
            echo,
            backends,
            chains,
            connections,
            recording,
            observing,
            proxy,
        })
    }

    /// What takes clients until it is time to stop.
    fn listener(&self, stop: &Stop) -> Listener<RouteChain> {
        let tls = self.config.tls.as_ref();
        Listener {
            proxy: self.proxy.clone(),
            tls: self.identity.clone(),
            cleartext: tls.is_none_or(|tls| tls.cleartext),
            stop: stop.clone(),
        }
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
            listen: self.address,
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
        let stop = Stop::default();
        let listener = ground.listener(&stop);
        let Ground {
            config,
            observing,
            proxy,
            identity,
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
            identity: identity.clone(),
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
        serve(ground.socket, listener, &ground.connections);
        ready.set(true);
        Ok(Self {
            config,
            address: ground.address,
            admin,
            identity,
            table,
            recording: ground.recording,
            ready,
            stop,
            _stop_rest: stopping,
            connections: ground.connections,
            reload: notify,
            observing,
            _watcher: watcher,
        })
    }

    /// The address that clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
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
        let mut scheme = "http";
        if let Some(identity) = &self.identity {
            scheme = "https";
            let fingerprint = identity.fingerprint();
            text += &format!("certificate: SHA-256 fingerprint {fingerprint}\n");
        }
        if let Some(admin) = &self.admin {
            text += &announce::inspector_line(admin, crate::admin::has_page());
        }
        let (address, target) = (self.address, backend_words(&self.config));
        text + &format!("tollgate is ready: {scheme}://{address} -> {target}\n")
    }

    /// Turns readiness off, stops accepting, lets exchanges end for as long as the configuration allows, and says whether
    /// all did.
    pub async fn drain(self) -> bool {
        self.ready.set(false);
        tokio::time::sleep(self.config.server.drain_delay).await;
        self.stop.stop();
        self.connections.close();
        let drained = tokio::time::timeout(self.config.drain, self.connections.wait()).await;
        self.observing.end().await;
        self.recording.finish();
        drained.is_ok()
    }
}

/// Accepts connections until it is time to stop.
fn serve(
    socket: tokio::net::TcpListener,
    listener: Listener<RouteChain>,
    connections: &TaskTracker,
) {
    let stop = listener.stop.clone();
    let accepting = proxy::accept(socket, Arc::new(listener), connections.clone());
    connections.spawn(essential::task(
        "accept",
        move || stop.is_stopped(),
        accepting,
    ));
}

fn listen(
    address: SocketAddr,
    reuse_port: bool,
) -> Result<(SocketAddr, tokio::net::TcpListener), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = proxy::bind(address, reuse_port).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((
        bound,
        tokio::net::TcpListener::from_std(listener).map_err(failed)?,
    ))
}

/// What clients see when they speak TLS.
fn identity(
    tls: Option<&ServerTls>,
    address: SocketAddr,
) -> Result<Option<Arc<ServerIdentity>>, StartError> {
    let Some(tls) = tls else { return Ok(None) };
    let now = SystemTime::now();
    let identity = match &tls.certificate {
        Certificate::SelfSigned => ServerIdentity::self_signed(address.ip(), now),
        Certificate::Files { chain, key } => ServerIdentity::from_files(chain, key),
    };
    let identity = identity.map_err(StartError::Tls)?;
    if let Some(warning) = identity.warning(now) {
        tracing::warn!("certificate: {warning}");
    }
    Ok(Some(Arc::new(identity)))
}

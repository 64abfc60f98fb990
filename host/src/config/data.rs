//! All that the host needs to know before it starts, as plain data with its defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::admin::AdminConfig;
use super::backend::{BackendConfig, DEFAULT_BACKEND};
use super::keys::PluginKeys;
use super::listener::ListenerConfig;
use super::overlay::Overlay;
use super::plugin::{PluginConfig, PluginLimits};
use super::route::RouteConfig;
use super::server::ServerConfig;
use crate::access_log::AccessLogConfig;
use crate::message::hygiene::Forwarding;
use crate::otlp::OtlpConfig;
use crate::outbound::OutboundConfig;
use crate::record::RecordConfig;
use crate::store::StoreConfig;

/// Only this machine may connect unless somebody says otherwise: a proxy that runs plugins under
/// development has no business on a network.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4567);
/// Where the embedded echo backend listens when nothing is said.
pub const DEFAULT_ECHO: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);
/// Relative to the working directory.
pub const DEFAULT_PLUGINS: &str = "plugins";
/// Long enough for an ordinary exchange to end, shorter than supervisors wait before they kill.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(30);
/// Some hundred compiled components of a few MiB each.
pub const DEFAULT_CACHE_BYTES: u64 = 1 << 30;

/// Everything that the host needs to know before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The configuration file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// Where clients connect; never empty. That of `listen` comes first.
    pub listeners: Vec<ListenerConfig>,
    /// Other processes may listen on the same addresses (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Where whoever runs the proxy speaks to it. None: nowhere.
    pub admin: Option<AdminConfig>,
    pub server: ServerConfig,
    pub forwarding: Forwarding,
    /// By name; a backend that a route names by its URL has that URL for its name. Without
    /// [`DEFAULT_BACKEND`](super::backend::DEFAULT_BACKEND) where that is the embedded echo backend.
    pub backends: BTreeMap<String, BackendConfig>,
    /// Of those of a listener the first that fits is the one to take; that none fits is possible. Every `backend` in it is a name
    /// of `backends`, or the embedded echo backend's.
    pub routes: Vec<RouteConfig>,
    /// Where to start the embedded echo backend if it is the default backend. Port 0 takes any free port.
    pub echo: Option<SocketAddr>,
    /// Whether it must be there, as `echo://ADDRESS` says; else any free port will do when that one is taken.
    pub echo_fixed: bool,
    /// The directory of the plugins. It need not exist yet.
    pub plugins: PathBuf,
    /// Whether components for `wasi:http` are served along with plugins for our own contract.
    pub standard_components: bool,
    pub watch: WatchMode,
    /// Where finished exchanges are logged. None: nowhere.
    pub access_log: Option<AccessLogConfig>,
    /// Where traces go. None: nowhere.
    pub tracing: Option<OtlpConfig>,
    pub cache: CacheConfig,
    /// Where plugins keep state; none when it would be in a file, and nothing says where.
    pub state: Option<StoreConfig>,
    /// Limits of the requests that plugins send.
    pub outbound: OutboundConfig,
    /// What is recorded of exchanges.
    pub record: RecordConfig,
    /// Threads that serve exchanges.
    pub workers: NonZeroUsize,
    /// How long exchanges may take to end after the signal to stop.
    pub drain: Duration,
    /// The limits of plugins that don't set their own.
    pub defaults: PluginLimits,
    /// What the file says of single plugins, by name; use [`Config::for_plugin`] to read it.
    pub plugin: BTreeMap<String, PluginKeys>,
    /// What files beside plugins say of them (`NAME.toml`), by name, and weaker than `plugin`. Empty until somebody has
    /// read these files; of one that could not be read there is a row without keys, because its plugin is named all the same.
    pub beside: BTreeMap<String, PluginKeys>,
    /// What was set by the admin API while the proxy runs, by name, and stronger than both. No row is empty.
    pub overlay: BTreeMap<String, Overlay>,
}

impl Config {
    /// The most linear memory that a plugin may have, in bytes.
    pub fn most_memory(&self) -> u64 {
        let plugins = self.plugin.keys().chain(self.beside.keys());
        let memory = plugins.map(|name| self.for_plugin(name).limits.memory);
        memory.fold(self.defaults.memory, u64::max)
    }

    /// Names of the backends that there are.
    pub fn backend_names(&self) -> BTreeSet<String> {
        let names = self.backends.keys().cloned();
        let echo = self.echo.map(|_| DEFAULT_BACKEND.to_owned());
        names.chain(echo).collect()
    }

    /// Whether a file says how often the plugin does its background work.
    pub fn says_background(&self, name: &str) -> bool {
        let files = [self.plugin.get(name), self.beside.get(name)];
        let mut said = files.into_iter().flatten();
        said.any(|keys| keys.background_every.is_some())
    }

    /// The configuration of this plugin: what the files say, or the defaults.
    pub fn for_plugin(&self, name: &str) -> PluginConfig {
        self.for_plugin_beside(name, self.beside.get(name))
    }

    /// What the configuration of this plugin is if this is what the file beside it says; none if there is no such file.
    pub fn for_plugin_beside(&self, name: &str, beside: Option<&PluginKeys>) -> PluginConfig {
        let none = PluginKeys::default();
        let own = self.plugin.get(name).unwrap_or(&none);
        let keys = own.over(beside.unwrap_or(&none));
        let config = PluginConfig {
            standard: self.standard_components,
            max_head: self.server.max_head,
            ..keys.config(self.defaults)
        };
        match self.overlay.get(name) {
            Some(overlay) => overlay.over(config),
            None => config,
        }
    }

    /// Whether this plugin is disabled, whatever the file beside it says.
    pub fn disables(&self, name: &str) -> bool {
        if let Some(enabled) = self.overlay.get(name).and_then(|overlay| overlay.enabled) {
            return !enabled;
        }
        let own = self.plugin.get(name);
        own.is_some_and(|keys| keys.enabled == Some(false))
    }
}

/// How changes in the plugin directory are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WatchMode {
    /// Events of the file system, and a look every interval in case they are missed. Falls back to `Poll` where there are
    /// none.
    #[default]
    Events,
    /// A look every interval only, for file systems without events (network mounts, some containers).
    Poll,
    /// Not at all: what is there at the start is settled, and plugins are loaded once.
    Off,
}

/// Where compiled plugins are kept between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// None: no cache.
    pub dir: Option<PathBuf>,
    /// There is none because nothing says where: neither a key nor a home.
    pub homeless: bool,
    /// The most that the cache may take on disk.
    pub max_bytes: u64,
}

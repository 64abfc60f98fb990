//! The proxy under test: the builder that both kinds of run share, and the proxy inside the test.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};
use tollgate::app::App;
use tollgate::cli::RunArgs;
use tollgate::config;
use tollgate::plugin::PluginStatus;
use tollgate::record::Recorder;

use crate::{Binary, Guest, Origin, Plugins, Served};

/// Each proxy sets 16 TiB of address space aside for instances; a process has 128.
static PROXIES: Semaphore = Semaphore::const_new(4);

/// A proxy under construction.
#[derive(Debug, Default)]
pub struct Builder {
    pub(crate) plugins: Plugins,
    pub(crate) backend: Option<String>,
    pub(crate) no_backend: bool,
    pub(crate) no_listen: bool,
    pub(crate) config: String,
    pub(crate) watch: Option<String>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) log: Option<String>,
    pub(crate) under: Vec<String>,
}

/// A proxy with neither plugins nor backend.
pub fn proxy() -> Builder {
    Builder::default()
}

impl Builder {
    /// In this directory of plugins.
    #[must_use]
    pub fn plugins(mut self, plugins: Plugins) -> Self {
        self.plugins = plugins;
        self
    }

    /// A plugin of this name, there from the start.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a test hands a guest over: `.plugin(\"a\", guest(\"mark\"))`"
    )]
    pub fn plugin(self, name: &str, guest: Guest) -> Self {
        self.plugins.add(name, &guest);
        self
    }

    /// Any file among the plugins, there from the start.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.plugins.write(name, content);
        self
    }

    /// Without the directory of the plugins, for a start.
    #[must_use]
    pub fn without_directory(self) -> Self {
        self.plugins.remove_directory();
        self
    }

    /// Requests go to this origin; without one, to the embedded echo backend.
    #[must_use]
    pub fn backend(self, origin: &Origin) -> Self {
        self.backend_at(&format!("http://{}", origin.address()))
    }

    #[must_use]
    pub fn backend_at(mut self, url: &str) -> Self {
        self.backend = Some(url.to_owned());
        self
    }

    /// No default backend: only what the routes name.
    #[must_use]
    pub fn without_backend(mut self) -> Self {
        self.no_backend = true;
        self
    }

    /// No address but those that the configuration file names. The first of them is the proxy's.
    #[must_use]
    pub fn without_listen(mut self) -> Self {
        self.no_listen = true;
        self
    }

    /// Adds to the configuration file.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// `events` (the default), `poll` or `off`.
    #[must_use]
    pub fn watch(mut self, mode: &str) -> Self {
        self.watch = Some(mode.to_owned());
        self
    }

    /// Keeps compiled plugins here; without it, nowhere.
    #[must_use]
    pub fn cache(mut self, directory: PathBuf) -> Self {
        self.cache = Some(directory);
        self
    }

    /// What the real binary logs; `info` unless said.
    #[must_use]
    pub fn log(mut self, filter: &str) -> Self {
        self.log = Some(filter.to_owned());
        self
    }

    /// The real executable is run by this command, which takes the place of its own process by it (`setpriv …`).
    #[must_use]
    pub fn under(mut self, command: &[&str]) -> Self {
        self.under = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Starts it inside the test.
    pub async fn start(self) -> Proxy {
        let place = PROXIES.acquire().await.unwrap();
        let (args, plugins) = self.into_args();
        let config = config::resolve(&args, |_| None).unwrap();
        let again = Box::new(move || config::resolve(&args, |_| None));
        let app = App::start(config, again).await.unwrap();
        Proxy {
            served: Served {
                address: app.address().unwrap(),
                plugins,
            },
            app,
            _place: place,
        }
    }

    /// Starts the real executable and waits until it says that it is ready.
    pub async fn start_binary(mut self) -> Binary {
        let under = std::mem::take(&mut self.under);
        let (args, plugins) = self.into_args();
        Binary::start(&under, &args, plugins).await
    }

    /// Starts the real executable with these streams, which may be such that it can say nothing.
    pub async fn start_binary_into(
        self,
        stdout: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
    ) -> Binary {
        let (args, plugins) = self.into_args();
        Binary::start_into(&args, plugins, stdout, stderr).await
    }

    fn into_args(self) -> (RunArgs, Plugins) {
        let config = self.plugins.configure(&self.config);
        let args = RunArgs {
            listen: if self.no_listen {
                Vec::new()
            } else {
                vec!["127.0.0.1:0".to_owned()]
            },
            backend: (!self.no_backend).then(|| {
                self.backend
                    .unwrap_or_else(|| "echo://127.0.0.1:0".to_owned())
            }),
            plugins: Some(self.plugins.path()),
            config: Some(config),
            watch: self.watch,
            no_cache: self.cache.is_none(),
            cache_dir: self.cache,
            workers: Some("2".to_owned()),
            log: self.log,
            ..RunArgs::default()
        };
        (args, self.plugins)
    }
}

/// A proxy inside the test.
#[derive(Debug)]
pub struct Proxy {
    served: Served,
    app: App,
    _place: SemaphorePermit<'static>,
}

impl Proxy {
    /// A plugin as the host has it; none when the host knows of no such plugin.
    pub fn status(&self, plugin: &str) -> Option<PluginStatus> {
        self.app
            .plugins()
            .into_iter()
            .find(|status| status.name == plugin)
    }

    /// What has recorded exchanges; none if nothing is recorded.
    pub fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.app.recorder()
    }

    /// Why the file of this plugin is refused as it is now.
    pub fn refusal(&self, plugin: &str) -> Option<String> {
        self.status(plugin)?.error
    }

    /// The first address of this listener; none when there is no such listener.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        let sockets = self.app.sockets();
        let own = sockets.iter().find(|socket| *socket.listener == *name);
        own.map(|socket| socket.address)
    }

    /// Where its admin listener is, if it has one on TCP.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.app.admin()?.tcp()
    }

    /// The names of all plugins, as the host has them.
    pub fn plugin_names(&self) -> Vec<String> {
        self.app
            .plugins()
            .into_iter()
            .map(|status| status.name)
            .collect()
    }
}

impl Deref for Proxy {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

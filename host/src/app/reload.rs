//! What is looked after while the proxy runs: the configuration's file and certificates that change, backends that need
//! a look now and then.
//!
//! A file counts when it has settled, as a plugin's does: when it was renamed into place, or was closed by whoever wrote it
//! and has been quiet for two seconds. Half a configuration may well be one without mistakes, and without its plugins. What
//! is read is taken whole or not at all.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::listeners::{self, Identities};
use super::routing::{RunningBackends, backends, complete, routing};
use crate::admin::{ReloadOrder, Reloaded};
use crate::config::backend::BackendUrl;
use crate::config::server::Certificate;
use crate::config::{self, Config, WatchMode};
use crate::descriptors;
use crate::export::ConfigReloads;
use crate::plugin::watch::{self, Change, Watcher};
use crate::plugin::{Order, Reconfigure, RouteChain};
use crate::proxy::{Bound, Listeners, Proxy};
use crate::stamp::Stamp;
use crate::text;

/// Reads the configuration anew: flags and environment as they were at the start, the file as it is now.
pub type Reread = Box<dyn Fn() -> Result<Config, config::ConfigErrors> + Send + Sync>;

/// How often backends are looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks after what may change.
pub struct Tending {
    /// What the process was started with; some keys can't change after that.
    pub started: Arc<Config>,
    /// The active configuration.
    pub config: Arc<Config>,
    /// The same, for who shows it.
    pub shown: Arc<ArcSwap<Config>>,
    pub again: Reread,
    /// The origin of the embedded echo backend, if it runs.
    pub echo: Option<BackendUrl>,
    pub backends: RunningBackends,
    pub proxy: Arc<Proxy<RouteChain>>,
    pub orders: mpsc::Sender<Order>,
    pub listeners: Arc<Listeners<RouteChain>>,
    pub identities: Identities,
    /// Told when the configuration shall be read at once.
    pub reload: Arc<Notify>,
    /// Who wants that too, and to hear what came of it.
    pub asked: mpsc::Receiver<ReloadOrder>,
    pub files: WatchedFiles,
    pub reloads: Arc<ConfigReloads>,
}

/// The files that the configuration is made of.
#[derive(Debug)]
pub struct WatchedFiles {
    files: Vec<PathBuf>,
    /// Nothing comes when there are no files.
    changes: mpsc::Receiver<Change>,
    /// Changes are followed for as long as it is there; none without files.
    _watcher: Option<Watcher>,
}

impl WatchedFiles {
    /// Watches the configuration's file, if it has one, and the certificate files that it names.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub fn watch(config: &Config) -> io::Result<Self> {
        let files = watched(config);
        if files.is_empty() {
            return Ok(Self {
                files,
                changes: mpsc::channel(1).1,
                _watcher: None,
            });
        }
        let mode = match config.watch {
            WatchMode::Poll => WatchMode::Poll,
            // It is about plugins; a configuration is followed anyhow.
            WatchMode::Events | WatchMode::Off => WatchMode::Events,
        };
        let (watcher, changes) = watch::watch_files(files.clone(), mode, watch::DEFAULT_INTERVAL)?;
        Ok(Self {
            files,
            changes,
            _watcher: Some(watcher),
        })
    }
}

impl WatchedFiles {
    /// Those that are not there.
    fn missing(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|file| {
            std::fs::metadata(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        })
    }
}

/// The configuration's file and the certificate files, each once.
fn watched(config: &Config) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = config.file.iter().cloned().collect();
    let tls = config
        .listeners
        .iter()
        .filter_map(|listener| listener.tls.as_ref());
    for tls in tls {
        if let Certificate::Files { chain, key } = &tls.certificate {
            files.extend([chain.clone(), key.clone()]);
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

fn missing(file: &str) {
    let file = text::line(file);
    tracing::warn!("{file} is missing; the configuration that was read from it stays active");
}

/// What a look at the configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody asked for it and wants an answer.
    Asked,
    /// The file has changed.
    Changed,
}

impl Tending {
    /// Follows the files and looks after the backends, until it is stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let reload = self.reload.clone();
        let mut complaint = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = reload.notified() => {
                    let _ = self.reread(Why::Asked).await;
                    self.identities.look(&mut complaint);
                }
                Some(done) = self.asked.recv() => {
                    let reloaded = self.reread(Why::Asked).await;
                    self.identities.look(&mut complaint);
                    // Whoever asked may have gone.
                    let _ = done.send(reloaded);
                }
                Some(change) = self.files.changes.recv() => match change {
                    Change::Upsert { files, settled: true, .. } => {
                        if files.code.is_some() && self.config.file == files.code {
                            let _ = self.reread(Why::Changed).await;
                        }
                        self.identities.look(&mut complaint);
                    }
                    Change::Removed { name } => missing(&name),
                    // What was gone before the first look is never removed.
                    Change::Ready => {
                        for file in self.files.missing() {
                            missing(&file.display().to_string());
                        }
                    }
                    Change::Upsert { settled: false, .. } | Change::Directory { .. } => {}
                },
                _ = every.tick() => {
                    for backend in self.backends.values() {
                        backend.maintain();
                    }
                }
            }
        }
    }

    /// Takes the configuration as it is now, or says what is wrong with it, in the log too, and goes on with the one that it
    /// has.
    async fn reread(&mut self, why: Why) -> Result<Reloaded, String> {
        let reread = self.try_to_reread(why).await;
        match &reread {
            Ok(Reloaded::Changed) => self.reloads.accepted(),
            Ok(Reloaded::Unchanged) => self.reloads.unchanged(),
            Err(_) => self.reloads.refused(),
        }
        if let Err(why) = &reread {
            tracing::error!(
                "configuration not reloaded, the previous configuration stays active:\n{why}"
            );
        }
        reread
    }

    async fn try_to_reread(&mut self, why: Why) -> Result<Reloaded, String> {
        let before = stamp(self.config.file.as_ref());
        let read = (self.again)();
        if why == Why::Changed && stamp(self.config.file.as_ref()) != before {
            // Somebody writes to it again. That will settle, too.
            return Ok(Reloaded::Unchanged);
        }
        let mut next = read.map_err(|errors| errors.to_string())?;
        if next.echo.is_some() && self.echo.is_none() {
            let why =
                "backend = \"echo\": the embedded echo backend can be switched on at a start only";
            return Err(why.to_owned());
        }
        complete(&mut next, self.echo.as_ref());
        if next == *self.config {
            if why == Why::Asked {
                tracing::info!("configuration reloaded: no changes");
            }
            return Ok(Reloaded::Unchanged);
        }
        if next.server.max_connections != self.config.server.max_connections {
            warn_of_shortage(&next);
        }
        for key in config::needs_restart(&self.started, &next) {
            tracing::warn!("configuration: a change of {key} takes effect at the next start");
        }
        let (next, backends) = with_backends(next, self.backends.clone()).await?;
        let (bound, identities) = self.bind(&next)?;
        let files = match watched(&next) == self.files.files {
            true => None,
            false => Some(WatchedFiles::watch(&next).map_err(|error| error.to_string())?),
        };
        let next = Arc::new(next);
        let handed_over = self.hand_over(&next, &backends, bound).await;
        handed_over.map_err(|errors| errors.join("\n"))?;
        tracing::info!("configuration reloaded");
        listeners::tell_of_changes(&self.config, &next);
        self.identities = identities;
        if let Some(files) = files {
            self.files = files;
        }
        self.shown.store(next.clone());
        self.config = next;
        self.backends = backends;
        Ok(Reloaded::Changed)
    }

    /// Binds the addresses that are new. Those that go are let go when the configuration has changed.
    fn bind(&self, next: &Config) -> Result<(Vec<Bound>, Identities), String> {
        let (wanted, identities) =
            (self.identities.prepare(next)).map_err(|error| error.to_string())?;
        let bound = self.listeners.bind(wanted, next.reuse_port);
        let bound = bound.map_err(|refused| listeners::refused(refused).to_string())?;
        Ok((bound, identities))
    }

    /// Has the plugins prepared and everything changed at once.
    async fn hand_over(
        &self,
        next: &Arc<Config>,
        backends: &RunningBackends,
        bound: Vec<Bound>,
    ) -> Result<(), Vec<String>> {
        let (done, hears) = oneshot::channel();
        let (config, backends, proxy) = (next.clone(), backends.clone(), self.proxy.clone());
        let listeners = self.listeners.clone();
        let order = Reconfigure {
            config: next.clone(),
            apply: Box::new(move |chains| {
                proxy.set_routing(routing(&config, &backends, chains));
                listeners.serve(bound);
            }),
            done,
            again: self.reload.clone(),
        };
        let gone = || vec!["the plugins' supervisor has ended".to_owned()];
        let sent = self.orders.send(Order::Reconfigure(order)).await;
        sent.map_err(|_| gone())?;
        hears.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// The configuration with its backends. A tape may be large, so it is read where that holds up no other task.
async fn with_backends(
    config: Config,
    old: RunningBackends,
) -> Result<(Config, RunningBackends), String> {
    let work = move || {
        let made = backends(&config, &old);
        made.map(|backends| (config, backends))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err("the backends could not be made".to_owned()))
}

/// Says when the connections that may be can't all be had.
pub fn warn_of_shortage(config: &Config) {
    let connections = config.server.max_connections;
    if let Some(warning) = descriptors::too_few_for(connections, descriptors::limit()) {
        tracing::warn!("{warning}");
    }
}

fn stamp(file: Option<&PathBuf>) -> Option<Stamp> {
    Some(Stamp::from(&std::fs::metadata(file?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::RunArgs;

    #[tokio::test]
    async fn a_file_that_is_gone_before_the_first_look_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tollgate.toml");
        std::fs::write(&file, "").unwrap();
        let args = RunArgs {
            config: Some(file.clone()),
            ..RunArgs::default()
        };
        let config = config::resolve(&args, |_| None).unwrap();
        for (is_there, missing) in [(true, 0), (false, 1)] {
            if !is_there {
                std::fs::remove_file(&file).unwrap();
            }
            let mut files = WatchedFiles::watch(&config).unwrap();
            while files.changes.recv().await.unwrap() != Change::Ready {}
            assert_eq!(files.missing().count(), missing);
        }
    }

    #[tokio::test]
    async fn backends_are_made_aside_and_those_without_changes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tollgate.toml");
        std::fs::write(&file, "backend = \"http://127.0.0.1:9\"").unwrap();
        let args = RunArgs {
            config: Some(file),
            ..RunArgs::default()
        };
        let config = config::resolve(&args, |_| None).unwrap();
        let made = with_backends(config, RunningBackends::new()).await;
        let (config, made) = made.unwrap();
        assert_eq!(made.len(), 1);
        let (_, again) = with_backends(config, made.clone()).await.unwrap();
        for (name, one) in &made {
            assert!(Arc::ptr_eq(one, &again[name]));
        }
    }
}

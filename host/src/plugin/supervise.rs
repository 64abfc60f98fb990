//! Step 0, the other straight line: on a change → prepare → swap → retire. A failure keeps what serves.
//!
//! One task owns every decision, so there are no two loads of one plugin at once and no locks. What blocks runs on
//! threads of its own and comes back as a message.

mod reconfigure;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::guest::Guest;
use super::jobs::{Done, Jobs, Look};
use super::prepare::{Fresh, PluginError, Prepared, Workbench};
use super::retire::Retiring;
use super::status::{Serving, Table};
use super::swap::Chains;
use super::watch::Change;
use crate::config::{Config, check_plugin_name};
use reconfigure::Pending;

pub use reconfigure::Reconfigure;

/// How often to look whether retired plugins are still held by an exchange.
const RETIRE_EVERY: Duration = Duration::from_millis(50);

/// Brings plugin files into service and takes them out again.
pub struct Supervisor {
    config: Arc<Config>,
    chains: Arc<Chains>,
    table: Arc<Table>,
    plugins: BTreeMap<String, Plugin>,
    /// Every plugin file that is there, also of plugins that are switched off.
    files: BTreeMap<String, PathBuf>,
    /// The configuration that is being tried.
    pending: Option<Pending>,
    retiring: Retiring,
    jobs: Jobs,
    /// Told when all files that were there at the start have been tried.
    started: Option<oneshot::Sender<()>>,
    scanned: bool,
    next_load: u64,
}

/// A plugin by its file.
#[derive(Debug, Default)]
struct Plugin {
    serving: Option<Arc<Guest>>,
    /// The load that runs; the result of any other comes too late.
    loading: Option<u64>,
    /// The latest change that came while a load ran.
    waiting: Option<Look>,
    /// Set when the version that is being improved is not the one that serves any more.
    stale: Arc<AtomicBool>,
    /// What was last said about this plugin's file, so that it is said once.
    complained: Option<String>,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("plugins", &self.plugins)
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    /// A supervisor of no plugins yet. The receiver hears when the first files have all been tried.
    pub fn new(
        config: Arc<Config>,
        bench: Arc<Workbench>,
        chains: Arc<Chains>,
        table: Arc<Table>,
    ) -> (Self, oneshot::Receiver<()>) {
        let (started, ready) = oneshot::channel();
        let supervisor = Self {
            config,
            chains,
            table,
            plugins: BTreeMap::new(),
            files: BTreeMap::new(),
            pending: None,
            retiring: Retiring::default(),
            jobs: Jobs::new(bench),
            started: Some(started),
            scanned: false,
            next_load: 0,
        };
        (supervisor, ready)
    }

    /// Follows changes of files and of the configuration for as long as either can come and there is work.
    pub async fn run(
        mut self,
        mut changes: mpsc::Receiver<Change>,
        mut orders: mpsc::Receiver<Reconfigure>,
    ) {
        let mut retire = tokio::time::interval(RETIRE_EVERY);
        retire.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut watching, mut ordered) = (true, true);
        while watching || ordered || !self.jobs.is_empty() || !self.retiring.is_empty() {
            tokio::select! {
                order = orders.recv(), if ordered && self.pending.is_none() => match order {
                    Some(order) => self.reconfigure(order),
                    None => ordered = false,
                },
                // A file that changes while a configuration is tried waits for what comes of it.
                change = changes.recv(), if watching && self.pending.is_none() => match change {
                    Some(change) => self.change(change),
                    None => watching = false,
                },
                Some(done) = self.jobs.next() => self.done(done),
                _ = retire.tick(), if !self.retiring.is_empty() => self.retire(),
            }
            self.tell_started();
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Upsert {
                name,
                path,
                settled,
            } => self.look(&name, Look { path, settled }),
            Change::Removed { name } => self.remove(&name),
            Change::Ready => self.scanned = true,
            Change::Directory { present: true } => {
                tracing::debug!(
                    "plugins directory {} is there",
                    self.config.plugins.display()
                );
            }
            Change::Directory { present: false } => {
                let directory = self.config.plugins.display();
                match self.scanned {
                    true => tracing::warn!("plugins directory {directory} is gone; waiting for it"),
                    false => tracing::warn!(
                        "plugins directory {directory} is not there yet; waiting for it"
                    ),
                }
            }
        }
    }

    /// Looks at a file now, or when the load of its plugin that runs is done.
    fn look(&mut self, name: &str, look: Look) {
        if let Err(error) = check_plugin_name(name) {
            tracing::error!(
                "{}: not loaded: {error}; rename the file",
                look.path.display()
            );
            return;
        }
        self.files.insert(name.to_owned(), look.path.clone());
        let config = self.config.for_plugin(name);
        self.table.update(name, config.order, |status| {
            status.disabled = !config.enabled;
        });
        if !config.enabled {
            return;
        }
        let plugin = self.plugins.entry(name.to_owned()).or_default();
        if plugin.loading.is_some() {
            plugin.waiting = Some(look);
            return;
        }
        let load = self.next_load;
        self.next_load += 1;
        plugin.loading = Some(load);
        // Under another configuration the same bytes are another version.
        let serving = plugin.serving.as_ref().map(|guest| guest.facts());
        let serving = serving
            .filter(|facts| facts.config == config)
            .map(|facts| facts.hash);
        self.jobs.load(name.to_owned(), load, look, serving, config);
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Loaded {
                name,
                load,
                look,
                result,
            } => self.loaded(&name, load, &look, result),
            Done::Improved { name, from, result } => self.improved(&name, &from, result),
            Done::Nothing => {}
        }
    }

    fn loaded(
        &mut self,
        name: &str,
        load: u64,
        look: &Look,
        result: Result<Prepared, PluginError>,
    ) {
        let serves = self
            .plugins
            .get(name)
            .is_some_and(|plugin| plugin.serving.is_some());
        let result = match &mut self.pending {
            Some(pending) => match pending.take(name, load, serves, result) {
                Ok(()) => return self.settle(),
                Err(result) => result,
            },
            None => result,
        };
        // The file may have been removed while it was loaded, and be back with another load.
        let Some(plugin) = self
            .plugins
            .get_mut(name)
            .filter(|plugin| plugin.loading == Some(load))
        else {
            return;
        };
        plugin.loading = None;
        let waiting = plugin.waiting.take();
        match result {
            Ok(Prepared::Ready(fresh)) => self.serve(name, fresh),
            Ok(Prepared::Unchanged) => self.keep(name),
            Ok(Prepared::Unsettled) => {}
            Err(error) => self.refuse(name, look, &error),
        }
        if let Some(look) = waiting {
            self.look(name, look);
        }
    }

    /// Swaps a version in. Everything that can fail has been done.
    fn serve(&mut self, name: &str, fresh: Fresh) {
        self.install(name, fresh);
        self.publish();
    }

    /// Makes a version the one of its plugin; the next to be published.
    fn install(&mut self, name: &str, fresh: Fresh) {
        let guest = fresh.guest;
        self.replace(name, guest.clone());
        if let Some(plugin) = self.plugins.get_mut(name) {
            plugin.complained = None;
        }
        self.table.update(name, 0, |status| status.error = None);
        tracing::info!(
            "plugin {name}: version {} serves ({})",
            guest.facts().hash.short(),
            guest.tier()
        );
        if let Some(bytes) = fresh.improve {
            let stale = self.plugins.get(name).map(|plugin| plugin.stale.clone());
            self.jobs
                .improve(name.to_owned(), guest, bytes, stale.unwrap_or_default());
        }
    }

    /// The file is back to what serves, or was only touched.
    fn keep(&mut self, name: &str) {
        if let Some(plugin) = self.plugins.get_mut(name)
            && plugin.complained.take().is_some()
        {
            tracing::info!("plugin {name}: the file holds the version that serves again");
        }
        self.table.update(name, 0, |status| status.error = None);
    }

    fn refuse(&mut self, name: &str, look: &Look, error: &PluginError) {
        let Some(plugin) = self.plugins.get_mut(name) else {
            return;
        };
        let reason = error.to_string();
        // A copy under way fails in many ways; whoever copies wants to hear of none of them.
        let hold = !look.settled && error.could_be_incomplete();
        let serving = plugin
            .serving
            .as_ref()
            .map(|guest| guest.facts().hash.short());
        if !hold && plugin.complained.as_ref() != Some(&reason) {
            let file = look.path.display();
            match &serving {
                Some(hash) => tracing::error!(
                    "plugin {name}: {file} refused, version {hash} goes on: {reason}"
                ),
                None => tracing::error!(
                    "plugin {name}: {file} refused, no version of it serves: {reason}"
                ),
            }
            plugin.complained = Some(reason.clone());
        }
        if !hold || serving.is_none() {
            self.table
                .update(name, 0, |status| status.error = Some(reason));
        }
    }

    fn improved(
        &mut self,
        name: &str,
        from: &Arc<Guest>,
        result: Result<Option<Arc<Guest>>, PluginError>,
    ) {
        let serving = self
            .plugins
            .get(name)
            .and_then(|plugin| plugin.serving.as_ref());
        if !serving.is_some_and(|guest| Arc::ptr_eq(guest, from)) {
            return;
        }
        match result {
            Ok(Some(guest)) => {
                tracing::debug!(
                    "plugin {name}: version {} serves ({})",
                    guest.facts().hash.short(),
                    guest.tier()
                );
                self.replace(name, guest);
                self.publish();
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!("plugin {name}: no better code, going on with the baseline: {error}")
            }
        }
    }

    fn remove(&mut self, name: &str) {
        self.table.remove(name);
        self.files.remove(name);
        let Some(plugin) = self.plugins.remove(name) else {
            return;
        };
        plugin.stale.store(true, Ordering::Relaxed);
        if let Some(guest) = plugin.serving {
            tracing::info!("plugin {name}: removed");
            self.publish();
            self.retiring.extend([guest]);
        }
    }

    /// Puts a guest in the place of the one with its name.
    fn replace(&mut self, name: &str, guest: Arc<Guest>) {
        let plugin = self.plugins.entry(name.to_owned()).or_default();
        plugin.stale.store(true, Ordering::Relaxed);
        plugin.stale = Arc::default();
        let serving = Serving {
            hash: guest.facts().hash,
            tier: guest.tier(),
        };
        let old = plugin.serving.replace(guest);
        self.retiring.extend(old);
        self.table
            .update(name, 0, |status| status.serving = Some(serving));
    }

    fn publish(&self) {
        self.chains.publish(&self.serving());
    }

    fn serving(&self) -> Vec<Arc<Guest>> {
        let plugins = self.plugins.values();
        plugins
            .filter_map(|plugin| plugin.serving.clone())
            .collect()
    }

    fn retire(&mut self) {
        let unused = self.retiring.take_unused();
        if !unused.is_empty() {
            self.jobs.discard(unused);
        }
    }

    fn tell_started(&mut self) {
        if self.scanned
            && self.plugins.values().all(|plugin| plugin.loading.is_none())
            && let Some(started) = self.started.take()
        {
            // Nobody may be waiting any more.
            let _ = started.send(());
        }
    }
}

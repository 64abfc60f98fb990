//! Step 0, the other straight line: on a change → prepare → swap → retire. A failure keeps what serves.
//!
//! One task owns every decision, so there are no two loads of one plugin at once and no locks. What blocks runs on
//! threads of its own and comes back as a message.

mod presence;
mod reconfigure;
mod start;
mod verdict;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::jobs::{Done, Jobs, Look};
use super::kind::Guest;
use super::prepare::{PluginError, Prepared, Refusal, Workbench};
use super::retire::Retiring;
use super::status::{Serving, Table};
use super::swap::Chains;
use super::watch::Change;
use crate::config::{Config, PluginConfig, Remark};
use reconfigure::{Pending, Wanted};
use start::Start;
use verdict::Complaint;

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
    /// What a configuration that was refused waits for.
    wanted: Option<Wanted>,
    /// Told when all files that were there at the start have their verdict.
    started: Option<Start>,
    scanned: bool,
    /// What was last said about plugins that the configuration names.
    remarks: Vec<Remark>,
    next_load: u64,
}

/// A plugin by its file.
#[derive(Debug, Default)]
struct Plugin {
    serving: Option<Guest>,
    /// The load that runs; the result of any other comes too late.
    loading: Option<Loading>,
    /// The latest change that came while a load ran.
    waiting: Option<Look>,
    /// Set when the version that is being improved is not the one that serves any more.
    stale: Arc<AtomicBool>,
    /// What was last said about this plugin's file, so that it is said once.
    complained: Option<Complaint>,
    /// Whether a load has ended, with whatever result.
    tried: bool,
    /// Whether a file of it was taken into service or refused.
    judged: bool,
}

/// A load that runs.
#[derive(Debug)]
struct Loading {
    load: u64,
    /// What it is prepared for.
    config: PluginConfig,
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
            wanted: None,
            started: Some(Start::new(started)),
            scanned: false,
            remarks: Vec::new(),
            next_load: 0,
        };
        for name in supervisor.config.required() {
            supervisor.mark(&name);
        }
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
        let (mut watching, mut ordering) = (true, true);
        while watching || ordering || !self.jobs.is_empty() || !self.retiring.is_empty() {
            if !watching && !self.scanned {
                tracing::error!("the plugins directory is not watched any more");
                return;
            }
            // Once it is over, only loads are waited for.
            let deadline = self.started.as_ref().and_then(Start::deadline);
            let deadline = deadline.filter(|deadline| *deadline > Instant::now());
            tokio::select! {
                order = orders.recv(), if ordering && self.pending.is_none() => match order {
                    Some(order) => self.reconfigure(order),
                    None => ordering = false,
                },
                // A file that changes while a configuration is tried waits for what comes of it.
                change = changes.recv(), if watching && self.pending.is_none() => match change {
                    Some(change) => self.change(change),
                    None => watching = false,
                },
                Some(done) = self.jobs.next() => self.done(done),
                _ = retire.tick(), if !self.retiring.is_empty() => self.retire(),
                () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
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
            Change::Ready => self.scanned(),
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
        self.files.insert(name.to_owned(), look.path.clone());
        self.mark(name);
        self.remark();
        let config = self.config.for_plugin(name);
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
        plugin.loading = Some(Loading {
            load,
            config: config.clone(),
        });
        // Under another configuration the same bytes are another version.
        let serving = plugin.serving.as_ref().map(|guest| guest.version());
        let serving = serving
            .filter(|version| version.config == config)
            .map(|version| version.hash);
        self.jobs.load(name.to_owned(), load, look, serving, config);
        self.publish();
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

    fn loaded(&mut self, name: &str, load: u64, look: &Look, result: Result<Prepared, Refusal>) {
        let serves = self
            .plugins
            .get(name)
            .is_some_and(|plugin| plugin.serving.is_some());
        let result = match &mut self.pending {
            Some(pending) => match pending.take(name, load, serves, result) {
                None => return self.settle(),
                Some(result) => result,
            },
            None => result,
        };
        // The file may have been removed while it was loaded, and be back with another load.
        let Some(plugin) = self.plugins.get_mut(name) else {
            return;
        };
        let Some(loading) = plugin.loading.take_if(|loading| loading.load == load) else {
            return;
        };
        let waiting = plugin.waiting.take();
        plugin.tried = true;
        if loading.config != self.config.for_plugin(name) {
            // The configuration has changed meanwhile; what came of the old one must not serve under the new.
            return self.look(name, waiting.unwrap_or_else(|| look.clone()));
        }
        match result {
            Ok(Prepared::Ready(fresh)) => self.serve(name, fresh),
            Ok(Prepared::Unchanged) => self.keep(name),
            Ok(Prepared::Unsettled) => {}
            Err(refusal) => self.refuse(name, look, &refusal),
        }
        match waiting {
            Some(look) => self.look(name, look),
            None => self.try_wanted(name),
        }
    }

    fn improved(&mut self, name: &str, from: &Guest, result: Result<Option<Guest>, PluginError>) {
        let serving = self
            .plugins
            .get(name)
            .and_then(|plugin| plugin.serving.as_ref());
        if !serving.is_some_and(|guest| guest.is_same(from)) {
            return;
        }
        match result {
            Ok(Some(guest)) => {
                tracing::debug!(
                    "plugin {name}: version {} serves ({})",
                    guest.version().hash.short(),
                    guest.tier()
                );
                self.replace(name, guest);
                self.publish();
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    "plugin {name}: optimising failed, it stays on baseline code: {error}"
                )
            }
        }
    }

    fn remove(&mut self, name: &str) {
        self.files.remove(name);
        let plugin = self.plugins.remove(name);
        self.mark(name);
        if let Some(plugin) = plugin {
            plugin.stale.store(true, Ordering::Relaxed);
            if plugin.serving.is_some() {
                tracing::info!("plugin {name}: removed");
            }
            self.retiring.extend(plugin.serving);
        }
        self.publish();
        self.remark();
    }

    /// Puts a guest in the place of the one with its name.
    fn replace(&mut self, name: &str, guest: Guest) {
        let plugin = self.plugins.entry(name.to_owned()).or_default();
        plugin.stale.store(true, Ordering::Relaxed);
        plugin.stale = Arc::default();
        let serving = Serving {
            hash: guest.version().hash,
            tier: guest.tier(),
        };
        let old = plugin.serving.replace(guest);
        self.retiring.extend(old);
        self.table
            .update(name, 0, |status| status.serving = Some(serving));
    }

    fn publish(&self) {
        self.chains.publish(&self.members());
    }

    fn retire(&mut self) {
        let unused = self.retiring.take_unused();
        if !unused.is_empty() {
            self.jobs.discard(unused);
        }
    }
}

//! The supervisor's task: on a change → prepare → swap → retire. A failure keeps what serves.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::pending::Reconfigure;
use super::state::{Loading, Start, Supervisor};
use crate::plugin::jobs::{Done, Look};
use crate::plugin::kind::Guest;
use crate::plugin::prepare::{FileRefusal, PluginError, PreparedFile};
use crate::plugin::watch::Change;

/// How often to look whether retired plugins are still held by an exchange.
const RETIRE_EVERY: Duration = Duration::from_millis(50);

impl Supervisor {
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
    pub(super) fn look(&mut self, name: &str, look: Look) {
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

    fn loaded(
        &mut self,
        name: &str,
        load: u64,
        look: &Look,
        result: Result<PreparedFile, FileRefusal>,
    ) {
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
            Ok(PreparedFile::Ready(fresh)) => self.serve(name, fresh),
            Ok(PreparedFile::Unchanged) => self.keep(name),
            Ok(PreparedFile::Unsettled) => {}
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

    fn retire(&mut self) {
        let unused = self.retiring.take_unused();
        if !unused.is_empty() {
            self.jobs.discard(unused);
        }
    }
}

//! The supervisor's task: on a change → prepare → swap → retire. A failure keeps what serves.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::orders::Order;
use super::state::{Loading, Start, Supervisor};
use super::versions::Versions;
use crate::config::Config;
use crate::plugin::beside::Beside;
use crate::plugin::history::EventKind;
use crate::plugin::jobs::{Done, Look, LookedAt, Under};
use crate::plugin::kind::Guest;
use crate::plugin::prepare::{FileRefusal, PluginError, PreparedFile};
use crate::plugin::watch::Change;

/// How often to look whether retired plugins are still held by an exchange.
const RETIRE_EVERY: Duration = Duration::from_millis(50);

/// How often in a row a version that is ready gives way to a file that changed meanwhile.
const MOST_OVERTAKEN: u32 = 5;

impl Supervisor {
    /// Follows changes of files and of the configuration for as long as either can come and there is work.
    pub async fn run(
        mut self,
        mut changes: mpsc::Receiver<Change>,
        mut orders: mpsc::Receiver<Order>,
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
                // Not before every file that is there has its verdict.
                order = orders.recv(), if ordering && self.pending.is_none() && self.started.is_none() => match order {
                    Some(order) => self.obey(order),
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
            self.follow_background();
            self.tell_started();
            self.tell_asked();
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Upsert {
                name,
                files,
                settled,
            } => self.look(&name, Look { files, settled }),
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
        let had_code = self.has_code(name);
        self.files.insert(name.to_owned(), look.files.clone());
        if had_code && look.files.code.is_none() {
            self.lose_code(name);
        }
        self.mark(name);
        self.remark();
        if self.config.disables(name) && look.files.config.is_none() {
            return;
        }
        let plugin = self.plugins.entry(name.to_owned()).or_default();
        if plugin.loading.is_some() {
            plugin.waiting = Some(look);
            return;
        }
        let load = self.next_load;
        self.next_load += 1;
        let config = self.config.clone();
        let pin = self.versions.get(name).and_then(Versions::pin);
        plugin.loading = Some(Loading {
            load,
            config: config.clone(),
            pin,
        });
        let (current, under) = (self.current(name), Under::FilesNow(config));
        self.jobs.load(name.to_owned(), load, look, current, under);
        self.publish();
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Loaded {
                name,
                load,
                look,
                came,
            } => self.loaded(&name, load, &look, came),
            Done::Improved { name, from, result } => self.improved(&name, &from, result),
            Done::Written(result) => self.written(result),
            Done::Nothing => {}
        }
    }

    fn loaded(&mut self, name: &str, load: u64, look: &Look, came: LookedAt) {
        let serves = self
            .plugins
            .get(name)
            .is_some_and(|plugin| plugin.serving.is_some());
        let LookedAt {
            beside,
            content,
            result,
        } = came;
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
        let under = |config: &Config| config.for_plugin_beside(name, beside.keys());
        let pin = self.versions.get(name).and_then(Versions::pin);
        if under(&loading.config) != under(&self.config) || loading.pin != pin {
            // The configuration has changed meanwhile, or an operator has chosen another version; what came of the old one must
            // not serve under the new.
            return self.look(name, waiting.unwrap_or_else(|| look.clone()));
        }
        if let Some(newer) = &waiting
            && matches!(result, Ok(PreparedFile::Ready(_)))
            && (newer.files.config.is_some()
                || newer.files.schema.is_some()
                || newer.files != look.files)
            && plugin.overtaken < MOST_OVERTAKEN
        {
            // Who replaces code and configuration must not get the one with the other's predecessor.
            plugin.overtaken += 1;
            return self.look(name, newer.clone());
        }
        let is_pinned = pin.is_some() && pin == content;
        if let (Some(content), Some(versions)) = (content, self.versions.get_mut(name)) {
            versions.saw(content);
        }
        self.judge(name, look, beside, result, is_pinned);
        match waiting {
            Some(look) => self.look(name, look),
            None => self.try_wanted(name),
        }
    }

    /// What a look at files came to is in force, or told.
    fn judge(
        &mut self,
        name: &str,
        look: &Look,
        beside: Beside,
        result: Result<PreparedFile, FileRefusal>,
        is_pinned: bool,
    ) {
        let plugin = self.plugins.get(name);
        let serves = plugin.is_some_and(|plugin| plugin.serving.is_some());
        match result {
            Ok(PreparedFile::Ready(fresh)) => {
                self.set_beside(name, beside);
                self.serve(name, fresh, is_pinned);
            }
            Ok(PreparedFile::Unchanged) => {
                self.set_beside(name, beside);
                if let Some(versions) = self.versions.get_mut(name).filter(|_| !is_pinned) {
                    versions.unpin();
                }
                self.mark_versions(name);
                self.keep(name);
            }
            Ok(PreparedFile::Disabled) => {
                self.set_beside(name, beside);
                self.switch_off(name);
            }
            Ok(PreparedFile::NoCode) => {
                self.set_beside(name, beside);
                self.go_without(name);
            }
            Ok(PreparedFile::Unsettled) => {}
            Err(refusal) => {
                // What serves keeps its configuration. Without that, the file beside the plugin names it.
                let hold = !look.settled && refusal.error.could_be_incomplete();
                if !serves && (!hold || self.started.is_some()) {
                    self.set_beside(name, beside);
                }
                self.refuse(name, look, &refusal);
            }
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
                self.keep_better(name, &guest);
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

    pub(super) fn remove(&mut self, name: &str) {
        self.files.remove(name);
        self.forget_versions(name);
        self.set_beside(name, Beside::Absent);
        if self.take_out(name) {
            tracing::info!("plugin {name}: removed");
            self.note(name, EventKind::Removed, String::new());
        }
        self.mark(name);
        self.publish();
        self.remark();
    }

    /// The code of a plugin is gone, and its configuration is there, which names it.
    fn lose_code(&mut self, name: &str) {
        if self.take_out(name) {
            tracing::warn!("plugin {name}: its code was removed, and {name}.toml is still there");
            self.note(name, EventKind::Removed, String::new());
        }
        self.forget_versions(name);
        if !self.config.beside.contains_key(name) {
            // It is read next.
            self.set_beside(name, Beside::Unknown);
        }
        self.publish();
    }

    /// Whether a version of a plugin served; it does no more once this is published.
    pub(super) fn take_out(&mut self, name: &str) -> bool {
        let Some(plugin) = self.plugins.remove(name) else {
            return false;
        };
        plugin.stale.store(true, Ordering::Relaxed);
        let served = plugin.serving.is_some();
        self.retiring.extend(plugin.serving);
        self.table.update(name, 0, |status| status.serving = None);
        served
    }

    fn retire(&mut self) {
        let unused = self.retiring.take_unused();
        if !unused.is_empty() {
            self.jobs.discard(unused);
        }
    }
}

//! A new configuration on its way in: every plugin that it changes is prepared first, then all change at once or none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Notify, oneshot};

use super::Supervisor;
use crate::config::Config;
use crate::interceptor::Absence;
use crate::plugin::jobs::Look;
use crate::plugin::prepare::{Fresh, Prepared, Refusal};
use crate::plugin::swap::RouteChain;

/// A configuration to go by, and whom to tell.
pub struct Reconfigure {
    pub config: Arc<Config>,
    /// Puts the chains of the new routes, in their order, in the place of the old. Runs at most once, at the moment of
    /// the change.
    pub apply: Box<dyn FnOnce(Vec<Arc<RouteChain>>) + Send>,
    /// Hears when it is done, or of each plugin that would not serve any more or is required and would not serve.
    pub done: oneshot::Sender<Result<(), Vec<String>>>,
    /// Told to ask again when a plugin has come for lack of which the configuration was refused.
    pub again: Arc<Notify>,
}

/// The plugins for lack of which a configuration was refused, and whom to tell when one comes.
#[derive(Debug)]
pub struct Wanted {
    names: BTreeSet<String>,
    again: Arc<Notify>,
}

impl std::fmt::Debug for Reconfigure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconfigure").finish_non_exhaustive()
    }
}

/// What has been found out about a configuration so far.
#[derive(Debug)]
pub struct Pending {
    order: Reconfigure,
    loads: BTreeSet<u64>,
    fresh: BTreeMap<String, Fresh>,
    errors: Vec<String>,
    /// Why plugins don't serve that do not serve now either.
    refused: BTreeMap<String, String>,
}

impl Pending {
    pub fn new(order: Reconfigure) -> Self {
        Self {
            order,
            loads: BTreeSet::new(),
            fresh: BTreeMap::new(),
            errors: Vec::new(),
            refused: BTreeMap::new(),
        }
    }

    /// A plugin is being prepared for the new configuration.
    pub fn expect(&mut self, load: u64) {
        self.loads.insert(load);
    }

    /// Takes the result of a load if it is one of these. Gives back what belongs to no load of this configuration.
    pub fn take(
        &mut self,
        name: &str,
        load: u64,
        serves: bool,
        result: Result<Prepared, Refusal>,
    ) -> Option<Result<Prepared, Refusal>> {
        if !self.loads.remove(&load) {
            return Some(result);
        }
        match result {
            Ok(Prepared::Ready(fresh)) => {
                self.fresh.insert(name.to_owned(), fresh);
            }
            Ok(Prepared::Unchanged | Prepared::Unsettled) => {}
            // A plugin that is out of service already can't be lost.
            Err(refusal) if !serves => {
                let reason = refusal.error.to_string();
                self.refused.insert(name.to_owned(), reason);
            }
            Err(refusal) => self
                .errors
                .push(format!("plugin {name}: {}", refusal.error)),
        }
        None
    }

    /// A plugin is required that would not serve.
    fn lacks(&mut self, name: &str, absence: Absence) {
        let reason = self.refused.get(name);
        let reason = reason.map_or_else(|| absence.to_string(), |r| format!("{absence}: {r}"));
        self.errors.push(format!(
            "plugin {name}: the new configuration requires it and no version of it serves: {reason}"
        ));
    }

    /// Whether every plugin has been tried.
    pub fn is_complete(&self) -> bool {
        self.loads.is_empty()
    }

    /// What stands in the way, once all have been tried.
    pub fn errors(&self) -> Option<Vec<String>> {
        (!self.errors.is_empty()).then(|| self.errors.clone())
    }
}

impl Supervisor {
    /// Prepares every plugin that a new configuration changes.
    pub(super) fn reconfigure(&mut self, order: Reconfigure) {
        let mut pending = Pending::new(order);
        for (name, path) in &self.files {
            let config = pending.order.config.for_plugin(name);
            if !config.enabled || config == self.config.for_plugin(name) {
                continue;
            }
            let load = self.next_load;
            self.next_load += 1;
            pending.expect(load);
            let look = Look {
                path: path.clone(),
                settled: true,
            };
            self.jobs.load(name.clone(), load, look, None, config);
        }
        self.pending = Some(pending);
        self.settle();
    }

    /// Goes over to the configuration that is being tried, once it is clear that all of it works.
    pub(super) fn settle(&mut self) {
        let Some(mut pending) = self.pending.take_if(|pending| pending.is_complete()) else {
            return;
        };
        let prepared = |name: &str| pending.fresh.contains_key(name);
        let lacking = self.lacking(&pending.order.config, prepared);
        for (name, absence) in &lacking {
            pending.lacks(name, *absence);
        }
        let errors = pending.errors();
        let order = pending.order;
        self.wanted = (!lacking.is_empty()).then(|| Wanted {
            names: lacking.into_iter().map(|(name, _)| name).collect(),
            again: order.again,
        });
        // Whoever asked may have gone.
        let _ = match errors {
            Some(errors) => order.done.send(Err(errors)),
            None => {
                self.config = order.config;
                self.change_over(pending.fresh);
                let chains = self.chains.replace(&self.config.routes, &self.members());
                (order.apply)(chains);
                self.remark();
                order.done.send(Ok(()))
            }
        };
    }

    /// A file of this plugin has its verdict, which may be what a configuration waits for.
    pub(super) fn try_wanted(&mut self, name: &str) {
        if let Some(wanted) = &self.wanted
            && wanted.names.contains(name)
        {
            wanted.again.notify_one();
            self.wanted = None;
        }
    }

    /// Takes the plugins that were prepared, and lets go of those that are switched off; not yet seen by anyone.
    fn change_over(&mut self, mut fresh: BTreeMap<String, Fresh>) {
        let rows = self.table.snapshot().into_iter().map(|row| row.name);
        for name in rows.chain(self.config.required()) {
            self.mark(&name);
        }
        for (name, path) in self.files.clone() {
            let config = self.config.for_plugin(&name);
            if let Some(fresh) = fresh.remove(&name) {
                self.install(&name, fresh);
            } else if !config.enabled
                && let Some(plugin) = self.plugins.remove(&name)
            {
                plugin.stale.store(true, Ordering::Relaxed);
                self.retiring.extend(plugin.serving);
                self.table
                    .update(&name, config.order, |status| status.serving = None);
            }
            // A version that was loaded meanwhile, under the old configuration.
            let serving = self
                .plugins
                .get(&name)
                .and_then(|plugin| plugin.serving.as_ref());
            if serving.is_some_and(|guest| guest.version().config != config) {
                self.look(
                    &name,
                    Look {
                        path,
                        settled: true,
                    },
                );
            }
        }
    }
}

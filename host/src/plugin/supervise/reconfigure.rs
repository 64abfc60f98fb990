//! A new configuration on its way in: every plugin that it changes is prepared first, then all change at once or none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::pending::{PendingConfig, Reconfigure, Wanted};
use super::state::Supervisor;
use crate::config::Config;
use crate::plugin::jobs::{Look, Under};
use crate::plugin::prepare::Fresh;

impl Supervisor {
    /// Prepares every plugin that a new configuration changes.
    pub(super) fn reconfigure(&mut self, order: Reconfigure) {
        let mut pending = PendingConfig::new(order);
        let next = self.with_files_beside(&pending.order.config);
        for (name, files) in &self.files {
            let config = next.for_plugin(name);
            let is_same = config == self.config.for_plugin(name);
            let can_serve = files.code.is_some() && !self.unknown.contains(name);
            if !can_serve || !config.enabled || is_same {
                continue;
            }
            let load = self.next_load;
            self.next_load += 1;
            pending.expect(load);
            let look = Look {
                files: files.clone(),
                settled: true,
            };
            let serving = self.plugins.get(name);
            let serving = serving.and_then(|plugin| plugin.serving.clone());
            let under = Under::Known(next.clone());
            self.jobs.load(name.clone(), load, look, serving, under);
        }
        self.pending = Some(pending);
        self.settle();
    }

    /// A configuration with what is in force of the files beside plugins.
    fn with_files_beside(&self, config: &Config) -> Arc<Config> {
        Arc::new(Config {
            beside: self.config.beside.clone(),
            ..config.clone()
        })
    }

    /// Goes over to the configuration that is being tried, once it is clear that all of it works.
    pub(super) fn settle(&mut self) {
        let Some(mut pending) = self.pending.take_if(|pending| pending.is_complete()) else {
            return;
        };
        let prepared = |name: &str| pending.fresh.contains_key(name);
        let next = self.with_files_beside(&pending.order.config);
        let lacking = self.lacking(&next, prepared);
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
                self.config = next;
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
        for (name, files) in self.files.clone() {
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
                        files,
                        settled: true,
                    },
                );
            }
        }
    }
}

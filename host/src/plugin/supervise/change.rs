//! A change on its way in: every plugin that it concerns is prepared first, then all change at once or none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::orders::{OrderError, Reconfigure};
use super::pending::{PendingChange, PluginChange, Purpose, Wanted};
use super::state::Supervisor;
use super::verdict::Installing;
use super::versions::Versions;
use crate::config::Config;
use crate::plugin::history::EventKind;
use crate::plugin::jobs::{Look, Under};
use crate::plugin::prepare::Fresh;
use crate::plugin::watch::PluginFiles;

impl Supervisor {
    /// Prepares every plugin that a new configuration changes.
    pub(super) fn reconfigure(&mut self, order: Reconfigure) {
        let mut pending = PendingChange::new(Purpose::Configure(order));
        let next = Arc::new(pending.purpose.next(&self.config));
        self.prepare_changed(&mut pending, &next);
        self.pending = Some(pending);
        self.settle();
    }

    /// Prepares every plugin of which another configuration says something else.
    pub(super) fn prepare_changed(&mut self, pending: &mut PendingChange, next: &Arc<Config>) {
        for (name, files) in self.files.clone() {
            let config = next.for_plugin(&name);
            let is_same = config == self.config.for_plugin(&name);
            let can_serve = files.code.is_some() && !self.unknown.contains(&name);
            if can_serve && config.enabled && !is_same {
                let look = Look {
                    files,
                    settled: true,
                };
                self.prepare_for(pending, &name, look, next.clone());
            }
        }
    }

    /// Prepares one plugin.
    pub(super) fn prepare_for(
        &mut self,
        pending: &mut PendingChange,
        name: &str,
        look: Look,
        config: Arc<Config>,
    ) {
        let load = self.next_load;
        self.next_load += 1;
        pending.expect(load);
        let current = match &pending.purpose {
            Purpose::Plugin {
                name: subject,
                change: PluginChange::Promote,
                ..
            } if subject == name => self.current_unpinned(name),
            Purpose::Configure(_) | Purpose::Plugin { .. } => self.current(name),
        };
        let under = Under::Known(config);
        self.jobs.load(name.to_owned(), load, look, current, under);
    }

    /// Goes over to what is being tried, once it is clear that all of it works.
    pub(super) fn settle(&mut self) {
        let Some(mut pending) = self.pending.take_if(|pending| pending.is_complete()) else {
            return;
        };
        let prepared = |name: &str| pending.fresh.contains_key(name);
        let next = Arc::new(pending.purpose.next(&self.config));
        let lacking = self.lacking(&next, prepared);
        for (name, absence) in &lacking {
            pending.lacks(name, *absence);
        }
        if let Purpose::Plugin { .. } = &pending.purpose {
            return self.settle_plugin(pending, next);
        }
        let errors = pending.errors();
        let Purpose::Configure(order) = pending.purpose else {
            return;
        };
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

    /// The same for what somebody wants of one plugin. What is to be in its file is written first.
    fn settle_plugin(&mut self, mut pending: PendingChange, next: Arc<Config>) {
        let errors = pending.errors();
        let Purpose::Plugin { name, change, done } = pending.purpose else {
            return;
        };
        if let Some(errors) = errors {
            let _ = done.send(Err(OrderError::Refused(errors.join("\n"))));
            self.let_go(pending.fresh);
            return;
        }
        if let PluginChange::Set {
            file: Some(file), ..
        } = &change
            && !pending.written
        {
            self.jobs.write((**file).clone());
            pending.purpose = Purpose::Plugin { name, change, done };
            pending.writing = true;
            self.pending = Some(pending);
            return;
        }
        if let PluginChange::RollBack = &change
            && !self.is_before(&name, pending.fresh.get(&name))
        {
            let why = "another version came from its file meanwhile; look at it and try again";
            let _ = done.send(Err(OrderError::Conflict(why.to_owned())));
            self.let_go(pending.fresh);
            return;
        }
        self.config = next;
        match &change {
            PluginChange::Set { key, file } => {
                self.take_setting(&name, key, file.is_some(), pending.fresh);
            }
            PluginChange::RollBack => self.take_back(&name, pending.fresh.remove(&name)),
            PluginChange::Promote => self.take_forward(&name, pending.fresh.remove(&name)),
        }
        self.publish();
        self.remark();
        if let Some(files) = self.files.get(&name).cloned() {
            self.look_if_outdated(&name, files);
        }
        let _ = done.send(Ok(()));
    }

    /// Whether a version is the one before that which serves, as it was when somebody asked for it.
    fn is_before(&self, name: &str, fresh: Option<&Fresh>) -> bool {
        let before = self.versions.get(name).and_then(Versions::before);
        let fresh = fresh.map(|fresh| fresh.guest.version().hash);
        before.map(|(content, _)| content) == fresh
    }

    /// Versions that were prepared in vain.
    fn let_go(&mut self, fresh: BTreeMap<String, Fresh>) {
        let guests = fresh.into_values().map(|fresh| fresh.guest);
        self.retiring.extend(guests);
    }

    /// The file of a change was written, or could not be.
    pub(super) fn written(&mut self, result: Result<(), String>) {
        let Some(mut pending) = self.pending.take_if(|pending| pending.writing) else {
            return;
        };
        match (result, pending.purpose) {
            (Err(why), Purpose::Plugin { done, .. }) => {
                let _ = done.send(Err(OrderError::File(why)));
                self.let_go(pending.fresh);
            }
            (_, purpose) => {
                pending.purpose = purpose;
                pending.writing = false;
                pending.written = true;
                self.pending = Some(pending);
                self.settle();
            }
        }
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
    pub(super) fn change_over(&mut self, mut fresh: BTreeMap<String, Fresh>) {
        let rows = self.table.snapshot().into_iter().map(|row| row.name);
        for name in rows.chain(self.config.required()) {
            self.mark(&name);
        }
        for (name, files) in self.files.clone() {
            let config = self.config.for_plugin(&name);
            if let Some(fresh) = fresh.remove(&name) {
                let hash = fresh.guest.version().hash;
                let versions = self.versions.get(&name);
                let goes_on = |v: &Versions<_, _>| v.is_pinned() && v.is_serving(hash);
                let installing = Installing {
                    is_pinned: versions.is_some_and(goes_on),
                    ..Installing::new(EventKind::Serves)
                };
                self.install(&name, fresh, installing);
            } else if !config.enabled
                && let Some(plugin) = self.plugins.remove(&name)
            {
                plugin.stale.store(true, Ordering::Relaxed);
                self.retiring.extend(plugin.serving);
                self.table
                    .update(&name, config.order, |status| status.serving = None);
            }
            self.look_if_outdated(&name, files);
        }
    }

    /// Looks at a plugin's files again if its version was made for another configuration: one that was loaded meanwhile.
    fn look_if_outdated(&mut self, name: &str, files: PluginFiles) {
        let plugin = self.plugins.get(name);
        let serving = plugin.and_then(|plugin| plugin.serving.as_ref());
        let config = self.config.for_plugin(name);
        if serving.is_some_and(|guest| guest.version().config != config) {
            let look = Look {
                files,
                settled: true,
            };
            self.look(name, look);
        }
    }
}

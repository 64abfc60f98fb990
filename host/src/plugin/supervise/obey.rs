//! What an operator wants of plugins, carried out: checked first, tried, then swapped in as any change is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::orders::{Asked, Order, OrderError, PluginOrder, Reread, Wish};
use super::pending::{PendingChange, PluginChange, Purpose};
use super::state::Supervisor;
use super::verdict::Installing;
use crate::config::{Config, OverlayKey};
use crate::plugin::history::EventKind;
use crate::plugin::jobs::Look;
use crate::plugin::prepare::Fresh;

impl Supervisor {
    pub(super) fn obey(&mut self, order: Order) {
        match order {
            Order::Reconfigure(order) => self.reconfigure(order),
            Order::Plugin(order) => self.change_plugin(order),
            Order::Reread(order) => self.reread(order),
        }
    }

    fn change_plugin(&mut self, order: PluginOrder) {
        let PluginOrder { name, wish, done } = order;
        let change = match wish {
            Wish::Set { key, file } => PluginChange::Set { key, file },
            Wish::RollBack => PluginChange::RollBack,
            Wish::Promote => PluginChange::Promote,
        };
        let purpose = Purpose::Plugin {
            name: name.clone(),
            change,
            done,
        };
        let next = Arc::new(purpose.next(&self.config));
        if let Purpose::Plugin { change, .. } = &purpose
            && let Err(error) = self.is_possible(&name, change, &next)
        {
            if let Purpose::Plugin { done, .. } = purpose {
                // Whoever asked may have gone.
                let _ = done.send(Err(error));
            }
            return;
        }
        let mut pending = PendingChange::new(purpose);
        self.prepare_plugin(&mut pending, &name, &next);
        self.pending = Some(pending);
        self.settle();
    }

    /// Prepares what a change of one plugin needs.
    fn prepare_plugin(&mut self, pending: &mut PendingChange, name: &str, next: &Arc<Config>) {
        let Purpose::Plugin { change, .. } = &pending.purpose else {
            return;
        };
        let files = self.files.get(name).cloned().unwrap_or_default();
        let look = Look {
            files,
            settled: true,
        };
        match change {
            PluginChange::Set { key, .. } => {
                let sets_settings = matches!(key, OverlayKey::Settings(_));
                self.prepare_changed(pending, next);
                if sets_settings && !next.for_plugin(name).enabled {
                    // It is tried as it would be, and serves nobody.
                    let mut tried = (**next).clone();
                    let overlay = tried.overlay.entry(name.to_owned()).or_default();
                    overlay.set(&OverlayKey::Enabled(true));
                    self.prepare_for(pending, name, look, Arc::new(tried));
                }
            }
            PluginChange::RollBack => {
                let before = self
                    .versions
                    .get(name)
                    .and_then(|versions| versions.before());
                let Some((_, before)) = before else { return };
                let before = before.clone();
                let load = self.next_load;
                self.next_load += 1;
                pending.expect(load);
                self.jobs
                    .again(name.to_owned(), load, look, before, next.clone());
            }
            PluginChange::Promote => self.prepare_for(pending, name, look, next.clone()),
        }
    }

    /// Whether a change can be tried as things stand.
    fn is_possible(
        &self,
        name: &str,
        change: &PluginChange,
        next: &Config,
    ) -> Result<(), OrderError> {
        let conflict = |why: String| Err(OrderError::Conflict(why));
        if self.table.get(name).is_none() {
            return Err(OrderError::Unknown(name.to_owned()));
        }
        if let PluginChange::Set { key, file: Some(_) } = change
            && !key.is_in(&next.for_plugin(name))
        {
            return conflict(format!(
                "[plugin.{name}] in the configuration file says something else and goes before {name}.toml; change it there, \
                 or keep the change in memory"
            ));
        }
        if let PluginChange::Set {
            key: OverlayKey::Enabled(false),
            ..
        } = change
        {
            return Ok(());
        }
        if !self.has_code(name) {
            return conflict(format!(
                "there is no file {name}.wasm or {name}.wat, so nothing can be tried; add it first"
            ));
        }
        if self.unknown.contains(name) {
            return conflict(format!(
                "{name}.toml can't be read or has mistakes (see the plugin's error); correct it first"
            ));
        }
        let is_enabled = self.config.for_plugin(name).enabled;
        match change {
            PluginChange::Set { .. } => Ok(()),
            PluginChange::RollBack | PluginChange::Promote if !is_enabled => {
                conflict("it is disabled; enable it first".to_owned())
            }
            PluginChange::RollBack => match self.versions.get(name).and_then(|v| v.before()) {
                Some(_) => Ok(()),
                None => conflict(
                    "no version before the one that serves is kept; the last three that served since the start are"
                        .to_owned(),
                ),
            },
            PluginChange::Promote => Ok(()),
        }
    }

    /// A setting was found to be fine: it is in force from now on.
    pub(super) fn take_setting(
        &mut self,
        name: &str,
        key: &OverlayKey,
        in_file: bool,
        mut fresh: BTreeMap<String, Fresh>,
    ) {
        if !self.config.for_plugin(name).enabled
            && let Some(tried) = fresh.remove(name)
        {
            self.retiring.extend([tried.guest]);
        }
        self.change_over(fresh);
        let (kind, what) = match key {
            OverlayKey::Enabled(true) => (EventKind::Enabled, "enabled".to_owned()),
            OverlayKey::Enabled(false) => (EventKind::Disabled, "disabled".to_owned()),
            OverlayKey::Order(order) => (EventKind::Order, format!("order {order}")),
            // They may be secret.
            OverlayKey::Settings(_) => (EventKind::Settings, "new settings".to_owned()),
        };
        let place = match in_file {
            true => format!("written to {name}.toml"),
            false => "until the proxy is started again".to_owned(),
        };
        tracing::info!("plugin {name}: {what} by the admin API ({place})");
        self.note(name, kind, format!("{what}, {place}"));
    }

    /// The version before serves from now on.
    pub(super) fn take_back(&mut self, name: &str, fresh: Option<Fresh>) {
        let Some(fresh) = fresh else { return };
        let installing = Installing {
            event: Some(EventKind::RolledBack),
            rolls_back: true,
            is_pinned: true,
        };
        self.install(name, fresh, installing);
    }

    /// What the file holds serves from now on; without a version it serves already.
    pub(super) fn take_forward(&mut self, name: &str, fresh: Option<Fresh>) {
        match fresh {
            Some(fresh) => self.install(name, fresh, Installing::new(EventKind::Promoted)),
            None => {
                if let Some(versions) = self.versions.get_mut(name) {
                    versions.unpin();
                }
                self.keep(name);
                self.mark_versions(name);
                self.note(name, EventKind::Promoted, String::new());
            }
        }
    }

    fn reread(&mut self, order: Reread) {
        let Reread { name, found, done } = order;
        let mut names: Vec<String> = match &name {
            Some(name) => vec![name.clone()],
            None => self.files.keys().cloned().collect(),
        };
        if let Some(found) = &found
            && name.is_none()
        {
            names.extend(
                found
                    .keys()
                    .filter(|name| !self.files.contains_key(*name))
                    .cloned(),
            );
        }
        for name in &names {
            let files = match &found {
                Some(found) => found.get(name),
                None => self.files.get(name),
            };
            match files.cloned() {
                Some(files) => self.look(
                    name,
                    Look {
                        files,
                        settled: true,
                    },
                ),
                // Nobody watches, and it is gone.
                None if found.is_some() && self.files.contains_key(name) => self.remove(name),
                None => {}
            }
        }
        self.asked.push(Asked { names, done });
    }

    /// Tells whoever had files read again when each has its verdict.
    pub(super) fn tell_asked(&mut self) {
        for asked in std::mem::take(&mut self.asked) {
            let loads = |name: &String| {
                let plugin = self.plugins.get(name);
                plugin.is_some_and(|plugin| plugin.loading.is_some())
            };
            if asked.names.iter().any(loads) {
                self.asked.push(asked);
                continue;
            }
            let _ = asked.done.send(Ok(()));
        }
    }
}

//! Plugins that the configuration requires: the places that they keep in the chains while no version of them serves, and who
//! is told.

use std::collections::BTreeSet;

use super::state::Supervisor;
use crate::config::{Config, Remark, remarks};
use crate::interceptor::Absence;
use crate::plugin::status::SettingsSource;
use crate::plugin::swap::Member;

impl Supervisor {
    /// Every plugin that serves, and the place of every other one that is required.
    pub(super) fn members(&self) -> Vec<Member> {
        let serving = self.plugins.values();
        let serving = serving.filter_map(|plugin| plugin.serving.as_ref());
        let mut members: Vec<_> = serving.map(Member::serving).collect();
        for name in self.config.required() {
            if let Some(why) = self.absence(&name) {
                let config = self.config.for_plugin(&name);
                members.push(Member::missing(name, config, why));
            }
        }
        members
    }

    /// Why no version of a plugin serves; none if one does.
    pub(super) fn absence(&self, name: &str) -> Option<Absence> {
        let plugin = self.plugins.get(name);
        if plugin.is_some_and(|plugin| plugin.serving.is_some()) {
            return None;
        }
        Some(if !self.has_code(name) {
            Absence::NoFile
        } else if plugin.is_some_and(|plugin| plugin.complained.is_some()) {
            Absence::Refused
        } else {
            Absence::Loading
        })
    }

    /// Whether there is a file of a plugin's code.
    pub(super) fn has_code(&self, name: &str) -> bool {
        let files = self.files.get(name);
        files.is_some_and(|files| files.code.is_some())
    }

    /// Brings the row of a plugin up to date with its file and the configuration; one with neither has none.
    pub(super) fn mark(&self, name: &str) {
        let (config, required) = (self.config.for_plugin(name), self.config.requires(name));
        let missing = !self.has_code(name);
        // Who switched it off must see how to switch it on.
        if missing && !required && !self.config.overlay.contains_key(name) {
            return self.table.remove(name);
        }
        let file = self.files.get(name).and_then(|files| files.code.clone());
        let source = self.settings_source(name);
        self.table.update(name, config.order, |status| {
            status.order = config.order;
            status.disabled = !config.enabled;
            status.settings_source = source;
            status.file = file;
            status.config = config;
            status.required = required;
            if missing || status.missing {
                status.error = None;
                status.serving = None;
                status.warnings.clear();
            }
            status.missing = missing;
        });
    }

    /// Where the settings that are in force are from.
    fn settings_source(&self, name: &str) -> SettingsSource {
        let overlay = self.config.overlay.get(name);
        let beside = self.config.beside.get(name);
        if overlay.is_some_and(|overlay| overlay.settings.is_some()) {
            SettingsSource::Admin
        } else if beside.is_some_and(|keys| !keys.settings.is_empty()) {
            SettingsSource::Beside
        } else {
            SettingsSource::Configuration
        }
    }

    /// Says what is odd about the plugins that the configuration names, each thing once for as long as it lasts.
    pub(super) fn remark(&mut self) {
        if self.started.is_some() {
            // Not before every file that is there has been seen.
            return;
        }
        let files = self.files.keys().filter(|name| self.has_code(name));
        let files: BTreeSet<String> = files.cloned().collect();
        let found = remarks(&self.config, &files);
        let directory = self.config.plugins.display();
        for remark in &found {
            if let Remark::NoFile {
                name,
                required: true,
                ..
            } = remark
            {
                self.table
                    .update(name, 0, |status| status.error = Some(remark.cause()));
            }
            if self.remarks.contains(remark) {
                continue;
            }
            match remark {
                Remark::NoFile {
                    name,
                    required: true,
                    ..
                } => tracing::warn!(
                    "{remark} in {directory}; requests that it would take part in are answered 503; {}",
                    remark.advice(name)
                ),
                Remark::NoFile { .. } => tracing::info!("{remark} in {directory}"),
                Remark::Disabled { .. } => tracing::warn!("{remark}"),
            }
        }
        self.remarks = found;
    }

    /// The plugins that another configuration requires, that this one does not lack already, and that would not serve under
    /// it; with the reason. `prepared` says which have a version ready.
    pub(super) fn lacking(
        &self,
        next: &Config,
        prepared: impl Fn(&str) -> bool,
    ) -> Vec<(String, Absence)> {
        let lacks = |name: String| {
            let absence = self.absence(&name).filter(|_| !prepared(&name))?;
            // The old configuration is no better in this.
            (!self.config.requires(&name)).then_some((name, absence))
        };
        next.required().into_iter().filter_map(lacks).collect()
    }
}

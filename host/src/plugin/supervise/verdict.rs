//! What becomes of a file, and who is told: a version of it serves, it holds what serves already, or it is refused.

use std::sync::Arc;

use super::state::{Complaint, Supervisor};
use crate::config::PluginKeys;
use crate::plugin::beside::Beside;
use crate::plugin::jobs::Look;
use crate::plugin::prepare::{FileRefusal, Fresh, PluginError};

impl Supervisor {
    /// Swaps a version in. Everything that can fail has been done.
    pub(super) fn serve(&mut self, name: &str, fresh: Fresh) {
        self.install(name, fresh);
        self.publish();
    }

    /// Makes a version the one of its plugin; the next to be published.
    pub(super) fn install(&mut self, name: &str, fresh: Fresh) {
        let guest = fresh.guest;
        let hash_before = self.plugins.get(name).and_then(|plugin| {
            let serving = plugin.serving.as_ref()?;
            Some(serving.version().hash)
        });
        self.replace(name, guest.clone());
        if let Some(plugin) = self.plugins.get_mut(name) {
            plugin.complained = None;
            plugin.judged = true;
            plugin.overtaken = 0;
        }
        let again = match hash_before == Some(guest.version().hash) {
            true => ", with another configuration",
            false => "",
        };
        let (hash, warnings) = (guest.version().hash.short(), fresh.trial.warnings());
        tracing::info!(
            "plugin {name}: version {hash} serves ({}){again}",
            guest.tier()
        );
        for warning in &warnings {
            tracing::warn!("plugin {name}: version {hash} serves, but in its trial {warning}");
        }
        self.table.update(name, 0, |status| {
            status.error = None;
            status.warnings = warnings;
        });
        if let Some(bytes) = fresh.improve {
            let stale = self.plugins.get(name).map(|plugin| plugin.stale.clone());
            self.jobs
                .improve(name.to_owned(), guest, bytes, stale.unwrap_or_default());
        }
    }

    /// The file is back to what serves, or was only touched.
    pub(super) fn keep(&mut self, name: &str) {
        if let Some(plugin) = self.plugins.get_mut(name) {
            plugin.judged = true;
            if plugin.complained.take().is_some() {
                tracing::info!("plugin {name}: the file holds the version that serves again");
            }
        }
        self.table.update(name, 0, |status| status.error = None);
    }

    /// The configuration switches the plugin off.
    pub(super) fn switch_off(&mut self, name: &str) {
        self.complained_no_more(name);
        if self.take_out(name) {
            tracing::info!("plugin {name}: switched off by {name}.toml");
        }
        self.publish();
    }

    /// There is configuration for the plugin, and no code.
    pub(super) fn go_without(&mut self, name: &str) {
        self.complained_no_more(name);
        self.mark(name);
        self.publish();
        self.remark();
    }

    fn complained_no_more(&mut self, name: &str) {
        if let Some(plugin) = self.plugins.get_mut(name) {
            plugin.complained = None;
            plugin.judged = true;
        }
        self.table.update(name, 0, |status| status.error = None);
    }

    /// Puts in force what is known of the file beside a plugin.
    pub(super) fn set_beside(&mut self, name: &str, beside: Beside) {
        self.unknown.remove(name);
        let keys = match beside {
            Beside::Absent => None,
            Beside::Keys(keys) => Some(*keys),
            Beside::Unknown => {
                self.unknown.insert(name.to_owned());
                Some(PluginKeys::default())
            }
        };
        if self.config.beside.get(name) == keys.as_ref() {
            return;
        }
        let config = Arc::make_mut(&mut self.config);
        match keys {
            Some(keys) => config.beside.insert(name.to_owned(), keys),
            None => config.beside.remove(name),
        };
        self.mark(name);
    }

    pub(super) fn refuse(&mut self, name: &str, look: &Look, refusal: &FileRefusal) {
        let required = self.config.requires(name);
        let Some(plugin) = self.plugins.get_mut(name) else {
            return;
        };
        // A copy under way fails in many ways; whoever copies wants to hear of none of them.
        let hold = !look.settled && refusal.error.could_be_incomplete();
        let reason = refusal.error.to_string();
        let serving = plugin
            .serving
            .as_ref()
            .map(|guest| guest.version().hash.short());
        if !hold || serving.is_none() {
            let error = Some(reason.clone());
            self.table.update(name, 0, |status| status.error = error);
        }
        let complaint = Complaint {
            hash: refusal.hash,
            reason,
        };
        plugin.judged |= !hold;
        if hold || plugin.complained.as_ref() == Some(&complaint) {
            return;
        }
        let file = match (&refusal.error, &look.files.config) {
            (PluginError::Config(_), Some(config)) => config.display(),
            _ => look.files.first().display(),
        };
        let reason = &complaint.reason;
        match serving {
            Some(hash) => {
                tracing::error!("plugin {name}: {file} refused, version {hash} goes on: {reason}")
            }
            None if required => tracing::error!(
                "plugin {name}: {file} refused, no version of it serves, and requests that it would take part in are \
                 answered 503: {reason}"
            ),
            None => {
                tracing::error!("plugin {name}: {file} refused, no version of it serves: {reason}")
            }
        }
        plugin.complained = Some(complaint);
        self.publish();
    }
}

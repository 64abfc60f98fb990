//! What becomes of a file, and who is told: a version of it serves, it holds what serves already, or it is refused.

use std::sync::Arc;

use super::state::{Complaint, Supervisor, now};
use crate::config::PluginKeys;
use crate::metrics::LoadResult;
use crate::plugin::background::NO_BACKGROUND;
use crate::plugin::beside::Beside;
use crate::plugin::history::{EventKind, PluginEvent};
use crate::plugin::jobs::Look;
use crate::plugin::kind::Guest;
use crate::plugin::prepare::{FileRefusal, Fresh, PluginError};

/// How a version comes to serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installing {
    /// What is remembered of it; none if that is done elsewhere.
    pub(super) event: Option<EventKind>,
    /// It is the version before.
    pub(super) rolls_back: bool,
    /// Its code is that of the version that serves, whatever the file holds.
    pub(super) is_pinned: bool,
}

impl Installing {
    /// From its file.
    pub(super) fn new(event: EventKind) -> Self {
        Self {
            event: Some(event),
            rolls_back: false,
            is_pinned: false,
        }
    }
}

impl Supervisor {
    /// Swaps a version in. Everything that can fail has been done. A pinned one is what served, made anew for another
    /// configuration.
    pub(super) fn serve(&mut self, name: &str, fresh: Fresh, is_pinned: bool) {
        let installing = Installing {
            is_pinned,
            ..Installing::new(EventKind::Serves)
        };
        self.install(name, fresh, installing);
        self.publish();
    }

    /// Makes a version the one of its plugin; the next to be published.
    pub(super) fn install(&mut self, name: &str, fresh: Fresh, installing: Installing) {
        let guest = fresh.guest;
        let hash_before = self.plugins.get(name).and_then(|plugin| {
            let serving = plugin.serving.as_ref()?;
            Some(serving.version().hash)
        });
        self.keep_version(name, &guest, &installing);
        self.replace(name, guest.clone());
        self.mark_versions(name);
        self.jobs.count(name, LoadResult::Served);
        if let Some(plugin) = self.plugins.get_mut(name) {
            plugin.complained = None;
            plugin.judged = true;
            plugin.overtaken = 0;
        }
        let is_same = hash_before == Some(guest.version().hash);
        let again = match (installing.rolls_back, is_same) {
            (true, _) => ", rolled back to it by the admin API",
            (false, true) => ", with another configuration",
            (false, false) => "",
        };
        let (hash, mut warnings) = (guest.version().hash.short(), fresh.trial.warnings());
        tracing::info!(
            "plugin {name}: version {hash} serves ({}){again}",
            guest.tier()
        );
        for warning in &warnings {
            tracing::warn!("plugin {name}: version {hash} serves, but in its trial {warning}");
        }
        if self.config.says_background(name) && !guest.has_background() {
            tracing::warn!("plugin {name}: version {hash} serves, but {NO_BACKGROUND}");
            warnings.push(NO_BACKGROUND.to_owned());
        }
        self.table.update(name, 0, |status| {
            status.error = None;
            status.warnings = warnings;
        });
        if let Some(event) = installing.event {
            let text = again.trim_start_matches(", ").to_owned();
            self.note(name, event, text);
        }
        if let Some(bytes) = fresh.improve {
            let stale = self.plugins.get(name).map(|plugin| plugin.stale.clone());
            self.jobs
                .improve(name.to_owned(), guest, bytes, stale.unwrap_or_default());
        }
    }

    /// Keeps a version's code for when somebody wants to go back to it.
    fn keep_version(&mut self, name: &str, guest: &Guest, installing: &Installing) {
        if self.config.admin.is_none() {
            // Nobody can ask for it.
            return;
        }
        // Its instances go with the version itself.
        let kept = guest.again(guest.version().clone());
        let versions = self.versions.entry(name.to_owned()).or_default();
        if installing.rolls_back {
            self.retiring.extend(versions.rolled_back(kept));
        } else if installing.is_pinned {
            self.retiring.extend(versions.replaced(kept));
        } else {
            let hash = guest.version().hash;
            versions.saw(hash);
            self.retiring.extend(versions.served(hash, kept));
        }
    }

    /// The same for better code of the version that serves.
    pub(super) fn keep_better(&mut self, name: &str, guest: &Guest) {
        if let Some(versions) = self.versions.get_mut(name) {
            let kept = guest.again(guest.version().clone());
            self.retiring.extend(versions.replaced(kept));
        }
    }

    /// The file is back to what serves, or was only touched.
    pub(super) fn keep(&mut self, name: &str) {
        self.jobs.count(name, LoadResult::Unchanged);
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
            self.note(name, EventKind::Disabled, format!("by {name}.toml"));
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
        self.jobs.count(name, LoadResult::Refused);
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
        let reason = reason.clone();
        plugin.complained = Some(complaint);
        let event = PluginEvent {
            at: now(),
            kind: EventKind::Refused,
            version: refusal.hash.map(|hash| hash.short()),
            text: reason,
        };
        self.table.note(name, event);
        self.publish();
    }
}

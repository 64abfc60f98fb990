//! A change on its way in, of the configuration or of one plugin, and what has been found out about it so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Notify;

use super::orders::{Done, Reconfigure};
use crate::config::{Config, OverlayKey};
use crate::interceptor::Absence;
use crate::plugin::beside::FileChange;
use crate::plugin::prepare::{FileRefusal, Fresh, PreparedFile};

/// The plugins for lack of which a configuration was refused, and whom to tell when one comes.
#[derive(Debug)]
pub struct Wanted {
    pub names: BTreeSet<String>,
    pub again: Arc<Notify>,
}

/// What a change is.
#[derive(Debug)]
pub enum Purpose {
    /// Another configuration.
    Configure(Reconfigure),
    /// Something about one plugin, for somebody who wants to know whether it can be.
    Plugin {
        name: String,
        change: PluginChange,
        done: Done,
    },
}

/// What is to be different about a plugin.
#[derive(Debug)]
pub enum PluginChange {
    Set {
        key: OverlayKey,
        /// The file that is to say it; none to keep it in memory.
        file: Option<Box<FileChange>>,
    },
    RollBack,
    Promote,
}

impl Purpose {
    /// What the configuration will be, if this is what it is.
    pub fn next(&self, now: &Config) -> Config {
        match self {
            Purpose::Configure(order) => Config {
                beside: now.beside.clone(),
                overlay: now.overlay.clone(),
                ..(*order.config).clone()
            },
            Purpose::Plugin { name, change, .. } => change.next(name, now),
        }
    }

    /// The plugin that must be able to serve, or nothing changes.
    fn subject(&self) -> Option<&str> {
        match self {
            Purpose::Configure(_) => None,
            Purpose::Plugin { name, .. } => Some(name),
        }
    }
}

impl PluginChange {
    fn next(&self, name: &str, now: &Config) -> Config {
        let mut next = now.clone();
        let PluginChange::Set { key, file } = self else {
            return next;
        };
        let mut overlay = next.overlay.remove(name).unwrap_or_default();
        match file {
            Some(file) => {
                next.beside.insert(name.to_owned(), file.keys.clone());
                overlay.clear(key);
            }
            None => overlay.set(key),
        }
        if !overlay.is_empty() {
            next.overlay.insert(name.to_owned(), overlay);
        }
        next
    }
}

/// What has been found out about a change so far.
#[derive(Debug)]
pub struct PendingChange {
    pub purpose: Purpose,
    /// Whether its file is being written.
    pub writing: bool,
    /// Whether it has been.
    pub written: bool,
    loads: BTreeSet<u64>,
    pub fresh: BTreeMap<String, Fresh>,
    errors: Vec<String>,
    /// Why plugins don't serve that do not serve now either.
    refused: BTreeMap<String, String>,
}

impl PendingChange {
    pub fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            writing: false,
            written: false,
            loads: BTreeSet::new(),
            fresh: BTreeMap::new(),
            errors: Vec::new(),
            refused: BTreeMap::new(),
        }
    }

    /// A plugin is being prepared for it.
    pub fn expect(&mut self, load: u64) {
        self.loads.insert(load);
    }

    /// Takes the result of a load if it is one of these. Gives back what belongs to no load of this change.
    pub fn take(
        &mut self,
        name: &str,
        load: u64,
        serves: bool,
        result: Result<PreparedFile, FileRefusal>,
    ) -> Option<Result<PreparedFile, FileRefusal>> {
        if !self.loads.remove(&load) {
            return Some(result);
        }
        match result {
            Ok(PreparedFile::Ready(fresh)) => {
                self.fresh.insert(name.to_owned(), fresh);
            }
            Ok(
                PreparedFile::Unchanged
                | PreparedFile::Unsettled
                | PreparedFile::NoCode
                | PreparedFile::Disabled,
            ) => {}
            // A plugin that is out of service already can't be lost.
            Err(refusal) if !serves && self.purpose.subject() != Some(name) => {
                let reason = refusal.error.to_string();
                self.refused.insert(name.to_owned(), reason);
            }
            Err(refusal) => self.fails(name, &refusal.error.to_string()),
        }
        None
    }

    /// Something stands in the way.
    pub fn fails(&mut self, name: &str, why: &str) {
        self.errors.push(match self.purpose.subject() {
            // Whoever asks about one plugin knows which.
            Some(subject) if subject == name => why.to_owned(),
            _ => format!("plugin {name}: {why}"),
        });
    }

    /// A plugin is required that would not serve.
    pub fn lacks(&mut self, name: &str, absence: Absence) {
        let reason = self.refused.get(name);
        let reason = reason.map_or_else(|| absence.to_string(), |r| format!("{absence}: {r}"));
        self.errors.push(format!(
            "plugin {name}: the new configuration requires it and no version of it serves: {reason}"
        ));
    }

    /// Whether every plugin has been tried.
    pub fn is_complete(&self) -> bool {
        self.loads.is_empty() && !self.writing
    }

    /// What stands in the way, once all have been tried.
    pub fn errors(&self) -> Option<Vec<String>> {
        (!self.errors.is_empty()).then(|| self.errors.clone())
    }
}

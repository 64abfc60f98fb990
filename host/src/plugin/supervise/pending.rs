//! A configuration on its way in, and what has been found out about it so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use crate::config::Config;
use crate::interceptor::Absence;
use crate::plugin::prepare::{FileRefusal, Fresh, PreparedFile};
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
    pub names: BTreeSet<String>,
    pub again: Arc<Notify>,
}

impl std::fmt::Debug for Reconfigure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconfigure").finish_non_exhaustive()
    }
}

/// What has been found out about a configuration so far.
#[derive(Debug)]
pub struct PendingConfig {
    pub order: Reconfigure,
    loads: BTreeSet<u64>,
    pub fresh: BTreeMap<String, Fresh>,
    errors: Vec<String>,
    /// Why plugins don't serve that do not serve now either.
    refused: BTreeMap<String, String>,
}

impl PendingConfig {
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
    pub fn lacks(&mut self, name: &str, absence: Absence) {
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

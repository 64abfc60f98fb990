//! What is known of every plugin file, as plain data for whoever reports it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::engine::Tier;
use super::load::ContentHash;

/// A plugin as its file and the chain have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginStatus {
    pub name: String,
    pub order: i32,
    /// The version that serves, if one does.
    pub serving: Option<Serving>,
    /// Why the file as it is now doesn't serve.
    pub error: Option<String>,
    /// Switched off in the configuration.
    pub disabled: bool,
}

/// The version of a plugin that is in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serving {
    pub hash: ContentHash,
    pub tier: Tier,
}

impl PluginStatus {
    /// `active`, `failed`, … as the start-up table shows it.
    pub fn state(&self) -> &'static str {
        match (&self.serving, &self.error, self.disabled) {
            (_, _, true) => "disabled",
            (Some(_), None, _) => "active",
            (Some(_), Some(_), _) => "active, new version refused",
            (None, Some(_), _) => "failed",
            (None, None, _) => "loading",
        }
    }
}

/// Every plugin by name.
#[derive(Debug, Default)]
pub struct Table(Mutex<BTreeMap<String, PluginStatus>>);

impl Table {
    /// All plugins as they stand, in chain order.
    pub fn snapshot(&self) -> Vec<PluginStatus> {
        let mut all: Vec<_> = self.lock().values().cloned().collect();
        all.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        all
    }

    /// Changes what is known of a plugin, which may be new.
    pub fn update(&self, name: &str, order: i32, change: impl FnOnce(&mut PluginStatus)) {
        let mut table = self.lock();
        let status = table
            .entry(name.to_owned())
            .or_insert_with(|| PluginStatus {
                name: name.to_owned(),
                order,
                serving: None,
                error: None,
                disabled: false,
            });
        change(status);
    }

    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, PluginStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What is known of every plugin file, as plain data for whoever reports it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::hash::ContentHash;
use super::wasm::Tier;

/// A plugin as its file and the chain have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginStatus {
    pub name: String,
    pub order: i32,
    /// The version that serves, if one does.
    pub serving: Option<Serving>,
    /// Why the file as it is now doesn't serve, or that there is none.
    pub error: Option<String>,
    /// What is to be known of the version that serves: how its trial ended.
    pub warnings: Vec<String>,
    /// Switched off in the configuration.
    pub disabled: bool,
    /// Exchanges that it would take part in are answered 503 while no version of it serves.
    pub required: bool,
    /// It has no file; only of a required plugin is that known.
    pub missing: bool,
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
        let or_required = |plain, required| if self.required { required } else { plain };
        match (&self.serving, &self.error, self.disabled) {
            (_, _, true) => "disabled",
            (Some(_), None, _) => "active",
            (Some(_), Some(_), _) => "active, new version refused",
            (None, _, _) if self.missing => or_required("missing", "missing (required)"),
            (None, Some(_), _) => or_required("failed", "failed (required)"),
            (None, None, _) => or_required("loading", "loading (required)"),
        }
    }
}

/// Every plugin by name.
#[derive(Debug, Default)]
pub struct PluginTable(Mutex<BTreeMap<String, PluginStatus>>);

impl PluginTable {
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
                warnings: Vec::new(),
                disabled: false,
                required: false,
                missing: false,
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

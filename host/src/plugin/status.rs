//! What is known of every plugin, as plain data for whoever reports it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::hash::ContentHash;
use super::history::{Histories, PluginEvent};
use super::wasm::Tier;
use crate::config::{Permission, PluginConfig, PluginLimits};

/// A plugin as its file and the chain have it.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginStatus {
    pub name: String,
    pub order: i32,
    /// The version that serves, if one does.
    pub serving: Option<Serving>,
    /// Why the file as it is now doesn't serve, or that there is none.
    pub error: Option<String>,
    /// What is to be known of the version that serves: how its trial ended.
    pub warnings: Vec<String>,
    /// Switched off in the configuration, or by the admin API.
    pub disabled: bool,
    /// Exchanges that it would take part in are answered 503 while no version of it serves.
    pub required: bool,
    /// It has no file; only of a required plugin is that known.
    pub missing: bool,
    /// The file of its code.
    pub file: Option<PathBuf>,
    /// What is in force of it, whether a version serves or not.
    pub config: PluginConfig,
    pub settings_source: SettingsSource,
    /// Whether a version that served before the one that serves is kept.
    pub can_roll_back: bool,
    /// It serves an earlier version, whatever its file holds.
    pub pinned: bool,
    /// The last events, the oldest first.
    pub history: Vec<PluginEvent>,
}

/// The version of a plugin that is in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    pub hash: ContentHash,
    pub tier: Tier,
    /// When it went into service: microseconds since 1970. Better code for the same version does not change it.
    pub since: u64,
    /// What it is by its exports.
    pub kind: String,
    /// What it needs to be granted.
    pub permissions: Vec<Permission>,
    /// What its settings must be like.
    pub schema: Option<Value>,
}

/// Where the settings that are in force are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsSource {
    /// The configuration file, or nowhere.
    Configuration,
    /// The file beside the plugin, with or without the configuration file.
    Beside,
    /// The admin API, in memory.
    Admin,
}

impl PluginStatus {
    fn new(name: &str, order: i32) -> Self {
        Self {
            name: name.to_owned(),
            order,
            serving: None,
            error: None,
            warnings: Vec::new(),
            disabled: false,
            required: false,
            missing: false,
            file: None,
            config: PluginConfig::new(PluginLimits::default()),
            settings_source: SettingsSource::Configuration,
            can_roll_back: false,
            pinned: false,
            history: Vec::new(),
        }
    }

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
pub struct PluginTable {
    rows: Mutex<Rows>,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Rows {
    /// Without their histories.
    plugins: BTreeMap<String, PluginStatus>,
    histories: Histories,
}

impl PluginTable {
    /// All plugins as they stand, in chain order.
    pub fn snapshot(&self) -> Vec<PluginStatus> {
        let rows = self.lock();
        let mut all: Vec<_> = rows
            .plugins
            .values()
            .map(|row| rows.with_history(row))
            .collect();
        drop(rows);
        all.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        all
    }

    /// One plugin as it stands.
    pub fn get(&self, name: &str) -> Option<PluginStatus> {
        let rows = self.lock();
        Some(rows.with_history(rows.plugins.get(name)?))
    }

    /// Hears of every change. What changes while it is not listened to is one change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Changes what is known of a plugin, which may be new.
    pub fn update(&self, name: &str, order: i32, change: impl FnOnce(&mut PluginStatus)) {
        let mut rows = self.lock();
        let row = rows.plugins.entry(name.to_owned());
        let row = row.or_insert_with(|| PluginStatus::new(name, order));
        change(row);
        drop(rows);
        self.changed();
    }

    /// Remembers an event.
    pub fn note(&self, name: &str, event: PluginEvent) {
        let mut rows = self.lock();
        let Rows { plugins, histories } = &mut *rows;
        histories.add(name, event, |name| plugins.contains_key(name));
        drop(rows);
        self.changed();
    }

    pub fn remove(&self, name: &str) {
        self.lock().plugins.remove(name);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn with_history(&self, row: &PluginStatus) -> PluginStatus {
        PluginStatus {
            history: self.histories.of(&row.name),
            ..row.clone()
        }
    }
}

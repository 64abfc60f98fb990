//! What the admin API says of a plugin while the proxy runs: stronger than both files, and gone with the process.
//!
//! It names no plugin. One that the files name and that is switched off here is not required, as if `enabled = false` stood
//! there: that is what an operator wants who does it.

use super::plugin::PluginConfig;
use super::settings::Settings;

/// Keys of a plugin that were set while the proxy runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    pub enabled: Option<bool>,
    pub order: Option<i32>,
    /// All settings that there are: those of the files don't count beside them.
    pub settings: Option<Settings>,
}

impl Overlay {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A plugin's configuration with these in the place of what the files say.
    pub(super) fn over(&self, config: PluginConfig) -> PluginConfig {
        PluginConfig {
            enabled: self.enabled.unwrap_or(config.enabled),
            order: self.order.unwrap_or(config.order),
            settings: self.settings.clone().unwrap_or(config.settings),
            ..config
        }
    }
}

/// One thing that can be set while the proxy runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverlayKey {
    Enabled(bool),
    Order(i32),
    /// All settings that there are to be.
    Settings(Settings),
}

impl Overlay {
    /// Sets it here.
    pub fn set(&mut self, key: &OverlayKey) {
        match key {
            OverlayKey::Enabled(enabled) => self.enabled = Some(*enabled),
            OverlayKey::Order(order) => self.order = Some(*order),
            OverlayKey::Settings(settings) => self.settings = Some(settings.clone()),
        }
    }

    /// Leaves it to the files.
    pub fn clear(&mut self, key: &OverlayKey) {
        match key {
            OverlayKey::Enabled(_) => self.enabled = None,
            OverlayKey::Order(_) => self.order = None,
            OverlayKey::Settings(_) => self.settings = None,
        }
    }
}

impl OverlayKey {
    /// Whether a plugin with this configuration has it.
    pub fn is_in(&self, config: &PluginConfig) -> bool {
        match self {
            OverlayKey::Enabled(enabled) => config.enabled == *enabled,
            OverlayKey::Order(order) => config.order == *order,
            OverlayKey::Settings(settings) => config.settings == *settings,
        }
    }
}

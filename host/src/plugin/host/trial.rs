//! What stands in for the services of a plugin in the trial of a version, so that a trial counts nothing and sends nothing.

use std::sync::Arc;

use crate::metrics::PluginMetrics;
use crate::outbound::CallError;
use crate::plugin::wasm::PluginState;
use crate::store::{Kind, Quotas, Store, StoreConfig, StoreError};

/// Of one instance on trial.
#[derive(Debug, Default)]
pub struct TrialServices {
    state: Option<PluginState>,
    metrics: Option<PluginMetrics>,
    has_called: bool,
}

impl TrialServices {
    /// A bucket that is empty at first, and gone with the trial.
    ///
    /// # Errors
    /// When there can be no store.
    pub fn state(&mut self) -> Result<PluginState, StoreError> {
        if let Some(state) = &self.state {
            return Ok(state.clone());
        }
        let config = StoreConfig {
            kind: Kind::Memory,
            quotas: Quotas::default(),
        };
        let state = PluginState {
            store: Arc::new(Store::open(&config)?),
            bucket: "trial".to_owned(),
        };
        self.state = Some(state.clone());
        Ok(state)
    }

    /// In place of these: what is wrong with a call is found, and nothing is kept.
    pub fn metrics(&mut self, of_plugin: &PluginMetrics) -> &PluginMetrics {
        self.metrics.get_or_insert_with(|| of_plugin.for_trial())
    }

    /// What each outbound request comes to.
    pub fn call(&mut self) -> CallError {
        self.has_called = true;
        CallError::Configuration("nothing is sent in the trial of a new version".to_owned())
    }

    /// Whether the plugin wanted to send something.
    pub fn has_called(&self) -> bool {
        self.has_called
    }
}

//! What is known of a version of a plugin before it runs: its name, its content and what the configuration says of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ambient::Ambient;
use super::clock::TICK;
use super::services::PluginServices;
use crate::config::{PluginConfig, PluginLimits};
use crate::interceptor::InterceptError;
use crate::message::trace::Identity;
use crate::metrics::{PluginCounters, PluginMetrics};
use crate::plugin::hash::ContentHash;
use crate::plugin::schema::{SettingsMistakes, SettingsSchema};

/// One version of a plugin, shared by all instances of it.
#[derive(Debug)]
pub struct PluginVersion {
    pub name: String,
    pub hash: ContentHash,
    pub config: PluginConfig,
    pub limits: PluginLimits,
    pub ambient: Ambient,
    pub services: PluginServices,
    /// What its settings must be like, if anybody says so.
    pub schema: Option<Arc<SettingsSchema>>,
    /// How observers know it.
    pub identity: Arc<Identity>,
    slow: AtomicBool,
    on_trial: AtomicBool,
}

impl PluginVersion {
    pub fn new(name: String, hash: ContentHash, config: PluginConfig) -> Self {
        let identity = Arc::new(Identity {
            name: name.clone(),
            version: hash.short(),
        });
        Self {
            identity,
            name,
            hash,
            limits: config.limits,
            ambient: Ambient::default(),
            services: PluginServices::default(),
            schema: None,
            config,
            slow: AtomicBool::new(false),
            on_trial: AtomicBool::new(false),
        }
    }

    /// The same with this time and these random numbers.
    #[must_use]
    pub fn with_ambient(mut self, ambient: Ambient) -> Self {
        self.ambient = ambient;
        self
    }

    /// The same with what it reaches beyond exchanges.
    #[must_use]
    pub fn with_services(mut self, services: PluginServices) -> Self {
        self.services = services;
        self
    }

    /// The same with this schema of its settings.
    #[must_use]
    pub fn with_schema(mut self, schema: Option<Arc<SettingsSchema>>) -> Self {
        self.schema = schema;
        self
    }

    /// Holds its settings against their schema.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check_settings(&self) -> Result<(), SettingsMistakes> {
        match &self.schema {
            Some(schema) => schema.check(&self.config.settings),
            None => Ok(()),
        }
    }

    /// What the host counts of the plugin; none where nobody counts.
    pub fn counters(&self) -> Option<&Arc<PluginCounters>> {
        self.services.metrics.as_ref().map(PluginMetrics::counters)
    }

    /// Counts a call in service that failed.
    pub fn count_failure<T>(&self, result: &Result<T, InterceptError>) {
        if let (Err(error), Some(counters)) = (result, self.counters()) {
            counters.failed(error.cause());
        }
    }

    /// Whether a call of this version ever took so long that others should have had a turn.
    pub fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    pub fn set_slow(&self) {
        self.slow.store(true, Ordering::Relaxed);
    }

    /// Whether this version was on trial before. From now on it was.
    pub fn was_on_trial(&self) -> bool {
        self.on_trial.swap(true, Ordering::Relaxed)
    }

    /// The CPU time of one call in ticks of the engine's clock, rounded up. One more, since the first tick may come at
    /// once.
    pub fn cpu_ticks(&self) -> u64 {
        let ticks = self.limits.deadline.as_micros().div_ceil(TICK.as_micros());
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
    }
}

//! Where cases run: the plugin, compiled once, and for each case a state, answers to its outbound requests, and a clock of its
//! own.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::calls::{CannedCalls, everywhere};
use super::case::Case;
use super::run::{self, Got, Stage};
use super::subject::Subject;
use crate::metrics::Metrics;
use crate::outbound::{Outbound, OutboundConfig};
use crate::plugin::{Ambient, Guest, PausedClock, PluginServices, PluginState, PluginVersion};
use crate::store::{Clock, Kind, Quotas, Store, StoreConfig, StoreError, SystemClock};
use crate::tools::conditions::Conditions;
use crate::tools::exit::USAGE;
use crate::tools::lab::{self, Lab};
use crate::tools::log::PluginLines;

/// What all cases share.
pub(super) struct Bench {
    guest: Guest,
    lab: Lab,
    outbound: Outbound,
    /// A runtime whose time is paused: where everything waits, the wait is over.
    paused: Runtime,
}

impl Bench {
    /// `most_memory` is the most linear memory of an instance in any of the cases, in bytes.
    ///
    /// # Errors
    /// The exit code and what to say.
    pub(super) fn new(
        subject: &Subject,
        no_cache: bool,
        most_memory: u64,
    ) -> Result<Self, (u8, String)> {
        let failed = |words: String| (1, words);
        let cache = lab::cache(no_cache).map_err(|errors| (USAGE, errors.to_string()))?;
        let lab = Lab::new(cache, most_memory).map_err(failed)?;
        let config = subject.conditions.config();
        let guest = lab.plugin_file(&subject.name, &subject.file, config);
        let guest =
            guest.map_err(|error| failed(format!("{}: {error}", subject.file.display())))?;
        let outbound = Outbound::new(OutboundConfig::default());
        let paused = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        Ok(Self {
            guest,
            lab,
            outbound: outbound.map_err(|error| failed(error.to_string()))?,
            paused: paused.map_err(|error| failed(error.to_string()))?,
        })
    }

    /// Runs a case: the plugin under these conditions, with nothing in its memory and the case's state. `log` is where the
    /// plugin's lines go.
    ///
    /// # Errors
    /// Why it can't be run.
    pub(super) fn run(
        &self,
        case: &Case,
        conditions: Conditions,
        log: &PluginLines,
    ) -> Result<Vec<Got>, String> {
        let clock = conditions.now;
        let clock = clock.map(|now| PausedClock::new(now, self.paused.handle()));
        let runtime = match clock {
            Some(_) => &self.paused,
            None => &self.lab.runtime,
        };
        let stage = self.stage(conditions, clock);
        let stage = stage.map_err(|error| format!("the plugin can't have state: {error}"))?;
        let settings = stage.plugin.version().check_settings();
        settings.map_err(|mistakes| mistakes.to_string())?;
        runtime.block_on(run::run(&stage, case, log))
    }

    fn stage(
        &self,
        conditions: Conditions,
        clock: Option<PausedClock>,
    ) -> Result<Stage, StoreError> {
        let own = self.guest.version();
        let config = conditions.config();
        let time: Arc<dyn Clock> = match &clock {
            Some(clock) => Arc::new(clock.clone()),
            None => Arc::new(SystemClock),
        };
        let store = StoreConfig {
            kind: Kind::Memory,
            quotas: Quotas::default(),
        };
        let state = PluginState {
            store: Arc::new(Store::open_at(&store, time)?),
            bucket: format!("plugin/{}", own.name),
        };
        let calls = Arc::new(CannedCalls::default());
        let allow = conditions.calls.clone().unwrap_or_else(everywhere);
        let caller = self
            .outbound
            .caller_without_network(&own.name, allow, calls.clone());
        let services = PluginServices {
            state: Some(state.clone()),
            caller: Some(caller),
            metrics: Some(Metrics::default().of_plugin(&own.name)),
        };
        let ambient = Ambient {
            clock,
            seed: conditions.seed,
        };
        let version = PluginVersion::new(own.name.clone(), own.hash, config);
        let version = version.with_ambient(ambient).with_services(services);
        let version = version.with_schema(own.schema.clone());
        Ok(Stage {
            plugin: self.guest.again(Arc::new(version)),
            conditions,
            state,
            calls,
        })
    }
}

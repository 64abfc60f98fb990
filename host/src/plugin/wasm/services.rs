//! What plugins reach beyond exchanges: the store, the client and the metrics of the process, and what of them one plugin has.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Allow, Bucket};
use crate::metrics::{Metrics, PluginMetrics};
use crate::outbound::{Caller, Outbound, OutboundConfig};
use crate::store::{Store, StoreConfig, StoreError};
use crate::tls::SetupError;

/// Shared by all plugins; clones are the same.
#[derive(Debug, Clone)]
pub struct Services(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Option<StoreConfig>,
    /// Opened for the first plugin that has state: most hosts need none, and a file is for one process.
    store: Mutex<Option<Arc<Store>>>,
    outbound: Outbound,
    metrics: Metrics,
}

/// What one plugin has of them.
#[derive(Debug, Clone, Default)]
pub struct PluginServices {
    pub state: Option<PluginState>,
    pub caller: Option<Caller>,
    pub metrics: Option<PluginMetrics>,
}

/// A plugin's bucket.
#[derive(Debug, Clone)]
pub struct PluginState {
    pub store: Arc<Store>,
    pub bucket: String,
}

/// Why a plugin can't have its state.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(
        "nothing says where state is kept, as neither HOME nor XDG_STATE_HOME is set; set `path` in the table [state] of the \
         configuration"
    )]
    NoPlace,
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Services {
    /// `state` is none if nothing says where it would be.
    ///
    /// # Errors
    /// When a file of certificate authorities can't be used.
    pub fn new(state: Option<StoreConfig>, outbound: OutboundConfig) -> Result<Self, SetupError> {
        Ok(Self(Arc::new(Shared {
            state,
            store: Mutex::default(),
            outbound: Outbound::new(outbound)?,
            metrics: Metrics::default(),
        })))
    }

    /// The same, where plugins record in these. To be called before anybody else has it.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            shared.metrics = metrics;
        }
        self
    }

    /// What plugins have recorded.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// What this plugin has of them by what is granted to it.
    ///
    /// # Errors
    /// When the store can't be opened.
    pub fn for_plugin(&self, name: &str, allow: &Allow) -> Result<PluginServices, ServiceError> {
        let state = match &allow.state {
            None => None,
            Some(bucket) => Some(PluginState {
                store: self.store()?,
                bucket: match bucket {
                    Bucket::Own => format!("plugin/{name}"),
                    Bucket::Shared(shared) => format!("shared/{shared}"),
                },
            }),
        };
        let caller = allow.http.clone();
        let caller = caller.map(|allow| self.0.outbound.caller(name, allow));
        Ok(PluginServices {
            state,
            caller,
            metrics: Some(self.0.metrics.of_plugin(name)),
        })
    }

    fn store(&self) -> Result<Arc<Store>, ServiceError> {
        let mut opened = self.0.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*opened {
            return Ok(store.clone());
        }
        let config = self.0.state.as_ref().ok_or(ServiceError::NoPlace)?;
        let store = Arc::new(Store::open(config)?);
        *opened = Some(store.clone());
        Ok(store)
    }
}

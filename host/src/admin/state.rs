//! All that the admin listener knows and may do.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};

use super::guard::Guard;
use super::ready::Readiness;
use super::throughput::Throughput;
use super::turn::WhatIfTurn;
use crate::config::Config;
use crate::config::admin::AdminAddress;
use crate::export::Exporter;
use crate::plugin::{PluginControl, PluginTable, RouteChain};
use crate::proxy::{Listeners, Proxy};
use crate::record::tape::TapeWriter;
use crate::record::{Masks, Recorder};

/// What answers are made of. Built by the composition root.
#[derive(Debug)]
pub struct Admin {
    pub guard: Guard,
    /// Where the admin listener is.
    pub address: AdminAddress,
    pub ready: Readiness,
    /// When the process began to serve: microseconds since 1970.
    pub started: u64,
    /// Where clients connect.
    pub listeners: Arc<Listeners<RouteChain>>,
    /// The configuration that is in force, without what is known of the files beside plugins.
    pub config: Arc<ArcSwap<Config>>,
    pub proxy: Arc<Proxy<RouteChain>>,
    /// The number of the first exchange.
    pub first_id: u64,
    pub table: Arc<PluginTable>,
    /// None if nothing is recorded.
    pub recorder: Option<Arc<Recorder>>,
    /// None if there is no tape.
    pub tape: Option<TapeWriter>,
    /// What is a secret in settings and in the log.
    pub masks: Masks,
    /// What `/metrics` answers by.
    pub exporter: Exporter,
    pub control: PluginControl,
    /// Has the configuration read again.
    pub reload: mpsc::Sender<ReloadOrder>,
    pub throughput: Throughput,
    pub what_if: WhatIfTurn,
}

/// Somebody wants the configuration read again, and to hear what came of it.
pub type ReloadOrder = oneshot::Sender<Result<Reloaded, String>>;

/// What came of reading the configuration again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// It says what it said before.
    Unchanged,
    /// It is in force.
    Changed,
}

impl Admin {
    /// Exchanges since the start.
    pub fn exchanges_total(&self) -> u64 {
        self.proxy.next_id().saturating_sub(self.first_id)
    }
}

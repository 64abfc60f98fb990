//! The admin listener, put together from what it shows and what it may do.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::observe::{Counting, Observing};
use super::spawn::spawn;
use crate::admin::{
    self, Admin, AdminListener, Guard, Readiness, ReloadOrder, Throughput, Token, WhatIfTurn,
};
use crate::config::Config;
use crate::config::admin::AdminAddress;
use crate::plugin::{Order, PluginControl, PluginTable, RouteChain};
use crate::proxy::{Listeners, Proxy};
use crate::record::tape::TapeWriter;
use crate::record::{Masks, Recorder};
use crate::telemetry;

/// What the listener needs of the others.
pub struct Parts {
    pub ready: Readiness,
    /// Where clients connect.
    pub listeners: Arc<Listeners<RouteChain>>,
    /// The active configuration.
    pub shown: Arc<ArcSwap<Config>>,
    pub proxy: Arc<Proxy<RouteChain>>,
    pub table: Arc<PluginTable>,
    pub recorder: Option<Arc<Recorder>>,
    pub tape: Option<TapeWriter>,
    pub reload: mpsc::Sender<ReloadOrder>,
    pub orders: mpsc::Sender<Order>,
}

/// Starts the listener if there is to be one, and says where it is.
pub async fn start(
    config: &Arc<Config>,
    parts: Parts,
    observing: &Observing,
    stop: &CancellationToken,
) -> Result<Option<AdminAddress>, StartError> {
    let Some(own) = &config.admin else {
        return Ok(None);
    };
    let token = own.token.as_ref().map(Token::read).transpose()?;
    let listener = AdminListener::bind(&own.address).await;
    let listener = listener.map_err(|source| StartError::Admin {
        address: own.address.clone(),
        source,
    })?;
    let address = listener.address().clone();
    // From now on its lines are kept.
    let _ = telemetry::recent();
    tracing::info!("admin: listens on {address}");
    let exporter = observing.exporter(Counting {
        ready: parts.ready.clone(),
        proxy: parts.proxy.clone(),
        listeners: parts.listeners.clone(),
        table: parts.table.clone(),
    });
    let control = PluginControl::new(parts.orders, parts.table.clone(), config.clone());
    let admin = Admin {
        guard: Guard {
            token,
            hosts: own.hosts.clone(),
            is_unix: address.tcp().is_none(),
        },
        address: address.clone(),
        ready: parts.ready,
        started: now(),
        listeners: parts.listeners,
        config: parts.shown,
        first_id: parts.proxy.next_id(),
        proxy: parts.proxy,
        table: parts.table,
        recorder: parts.recorder,
        tape: parts.tape,
        masks: Masks::new(&config.record),
        exporter,
        reload: parts.reload,
        control,
        throughput: Throughput::default(),
        what_if: WhatIfTurn::default(),
    };
    let serving = admin::serve(listener, Arc::new(admin), stop.clone().cancelled_owned());
    spawn("admin", stop, serving);
    Ok(Some(address))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

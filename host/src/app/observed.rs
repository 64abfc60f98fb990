//! The proxy with those who observe its exchanges.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::message::trace::Observers;
use crate::plugin::RouteChain;
use crate::proxy::{Proxy, Routing};
use crate::record::Recorder;

/// Who records exchanges, if anybody does.
///
/// # Errors
/// When its thread can't be started.
pub fn recorder(config: &Config) -> io::Result<Option<Arc<Recorder>>> {
    let record = &config.record;
    let recorder = record.enabled.then(|| Recorder::start(record, Vec::new()));
    recorder.transpose()
}

/// A proxy that goes by this.
pub fn proxy(
    routing: Routing<RouteChain>,
    tunnels: &TaskTracker,
    observers: Observers,
) -> Arc<Proxy<RouteChain>> {
    let observers = Arc::new(observers);
    let proxy = Proxy::new(routing, first_id(), tunnels.clone(), observers);
    Arc::new(proxy)
}

/// Exchanges of two runs have different ids.
fn first_id() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(now.as_micros()).unwrap_or(0) << 12
}

//! The proxy with those who observe its exchanges.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::message::trace::Observers;
use crate::plugin::RouteChain;
use crate::proxy::{Proxy, Routing};
use crate::record::tape::{TapeConfig, TapeFile, TapeWriter};
use crate::record::{Keeper, Recorded, Recorder};
use crate::text;

/// How long the last exchanges may take to be written when the process ends.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// Who records exchanges, if anybody does, and who writes the tape.
#[derive(Debug, Default)]
pub struct Recording {
    recorder: Option<Arc<Recorder>>,
    tape: Option<TapeWriter>,
}

impl Recording {
    /// # Errors
    /// When a thread can't be started, or the tape can't be written.
    pub fn start(config: &Config) -> io::Result<Self> {
        let record = &config.record;
        if !record.enabled {
            return Ok(Self::default());
        }
        let tape = record.tape.as_ref().map(tape).transpose()?;
        let keeper = |tape: &TapeWriter| {
            let tape = tape.clone();
            Box::new(move |exchange: &Arc<Recorded>| tape.append(exchange.clone())) as Keeper
        };
        let keepers = tape.iter().map(keeper).collect();
        Ok(Self {
            recorder: Some(Recorder::start(record, keepers)?),
            tape,
        })
    }

    pub fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recorder.as_ref()
    }

    pub fn tape(&self) -> Option<&TapeWriter> {
        self.tape.as_ref()
    }

    /// Writes what is not on the tape yet, when no exchange is under way any more.
    pub fn finish(&self) {
        let recorded = self
            .recorder
            .as_ref()
            .is_none_or(|it| it.flush(LAST_WRITES));
        let written = self.tape.as_ref().is_none_or(|it| it.finish(LAST_WRITES));
        if !recorded || !written {
            tracing::warn!(
                "the last exchanges are missing on the tape: writing them took too long"
            );
        }
    }
}

fn tape(config: &TapeConfig) -> io::Result<TapeWriter> {
    let shown = text::path(&config.path);
    let file = TapeFile::open(config.clone(), now())
        .map_err(|error| io::Error::other(format!("record.tape (--record): {shown}: {error}")))?;
    tracing::info!("tape: exchanges are appended to {shown}");
    TapeWriter::start(file, now)
}

/// Microseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_micros()).unwrap_or(0)
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
    now() << 12
}

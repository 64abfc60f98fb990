//! What blocks, kept off the supervisor's task: loads, better code, and dropping what retired. Each comes back as a
//! message.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::guest::Guest;
use super::load::ContentHash;
use super::prepare::{PluginError, Prepared, Workbench};
use crate::config::PluginConfig;

/// How long a version must have served before better code is made for it.
const IMPROVE_AFTER: Duration = Duration::from_millis(500);

/// Plugins that are prepared at once. More would only share the same compiler threads.
const LOADS_AT_ONCE: usize = 2;

/// Jobs under way.
#[derive(Debug)]
pub struct Jobs {
    bench: Arc<Workbench>,
    running: JoinSet<Done>,
    loads: Arc<Semaphore>,
    improvements: Arc<Semaphore>,
}

/// A file to look at.
#[derive(Debug, Clone)]
pub struct Look {
    pub path: PathBuf,
    /// Whether a fault in it may be reported yet.
    pub settled: bool,
}

/// What a job came to.
#[derive(Debug)]
pub enum Done {
    Loaded {
        name: String,
        /// As given to [`Jobs::load`].
        load: u64,
        look: Look,
        result: Result<Prepared, PluginError>,
    },
    Improved {
        name: String,
        from: Arc<Guest>,
        result: Result<Option<Arc<Guest>>, PluginError>,
    },
    Nothing,
}

impl Jobs {
    pub fn new(bench: Arc<Workbench>) -> Self {
        Self {
            bench,
            running: JoinSet::new(),
            loads: Arc::new(Semaphore::new(LOADS_AT_ONCE)),
            improvements: Arc::new(Semaphore::new(1)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The next job that is done; none when none runs.
    pub async fn next(&mut self) -> Option<Done> {
        let done = self.running.join_next().await?;
        Some(done.unwrap_or_else(|error| {
            tracing::error!("a plugin job broke off: {error}");
            Done::Nothing
        }))
    }

    /// Prepares what a file holds; `serving` is what serves under its name now.
    pub fn load(
        &mut self,
        name: String,
        load: u64,
        look: Look,
        serving: Option<ContentHash>,
        config: PluginConfig,
    ) {
        let (bench, loads) = (self.bench.clone(), self.loads.clone());
        self.running.spawn(async move {
            let _permit = loads.acquire_owned().await;
            let (of, at) = (name.clone(), look.clone());
            let job = tokio::task::spawn_blocking(move || {
                bench.prepare(&of, &at.path, at.settled, serving, config)
            });
            let result = job.await.unwrap_or(Err(PluginError::Loader));
            Done::Loaded {
                name,
                load,
                look,
                result,
            }
        });
    }

    /// Keeps a version's code, then makes better code for it; given up when it has gone stale before its turn.
    pub fn improve(
        &mut self,
        name: String,
        guest: Arc<Guest>,
        bytes: Arc<Vec<u8>>,
        stale: Arc<AtomicBool>,
    ) {
        let (bench, turn) = (self.bench.clone(), self.improvements.clone());
        self.running.spawn(async move {
            let (keeper, served) = (bench.clone(), guest.clone());
            let kept = tokio::task::spawn_blocking(move || keeper.keep(&served)).await;
            // Whoever saves once often saves again.
            tokio::time::sleep(IMPROVE_AFTER).await;
            let _permit = turn.acquire_owned().await;
            if kept.is_err() || stale.load(Ordering::Relaxed) {
                return Done::Nothing;
            }
            let job = tokio::task::spawn_blocking(move || {
                let result = bench.improve(&guest, &bytes);
                Done::Improved {
                    name,
                    from: guest,
                    result,
                }
            });
            job.await.unwrap_or(Done::Nothing)
        });
    }

    /// Drops what takes long to drop.
    pub fn discard(&mut self, guests: Vec<Arc<Guest>>) {
        self.running.spawn_blocking(move || {
            drop(guests);
            Done::Nothing
        });
    }
}

//! What blocks, kept off the supervisor's task: loads, better code, and dropping what retired. Each comes back as a
//! message.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::hash::ContentHash;
use super::kind::{Guest, Trial};
use super::prepare::{FileRefusal, Fresh, PluginError, PreparedFile, Untried, Workbench};
use super::progress::{LoadProgress, LoadStep};
use crate::config::PluginConfig;

/// How long a version must have served before better code is made for it.
const IMPROVE_AFTER: Duration = Duration::from_millis(500);

/// Plugins that are read and compiled at once. More would only share the same compiler threads. Trials are not counted: a
/// guest that waits in its trial holds up nobody else.
const LOADS_AT_ONCE: usize = 2;

/// How long a trial that found all instances of the engine in use waits before the next attempt, and how many attempts
/// there are before a file is refused for that. Better code for what serves already is tried for as long as it is wanted.
const NEXT_TRIAL: Duration = Duration::from_secs(1);
const MOST_TRIALS: u32 = 30;

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
        result: Result<PreparedFile, FileRefusal>,
    },
    Improved {
        name: String,
        from: Guest,
        result: Result<Option<Guest>, PluginError>,
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
        let (bench, permits) = (self.bench.clone(), self.loads.clone());
        self.running.spawn(async move {
            let progress = Arc::<LoadProgress>::default();
            let file = FileToLoad {
                name: name.clone(),
                look: look.clone(),
                serving,
                config,
            };
            let prepared = prepare(bench, permits, file, progress.clone());
            let result = progress.told(&name, prepared).await;
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
        guest: Guest,
        bytes: Arc<Vec<u8>>,
        stale: Arc<AtomicBool>,
    ) {
        let (bench, turn) = (self.bench.clone(), self.improvements.clone());
        self.running.spawn(async move {
            let (keeper, served) = (bench.clone(), guest.clone());
            let kept = tokio::task::spawn_blocking(move || keeper.keep(&served)).await;
            // Whoever saves once often saves again.
            tokio::time::sleep(IMPROVE_AFTER).await;
            let permit = turn.acquire_owned().await;
            if kept.is_err() || stale.load(Ordering::Relaxed) {
                return Done::Nothing;
            }
            let (maker, from) = (bench.clone(), guest.clone());
            let made = blocking(move || maker.improve(&guest, &bytes)).await;
            drop(permit);
            let result = match made {
                Ok(Some(better)) => tried_out(&bench, &better, || stale.load(Ordering::Relaxed))
                    .await
                    .map(|_| Some(better)),
                other => other,
            };
            Done::Improved { name, from, result }
        });
    }

    /// Drops what takes long to drop.
    pub fn discard(&mut self, guests: Vec<Guest>) {
        self.running.spawn_blocking(move || {
            drop(guests);
            Done::Nothing
        });
    }
}

/// A file to prepare.
struct FileToLoad {
    name: String,
    look: Look,
    serving: Option<ContentHash>,
    config: PluginConfig,
}

/// Takes a file as far as it gets.
async fn prepare(
    bench: Arc<Workbench>,
    permits: Arc<Semaphore>,
    file: FileToLoad,
    progress: Arc<LoadProgress>,
) -> Result<PreparedFile, FileRefusal> {
    let untried = {
        let _permit = permits.acquire_owned().await;
        let (bench, progress) = (bench.clone(), progress.clone());
        blocking(move || {
            let FileToLoad {
                name,
                look,
                serving,
                config,
            } = file;
            bench.prepare(&name, &look.path, look.settled, serving, config, &progress)
        })
        .await?
    };
    Ok(match untried {
        PreparedFile::Ready(Untried { guest, improve }) => {
            progress.reach(LoadStep::Trial);
            let mut attempts = 0;
            let enough = || {
                attempts += 1;
                attempts == MOST_TRIALS
            };
            let tried = tried_out(&bench, &guest, enough).await;
            let trial = tried.map_err(|error| FileRefusal {
                hash: Some(guest.version().hash),
                error,
            })?;
            PreparedFile::Ready(Fresh {
                guest,
                trial,
                improve,
            })
        }
        PreparedFile::Unchanged => PreparedFile::Unchanged,
        PreparedFile::Unsettled => PreparedFile::Unsettled,
    })
}

/// The trial of a version, again and again while only instances are wanting, until that is enough.
async fn tried_out(
    bench: &Arc<Workbench>,
    guest: &Guest,
    mut enough: impl FnMut() -> bool,
) -> Result<Trial, PluginError> {
    loop {
        let (bench, guest) = (bench.clone(), guest.clone());
        match blocking(move || bench.trial(&guest)).await {
            Err(error) if error.is_for_now() && !enough() => {
                tokio::time::sleep(NEXT_TRIAL).await;
            }
            tried => return tried,
        }
    }
}

/// Runs what blocks; a panic is a mistake of ours and the end of this job alone.
async fn blocking<T: Send + 'static, E: From<PluginError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(PluginError::Loader.into()))
}

//! What blocks, kept off the supervisor's task: loads, better code, and dropping what retired. Each comes back as a
//! message.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::beside::{self, Beside, FileChange};
use super::hash::ContentHash;
use super::kind::{Guest, Trial};
use super::prepare::{
    CodeFiles, Current, FileRefusal, Fresh, PluginError, PreparedFile, Untried, Workbench,
};
use super::progress::{LoadProgress, LoadStep};
use super::watch::PluginFiles;
use crate::config::Config;
use crate::metrics::LoadResult;

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

/// Files to look at.
#[derive(Debug, Clone)]
pub struct Look {
    pub files: PluginFiles,
    /// Whether a fault in them may be reported yet.
    pub settled: bool,
}

/// Under which configuration a plugin is prepared.
#[derive(Debug, Clone)]
pub enum Under {
    /// This one, and what the file beside the plugin says now.
    FilesNow(Arc<Config>),
    /// This one, with what is known of that file already.
    Known(Arc<Config>),
}

/// What a look at files came to.
#[derive(Debug)]
pub struct LookedAt {
    pub beside: Beside,
    /// The content of the file of its code, if that could be read.
    pub content: Option<ContentHash>,
    pub result: Result<PreparedFile, FileRefusal>,
}

/// What a job came to.
#[derive(Debug)]
pub enum Done {
    Loaded {
        name: String,
        /// As given to [`Jobs::load`].
        load: u64,
        look: Look,
        came: LookedAt,
    },
    Improved {
        name: String,
        from: Guest,
        result: Result<Option<Guest>, PluginError>,
    },
    /// A file beside a plugin was written, or could not be.
    Written(Result<(), String>),
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

    /// Counts what came of a plugin's files.
    pub fn count(&self, name: &str, result: LoadResult) {
        let metrics = self.bench.resources.services.metrics();
        metrics.of_plugin(name).counters().loaded(result);
    }

    /// The next job that is done; none when none runs.
    pub async fn next(&mut self) -> Option<Done> {
        let done = self.running.join_next().await?;
        Some(done.unwrap_or_else(|error| {
            tracing::error!("a plugin job broke off: {error}");
            Done::Nothing
        }))
    }

    /// Prepares what files hold; `current` is what serves under their name now.
    pub fn load(&mut self, name: String, load: u64, look: Look, current: Current, under: Under) {
        let (bench, permits) = (self.bench.clone(), self.loads.clone());
        self.running.spawn(async move {
            let progress = Arc::<LoadProgress>::default();
            let file = FilesToLoad {
                name: name.clone(),
                look: look.clone(),
                current,
                under,
            };
            let prepared = prepare(bench, permits, file, progress.clone());
            let came = progress.told(&name, prepared).await;
            Done::Loaded {
                name,
                load,
                look,
                came,
            }
        });
    }

    /// Prepares a version that served before, under this configuration; comes back as a load.
    pub fn again(
        &mut self,
        name: String,
        load: u64,
        look: Look,
        guest: Guest,
        config: Arc<Config>,
    ) {
        let bench = self.bench.clone();
        self.running.spawn(async move {
            let schema = look.files.schema.clone();
            let (maker, config) = (bench.clone(), config.for_plugin(&name));
            let content = Some(guest.version().hash);
            let made = blocking(move || maker.again(&guest, schema.as_deref(), config)).await;
            let result = match made {
                Ok(untried) => {
                    let ready = PreparedFile::Ready(untried);
                    try_out(&bench, ready, &LoadProgress::default()).await
                }
                Err(error) => Err(FileRefusal {
                    hash: content,
                    error,
                }),
            };
            let came = LookedAt {
                beside: Beside::Absent,
                content,
                result,
            };
            Done::Loaded {
                name,
                load,
                look,
                came,
            }
        });
    }

    /// Writes a file beside a plugin.
    pub fn write(&mut self, change: FileChange) {
        self.running.spawn(async move {
            let written = tokio::task::spawn_blocking(move || change.write()).await;
            Done::Written(written.unwrap_or_else(|_| Err("it could not be written".to_owned())))
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

/// Files to prepare.
struct FilesToLoad {
    name: String,
    look: Look,
    current: Current,
    under: Under,
}

/// Takes files as far as they get.
async fn prepare(
    bench: Arc<Workbench>,
    permits: Arc<Semaphore>,
    files: FilesToLoad,
    progress: Arc<LoadProgress>,
) -> LookedAt {
    let configured = files.look.files.config.is_some();
    let untried = {
        let _permit = permits.acquire_owned().await;
        let (bench, progress) = (bench.clone(), progress.clone());
        blocking(move || Ok::<_, PluginError>(files.prepare(&bench, &progress))).await
    };
    let (beside, content, untried) = untried.unwrap_or_else(|error| {
        let beside = match configured {
            true => Beside::Unknown,
            false => Beside::Absent,
        };
        (beside, None, Err(error.into()))
    });
    let result = match untried {
        Ok(prepared) => try_out(&bench, prepared, &progress).await,
        Err(refusal) => Err(refusal),
    };
    LookedAt {
        beside,
        content,
        result,
    }
}

impl FilesToLoad {
    /// Reads what there is and makes code of it. Blocks.
    fn prepare(
        self,
        bench: &Workbench,
        progress: &LoadProgress,
    ) -> (
        Beside,
        Option<ContentHash>,
        Result<PreparedFile<Untried>, FileRefusal>,
    ) {
        let (name, files) = (&self.name, &self.look.files);
        let (main, keys) = match &self.under {
            Under::Known(config) => (config, config.beside.get(name).cloned()),
            Under::FilesNow(config) => {
                let backends = config.backend_names();
                let read = |path: &Path| beside::read(path, Some(&backends));
                match files.config.as_deref().map(read).transpose() {
                    Ok(keys) => (config, keys),
                    Err(error) => {
                        return (Beside::Unknown, None, Err(PluginError::from(error).into()));
                    }
                }
            }
        };
        let config = main.for_plugin_beside(name, keys.as_ref());
        let memory = config.limits.memory;
        if memory > bench.most_memory && keys.as_ref().is_some_and(|k| k.limits.memory.is_some()) {
            tracing::warn!(
                "plugin {name}: limits.memory in {name}.toml is larger than any at the start ({} bytes), which is what the \
                 plugin can have until the proxy is started again",
                bench.most_memory
            );
        }
        let mut content = None;
        let prepared = match &files.code {
            None => Ok(PreparedFile::NoCode),
            Some(_) if !config.enabled => Ok(PreparedFile::Disabled),
            Some(code) => {
                let settled = self.look.settled;
                let code = CodeFiles {
                    code,
                    schema: files.schema.as_deref(),
                };
                bench.prepare(
                    name,
                    code,
                    settled,
                    &self.current,
                    config,
                    progress,
                    &mut content,
                )
            }
        };
        (
            keys.map_or(Beside::Absent, |keys| Beside::Keys(Box::new(keys))),
            content,
            prepared,
        )
    }
}

/// The trial of what has code.
async fn try_out(
    bench: &Arc<Workbench>,
    prepared: PreparedFile<Untried>,
    progress: &LoadProgress,
) -> Result<PreparedFile, FileRefusal> {
    let Untried { guest, improve } = match prepared {
        PreparedFile::Ready(untried) => untried,
        PreparedFile::NoCode => return Ok(PreparedFile::NoCode),
        PreparedFile::Disabled => return Ok(PreparedFile::Disabled),
        PreparedFile::Unchanged => return Ok(PreparedFile::Unchanged),
        PreparedFile::Unsettled => return Ok(PreparedFile::Unsettled),
    };
    progress.reach(LoadStep::Trial);
    let mut attempts = 0;
    let enough = || {
        attempts += 1;
        attempts == MOST_TRIALS
    };
    let tried = tried_out(bench, &guest, enough).await;
    let trial = tried.map_err(|error| FileRefusal {
        hash: Some(guest.version().hash),
        error,
    })?;
    Ok(PreparedFile::Ready(Fresh {
        guest,
        trial,
        improve,
    }))
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

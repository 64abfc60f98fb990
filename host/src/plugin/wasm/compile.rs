//! Compiling: on few threads of its own with a low priority, so that it gets what the proxy leaves; and code that was kept.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::engine::Tier;

/// Threads for one component; more gain little and take the proxy's caches.
const MOST_THREADS: usize = 4;

/// Somebody waits for a baseline compile, so it shares the cores with the proxy like any other thread of its; for an
/// optimized one nobody waits.
const BASELINE_NICENESS: i32 = 0;
const OPTIMIZED_NICENESS: i32 = 15;

/// Why a component could not be compiled or linked, in wasmtime's words.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("can't be compiled: {0}")]
    Compile(String),
    #[error("can't be compiled, as no threads can be started for it: {0}")]
    Threads(String),
    #[error("can't be linked: {0}")]
    Link(String),
    #[error("doesn't export what a plugin must: {0}")]
    Export(String),
    /// Sizes in bytes.
    #[error(
        "needs {min} bytes of memory at the start, more than the {limit} of `limits.memory`; build it with a smaller initial \
         memory, or raise the limit"
    )]
    Memory { min: u64, limit: u64 },
}

/// The threads on which components of every kind are compiled.
#[derive(Debug)]
pub struct CompilerThreads {
    baseline: TierThreads,
    optimized: TierThreads,
}

/// Those of one tier, while compiles are under way. They end with the last of these: what a thread once used to compile, the
/// allocator keeps for it as long as it lives, and that may be hundreds of megabytes.
#[derive(Debug)]
struct TierThreads {
    tier: Tier,
    running: Mutex<Weak<ThreadPool>>,
}

impl Default for CompilerThreads {
    fn default() -> Self {
        let of = |tier| TierThreads {
            tier,
            running: Mutex::default(),
        };
        Self {
            baseline: of(Tier::Baseline),
            optimized: of(Tier::Optimized),
        }
    }
}

impl CompilerThreads {
    /// Compiles on the threads of this tier. Blocks for as long as that takes: milliseconds to many seconds.
    ///
    /// # Errors
    /// The compiler's, and when the threads can't be started.
    pub fn compile<T: Send>(
        &self,
        tier: Tier,
        compile: impl FnOnce() -> wasmtime::Result<T> + Send,
    ) -> Result<T, CompileError> {
        let of_tier = match tier {
            Tier::Baseline => &self.baseline,
            Tier::Optimized => &self.optimized,
        };
        let threads = of_tier.threads();
        let threads = threads.map_err(|e| CompileError::Threads(e.to_string()))?;
        let compiled = threads.install(compile);
        compiled.map_err(|e| CompileError::Compile(format!("{e:#}")))
    }
}

impl TierThreads {
    /// The threads of the compiles under way, or new ones.
    fn threads(&self) -> Result<Arc<ThreadPool>, ThreadPoolBuildError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(threads) = running.upgrade() {
            return Ok(threads);
        }
        let tier = self.tier;
        let niceness = match tier {
            Tier::Baseline => BASELINE_NICENESS,
            Tier::Optimized => OPTIMIZED_NICENESS,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = ThreadPoolBuilder::new()
            .num_threads(cores.min(MOST_THREADS))
            .thread_name(move |n| format!("{tier}-{n}"))
            .start_handler(move |_| lower_priority(niceness))
            .build()?;
        let threads = Arc::new(threads);
        *running = Arc::downgrade(&threads);
        Ok(threads)
    }
}

/// Maps a compiled component from a file of our own cache.
///
/// # Errors
/// When the file is not of this engine, or is a module.
#[expect(unsafe_code, reason = "wasmtime must be told that the code is trusted")]
pub fn map_trusted(engine: &Engine, file: &Path) -> Result<Component, CompileError> {
    // SAFETY: `deserialize_file` runs what the file holds as machine code. The file comes from `cache`, which gives
    // out only what this user wrote into a directory that nobody else may enter, after checking length and
    // checksum, and which replaces and unlinks files but never changes one that may be mapped.
    let component = unsafe { Component::deserialize_file(engine, file) };
    component.map_err(|e| CompileError::Compile(format!("{e:#}")))
}

/// Maps a compiled core module from a file of our own cache.
///
/// # Errors
/// When the file is not of this engine, or is a component.
#[expect(unsafe_code, reason = "wasmtime must be told that the code is trusted")]
pub fn map_module(engine: &Engine, file: &Path) -> Result<Module, CompileError> {
    // SAFETY: as in `map_trusted`.
    let module = unsafe { Module::deserialize_file(engine, file) };
    module.map_err(|e| CompileError::Compile(format!("{e:#}")))
}

/// On Linux a niceness belongs to the thread; elsewhere the whole process would get it, so there it is left alone.
fn lower_priority(niceness: i32) {
    #[cfg(target_os = "linux")]
    if let Err(e) = rustix::process::nice(niceness) {
        tracing::debug!("can't lower a compiler thread's priority: {e}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}

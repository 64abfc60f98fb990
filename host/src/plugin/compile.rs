//! Step 3: a component becomes code that is linked to the host, in one of two tiers.
//!
//! Compiling runs on few threads of its own with a low priority, so that it gets what the proxy leaves.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use super::contract::{self, Contract, Contracts, InterfaceName};
use super::engine::{Engines, Tier};
use super::host::{self, State};

/// Threads for one component; more gain little and take the proxy's caches.
const MOST_THREADS: usize = 4;

/// Packages of which no function keeps a guest waiting, except those that a contract names.
const QUICK: [&str; 5] = [
    contract::PACKAGE,
    "wasi:clocks",
    "wasi:config",
    "wasi:logging",
    "wasi:random",
];

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

/// Compiles and links for both tiers.
pub struct Compiler {
    engines: Arc<Engines>,
    contracts: Contracts,
    baseline: Workshop,
    optimized: Workshop,
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
    }
}

/// What one tier needs.
struct Workshop {
    linker: Linker<State>,
    tier: Tier,
    /// Of the compiles under way. They end with the last of these: what a thread once used to compile, the allocator keeps
    /// for it as long as it lives, and that may be hundreds of megabytes.
    threads: Mutex<Weak<ThreadPool>>,
}

/// Code that is linked to the host, and the component that it came from for the cache to keep. Clones share the code.
#[derive(Clone)]
pub struct Code {
    pub linked: Linked,
    component: Component,
}

/// A component whose imports are linked and whose exports are found: all that an instance is made of.
#[derive(Clone)]
pub struct Linked {
    pub instance: InstancePre<State>,
    pub contract: &'static Contract,
    /// In the order of [`Contract::hooks`].
    pub hooks: [ComponentExportIndex; 2],
    /// Whether it imports a function that can keep it waiting: a body's, or one of WASI's.
    pub can_wait: bool,
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linked")
            .field("can_wait", &self.can_wait)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

impl Code {
    /// The machine code for [`Compiler::restore`].
    ///
    /// # Errors
    /// When wasmtime can't serialise it.
    pub fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.component.serialize()
    }
}

impl Compiler {
    /// # Errors
    /// When the host's interfaces can't be linked.
    pub fn new(engines: Arc<Engines>) -> wasmtime::Result<Self> {
        Self::serving(engines, Contracts::SERVED)
    }

    /// For plugins of these versions of the contract.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn serving(engines: Arc<Engines>, contracts: Contracts) -> wasmtime::Result<Self> {
        let baseline = Workshop::new(&engines, contracts, Tier::Baseline)?;
        let optimized = Workshop::new(&engines, contracts, Tier::Optimized)?;
        Ok(Self {
            engines,
            contracts,
            baseline,
            optimized,
        })
    }

    /// The versions of the contract that plugins may be made for.
    pub fn contracts(&self) -> Contracts {
        self.contracts
    }

    /// Compiles a binary component of this kind. Blocks for as long as that takes: milliseconds to many seconds.
    ///
    /// # Errors
    /// When the component is invalid, uses what this tier can't do, imports what the host doesn't have, or doesn't
    /// export what a plugin must.
    pub fn compile(
        &self,
        component: &[u8],
        contract: &'static Contract,
        tier: Tier,
    ) -> Result<Code, CompileError> {
        let engine = self.engines.get(tier);
        let compiled = self.install(tier, || Component::new(engine, component))?;
        self.link(compiled, contract, tier)
    }

    /// Maps code that [`Code::serialize`] wrote, from a file of our own cache.
    ///
    /// # Errors
    /// When the file is not of this engine, and as for [`compile`](Self::compile).
    pub fn restore(
        &self,
        file: &Path,
        contract: &'static Contract,
        tier: Tier,
    ) -> Result<Code, CompileError> {
        self.link(map_trusted(self.engines.get(tier), file)?, contract, tier)
    }

    /// Runs a compiler on this tier's threads.
    ///
    /// # Errors
    /// The compiler's, and when the threads can't be started.
    pub fn install<T: Send>(
        &self,
        tier: Tier,
        work: impl FnOnce() -> wasmtime::Result<T> + Send,
    ) -> Result<T, CompileError> {
        let threads = self.workshop(tier).threads();
        let threads = threads.map_err(|e| CompileError::Threads(e.to_string()))?;
        let compiled = threads.install(work);
        compiled.map_err(|e| CompileError::Compile(format!("{e:#}")))
    }

    /// Stands for everything that compiled code depends on beside the file: wasmtime's version and settings, the CPU, and
    /// the versions of the contract among which the plugin's was chosen.
    pub fn fingerprint(&self, tier: Tier) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = twox_hash::XxHash3_64::with_seed(0);
        self.engines.fingerprint(tier).hash(&mut hasher);
        self.contracts.to_string().hash(&mut hasher);
        hasher.finish()
    }

    fn link(
        &self,
        component: Component,
        contract: &'static Contract,
        tier: Tier,
    ) -> Result<Code, CompileError> {
        let linked = self.workshop(tier).linker.instantiate_pre(&component);
        let linked = linked.map_err(|e| CompileError::Link(format!("{e:#}")))?;
        (contract.check)(&linked).map_err(|e| CompileError::Export(format!("{e:#}")))?;
        let hooks = contract.find_hooks(&component).map_err(|name| {
            let interceptor = contract.interceptor();
            CompileError::Export(format!("no function {name} in {interceptor}"))
        })?;
        let linked = Linked {
            contract,
            hooks,
            can_wait: self.can_wait(&component, tier),
            instance: linked,
        };
        Ok(Code { linked, component })
    }

    /// Whether a component imports anything that the host serves with a function that waits.
    fn can_wait(&self, component: &Component, tier: Tier) -> bool {
        let engine = self.engines.get(tier);
        let waits = |name: &str| {
            self.contracts
                .iter()
                .any(|contract| contract.waiting.contains(&name))
        };
        let is_quick = |name: &str| {
            InterfaceName::parse(name).is_some_and(|name| QUICK.contains(&name.package))
        };
        let ty = component.component_type();
        ty.imports(engine).any(|(name, import)| match import.ty {
            ComponentItem::ComponentInstance(instance) if is_quick(name) => instance
                .exports(engine)
                .any(|(function, _)| waits(function)),
            _ => true,
        })
    }

    fn workshop(&self, tier: Tier) -> &Workshop {
        match tier {
            Tier::Baseline => &self.baseline,
            Tier::Optimized => &self.optimized,
        }
    }
}

/// Maps compiled code from a file of our own cache.
///
/// # Errors
/// When the file is not of this engine.
#[expect(unsafe_code, reason = "wasmtime must be told that the code is trusted")]
pub fn map_trusted(engine: &Engine, file: &Path) -> Result<Component, CompileError> {
    // SAFETY: `deserialize_file` runs what the file holds as machine code. The file comes from `cache`, which gives
    // out only what this user wrote into a directory that nobody else may enter, after checking length and
    // checksum, and which replaces and unlinks files but never changes one that may be mapped.
    let component = unsafe { Component::deserialize_file(engine, file) };
    component.map_err(|e| CompileError::Compile(format!("{e:#}")))
}

impl Workshop {
    fn new(engines: &Engines, contracts: Contracts, tier: Tier) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engines.get(tier));
        host::add_to_linker(&mut linker, contracts)?;
        Ok(Self {
            linker,
            tier,
            threads: Mutex::default(),
        })
    }

    /// The threads of the compiles under way, or new ones.
    fn threads(&self) -> Result<Arc<ThreadPool>, ThreadPoolBuildError> {
        let mut running = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(threads) = running.upgrade() {
            return Ok(threads);
        }
        let (tier, niceness) = match self.tier {
            Tier::Baseline => (Tier::Baseline, BASELINE_NICENESS),
            Tier::Optimized => (Tier::Optimized, OPTIMIZED_NICENESS),
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

/// On Linux a niceness belongs to the thread; elsewhere the whole process would get it, so there it is left alone.
fn lower_priority(niceness: i32) {
    #[cfg(target_os = "linux")]
    if let Err(e) = rustix::process::nice(niceness) {
        tracing::debug!("can't lower a compiler thread's priority: {e}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
